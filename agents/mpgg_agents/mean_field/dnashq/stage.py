"""The stage game of one joint state: which of its Nash equilibria is played, and what it is worth.

The selection: of the pure equilibria, within a tolerance, one with the largest sum of payoffs, of those the first joint
action; without a pure one, for two players, what the algorithm of Lemke and Howson finds from the first label whose
profile is an equilibrium; else the pure joint action with the smallest largest regret, the first one of equals.

A joint action p of P is numbered as numpy numbers the entries of an array of shape `counts`. The joint actions that
differ from it in player i's action alone are a *line* of player i, of which there are P / counts[i].
"""

import math
from typing import Final

import numpy as np

from mpgg_agents.nash_q.compiled.games import settle
from mpgg_agents.nash_q.compiled.lemke_howson import lemke_howson
from mpgg_agents.nash_q.compiled.profiles import normalise, own_action
from mpgg_env.core.compiled import compiled, inlined
from mpgg_env.core.types import FloatArray, IntArray

PURE_TOLERANCE: Final = 1e-9
SUM_DECIMALS: Final = 1e9  # sums of payoffs are compared in units of 1 / SUM_DECIMALS
LARGEST_REGRET: Final = 1e-6  # of an equilibrium that the algorithm of Lemke and Howson has found
MIXED: Final = -1


@inlined
def line_of(profile: int, player: int, counts: IntArray, strides: IntArray) -> int:
    """Number of the player's line through a joint action."""
    stride = strides[player]
    return profile // (stride * counts[player]) * stride + profile % stride  # type: ignore[no-any-return]


@compiled
def best_on_line(payoffs: FloatArray, profile: int, player: int, counts: IntArray, strides: IntArray) -> float:
    """The largest of the player's payoffs (P,) on its line through a joint action."""
    stride = strides[player]
    first = profile - own_action(profile, player, counts, strides) * stride
    best = payoffs[first]
    for action in range(1, counts[player]):
        best = max(best, payoffs[first + action * stride])
    return best  # type: ignore[no-any-return]


@compiled
def fill_best(payoffs: FloatArray, counts: IntArray, strides: IntArray, best: FloatArray) -> None:
    """Sets `best` (m, lines) to the largest payoff of each player on each of its lines, from payoffs (m, P)."""
    for player in range(len(counts)):
        for profile in range(payoffs.shape[1]):
            if own_action(profile, player, counts, strides) == 0:
                line = line_of(profile, player, counts, strides)
                best[player, line] = best_on_line(payoffs[player], profile, player, counts, strides)


@compiled
def note_value(
    payoffs: FloatArray,
    profile: int,
    player: int,
    value: float,
    counts: IntArray,
    strides: IntArray,
    best: FloatArray,
) -> None:
    """Changes one payoff of a player and keeps `best` right.

    Args:
        payoffs: The player's payoffs, (P,), modified in place.
        profile: Joint action whose payoff changes.
        player: Number of the player.
        value: The new payoff.
        counts: (m,).
        strides: (m,).
        best: The player's largest payoff on each of its lines, modified in place.
    """
    line = line_of(profile, player, counts, strides)
    before = payoffs[profile]
    payoffs[profile] = value
    if value >= best[line]:
        best[line] = value
    elif before == best[line]:
        best[line] = best_on_line(payoffs, profile, player, counts, strides)


