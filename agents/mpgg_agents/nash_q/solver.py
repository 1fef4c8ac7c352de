"""Equilibria of stage games, each with its exploitability: the solver that Nash-Q calls at every update.

In this order: all pure equilibria, by comparing payoffs exactly, of which the rule selects one; else for two players
the algorithm of Lemke and Howson, from each label in turn until an equilibrium is exact to rounding, then the same in
rational arithmetic; else for more players McLennan and Tourky's algorithm (of quantecon) and Newton's method. It
needs no assumption: zeros, ties, repeated rows, single actions and payoffs of any size are solved.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from mpgg_agents.nash_q.compiled import games, profiles
from mpgg_agents.nash_q.config import SELECTIONS
from mpgg_agents.nash_q.exact import exact_equilibrium
from mpgg_agents.nash_q.many_players import equilibrium_of_many
from mpgg_env.core.types import BoolArray, FloatArray, IntArray, UInt8Array
from mpgg_env.core.validation import check_choice

Selection = Literal["first", "social", "risk_dominant"]
METHODS: Final = ("pure", "lemke_howson", "exact", "mclennan_tourky")
LARGEST_PAYOFF: Final = 8e307  # half the largest number: the difference of two payoffs must not overflow


@dataclass(frozen=True, slots=True)
class StageEquilibrium:
    """One equilibrium of a stage game.

    Attributes:
        strategies: Each player's probability of each action, (m_i,).
        values: Expected payoff of each player, (N,).
        exploitability: The largest gain of any player from a deviation, computed from the strategies; 0 if pure.
        method: pure, lemke_howson, exact (rational Lemke-Howson) or mclennan_tourky.
    """

    strategies: tuple[FloatArray, ...]
    values: FloatArray
    exploitability: float
    method: str


@dataclass(frozen=True, slots=True)
class StageEquilibria:
    """One equilibrium of each of G games of one shape.

    Attributes:
        strategies: For each player the probabilities of its actions, (G, m_i).
        values: Expected payoffs, (G, N).
        exploitability: Largest gain of any player from a deviation, (G,).
        methods: How each game was solved, as index of `METHODS`, (G,).
    """

    strategies: tuple[FloatArray, ...]
    values: FloatArray
    exploitability: FloatArray
    methods: IntArray


class StageSolver:
    """Solves stage games of one shape again and again, in memory of its own; not for several threads at a time.

    Args:
        counts: Actions of each player.
        selection: Which of several pure equilibria: first, the lexicographically first joint action; social, the
            highest sum of payoffs; risk_dominant, the highest product over the players of what each loses at least by
            deviating alone, which for two actions each is the rule of [HarsanyiSelten1988]. The first one of equals.
    """

    def __init__(self, counts: Sequence[int], selection: Selection = "first") -> None:
        check_choice("selection", selection, SELECTIONS)
        self.counts, self.strides = np.array(counts, np.int64), strides_of(counts)
        self.shape = tuple(counts)
        self.n_profiles = math.prod(counts)
        self.selection = SELECTIONS.index(selection)
        n_players, widest = len(counts), max(counts)
        self._marks: UInt8Array = np.empty(self.n_profiles, np.uint8)
        self._normalised: FloatArray = np.empty((n_players, self.n_profiles))
        self._deviations: FloatArray = np.empty((n_players, widest))
        self._tableaux: FloatArray = np.empty((2, widest, 2 * widest + 1))
        self._bases: IntArray = np.empty((2, widest), np.int64)
        self._workspace = (self._marks, self._normalised, self._deviations, self._tableaux, self._bases)

    def solve_into(self, payoffs: FloatArray, strategies: FloatArray, values: FloatArray, gains: FloatArray) -> int:
        """One equilibrium of one game, as index of `METHODS`.

        Args:
            payoffs: Finite payoffs, (N, P).
            strategies: (N, K), K the largest count, zeros beyond a player's own; modified in place.
            values: (N,), modified in place.
            gains: Each player's gain from its best deviation, (N,), modified in place.
        """
        method = games.solve_game(
            payoffs, self.counts, self.strides, self.selection, *self._workspace, strategies, values, gains
        )
        return method if method != games.UNSOLVED else self._solve_slowly(payoffs, strategies, values, gains)

    def solve_all_into(
        self, payoffs: FloatArray, strategies: FloatArray, values: FloatArray, gains: FloatArray, methods: IntArray
    ) -> None:
        """`solve_into` for G games: every argument has the axis of the games first, and methods (G,) is written too."""
        games.solve_games(
            payoffs, self.counts, self.strides, self.selection, *self._workspace, strategies, values, gains, methods
        )
        for game in np.flatnonzero(methods == games.UNSOLVED):
            methods[game] = self._solve_slowly(payoffs[game], strategies[game], values[game], gains[game])

    def _solve_slowly(self, payoffs: FloatArray, strategies: FloatArray, values: FloatArray, gains: FloatArray) -> int:
        several = np.flatnonzero(self.counts > 1)
        shape = self.counts[several]
        profiles.normalise(payoffs, self._normalised, values, gains)
        if len(several) == 2:
            method = "exact"
            first, second = (payoffs[player].reshape(shape) for player in several)
            found: Sequence[Any] = exact_equilibrium(first, second)
        else:
            method = "mclennan_tourky"
            found = equilibrium_of_many(self._normalised[several].reshape(len(several), *shape))
        strategies[:] = 0.0
        strategies[:, 0] = 1.0
        for player, strategy in zip(several, found, strict=True):
            strategies[player, : len(strategy)] = np.array(strategy, np.float64)
        games.settle(payoffs, self.counts, self.strides, self._normalised, self._deviations, strategies, values, gains)
        return METHODS.index(method)


def solve_stage_game(payoffs: Any, selection: Selection = "first") -> StageEquilibrium:
    """One equilibrium of a game in normal form.

    Args:
        payoffs: Finite payoffs, (N, m_1, ..., m_N): `payoffs[i][a]` is player i's at joint action a.
        selection: Which of several pure equilibria; see `StageSolver`. Without a pure one, it is the solver's.

    Raises:
        ValueError: The payoffs have another shape, are not finite, or are larger than 8e307.
        TypeError: The payoffs are not real numbers.
        MissingExtraError: A game of three or more players has no pure equilibrium and quantecon is not installed.
        NoEquilibriumFoundError: Nothing was found for such a game.
    """
    solved = solve_stage_games(_checked(payoffs)[None], selection)
    return StageEquilibrium(
        tuple(strategy[0] for strategy in solved.strategies),
        solved.values[0],
        float(solved.exploitability[0]),
        METHODS[solved.methods[0]],
    )


def solve_stage_games(payoffs: Any, selection: Selection = "first") -> StageEquilibria:
    """One equilibrium of each of G games of one shape, payoffs (G, N, m_1, ..., m_N); see `solve_stage_game`.

    No games, G = 0, have no equilibria: the arrays are empty.
    """
    given = _checked(payoffs, games=True)
    n_games, n_players, *counts = given.shape
    solver = StageSolver(counts, selection)
    strategies = np.empty((n_games, n_players, max(counts)))
    values, gains = np.empty((n_games, n_players)), np.empty((n_games, n_players))
    methods: IntArray = np.empty(n_games, np.int64)
    solver.solve_all_into(given.reshape(n_games, n_players, solver.n_profiles), strategies, values, gains, methods)
    by_player = tuple(strategies[:, player, :count] for player, count in enumerate(counts))
    return StageEquilibria(by_player, values, gains.max(axis=1), methods)


def pure_equilibria(payoffs: Any) -> BoolArray:
    """Which joint actions are pure equilibria, in each of G games of one shape.

    Args:
        payoffs: Finite payoffs, (G, N, m_1, ..., m_N).

    Returns:
        (G, m_1, ..., m_N).

    Raises:
        ValueError: The payoffs have another shape or are not finite.
        TypeError: The payoffs are not real numbers.
    """
    given = _checked(payoffs, games=True)
    n_games, n_players, *counts = given.shape
    marks = np.empty((n_games, math.prod(counts)), np.uint8)
    flat = given.reshape(n_games, n_players, math.prod(counts))
    profiles.mark_equilibria_of_games(flat, np.array(counts, np.int64), strides_of(counts), marks)
    return marks.view(np.bool_).reshape(n_games, *counts)


def strides_of(counts: Sequence[int]) -> IntArray:
    """Distance between a player's successive actions in the numbering of joint actions, (N,)."""
    return np.array([math.prod(counts[player + 1 :]) for player in range(len(counts))], np.int64)


