"""Playing frozen policies in many replicas at once, with common random numbers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mpgg_env.analysis.joint_game import check_cooperation, check_migration
from mpgg_env.analysis.joint_states import agent_payoffs, moved
from mpgg_env.analysis.policies import DeviatingPolicies, Deviation, Policies
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.rules import destinations


@dataclass(frozen=True, slots=True)
class Round:
    """One round of R replicas.

    Attributes:
        positions: Casinos during the game, (R, N).
        last_actions: Game actions of the round before, (R, N).
        actions: Game actions of this round, (R, N).
        payoffs: Expected payoffs given all this, (R, N).
        next_positions: Casinos after the moves, (R, N).
    """

    positions: IntArray
    last_actions: IntArray
    actions: IntArray
    payoffs: FloatArray
    next_positions: IntArray


def play(
    config: MPGGConfig,
    policies: Policies,
    starts: IntArray,
    rounds: int,
    seed: tuple[int, ...],
    watch: Callable[[Round], None],
    deviator: tuple[int, Deviation] | None = None,
) -> None:
    """Plays `rounds` rounds from `starts` (R, N) and shows every round to `watch`.

    Every agent draws one number per replica and phase, whatever the policies are: two calls with the same seed differ
    by what the policies change and by nothing else. Draws depend on neither threads nor the machine.

    Args:
        config: Rules of the game.
        policies: The policies of all.
        starts: Casino of each agent at the start, (R, N).
        rounds: Number of rounds.
        seed: Words of the seed.
        watch: Called once a round.
        deviator: Who deviates, and what it does instead; None for nobody.

    Raises:
        ValueError: The policies do not give probabilities, or move where no move leads.
    """
    generator = np.random.default_rng(seed)
    legal = destinations(config)[1]
    positions, last_actions = starts, np.zeros_like(starts)
    for step in range(rounds):
        acting = policies if deviator is None else DeviatingPolicies(policies, *deviator, step)
        chances = check_cooperation(acting.cooperation(positions, last_actions), starts.shape)
        actions = (generator.random(starts.shape) < chances).astype(np.int64)
        payoffs = agent_payoffs(config, positions, actions)
        move_chances = acting.migration(positions, actions)
        check_migration(move_chances, legal[positions])
        moves = drawn_moves(move_chances, generator.random(starts.shape))
        following = moved(config, positions, moves)
        watch(Round(positions, last_actions, actions, payoffs, following))
        positions, last_actions = following, actions


def drawn_moves(chances: FloatArray, uniform: FloatArray) -> IntArray:
    """Moves (R, N) with the probabilities (R, N, n_moves), from uniform numbers in [0, 1), (R, N)."""
    bounds = np.cumsum(chances, axis=-1)
    # Scaled to the last bound, which may miss 1 by rounding: else a move of probability 0 at the end could be drawn.
    return np.asarray((uniform[..., None] * bounds[..., -1:] >= bounds).sum(axis=-1), np.int64)


def discounted_payoffs(
    config: MPGGConfig,
    policies: Policies,
    starts: IntArray,
    rounds: int,
    gamma: float,
    seed: tuple[int, ...],
    deviator: tuple[int, Deviation] | None = None,
    watch: Callable[[Round], None] | None = None,
) -> FloatArray:
    """Sum of gamma**t times the payoff of round t of every agent, (R, N); the arguments are those of `play`."""
    totals = np.zeros(starts.shape)
    weight = 1.0

    def add(played: Round) -> None:
        nonlocal weight
        totals[:] += weight * played.payoffs
        weight *= gamma
        if watch is not None:
            watch(played)

    play(config, policies, starts, rounds, seed, add, deviator)
    return totals
