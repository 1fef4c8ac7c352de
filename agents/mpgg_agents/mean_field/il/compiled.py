"""Episodes of IL-MFTG, compiled: each coalition Q-learns from the point of its own grid alone."""

from typing import NamedTuple

import numpy as np

from mpgg_agents.mean_field.tabular.rules import Dynamics, blended, explored_action, visit_rate
from mpgg_env.core.compiled import compiled, inlined
from mpgg_env.core.types import FloatArray, Int32Array, IntArray, UInt64Array


class Tables(NamedTuple):
    """The coalitions' Q tables, one after the other: entry offsets[i] + point * counts[i] + action."""

    values: FloatArray  # (entries,)
    visits: Int32Array  # (entries,)
    offsets: IntArray  # (m,)
    counts: IntArray  # (m,) central actions of each coalition
    points: IntArray  # (m,) of each coalition's grid
    strides: IntArray  # (m,) joint states between successive points of a coalition


@inlined
def row_of(s: int, coalition: int, tables: Tables) -> int:
    """First entry of a coalition's row in a joint state."""
    point = s // tables.strides[coalition] % tables.points[coalition]
    return tables.offsets[coalition] + point * tables.counts[coalition]  # type: ignore[no-any-return]


@compiled
def best_action(values: FloatArray, row: int, count: int) -> int:
    """The action with the largest value in a row, the first one of equals."""
    best = 0
    for action in range(1, count):
        if values[row + action] > values[row + best]:
            best = action
    return best


@compiled
def fill_actions(tables: Tables, actions: IntArray) -> None:
    """What each coalition does in each joint state: `actions` (m, states), modified in place."""
    for coalition in range(len(actions)):
        for s in range(actions.shape[1]):
            row = row_of(s, coalition, tables)
            actions[coalition, s] = best_action(tables.values, row, tables.counts[coalition])


@compiled
def learn(
    s: int, action: int, following: int, coalition: int, reward: float, discount: float, omega: float, tables: Tables
) -> tuple[float, bool]:
    """Updates one coalition's Q value; its absolute error, and whether it was the first visit."""
    values, visits, count = tables.values, tables.visits, tables.counts[coalition]
    later = row_of(following, coalition, tables)
    worth = values[later + best_action(values, later, count)]
    entry = row_of(s, coalition, tables) + action
    visits[entry] += 1
    before = values[entry]
    values[entry] = blended(before, visit_rate(visits[entry], omega), discount, reward, worth)
    return abs(reward + discount * worth - before), visits[entry] == 1


@compiled
def play_episodes(
    dynamics: Dynamics,
    tables: Tables,
    seed: np.uint64,
    first: int,
    starts: IntArray,
    thresholds: UInt64Array,
    omega: float,
    chosen: IntArray,
    returns: FloatArray,
    errors: FloatArray,
    fresh: IntArray,
) -> None:
    """Plays and learns episodes.

    Args:
        dynamics: The game.
        tables: Modified in place.
        seed: Seed of the replica.
        first: Number of the first episode in the training, from 0.
        starts: Joint state in which each episode begins, (E,).
        thresholds: Exploration thresholds, (E,).
        omega: Power of the learning rates.
        chosen: Workspace, (m,).
        returns: Discounted return of each coalition, (E, m), modified in place.
        errors: Mean absolute error of the values that were updated, (E,), modified in place.
        fresh: Entries that were visited for the first time, (E,), modified in place.
    """
    coalitions = len(chosen)
    for e in range(len(starts)):
        s = starts[e]
        weight = 1.0
        returns[e, :] = 0.0
        errors[e], fresh[e] = 0.0, 0
        for t in range(dynamics.steps):
            step = (first + e) * dynamics.steps + t
            profile = 0
            for i in range(coalitions):
                count = tables.counts[i]
                chosen[i], _ = explored_action(seed, i, step, thresholds[e], count)
                if chosen[i] < 0:
                    chosen[i] = best_action(tables.values, row_of(s, i, tables), count)
                profile += chosen[i] * dynamics.strides[i]
            following = int(dynamics.next_index[s, profile])
            for i in range(coalitions):
                reward = dynamics.rewards[i, s, profile]
                error, is_first = learn(s, chosen[i], following, i, reward, dynamics.discount, omega, tables)
                errors[e] += error / (dynamics.steps * coalitions)
                fresh[e] += is_first
                returns[e, i] += weight * reward
            weight *= dynamics.discount
            s = following
