"""Measures of what agents do over time, from a panel: casino, action and payoff of every agent in successive rounds.

A panel is three arrays (T, N): positions (casinos when the game is played), actions (0 = D, 1 = C) and payoffs. The
rounds follow each other without a reset in between.
"""

from typing import Any, Final, Literal, NamedTuple

import numpy as np

from mpgg_env.analysis.metrics import Numbers, gini, ratio
from mpgg_env.core.rounding import LARGEST_WHOLE
from mpgg_env.core.types import BoolArray, FloatArray, IntArray
from mpgg_env.core.validation import check_choice, check_integer, check_real

REFERENCES: Final = ("members", "residents")
# Payoffs that are equal on paper differ by rounding, in single precision by up to a ten-millionth of the largest one:
# closer than this neither is above the other.
_EQUAL: Final = 1e-6


class SynergySurvival(NamedTuple):
    """Whether cooperators outlive defectors by moving; one entry per threshold, each (thresholds,).

    Attributes:
        survival: Share of the endangered cooperators who earn more than the defectors in the next round, [0, 1].
        migration_gain: Mean gain in payoff, next round less this one, of those who moved less that of those who stayed.
        endangered: How many cooperators these are, over all rounds.
    """

    survival: FloatArray
    migration_gain: FloatArray
    endangered: IntArray


class Persistence(NamedTuple):
    """How long cooperation lasts.

    Attributes:
        median: Kaplan-Meier median of the lengths of runs of consecutive C, in rounds; inf if more than half outlast
            the panel, NaN if nobody cooperates.
        after_move: P(C in the next round | C, moved to another casino), NaN if nobody did.
        after_stay: P(C in the next round | C, stayed), NaN if nobody did.
    """

    median: float
    after_move: float
    after_stay: float


class Flight(NamedTuple):
    """Who leaves whom: P(moves | most of the others in its casino defect) - P(moves | they do not), in [-1, 1].

    Attributes:
        cooperators: Of agents who have just cooperated, NaN if one of the two never happens.
        defectors: Of agents who have just defected, likewise.
    """

    cooperators: float
    defectors: float


class Inequality(NamedTuple):
    """How unequal time-averaged payoffs are.

    Attributes:
        gini: Gini coefficient, NaN if an agent's mean is negative or nobody earns anything.
        gini_above_lowest: Gini coefficient of what each agent earns more than the poorest, NaN if all earn the same.
        deviation: Standard deviation over the agents, in units of payoff.
    """

    gini: float
    gini_above_lowest: float
    deviation: float


def panel_counts(positions: Numbers, actions: Numbers, n_casinos: int) -> tuple[IntArray, IntArray]:
    """Occupancy and cooperators of every round, (T, M) each, from a panel.

    Raises:
        ValueError: A shape or a value is wrong.
        TypeError: The arrays do not hold integers.
    """
    places, choices = _checked(positions, actions, n_casinos)
    rounds, size = len(places), len(places) * n_casinos
    cells = _cells(places, n_casinos)
    occupancy = np.bincount(cells.reshape(-1), minlength=size)
    cooperators = np.bincount(cells[choices == 1], minlength=size)
    return occupancy.reshape(rounds, n_casinos), cooperators.reshape(rounds, n_casinos)


def payoff_lead(actions: Numbers, payoffs: Numbers) -> FloatArray:
    """Mean payoff of the cooperators less that of the defectors in each round, (T,), from a panel.

    NaN in a round without cooperators or without defectors.

    Raises:
        ValueError: The shapes differ.
    """
    cooperates, earned = np.asarray(actions) == 1, np.asarray(payoffs, np.float64)
    if cooperates.shape != earned.shape or earned.ndim != 2:
        raise ValueError(
            f"actions and payoffs must have one shape (rounds, agents), got {cooperates.shape} and {earned.shape}"
        )
    of_cooperators = ratio(np.where(cooperates, earned, 0.0).sum(axis=1), cooperates.sum(axis=1))
    return of_cooperators - ratio(np.where(cooperates, 0.0, earned).sum(axis=1), (~cooperates).sum(axis=1))


def payoff_inequality(payoffs: Numbers) -> Inequality:
    """Inequality of the payoffs (T, N) averaged over the rounds.

    Raises:
        ValueError: The payoffs are not of the form (T, N), or there are none.
    """
    earned = np.asarray(payoffs, np.float64)
    if earned.ndim != 2 or not earned.size:
        raise ValueError(f"payoffs must have shape (rounds, agents) with at least one of each, got {earned.shape}")
    means = earned.mean(axis=0)
    return Inequality(float(gini(means)), float(gini(means - means.min())), float(means.std()))


