"""One equilibrium of a stage game: the pure ones first, then the algorithm of Lemke and Howson for two players."""

from typing import Final

from mpgg_agents.nash_q.compiled.lemke_howson import lemke_howson
from mpgg_agents.nash_q.compiled.profiles import (
    RISK_DOMINANT,
    expect,
    largest_gain,
    mark_equilibria,
    mean_payoff,
    normalise,
    own_action,
    selected,
)
from mpgg_env.core.compiled import compiled
from mpgg_env.core.types import FloatArray, IntArray, UInt8Array

# How a game was solved. What is unsolved is left to slower methods.
PURE: Final = 0
LEMKE_HOWSON: Final = 1
UNSOLVED: Final = -1
# Largest gain from a deviation, as a share of the player's range of payoffs, with which an equilibrium is accepted.
ACCEPTED: Final = 1e-11


@compiled
def solve_game(
    payoffs: FloatArray,
    counts: IntArray,
    strides: IntArray,
    selection: int,
    marks: UInt8Array,
    normalised: FloatArray,
    deviations: FloatArray,
    tableaux: FloatArray,
    bases: IntArray,
    strategies: FloatArray,
    values: FloatArray,
    gains: FloatArray,
) -> int:
    """One equilibrium of one game.

    Args:
        payoffs: (N, P).
        counts: Actions of each player, (N,).
        strides: (N,).
        selection: Rule among pure equilibria.
        marks: Workspace, (P,).
        normalised: Workspace, (N, P).
        deviations: Workspace, (N, K), K the largest count.
        tableaux: Workspace, (2, K, 2 K + 1).
        bases: Workspace, (2, K).
        strategies: Probability of each action, (N, K), modified in place.
        values: Expected payoffs, (N,), modified in place.
        gains: Each player's gain from its best deviation, (N,), modified in place.

    Returns:
        PURE, LEMKE_HOWSON or UNSOLVED.
    """
    mark_equilibria(payoffs, counts, strides, marks)
    if selection == RISK_DOMINANT:
        normalise(payoffs, normalised, values, gains)
    profile = selected(payoffs, normalised, counts, strides, marks, selection)
    if profile >= 0:
        _note_pure(payoffs, counts, strides, profile, strategies, values, gains)
        return PURE
    return _mixed(payoffs, counts, strides, normalised, deviations, tableaux, bases, strategies, values, gains)


@compiled
def solve_games(
    payoffs: FloatArray,
    counts: IntArray,
    strides: IntArray,
    selection: int,
    marks: UInt8Array,
    normalised: FloatArray,
    deviations: FloatArray,
    tableaux: FloatArray,
    bases: IntArray,
    strategies: FloatArray,
    values: FloatArray,
    gains: FloatArray,
    methods: IntArray,
) -> None:
    """`solve_game` for G games of one shape: the payoffs and the last four arrays have the axis of the games first."""
    for game in range(len(payoffs)):
        methods[game] = solve_game(
            payoffs[game],
            counts,
            strides,
            selection,
            marks,
            normalised,
            deviations,
            tableaux,
            bases,
            strategies[game],
            values[game],
            gains[game],
        )


@compiled
def settle(
    payoffs: FloatArray,
    counts: IntArray,
    strides: IntArray,
    normalised: FloatArray,
    deviations: FloatArray,
    strategies: FloatArray,
    values: FloatArray,
    gains: FloatArray,
) -> float:
    """Values and gains of a profile of strategies, and the largest gain as a share of the player's range of payoffs.

    They come from the normalised payoffs: on payoffs that differ by far less than their size, the differences of
    expected payoffs would be rounding. The arguments are those of `solve_game`; strategies are read, all other
    floating arrays but the payoffs modified in place.
    """
    normalise(payoffs, normalised, values, gains)
    expect(normalised, counts, strides, strategies, deviations)
    largest = 0.0
    for player in range(len(counts)):
        gain = largest_gain(strategies, deviations, player, counts[player])
        largest = max(largest, gain)
        values[player] += gains[player] * mean_payoff(strategies, deviations, player, counts[player])
        gains[player] *= gain
    return largest


@compiled
def _note_pure(
    payoffs: FloatArray,
    counts: IntArray,
    strides: IntArray,
    profile: int,
    strategies: FloatArray,
    values: FloatArray,
    gains: FloatArray,
) -> None:
    for player in range(len(counts)):
        own = own_action(profile, player, counts, strides)
        for action in range(strategies.shape[1]):
            strategies[player, action] = 1.0 if action == own else 0.0
        values[player] = payoffs[player, profile]
        gains[player] = 0.0


@compiled
def _mixed(
    payoffs: FloatArray,
    counts: IntArray,
    strides: IntArray,
    normalised: FloatArray,
    deviations: FloatArray,
    tableaux: FloatArray,
    bases: IntArray,
    strategies: FloatArray,
    values: FloatArray,
    gains: FloatArray,
) -> int:
    """An equilibrium of a game without pure ones, from the first label whose path ends well.

    Players with a single action do not count: the joint actions are then those of the other two alone.
    """
    one, two, several = 0, 0, 0
    for player in range(len(counts)):
        for action in range(strategies.shape[1]):
            strategies[player, action] = 1.0 if action == 0 else 0.0
        if counts[player] > 1:
            one, two, several = two, player, several + 1
    if several != 2:
        return UNSOLVED
    m, n = counts[one], counts[two]
    for first in range(m + n):
        normalise(payoffs, normalised, values, gains)
        if lemke_howson(normalised, one, two, m, n, first, tableaux, bases, strategies[one], strategies[two]):
            largest = settle(payoffs, counts, strides, normalised, deviations, strategies, values, gains)
            if largest <= ACCEPTED:
                return LEMKE_HOWSON
    return UNSOLVED
