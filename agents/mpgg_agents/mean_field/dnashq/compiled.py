"""Episodes of DNashQ-MFTG, compiled ([Shao2024] algorithm 1).

A kernel takes the arrays it needs in a loop out of their record first: numba would count a reference at every access
to a field.
"""

from typing import NamedTuple

import numpy as np

from mpgg_agents.mean_field.dnashq.stage import MIXED, fill_best, note_value, solve_stage
from mpgg_agents.mean_field.tabular.rules import Dynamics, blended, explored_action, visit_rate
from mpgg_agents.nash_q.compiled.profiles import own_action
from mpgg_agents.nash_q.rules import drawn_action
from mpgg_env.core.compiled import compiled
from mpgg_env.core.types import FloatArray, Int32Array, IntArray, UInt8Array, UInt64Array


class Beliefs(NamedTuple):
    """Everybody's Q values, and the equilibria of the stage games that they make."""

    values: FloatArray  # (states, m, P)
    best: FloatArray  # (states, m, lines) the largest value of each player on each of its lines
    visits: Int32Array  # (states, P)
    solved: UInt8Array  # (states,) whether the following are those of the values
    profiles: IntArray  # (states,) the joint action that is played, or MIXED
    strategies: FloatArray  # (states, m, K) what is played if that is MIXED
    worth: FloatArray  # (states, m) NashQ


class Workspace(NamedTuple):
    """Memory for one stage game."""

    normalised: FloatArray  # (m, P)
    deviations: FloatArray  # (m, K)
    tableaux: FloatArray  # (2, K, 2 K + 1)
    bases: IntArray  # (2, K)
    gains: FloatArray  # (m,)


@compiled
def begin(dynamics: Dynamics, beliefs: Beliefs) -> None:
    """Makes everything else in the beliefs fit to the values."""
    counts, strides = dynamics.counts, dynamics.strides
    values, best, solved = beliefs.values, beliefs.best, beliefs.solved
    for s in range(len(values)):
        fill_best(values[s], counts, strides, best[s])
        solved[s] = 0


@compiled
def settle_state(s: int, dynamics: Dynamics, beliefs: Beliefs, workspace: Workspace) -> None:
    """Solves the stage game of a state unless its values have not changed since it was solved."""
    if beliefs.solved[s]:
        return
    beliefs.profiles[s] = solve_stage(
        beliefs.values[s],
        beliefs.best[s],
        dynamics.counts,
        dynamics.strides,
        workspace.normalised,
        workspace.deviations,
        workspace.tableaux,
        workspace.bases,
        workspace.gains,
        beliefs.strategies[s],
        beliefs.worth[s],
    )
    beliefs.solved[s] = 1


@compiled
def settle_all(dynamics: Dynamics, beliefs: Beliefs, workspace: Workspace) -> None:
    """Solves the stage games of all states."""
    for s in range(len(beliefs.solved)):
        settle_state(s, dynamics, beliefs, workspace)


@compiled
def chosen_profile(
    s: int, seed: np.uint64, step: int, threshold: np.uint64, dynamics: Dynamics, beliefs: Beliefs
) -> int:
    """The joint action in a state whose stage game is solved: each coalition explores or plays its equilibrium."""
    counts, strides = dynamics.counts, dynamics.strides
    planned = beliefs.profiles[s]
    profile = 0
    for coalition in range(len(counts)):
        count = counts[coalition]
        action, word = explored_action(seed, coalition, step, threshold, count)
        if action < 0 and planned == MIXED:
            action = drawn_action(beliefs.strategies[s, coalition], count, int(word))
        elif action < 0:
            action = own_action(planned, coalition, counts, strides)
        profile += action * strides[coalition]
    return profile


@compiled
def learn(
    s: int, profile: int, following: int, omega: float, dynamics: Dynamics, beliefs: Beliefs
) -> tuple[float, bool]:
    """Updates everybody's Q value of a state and a joint action; the next state's stage game is solved.

    Returns:
        The mean absolute error of the values, and whether it was the first visit.
    """
    counts, strides = dynamics.counts, dynamics.strides
    beliefs.visits[s, profile] += 1
    visit = beliefs.visits[s, profile]
    alpha = visit_rate(visit, omega)
    error = 0.0
    for j in range(len(counts)):
        payoffs = beliefs.values[s, j]
        before = payoffs[profile]
        reward, later = dynamics.rewards[j, s, profile], beliefs.worth[following, j]
        error += abs(reward + dynamics.discount * later - before)
        value = blended(before, alpha, dynamics.discount, reward, later)
        if value != before:
            note_value(payoffs, profile, j, value, counts, strides, beliefs.best[s, j])
            beliefs.solved[s] = 0
    return error / len(counts), visit == 1


@compiled
def play_episodes(
    dynamics: Dynamics,
    beliefs: Beliefs,
    workspace: Workspace,
    seed: np.uint64,
    first: int,
    starts: IntArray,
    thresholds: UInt64Array,
    omega: float,
    returns: FloatArray,
    errors: FloatArray,
    fresh: IntArray,
) -> None:
    """Plays and learns episodes.

    Args:
        dynamics: The game.
        beliefs: Modified in place.
        workspace: Modified in place.
        seed: Seed of the replica.
        first: Number of the first episode in the training, from 0.
        starts: Joint state in which each episode begins, (E,).
        thresholds: Exploration thresholds, (E,).
        omega: Power of the learning rates.
        returns: Discounted return of each coalition, (E, m), modified in place.
        errors: Mean absolute error of the values that were updated, (E,), modified in place.
        fresh: Entries that were visited for the first time, (E,), modified in place.
    """
    for e in range(len(starts)):
        s = starts[e]
        weight = 1.0
        for j in range(returns.shape[1]):
            returns[e, j] = 0.0
        errors[e], fresh[e] = 0.0, 0
        for t in range(dynamics.steps):
            settle_state(s, dynamics, beliefs, workspace)
            step = (first + e) * dynamics.steps + t
            profile = chosen_profile(s, seed, step, thresholds[e], dynamics, beliefs)
            following = int(dynamics.next_index[s, profile])
            settle_state(following, dynamics, beliefs, workspace)
            error, is_first = learn(s, profile, following, omega, dynamics, beliefs)
            errors[e] += error / dynamics.steps
            fresh[e] += is_first
            for j in range(returns.shape[1]):
                returns[e, j] += weight * dynamics.rewards[j, s, profile]
            weight *= dynamics.discount
            s = following