@compiled
def solve_stage(
    payoffs: FloatArray,
    best: FloatArray,
    counts: IntArray,
    strides: IntArray,
    normalised: FloatArray,
    deviations: FloatArray,
    tableaux: FloatArray,
    bases: IntArray,
    gains: FloatArray,
    strategies: FloatArray,
    worth: FloatArray,
) -> int:
    """The selected equilibrium of a stage game.

    Args:
        payoffs: (m, P).
        best: Largest payoff of each player on each of its lines, (m, lines).
        counts: Actions of each player, (m,).
        strides: (m,).
        normalised: Workspace, (m, P).
        deviations: Workspace, (m, K), K the largest count.
        tableaux: Workspace, (2, K, 2 K + 1).
        bases: Workspace, (2, K).
        gains: Workspace, (m,).
        strategies: Probability of each action, (m, K), modified in place if the equilibrium is mixed.
        worth: Expected payoffs, (m,), modified in place.

    Returns:
        The joint action, or MIXED.
    """
    profile = pure_equilibrium(payoffs, best, counts, strides)
    if profile < 0:
        if len(counts) == 2 and _mixed(
            payoffs, counts, strides, normalised, deviations, tableaux, bases, gains, strategies, worth
        ):
            return MIXED
        profile = least_regret(payoffs, best, counts, strides)
    for player in range(len(counts)):
        worth[player] = payoffs[player, profile]
    return profile


@compiled
def pure_equilibrium(payoffs: FloatArray, best: FloatArray, counts: IntArray, strides: IntArray) -> int:
    """The selected pure equilibrium, -1 if there is none; the arguments are those of `solve_stage`."""
    last = len(counts) - 1
    width = counts[last]
    chosen, highest = -1, -math.inf
    for line in range(payoffs.shape[1] // width):
        bound = best[last, line] - PURE_TOLERANCE
        first = line * width
        if len(counts) == 2:
            # Counted without a branch, and here: the compiler then takes several joint actions at once.
            found = 0
            for column in range(width):
                stays = payoffs[0, first + column] >= best[0, column] - PURE_TOLERANCE
                found += (payoffs[1, first + column] >= bound) & stays
            if found == 0:
                continue
        for profile in range(first, first + width):
            if payoffs[last, profile] >= bound and _others_stay(payoffs, best, counts, strides, profile):
                total = 0.0
                for player in range(len(counts)):
                    total += payoffs[player, profile]
                merit = np.rint(total * SUM_DECIMALS)
                if merit > highest:
                    chosen, highest = profile, merit
    return chosen


@inlined
def _others_stay(payoffs: FloatArray, best: FloatArray, counts: IntArray, strides: IntArray, profile: int) -> bool:
    """Whether none but the last player gains by deviating from a joint action."""
    if len(counts) == 2:  # without the divisions: the first player's lines are the second's actions
        return bool(payoffs[0, profile] >= best[0, profile % counts[1]] - PURE_TOLERANCE)
    for player in range(len(counts) - 1):
        own_best = best[player, line_of(profile, player, counts, strides)]
        if payoffs[player, profile] < own_best - PURE_TOLERANCE:
            return False
    return True


@compiled
def least_regret(payoffs: FloatArray, best: FloatArray, counts: IntArray, strides: IntArray) -> int:
    """The joint action whose largest regret is smallest; the arguments are those of `solve_stage`."""
    chosen, smallest = 0, math.inf
    for profile in range(payoffs.shape[1]):
        largest = 0.0
        for player in range(len(counts)):
            own_best = best[player, line_of(profile, player, counts, strides)]
            largest = max(largest, own_best - payoffs[player, profile])
        if largest < smallest:
            chosen, smallest = profile, largest
    return chosen


@compiled
def _mixed(
    payoffs: FloatArray,
    counts: IntArray,
    strides: IntArray,
    normalised: FloatArray,
    deviations: FloatArray,
    tableaux: FloatArray,
    bases: IntArray,
    gains: FloatArray,
    strategies: FloatArray,
    worth: FloatArray,
) -> bool:
    """Whether an equilibrium was found, from the first label whose path ends with a regret that is small enough."""
    m, n = counts[0], counts[1]
    for label in range(m + n):
        normalise(payoffs, normalised, worth, gains)
        if lemke_howson(normalised, 0, 1, m, n, label, tableaux, bases, strategies[0], strategies[1]):
            settle(payoffs, counts, strides, normalised, deviations, strategies, worth, gains)
            if max(gains[0], gains[1]) < LARGEST_REGRET:
                return True
    return False
