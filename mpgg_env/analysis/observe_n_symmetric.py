"""The symmetric mixed equilibrium of the observe-n game: all agents choose casino m with the same probability x_m.

An agent in casino m then expects f_m(x_m), the mean of the payoff w_m(n) of the members over n = 1 + Bin(N - 1, x_m).
Where w_m never rises with n, f_m never rises with x_m, and the equilibrium is the distribution x that levels the
payoffs of all casinos in use, none of the others offering more to a lone visitor. It is found by bisection on that
level; casinos whose payoff does not depend on x (they seat everybody) share what the bisection leaves open.
"""

import functools
import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from mpgg_env.analysis.choices import Stage
from mpgg_env.analysis.congestion import never_rises
from mpgg_env.analysis.observe_n_game import ObserveNGame
from mpgg_env.analysis.payoffs import best_values
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.games.mpgg.config import MPGGConfig

_BISECTIONS: Final = 200  # far more than it takes to close the bracket
_CLOSED: Final = 2e-16  # width of a bracket of probabilities: that of the floats just above 1
_SMALLEST_LEVEL: Final = 1e-60  # of a level's bracket; what crowds leave may be less than any float


@dataclass(frozen=True, slots=True)
class ObserveNSymmetric:
    """A symmetric mixed equilibrium of the observe-n game, with what it gives.

    Attributes:
        probabilities: Probability x_m of choosing each casino, (M,).
        payoff: Expected payoff of an agent.
        welfare: Expected total payoff, N times that.
        sponsored: What of it a sponsor is expected to pay in, under a subsidy.
        cooperation_rate: Probability that an agent ends up as a cooperator.
        exploitability: Largest gain from going to any one casino instead, by exact binomial expectation.
    """

    probabilities: FloatArray
    payoff: float
    welfare: float
    sponsored: float
    cooperation_rate: float
    exploitability: float


def symmetric_equilibrium(config: MPGGConfig, *, stage: Stage = "best") -> ObserveNSymmetric:
    """The symmetric mixed equilibrium of the observe-n game.

    Without a mechanism and with `min_players=1` it takes O(M) per step of a bisection; else O(N M).

    Raises:
        ValueError: `stage` is unknown; or with the mechanism the payoff of some casino rises with its occupancy, so
            that there may be several such equilibria; or the game is too large for its mechanism.
    """
    game = ObserveNGame(config, stage=stage)
    if game.table is not None and not never_rises(game.table, tolerance=game.tolerance):
        raise ValueError(
            "the payoff of every casino must not rise with its occupancy for the symmetric equilibrium of the "
            f"observe-n game, got mechanism={config.mechanism!r} with min_players={config.min_players}"
        )
    return symmetric_profile(game, _levelled(game))


def symmetric_profile(game: ObserveNGame, probabilities: FloatArray) -> ObserveNSymmetric:
    """What it gives to choose casinos with these probabilities (M,), and how far that is from an equilibrium."""
    worth = _expected_payoffs(game, probabilities)
    payoff = float(probabilities @ (worth if game.totals is None else _mean_over_groups(_shares(game), probabilities)))
    return ObserveNSymmetric(
        probabilities=probabilities,
        payoff=payoff,
        welfare=game.n_agents * payoff,
        sponsored=_sponsored(game, probabilities),
        cooperation_rate=float(probabilities @ _cooperating(game, probabilities)),
        exploitability=max(float(worth.max() - probabilities @ worth), 0.0),
    )


def _levelled(game: ObserveNGame) -> FloatArray:
    """The probabilities at which all casinos in use offer the same, (M,)."""
    alone = game.payoffs(np.ones(game.config.n_casinos, dtype=np.int64))
    low, high = min(float(alone.min()), _least_payoff(game)), float(alone.max())
    nowhere, at_low = np.zeros(alone.size), np.ones(alone.size)
    at_high = np.where(alone >= high, _widest(game, high, nowhere, at_low), 0.0)
    for _ in range(_BISECTIONS):
        middle = _between(low, high)
        if not low < middle < high or at_high.sum() >= 1:
            break
        widest = np.where(alone >= middle, _widest(game, middle, at_high, at_low), 0.0)
        if widest.sum() >= 1:
            low, at_low = middle, widest
        else:
            high, at_high = middle, widest
    if at_high.sum() >= 1:
        filled = at_high
    else:
        # Between the two levels, which are neighbouring floats, payoffs do not differ: any share of the way is right.
        filled = at_high + (at_low - at_high) * (1 - at_high.sum()) / (at_low.sum() - at_high.sum())
    probabilities: FloatArray = filled / filled.sum()
    return probabilities


def _between(low: float, high: float) -> float:
    """Where to cut a bracket of levels: geometrically if they are positive, since crowds may leave next to nothing."""
    return math.sqrt(max(low, _SMALLEST_LEVEL) * high) if low >= 0 and high > _SMALLEST_LEVEL else (low + high) / 2


def _least_payoff(game: ObserveNGame) -> float:
    everybody = game.payoffs(np.full(game.config.n_casinos, game.n_agents, dtype=np.int64))
    return float(everybody.min())


def _widest(game: ObserveNGame, level: float, low: FloatArray, high: FloatArray) -> FloatArray:
    """Largest x in [low, high] at which each casino offers at least this level, all (M,); `low` if it never does."""
    if game.seats is not None:
        return _widest_of_seats(game, level)
    low = np.where(_expected_payoffs(game, high) >= level, high, low)
    while (high - low).max() > _CLOSED:
        middle = (low + high) / 2
        enough = _expected_payoffs(game, middle) >= level
        low, high = np.where(enough, np.maximum(middle, low), low), np.where(enough, high, middle)
    return low