def synergy_survival(
    positions: Numbers,
    actions: Numbers,
    payoffs: Numbers,
    thresholds: Any,
    n_casinos: int,
    *,
    reference: Literal["members", "residents"] = "members",
) -> SynergySurvival:
    """Whether cooperators in casinos with many defectors keep ahead of these in the next round.

    Endangered at threshold theta are cooperators of round t in casinos whose share of defectors is above theta. One
    survives if its payoff in round t + 1, wherever it then is, exceeds the mean payoff of "the defectors of that
    casino" in round t + 1 ([MPGG2025] section 1, strategy-space synergy).

    Args:
        positions: Casino of each agent in each round, (T, N).
        actions: 0 = D, 1 = C, (T, N).
        payoffs: (T, N).
        thresholds: Shares of defectors theta in [0, 1], (thresholds,).
        n_casinos: Number of casinos M.
        reference: Who the defectors are: members, who defected there in round t, wherever they are in t + 1; or
            residents, who defect there in round t + 1, whoever they are. Without any the cooperator is left out.

    Returns:
        A value per threshold; NaN where there are no such agents.

    Raises:
        ValueError: A shape or a value is wrong.
        TypeError: Positions or actions are not integers.
    """
    check_choice("reference", reference, REFERENCES)
    places, choices = _checked(positions, actions, n_casinos)
    earned, theta = np.asarray(payoffs, np.float64), np.atleast_1d(np.asarray(thresholds, np.float64))
    if earned.shape != places.shape:
        raise ValueError(f"payoffs must have the shape of the positions {places.shape}, got {earned.shape}")
    if theta.ndim != 1 or not ((theta >= 0) & (theta <= 1)).all():
        raise ValueError(f"thresholds must be a sequence of shares in [0, 1], got {thresholds!r}")
    cells, cooperates = _cells(places, n_casinos)[:-1], choices[:-1] == 1
    rival = _rivals(places, choices, earned, n_casinos, reference)[cells[cooperates]]
    known = ~np.isnan(rival)
    crowding = _defector_share(cells, cooperates, len(places) * n_casinos)[cells[cooperates]][known]
    before, after = earned[:-1][cooperates][known], earned[1:][cooperates][known]
    ahead = after - rival[known] > _EQUAL * np.abs(earned).max(initial=0.0)
    moved = (places[:-1] != places[1:])[cooperates][known]
    return _by_threshold(theta, crowding, ahead, moved, after - before)


def cooperation_runs(actions: Numbers) -> tuple[IntArray, BoolArray]:
    """Runs of consecutive C of all agents in a panel (T, N).

    Returns:
        Length of each run in rounds, and whether its end was seen: one that lasts to the last round is censored. A run
        counts from the first round of the panel even if it had begun before.
    """
    played = np.asarray(actions) == 1
    edge = np.zeros((1, played.shape[1]), np.int8)
    # Agent after agent, so that the n-th start belongs to the n-th end.
    change = np.diff(np.concatenate([edge, played.astype(np.int8), edge]), axis=0).T
    starts, ends = np.argwhere(change == 1)[:, 1], np.argwhere(change == -1)[:, 1]
    return ends - starts, ends < len(played)


def kaplan_meier(durations: Numbers, ended: BoolArray) -> tuple[IntArray, FloatArray]:
    """Kaplan-Meier estimate of the share of runs that last longer than a time [Kaplan1958].

    Args:
        durations: Length of each run.
        ended: Whether its end was seen; the others are censored.

    Returns:
        The times at which runs ended, ascending, and the estimate from each of them on.
    """
    lengths = np.asarray(durations)
    times, deaths = np.unique(lengths[ended], return_counts=True)
    at_risk = len(lengths) - np.searchsorted(np.sort(lengths), times)
    lasting: FloatArray = np.cumprod(1 - deaths / at_risk, dtype=np.float64)
    return times.astype(np.int64), lasting


def persistence(positions: Numbers, actions: Numbers) -> Persistence:
    """How long cooperation lasts in a panel (T, N), and whether it survives moving.

    Raises:
        ValueError: The shapes differ or a value is wrong.
        TypeError: Positions or actions are not integers.
    """
    places, choices = _checked(positions, actions)
    played = choices == 1
    again, moved = played[1:][played[:-1]], (places[1:] != places[:-1])[played[:-1]]
    return Persistence(
        _median(*cooperation_runs(actions)),
        float(ratio(again[moved].sum(), moved.sum())),
        float(ratio(again[~moved].sum(), (~moved).sum())),
    )


