"""How good equilibria are: the social optimum, and the prices of anarchy and of stability.

Welfare here is that of society: the sum of all payoffs less what a sponsor pays in. Fines, tolls and their like only
move money, what peer punishment burns is lost, and what a capacity leaves idle is never produced.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from mpgg_env.analysis.payoffs import Equilibrium, best_values
from mpgg_env.core.rounding import ROUNDING
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.mechanisms import terms_of
from mpgg_env.games.mpgg.transfers import fill_tolls

MOST_OPTIMUM_CELLS: Final = 100_000_000
# Relative: the sums of millions of payoffs are less exact than one.
_SUM_ROUNDING: Final = 1e-9
# Welfare closer to 0 than this share of the optimum is 0: transfers that cancel leave roundings behind.


def social_optimum(config: MPGGConfig) -> float:
    """Largest welfare W* of any profile of casinos and actions, transfers apart.

    Everybody cooperates in a casino of highest v_m, N V; 0 if cooperating is worth nothing anywhere, V <= 0, or if
    there are fewer agents than `min_players`. Under a capacity the largest sum of v_m min(n_m, seats_m), over
    occupancies n_m of N agents.

    Raises:
        ValueError: Under a capacity with `min_players > 1` the game is too large.
    """
    value, agents = np.maximum(best_values(config), 0.0), config.n_players
    terms = terms_of(config)
    seats = np.minimum(terms.seats, agents) if terms.limits else np.full(value.size, agents)
    seats = np.where(seats >= config.min_players, seats, 0)
    order = np.argsort(-value, kind="stable")
    seated = np.clip(agents - (np.cumsum(seats[order]) - seats[order]), 0, seats[order])
    if ((seated == 0) | (seated >= config.min_players)).all():
        return float(seated @ value[order])
    return _optimum_of_groups(value, seats, agents, config.min_players)


def price_of_anarchy(optimum: float, welfare: ArrayLike) -> float:
    """Optimum over the welfare of the worst equilibrium, in [1, inf].

    Args:
        optimum: Welfare of the social optimum.
        welfare: Welfare of the equilibria, any shape; the extremes are enough.

    Returns:
        inf if the worst welfare is 0 and the optimum is not. NaN if there is no equilibrium, if any of the numbers is
        NaN, if the optimum is not positive, or if the worst welfare is negative, since the ratio then means nothing.

    Raises:
        ValueError: A welfare is above the optimum, by more than rounding.
    """
    return _price(optimum, float(np.min(_checked_welfare(optimum, welfare), initial=math.inf)))


def price_of_stability(optimum: float, welfare: ArrayLike) -> float:
    """Optimum over the welfare of the best equilibrium, in [1, inf]; arguments and cases as `price_of_anarchy`."""
    return _price(optimum, float(np.max(_checked_welfare(optimum, welfare), initial=-math.inf)))


def relative_welfare(welfare: float, optimum: float) -> float:
    """Welfare over the optimum, the inverse of a price and defined for 0 and below; NaN unless the optimum is > 0."""
    return welfare / optimum if optimum > 0 else math.nan


def sponsor_payments(config: MPGGConfig, occupancy: IntArray, cooperators: IntArray) -> FloatArray:
    """What a sponsor from outside is expected to pay to each casino, (..., M), at count profiles (..., M).

    The subsidy goes to the cooperators who play; under a capacity only a part of them finds a seat. Tolls that the
    sponsor keeps are negative payments.
    """
    terms = terms_of(config)
    players = np.minimum(occupancy, terms.seats)
    playing = np.where(players >= max(config.min_players, 1), players, 0)
    payments: FloatArray = terms.subsidy * cooperators * playing / np.maximum(occupancy, 1)
    if terms.levies and not terms.rebates:
        tolls = np.empty(occupancy.shape)
        fill_tolls(occupancy.reshape(-1, config.n_casinos), terms, tolls.reshape(-1, config.n_casinos))
        payments = payments - tolls * occupancy
    return payments


def social_welfare(config: MPGGConfig, profile: Equilibrium) -> float:
    """Welfare of society at a profile: what all agents have in the end, less what a sponsor pays in."""
    return profile.welfare - float(sponsor_payments(config, profile.occupancy, profile.cooperators).sum())


def _price(optimum: float, welfare: float) -> float:
    if not (math.isfinite(optimum) and math.isfinite(welfare)) or optimum <= 0 or welfare < -ROUNDING * optimum:
        return math.nan
    return math.inf if welfare <= ROUNDING * optimum else max(optimum / welfare, 1.0)


def _checked_welfare(optimum: float, welfare: ArrayLike) -> FloatArray:
    values = np.atleast_1d(np.asarray(welfare, np.float64))
    above = values[values > optimum * (1 + _SUM_ROUNDING)] if math.isfinite(optimum) and optimum > 0 else values[:0]
    if above.size:
        raise ValueError(f"welfare must be at most the optimum {optimum:g}, which is that of society, got {above[0]:g}")
    return values


def _optimum_of_groups(value: FloatArray, seats: IntArray, agents: int, min_players: int) -> float:
    """The optimum when a casino needs `min_players` to produce anything, by dynamic programming over the agents."""
    used = np.flatnonzero((value > 0) & (seats > 0))
    cells = int(seats[used].sum()) * agents
    if cells > MOST_OPTIMUM_CELLS:
        raise ValueError(
            f"with a capacity and min_players={min_players} the optimum must be sought among at most "
            f"{MOST_OPTIMUM_CELLS} combinations of seats and agents, got {cells}"
        )
    most = np.zeros(agents + 1)  # welfare of at most so many agents in the casinos seen so far
    for m in used:
        before = most.copy()
        for group in range(min_players, int(seats[m]) + 1):
            most[group:] = np.maximum(most[group:], before[: agents + 1 - group] + group * value[m])
    return float(most[agents])
