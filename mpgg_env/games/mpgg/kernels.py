"""Compiled loops over B replicas and N agents. They only loop and call `rules`; arrays named last are overwritten."""

from typing import NamedTuple

import numpy as np

from mpgg_env.core.compiled import compiled
from mpgg_env.core.types import BoolArray, Float32Array, FloatArray, Int8Array, IntArray, UInt64Array
from mpgg_env.games.mpgg.lottery import draw_players, open_lottery
from mpgg_env.games.mpgg.transfers import (
    EXCLUDED,
    MONEY,
    N_ROLES,
    Rules,
    fill_transfers,
    levy_tolls,
    settle_casino,
)


class Outcome(NamedTuple):
    """What came out of the last game, and the room to work it out."""

    roles: Int8Array  # (B, N) DEFECT, COOPERATE or EXCLUDED
    plays: BoolArray  # (B, N) who found a seat; only filled under a capacity
    produced: FloatArray  # (B,) welfare before any transfer
    received: FloatArray  # (B, kinds, N) money from each of the mechanisms `MONEY`; (B, kinds, 0) without mechanisms
    payoffs: FloatArray  # (3 M,) of one replica, by casino and role
    rebates: FloatArray  # (M,) of one replica
    players: IntArray  # (M,) of one replica
    cooperators: IntArray  # (M,) of one replica, those who play
    members_left: IntArray  # (M,)
    seats_left: IntArray  # (M,)

    @classmethod
    def allocate(cls, n_replicas: int, n_agents: int, n_casinos: int, *, active: bool) -> "Outcome":
        """Room for games of which none has been played."""
        agents = (n_replicas, n_agents)
        return cls(
            roles=np.zeros(agents, np.int8),
            plays=np.ones(agents, np.bool_),
            produced=np.zeros(n_replicas),
            received=np.zeros((n_replicas, len(MONEY), n_agents if active else 0)),
            payoffs=np.zeros(N_ROLES * n_casinos),
            rebates=np.zeros(n_casinos),
            players=np.zeros(n_casinos, np.int64),
            cooperators=np.zeros(n_casinos, np.int64),
            members_left=np.zeros(n_casinos, np.int64),
            seats_left=np.zeros(n_casinos, np.int64),
        )


@compiled
def count(positions: IntArray, last_actions: Int8Array, occupancy: IntArray, cooperators: IntArray) -> None:
    """Counts agents and cooperators per casino: `occupancy` and `cooperators` (B, M) from (B, N) arrays."""
    occupancy[:] = 0
    cooperators[:] = 0
    for b in range(positions.shape[0]):
        for i in range(positions.shape[1]):
            casino = positions[b, i]
            occupancy[b, casino] += 1
            cooperators[b, casino] += last_actions[b, i]


@compiled
def pay(
    positions: IntArray,
    actions: Int8Array,
    occupancy: IntArray,
    cooperators: IntArray,
    rules: Rules,
    seeds: UInt64Array,
    step: int,
    outcome: Outcome,
    rewards: FloatArray,
) -> None:
    """Payoffs (B, N) of a game in which every action is in: `cooperators` (B, M) already counts `actions`.

    `seeds` (B,) and `step`, the games played since they were given, draw who plays under a capacity.
    """
    terms, payoffs, players, playing = rules.terms, outcome.payoffs, outcome.players, outcome.cooperators
    for b in range(positions.shape[0]):
        _seat(positions[b], actions[b], occupancy[b], cooperators[b], rules, seeds[b], step, b, outcome)
        produced = 0.0
        for m in range(occupancy.shape[1]):
            if occupancy[b, m] > 0:
                produced += settle_casino(m, players[m], playing[m], rules, payoffs)
        outcome.produced[b] = produced
        if terms.levies:
            levy_tolls(occupancy[b], terms, outcome.rebates, payoffs)
        for i in range(positions.shape[1]):
            rewards[b, i] = payoffs[N_ROLES * positions[b, i] + outcome.roles[b, i]]
        if terms.active:
            fill_transfers(
                positions[b],
                outcome.roles[b],
                occupancy[b],
                players,
                playing,
                outcome.rebates,
                rules,
                outcome.received[b],
            )


@compiled
def _seat(
    positions: IntArray,
    actions: Int8Array,
    occupancy: IntArray,
    cooperators: IntArray,
    rules: Rules,
    seed: np.uint64,
    step: int,
    b: int,
    outcome: Outcome,
) -> None:
    """Fills the roles of the agents of replica b, (N,), and counts the players of each casino, (M,)."""
    roles, plays, players, playing = outcome.roles[b], outcome.plays[b], outcome.players, outcome.cooperators
    if not rules.terms.limits:
        for i in range(len(roles)):
            roles[i] = actions[i]
        for m in range(len(players)):
            players[m], playing[m] = occupancy[m], cooperators[m]
        return
    open_lottery(occupancy, rules.terms.seats, outcome.members_left, players)
    for m in range(len(players)):
        outcome.seats_left[m], playing[m] = players[m], 0
    draw_players(positions, actions, 0, seed, step, outcome.members_left, outcome.seats_left, playing, plays)
    for i in range(len(roles)):
        roles[i] = actions[i] if plays[i] else EXCLUDED


@compiled
def relocate(moves: IntArray, destinations: IntArray, positions: IntArray) -> None:
    """Moves every agent, (B, N): `destinations` (M, n_moves) is the casino reached from m by each move."""
    for b in range(positions.shape[0]):
        for i in range(positions.shape[1]):
            positions[b, i] = destinations[positions[b, i], moves[b, i]]


@compiled
def observe(
    positions: IntArray,
    occupancy: IntArray,
    cooperators: IntArray,
    casino_features: Float32Array,
    occupancy_scale: float,
    cooperator_scale: float,
    observations: Float32Array,
) -> None:
    """Observations (B, N, 8) of one phase.

    `casino_features` (M, 6) holds the slots that depend on phase and casino alone; a scale of 0 hides a count.
    """
    for b in range(positions.shape[0]):
        for i in range(positions.shape[1]):
            m = positions[b, i]
            for slot in range(6):
                observations[b, i, slot] = casino_features[m, slot]
            observations[b, i, 6] = occupancy[b, m] * occupancy_scale
            observations[b, i, 7] = cooperators[b, m] * cooperator_scale
