"""Pure equilibria and expected payoffs of games in normal form, as loops over joint actions.

A game of N players with `counts[i]` actions each has P joint actions, numbered as numpy numbers the entries of an array
of shape `counts`: joint action p has player i's action `p // strides[i] % counts[i]`. Its payoffs are (N, P).
"""

import math
from typing import Final

from mpgg_env.core.compiled import compiled, inlined
from mpgg_env.core.types import FloatArray, IntArray, UInt8Array

FIRST: Final = 0
SOCIAL: Final = 1
RISK_DOMINANT: Final = 2
NONE: Final = -1
LARGEST_SUM: Final = 1.7e308  # just below the largest number


@inlined
def own_action(profile: int, player: int, counts: IntArray, strides: IntArray) -> int:
    """The player's action in a joint action."""
    return profile // strides[player] % counts[player]  # type: ignore[no-any-return]


@compiled
def mark_equilibria(payoffs: FloatArray, counts: IntArray, strides: IntArray, marks: UInt8Array) -> None:
    """Sets `marks` (P,) to 1 for the joint actions from which nobody gains by deviating, to 0 for the others.

    Payoffs are compared exactly: an action that is worse by one rounding is no best response.

    Args:
        payoffs: (N, P).
        counts: Actions of each player, (N,).
        strides: Distance in P between a player's successive actions, (N,).
        marks: (P,), modified in place.
    """
    n_profiles = payoffs.shape[1]
    for profile in range(n_profiles):
        marks[profile] = 1
    for player in range(len(counts)):
        stride = strides[player]
        block = stride * counts[player]
        for start in range(0, n_profiles, block):
            for base in range(start, start + stride):
                best = payoffs[player, base]
                for profile in range(base + stride, base + block, stride):
                    best = max(best, payoffs[player, profile])
                for profile in range(base, base + block, stride):
                    if payoffs[player, profile] < best:
                        marks[profile] = 0


@compiled
def mark_equilibria_of_games(payoffs: FloatArray, counts: IntArray, strides: IntArray, marks: UInt8Array) -> None:
    """`mark_equilibria` for G games of one shape: payoffs (G, N, P), marks (G, P)."""
    for game in range(len(payoffs)):
        mark_equilibria(payoffs[game], counts, strides, marks[game])


@compiled
def normalise(payoffs: FloatArray, normalised: FloatArray, lowest: FloatArray, ranges: FloatArray) -> None:
    """Each player's payoffs moved and scaled to [0, 1], which changes no equilibrium.

    Args:
        payoffs: (N, P).
        normalised: (N, P), modified in place; zeros for a player whose payoffs are all equal.
        lowest: Lowest payoff of each player, (N,), modified in place.
        ranges: Highest less lowest payoff of each player, (N,), modified in place.
    """
    for player in range(len(payoffs)):
        low, high = payoffs[player, 0], payoffs[player, 0]
        for profile in range(payoffs.shape[1]):
            low = min(low, payoffs[player, profile])
            high = max(high, payoffs[player, profile])
        lowest[player], ranges[player] = low, high - low
        for profile in range(payoffs.shape[1]):
            above = payoffs[player, profile] - low
            normalised[player, profile] = above / ranges[player] if ranges[player] > 0.0 else 0.0


@compiled
def selected(
    payoffs: FloatArray, normalised: FloatArray, counts: IntArray, strides: IntArray, marks: UInt8Array, selection: int
) -> int:
    """The marked joint action that the rule selects, the lexicographically first one of equals; NONE without a mark.

    Args:
        payoffs: (N, P).
        normalised: Each player's payoffs in [0, 1], (N, P); read under RISK_DOMINANT alone.
        counts: (N,).
        strides: (N,).
        marks: (P,).
        selection: FIRST, SOCIAL (highest sum of payoffs) or RISK_DOMINANT (highest product of deviation losses).
    """
    chosen, highest = NONE, -math.inf
    scale = sum_scale(payoffs) if selection == SOCIAL else 1.0
    for profile in range(len(marks)):
        if marks[profile] == 0:
            continue
        if selection == FIRST:
            return profile
        if selection == SOCIAL:
            merit = 0.0
            for player in range(len(counts)):
                merit += scale * payoffs[player, profile]
        else:
            merit = deviation_loss_product(normalised, counts, strides, profile)
        if chosen == NONE or merit > highest:
            chosen, highest = profile, merit
    return chosen


@compiled
def sum_scale(payoffs: FloatArray) -> float:
    """A power of two by which payoffs (N, P) are multiplied so that no sum of N overflows; 1 where none can."""
    largest = 0.0
    for player in range(len(payoffs)):
        for profile in range(payoffs.shape[1]):
            largest = max(largest, abs(payoffs[player, profile]))
    scale: float = 1.0
    while scale * largest > LARGEST_SUM / len(payoffs):
        scale *= 0.5
    return scale


@compiled
def deviation_loss_product(normalised: FloatArray, counts: IntArray, strides: IntArray, profile: int) -> float:
    """Product over the players of what each loses at least by deviating from an equilibrium alone.

    Normalised payoffs multiply the products of all equilibria by the same factor.
    """
    product: float = 1.0
    for player in range(len(counts)):
        if counts[player] == 1:
            continue
        own = own_action(profile, player, counts, strides)
        base = profile - own * strides[player]
        smallest = math.inf
        for action in range(counts[player]):
            if action != own:
                loss = normalised[player, profile] - normalised[player, base + action * strides[player]]
                smallest = min(smallest, loss)
        product *= smallest
    return product


@compiled
def expect(
    payoffs: FloatArray, counts: IntArray, strides: IntArray, strategies: FloatArray, deviations: FloatArray
) -> None:
    """Expected payoff of each action against the others' mixed strategies.

    Args:
        payoffs: (N, P).
        counts: (N,).
        strides: (N,).
        strategies: Probability of each action, (N, K), K at least every count.
        deviations: (N, K), modified in place: [i, a] is player i's expected payoff from action a.
    """
    for player in range(len(counts)):
        for action in range(counts[player]):
            deviations[player, action] = 0.0
    for profile in range(payoffs.shape[1]):
        for player in range(len(counts)):
            weight = 1.0
            for other in range(len(counts)):
                if other != player:
                    weight *= strategies[other, own_action(profile, other, counts, strides)]
            if weight > 0.0:
                own = own_action(profile, player, counts, strides)
                deviations[player, own] += weight * payoffs[player, profile]


@compiled
def mean_payoff(strategies: FloatArray, deviations: FloatArray, player: int, count: int) -> float:
    """The player's expected payoff from its own strategy."""
    mean = 0.0
    for action in range(count):
        mean += strategies[player, action] * deviations[player, action]
    return mean


@compiled
def largest_gain(strategies: FloatArray, deviations: FloatArray, player: int, count: int) -> float:
    """What the player gains by its best deviation, at least 0."""
    best = float(deviations[player, 0])
    for action in range(count):
        best = max(best, deviations[player, action])
    return max(0.0, best - mean_payoff(strategies, deviations, player, count))