def flight(positions: Numbers, actions: Numbers, n_casinos: int, *, threshold: float = 0.5) -> Flight:
    """Whether agents leave casinos of defectors more often than others, in a panel (T, N).

    Agents who are alone in their casino have nobody to leave and are left out.

    Args:
        positions: Casino of each agent in each round, (T, N).
        actions: 0 = D, 1 = C, (T, N).
        n_casinos: Number of casinos M.
        threshold: Share of the others, in [0, 1], above which a casino is one of defectors.

    Raises:
        ValueError: A shape or a value is wrong.
        TypeError: Positions or actions are not integers.
    """
    theta = check_real("threshold", threshold, 0, 1)
    places, choices = _checked(positions, actions, n_casinos)
    cells, defects, size = _cells(places, n_casinos)[:-1], choices[:-1] == 0, len(places) * n_casinos
    others = np.bincount(cells.reshape(-1), minlength=size)[cells] - 1
    of_defectors = ratio(np.bincount(cells[defects], minlength=size)[cells] - defects, others) > theta
    moved = places[1:] != places[:-1]

    def lead(chosen: BoolArray) -> float:
        left, kept = moved[chosen & of_defectors], moved[chosen & ~of_defectors]
        return float(ratio(left.sum(), left.size) - ratio(kept.sum(), kept.size))

    return Flight(lead(~defects & (others > 0)), lead(defects & (others > 0)))


def _median(durations: IntArray, ended: BoolArray) -> float:
    if not len(durations):
        return np.nan
    times, lasting = kaplan_meier(durations, ended)
    reached = np.flatnonzero(lasting <= 0.5 + _EQUAL)
    return float(times[reached[0]]) if len(reached) else np.inf


def _checked(positions: Numbers, actions: Numbers, n_casinos: int = LARGEST_WHOLE) -> tuple[IntArray, Numbers]:
    places, choices = np.asarray(positions), np.asarray(actions)
    check_integer("n_casinos", n_casinos, 1)
    for name, array in (("positions", places), ("actions", choices)):
        if array.dtype.kind not in "iu":
            raise TypeError(f"{name} must be integers, got an array of {array.dtype}")
    if places.ndim != 2 or choices.shape != places.shape:
        raise ValueError(
            f"positions and actions must have one shape (rounds, agents), got {places.shape} and {choices.shape}"
        )
    for name, array, highest in (("positions", places, n_casinos - 1), ("actions", choices, 1)):
        wrong = array[(array < 0) | (array > highest)]
        if wrong.size:
            raise ValueError(f"{name} must be in [0, {highest}], got {wrong[0]}")
    return places.astype(np.int64), choices


def _cells(positions: IntArray, n_casinos: int) -> IntArray:
    """Number of the casino in its round among all casinos of all rounds, (T, N)."""
    return positions + n_casinos * np.arange(len(positions))[:, None]


def _defector_share(cells: IntArray, cooperates: BoolArray, size: int) -> FloatArray:
    return ratio(np.bincount(cells[~cooperates], minlength=size), np.bincount(cells.reshape(-1), minlength=size))


def _rivals(positions: IntArray, actions: Numbers, payoffs: FloatArray, n_casinos: int, reference: str) -> FloatArray:
    """Mean payoff in round t + 1 of the defectors of each casino of round t, (T * M,); NaN without any."""
    cells, size = _cells(positions, n_casinos), len(positions) * n_casinos
    if reference == "members":
        defects, where = actions[:-1] == 0, cells[:-1]
    else:
        defects, where = actions[1:] == 0, cells[1:] - n_casinos
    chosen = where[defects]
    return ratio(np.bincount(chosen, payoffs[1:][defects], size), np.bincount(chosen, minlength=size))


def _by_threshold(
    thresholds: FloatArray, crowding: FloatArray, ahead: BoolArray, moved: BoolArray, gains: FloatArray
) -> SynergySurvival:
    rows = []
    for theta in thresholds:
        chosen = crowding > theta
        movers, stayers = chosen & moved, chosen & ~moved
        gain = ratio(gains[movers].sum(), movers.sum()) - ratio(gains[stayers].sum(), stayers.sum())
        rows.append((ratio(ahead[chosen].sum(), chosen.sum()), gain, chosen.sum()))
    survival, migration_gain, endangered = np.array(rows).reshape(-1, 3).T
    return SynergySurvival(survival, migration_gain, endangered.astype(np.int64))