def _widest_of_seats(game: ObserveNGame, level: float) -> FloatArray:
    """The same in closed form: v P(Bin(N - 1, x) < seats) = level, a quantile of the beta distribution."""
    value, seats = _paying(game)
    if level <= 0:
        return np.ones(value.size)
    widest = np.where((seats > 0) & (value >= level), 1.0, 0.0)
    limited = np.flatnonzero((widest > 0) & (seats < game.n_agents))
    chance = np.minimum(level / value[limited], 1.0)
    widest[limited] = _beta_upper_quantile(seats[limited], game.n_agents - seats[limited], chance)
    return widest


def _beta_upper_quantile(successes: IntArray, failures: IntArray, chance: FloatArray) -> FloatArray:
    """The x that a Beta(successes, failures) variable exceeds with this chance."""
    from scipy.special import betaincc, betainccinv, betaln, xlog1py, xlogy

    quantile = betainccinv(successes, failures, chance)
    # The library's value can be off by 1e-11 in the chance: one step of Newton's method with the density mends that.
    logs = xlogy(successes - 1, quantile) + xlog1py(failures - 1, -quantile) - betaln(successes, failures)
    density = np.exp(logs)
    step = np.divide(
        betaincc(successes, failures, quantile) - chance,
        density,
        out=np.zeros(quantile.shape),
        where=(density > 0) & (chance < 1),
    )
    better: FloatArray = np.clip(quantile + np.clip(step, -0.1 * quantile, 0.1 * quantile), 0.0, 1.0)
    return better


def _paying(game: ObserveNGame) -> tuple[FloatArray, IntArray]:
    """Payoff of a member of a casino while all are seated, and the seats, both (M,)."""
    seats = game.seats if game.seats is not None else np.zeros(game.config.n_casinos, dtype=np.int64)
    return np.where(seats > 0, best_values(game.config), 0.0), seats


def _expected_payoffs(game: ObserveNGame, probabilities: FloatArray) -> FloatArray:
    """Expected payoff of a member of each casino, (M,)."""
    if game.table is None:
        value, _ = _paying(game)
        return value * _seated(game, probabilities)
    return _mean_over_groups(game.table, probabilities)


def _cooperating(game: ObserveNGame, probabilities: FloatArray) -> FloatArray:
    """Probability that a member of each casino cooperates, (M,)."""
    if game.seats is not None:
        return _seated(game, probabilities)
    groups = _groups(game)
    return _mean_over_groups((game.cooperators(groups) / np.maximum(groups, 1)).T, probabilities)


def _sponsored(game: ObserveNGame, probabilities: FloatArray) -> float:
    """What a sponsor is expected to pay to all agents together."""
    if game.config.mechanism is None:
        return 0.0
    payments = game.sponsored() / np.maximum(np.arange(game.n_agents + 1), 1)
    return game.n_agents * float(probabilities @ _mean_over_groups(payments, probabilities))


def _shares(game: ObserveNGame) -> FloatArray:
    """A member's equal share in what its casino adds to the welfare, (M, N + 1): tolls come back to the agents."""
    groups = np.arange(game.n_agents + 1)
    return np.zeros(1) if game.totals is None else game.totals / np.maximum(groups, 1)


def _groups(game: ObserveNGame) -> IntArray:
    """Every number of members in every casino, (N + 1, M)."""
    return np.repeat(np.arange(game.n_agents + 1)[:, None], game.config.n_casinos, axis=1)


def _mean_over_groups(table: FloatArray, probabilities: FloatArray) -> FloatArray:
    """Mean of `table[m, n]`, (M, N + 1), over the size n of the group that an agent finds itself in, (M,)."""
    mean: FloatArray = (_binomial_weights(table.shape[1] - 2, probabilities) * table[:, 1:].T).sum(axis=0)
    return mean


def _seated(game: ObserveNGame, probabilities: FloatArray) -> FloatArray:
    """Probability that a casino has no more members than seats once an agent has joined, (M,)."""
    from scipy.special import betaincc

    _, seats = _paying(game)
    seated = np.where(seats > 0, 1.0, 0.0)
    limited = np.flatnonzero((seats > 0) & (seats < game.n_agents))
    # P(Bin(N - 1, x) < seats). The binomial law's own function loses nine digits at a million agents.
    seated[limited] = betaincc(seats[limited], game.n_agents - seats[limited], probabilities[limited])
    return seated


def _binomial_weights(trials: int, probabilities: FloatArray) -> FloatArray:
    """Probability of 0 to `trials` successes, (trials + 1, M), from logarithms so that nothing overflows."""
    from scipy.special import xlog1py, xlogy

    successes = np.arange(trials + 1)[:, None]
    logs = _log_choices(trials) + xlogy(successes, probabilities) + xlog1py(trials - successes, -probabilities)
    weights: FloatArray = np.exp(logs)
    return weights


@functools.lru_cache(maxsize=4)
def _log_choices(trials: int) -> FloatArray:
    """Logarithms of the binomial coefficients, (trials + 1, 1)."""
    from scipy.special import gammaln

    successes = np.arange(trials + 1)[:, None]
    choices: FloatArray = gammaln(trials + 1) - gammaln(successes + 1) - gammaln(trials - successes + 1)
    return choices