def _checked(payoffs: Any, *, games: bool = False) -> FloatArray:
    given = _numbers(payoffs)
    lead = 1 if games else 0
    if given.ndim < lead + 2 or given.ndim != lead + 1 + given.shape[lead] or 0 in given.shape[lead:]:
        axes = "(G, N, m_1, ..., m_N)" if games else "(N, m_1, ..., m_N)"
        raise ValueError(f"payoffs must have shape {axes} with N axes of at least one action, got {given.shape}")
    if given.size and not (given.min() >= -LARGEST_PAYOFF and given.max() <= LARGEST_PAYOFF):  # not so with NaN
        raise ValueError(f"payoffs must be finite and within +-{LARGEST_PAYOFF:g}, got {_worst(given)}")
    return given


def _numbers(payoffs: Any) -> FloatArray:
    try:
        given = np.asarray(payoffs)
    except ValueError as error:
        raise ValueError(f"payoffs must be an array with rows of equal lengths: {error}") from error
    if given.dtype.kind not in "biufO":  # numpy would drop imaginary parts and read text
        raise TypeError(f"payoffs must be real numbers, got {given.dtype}")
    try:
        return np.ascontiguousarray(given, np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"payoffs must be real numbers: {error}") from error
    except OverflowError as error:
        raise ValueError(f"payoffs must be finite and within +-{LARGEST_PAYOFF:g}: {error}") from error


def _worst(payoffs: FloatArray) -> float:
    return float(payoffs[~(np.abs(payoffs) <= LARGEST_PAYOFF)][0])
