"""Batches of joint states, (S, N): who is where and does what, and what everybody is paid for it."""

from typing import Final

import numpy as np
from gymnasium.utils.seeding import np_random

from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.mechanisms import casino_payoffs, rebates, terms_of
from mpgg_env.games.mpgg.rules import destinations, initial_positions

OBSERVED_PARTS: Final = {"m": 1, "m_n": 2, "m_n_nC": 3}  # how many of (casino, n, n_C) an observation shows


def casino_counts(positions: IntArray, actions: IntArray, n_casinos: int) -> tuple[IntArray, IntArray]:
    """Members and cooperating members of each casino, (S, M) each, from positions and actions, (S, N)."""
    states = len(positions)
    places = positions + n_casinos * np.arange(states)[:, None]
    shape = (states, n_casinos)
    occupancy = np.bincount(places.ravel(), minlength=states * n_casinos)
    cooperators = np.bincount(places[actions == 1], minlength=states * n_casinos)
    return occupancy.reshape(shape).astype(np.int64), cooperators.reshape(shape).astype(np.int64)


def own_counts(positions: IntArray, actions: IntArray, n_casinos: int) -> tuple[IntArray, IntArray]:
    """Members and cooperating members of each agent's casino, (S, N) each, from positions and actions, (S, N)."""
    if positions.shape[1] > n_casinos:
        states = np.arange(len(positions))[:, None]
        occupancy, cooperators = casino_counts(positions, actions, n_casinos)
        return occupancy[states, positions], cooperators[states, positions]
    # A few agents on a large board: arrays over the casinos would be nearly empty, and as large as the board.
    together = positions[:, :, None] == positions[:, None, :]
    return together.sum(axis=2), (together & (actions == 1)[:, None]).sum(axis=2)


def agent_payoffs(config: MPGGConfig, positions: IntArray, actions: IntArray) -> FloatArray:
    """Expected payoff of every agent in one game, (S, N), with what the mechanisms take and give."""
    states = np.arange(len(positions))[:, None]
    if config.n_players > config.n_casinos or has_rebates(config):
        occupancy, cooperators = casino_counts(positions, actions, config.n_casinos)
        payoffs = casino_payoffs(config, np.arange(config.n_casinos), occupancy, cooperators)
        earned: FloatArray = payoffs[states, positions, actions]
        return earned + rebates(config, occupancy)[states, positions] if has_rebates(config) else earned
    payoffs = casino_payoffs(config, positions, *own_counts(positions, actions, config.n_casinos))
    return np.asarray(np.take_along_axis(payoffs, actions[..., None], axis=-1)[..., 0])


def has_rebates(config: MPGGConfig) -> bool:
    """Whether agents get tolls back, which makes payoffs depend on the occupancy of every casino."""
    return terms_of(config).rebates


def member_payoffs(
    config: MPGGConfig, casinos: IntArray, occupancy: IntArray, cooperators: IntArray, actions: IntArray
) -> FloatArray:
    """Expected payoff (S,) of a member who does `actions` (S,) in a casino with these counts, rebates left out."""
    payoffs = casino_payoffs(config, casinos, occupancy, cooperators)
    return np.asarray(payoffs[np.arange(len(casinos)), actions])


def moved(config: MPGGConfig, positions: IntArray, moves: IntArray) -> IntArray:
    """Casinos of the agents, (S, N), after their moves (S, N)."""
    return destinations(config)[0][positions, moves]


def checked_positions(config: MPGGConfig, positions: object) -> IntArray:
    """The casinos of the agents as an array (N,).

    Raises:
        ValueError: They are not N casinos of the game.
    """
    given = np.asarray(positions)
    if given.dtype.kind not in "iu" or given.shape != (config.n_players,):
        raise ValueError(f"positions must be {config.n_players} integer casinos, got {given.dtype} {given.shape}")
    if given.min() < 0 or given.max() >= config.n_casinos:
        raise ValueError(f"positions must be in [0, {config.n_casinos - 1}], got {given.min()} to {given.max()}")
    return given.astype(np.int64)


def drawn_starts(config: MPGGConfig, count: int, seed: int) -> IntArray:
    """Start positions of `count` replicas, (count, N), drawn as an environment draws them."""
    generator = np_random(seed)[0]
    return np.stack([initial_positions(config, generator) for _ in range(count)])
