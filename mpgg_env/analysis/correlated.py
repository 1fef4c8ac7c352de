"""Correlated and coarse correlated equilibria of the one-shot game, location and contribution at once.

Agents are alike, so that averaging an equilibrium over their names gives another one of the same welfare: it is enough
to look for distributions over count vectors, how many agents choose each of the 2 M strategies (casino, action). That
is a linear program with a variable per count vector. A mediator draws one and tells each agent its part: in a
correlated equilibrium [Aumann1974] nobody gains by replacing one part by another, in a coarse one nobody gains by
choosing a strategy before being told.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from mpgg_env.analysis.counts import compositions, n_compositions
from mpgg_env.analysis.payoffs import check_profile
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.core.validation import check_choice
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.mechanisms import casino_payoffs, rebates

Kind = Literal["correlated", "coarse"]
KINDS: Final = ("correlated", "coarse")
# 4 casinos with 6 agents have 1,716 count vectors; this many still take less than a minute.
MOST_VARIABLES: Final = 20_000
# Gains from deviations, and entries of the table of payoffs: 80 MB each, which the solver has several times.
MOST_CELLS: Final = 10**7
_SUM_ERROR: Final = 1e-9
_SOLVER_TOLERANCE: Final = 1e-10
_SMALLEST_PROBABILITY: Final = 1e-15


@dataclass(frozen=True, slots=True)
class CorrelatedEquilibrium:
    """A distribution over count profiles that a mediator may draw from.

    Attributes:
        welfare: Expected total payoff.
        probabilities: Probability of each profile drawn, (S,), summing to 1.
        occupancy: Agents in each casino, (S, M).
        cooperators: Cooperators among them, (S, M).
        violation: Largest expected gain, at least 0, by which an agent breaks the incentive constraints: by replacing
            one strategy by another (correlated), or by always playing one strategy (coarse). Computed from the
            distribution, not taken from the solver.
    """

    welfare: float
    probabilities: FloatArray
    occupancy: IntArray
    cooperators: IntArray
    violation: float


@dataclass(frozen=True, slots=True)
class CorrelatedRange:
    """The equilibria of lowest and of highest welfare; every welfare between them is that of an equilibrium too."""

    lowest: CorrelatedEquilibrium
    highest: CorrelatedEquilibrium


def correlated_equilibria(config: MPGGConfig, *, kind: Kind = "correlated") -> CorrelatedRange:
    """Correlated (or coarse correlated) equilibria of lowest and of highest welfare.

    Raises:
        ValueError: `kind` is unknown; there are more than 20,000 count vectors, S = C(N + 2 M - 1, 2 M - 1), or more
            than 10**7 gains from deviations, S (2 M)^2, or payoffs, 2 M (N + 1)^2.
        RuntimeError: The linear program was not solved.
    """
    check_choice("kind", kind, KINDS)
    vectors = n_compositions(config.n_players, 2 * config.n_casinos)
    if vectors <= MOST_VARIABLES:  # otherwise `compositions` says so
        _check_size(config, vectors)
    counts = compositions(config.n_players, 2 * config.n_casinos, limit=MOST_VARIABLES)
    counts = counts.reshape(len(counts), config.n_casinos, 2)
    payoffs, gains = _payoffs_and_gains(config, counts)
    constraints = _incentives(counts, gains, kind)
    welfare = (counts * payoffs).sum(axis=(1, 2))
    lowest, highest = (_solve(counts, constraints, sign * welfare) for sign in (1.0, -1.0))
    return CorrelatedRange(
        lowest=_drawn(config, counts, lowest, welfare, kind), highest=_drawn(config, counts, highest, welfare, kind)
    )


def incentive_violation(
    config: MPGGConfig, occupancy: IntArray, cooperators: IntArray, probabilities: FloatArray, *, kind: Kind
) -> float:
    """Largest expected gain of an agent against a distribution over count profiles, at least 0.

    Args:
        config: The game.
        occupancy: Agents in each casino, (S, M), S >= 1; each row adds up to N.
        cooperators: Cooperators among them, (S, M).
        probabilities: Probability of each profile, (S,): at least 0, and 1 together.
        kind: Which deviations, see `CorrelatedEquilibrium`.

    Raises:
        ValueError: `kind` is unknown, a shape or number is wrong, or there are more than 10**7 gains from deviations,
            S (2 M)^2, or payoffs, 2 M (N + 1)^2.
        TypeError: The counts are not integers.
    """
    check_choice("kind", kind, KINDS)
    weights = _checked_probabilities(probabilities)
    counts = _checked_counts(config, occupancy, cooperators, len(weights))
    _check_size(config, len(weights))
    _, gains = _payoffs_and_gains(config, counts)
    return max(float((_incentives(counts, gains, kind) @ weights).max()), 0.0)


def _checked_probabilities(probabilities: FloatArray) -> FloatArray:
    weights = np.asarray(probabilities, dtype=np.float64)
    if weights.ndim != 1 or not weights.size or not (weights >= 0).all() or not abs(weights.sum() - 1) <= _SUM_ERROR:
        raise ValueError(
            f"probabilities must be numbers >= 0, one per profile, that add up to 1, got {probabilities!r}"
        )
    return weights


def _checked_counts(config: MPGGConfig, occupancy: IntArray, cooperators: IntArray, size: int) -> IntArray:
    """The profiles as counts (S, M, 2) of defectors and cooperators."""
    for name, values in (("occupancy", occupancy), ("cooperators", cooperators)):
        if np.shape(values) != (size, config.n_casinos):
            wanted = f"({size}, {config.n_casinos}), a row for each probability"
            raise ValueError(f"{name} must have shape {wanted}, got {np.shape(values)}")
    rows = (check_profile(config, n, k) for n, k in zip(np.asarray(occupancy), np.asarray(cooperators), strict=True))
    return np.array([np.stack([n - k, k], axis=-1) for n, k in rows])


def _check_size(config: MPGGConfig, vectors: int) -> None:
    """Refuses what does not fit into memory, before anything of it is allocated."""
    strategies = 2 * config.n_casinos
    cells = {
        "gains from deviations": vectors * strategies**2,
        "payoffs": strategies * (config.n_players + 1) ** 2,
    }
    for what, count in cells.items():
        if count > MOST_CELLS:
            raise ValueError(
                f"config must have at most {MOST_CELLS} {what} for correlated equilibria, got {count} for "
                f"{config.n_players} agents, {config.n_casinos} casinos and {vectors} count vectors"
            )


def _solve(counts: IntArray, constraints: FloatArray, objective: FloatArray) -> FloatArray:
    """The distribution over count vectors, (S,), of lowest expected `objective` under the incentive constraints."""
    from scipy.optimize import linprog

    result = linprog(
        objective,
        A_ub=constraints,
        b_ub=np.zeros(len(constraints)),
        A_eq=np.ones((1, len(counts))),
        b_eq=np.ones(1),
        method="highs",
        options={"primal_feasibility_tolerance": _SOLVER_TOLERANCE, "dual_feasibility_tolerance": _SOLVER_TOLERANCE},
    )
    if result.x is None:
        raise RuntimeError(f"the linear program was not solved: {result.message}")
    solution: FloatArray = result.x
    return solution


def _drawn(
    config: MPGGConfig, counts: IntArray, solution: FloatArray, welfare: FloatArray, kind: Kind
) -> CorrelatedEquilibrium:
    """The record of a solution: the count vectors that are drawn at all, and what deviating from them gains."""
    drawn = np.flatnonzero(solution > _SMALLEST_PROBABILITY)
    probabilities = solution[drawn] / solution[drawn].sum()
    occupancy, cooperators = counts[drawn].sum(axis=-1), counts[drawn, :, 1]
    return CorrelatedEquilibrium(
        welfare=float(probabilities @ welfare[drawn]),
        probabilities=probabilities,
        occupancy=occupancy,
        cooperators=cooperators,
        violation=incentive_violation(config, occupancy, cooperators, probabilities, kind=kind),
    )


def _incentives(counts: IntArray, gains: FloatArray, kind: Kind) -> FloatArray:
    """What each deviation gains an agent in expectation at every count vector, (deviations, S)."""
    size = len(counts)
    share = counts.reshape(size, -1, 1) / counts[0].sum()
    gained = share * gains  # (S, played strategy, strategy instead)
    if kind == "coarse":
        return np.ascontiguousarray(gained.sum(axis=1).T)
    return np.ascontiguousarray(gained.reshape(size, -1).T)


def _payoffs_and_gains(config: MPGGConfig, counts: IntArray) -> tuple[FloatArray, FloatArray]:
    """Payoff of every strategy played at count vectors (S, M, 2), and what playing another one alone would gain.

    Returns:
        (S, M, 2), 0 where nobody plays the strategy; (S, 2 M, 2 M), row the strategy played, 0 where nobody does.
    """
    table = _payoff_table(config)
    casinos = np.arange(config.n_casinos)
    payoffs = np.where(counts > 0, _look_up(config, table, counts), 0.0)
    gains = np.zeros((len(counts), counts[0].size, counts[0].size))
    for played in range(counts[0].size):
        holders = counts.reshape(len(counts), -1)[:, played] > 0
        for instead in range(counts[0].size):
            if instead == played:
                continue
            changed = counts[holders].reshape(-1, counts[0].size)
            changed[:, played] -= 1
            changed[:, instead] += 1
            after = _look_up(config, table, changed.reshape(-1, casinos.size, 2))[:, instead // 2, instead % 2]
            gains[holders, played, instead] = after - payoffs[holders, played // 2, played % 2]
    return payoffs, gains


def _payoff_table(config: MPGGConfig) -> FloatArray:
    """Payoff in casino m with n members, k of them cooperators, (M, N + 1, N + 1, 2); NaN where there is none."""
    agents = config.n_players
    members, cooperators = np.tril_indices(agents + 1)
    table = np.full((config.n_casinos, agents + 1, agents + 1, 2), np.nan)
    casinos = np.arange(config.n_casinos)[:, None]
    table[:, members, cooperators] = casino_payoffs(config, casinos, members, cooperators)
    return table


def _look_up(config: MPGGConfig, table: FloatArray, counts: IntArray) -> FloatArray:
    """Payoff of every strategy at count vectors (S, M, 2), rebates included; NaN where nobody plays it."""
    occupancy = counts.sum(axis=-1)
    payoffs: FloatArray = table[np.arange(counts.shape[1]), occupancy, counts[:, :, 1]]
    if config.mechanism is None:
        return payoffs
    return payoffs + rebates(config, occupancy)[..., None]
