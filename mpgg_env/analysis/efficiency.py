"""How good equilibria are: the social optimum, the prices of anarchy and of stability, and a report on one page.

Welfare here is that of society: the sum of all payoffs less what a sponsor pays in. Fines, tolls and their like only
move money, what peer punishment burns is lost, and what a capacity leaves idle is never produced.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from mpgg_env.analysis.payoffs import best_values
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.mechanisms import terms_of

Game = Literal["location", "observe_n"]
GAMES: Final = ("location", "observe_n")
MOST_OPTIMUM_CELLS: Final = 100_000_000
# Welfare closer to 0 than this share of the optimum is 0: transfers that cancel leave roundings behind.
ROUNDING: Final = 1e-12


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
    """
    return _price(optimum, np.min(np.asarray(welfare, np.float64), initial=math.inf))


def price_of_stability(optimum: float, welfare: ArrayLike) -> float:
    """Optimum over the welfare of the best equilibrium, in [1, inf]; arguments and cases as `price_of_anarchy`."""
    return _price(optimum, np.max(np.asarray(welfare, np.float64), initial=-math.inf))


def relative_welfare(welfare: float, optimum: float) -> float:
    """Welfare over the optimum, the inverse of a price and defined for 0 and below; NaN unless the optimum is > 0."""
    return welfare / optimum if optimum > 0 else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class PureSummary:
    """The pure equilibria of a game.

    Attributes:
        exists: Whether there is any; without one, what follows is NaN.
        best_welfare: Highest welfare of an equilibrium.
        worst_welfare: Lowest welfare of an equilibrium.
        best_efficiency: Highest welfare over the optimum, the inverse of the price of stability; NaN if W* = 0.
        worst_efficiency: Lowest welfare over the optimum, the inverse of the price of anarchy; NaN if W* = 0.
        price_of_anarchy: See the function of that name.
        price_of_stability: See the function of that name.
        exploitability: The larger of the two equilibria's largest gains from a deviation, computed anew.
        exact: Whether no equilibrium is better or worse; False for the best and the worst of a search.
    """

    exists: bool
    best_welfare: float
    worst_welfare: float
    best_efficiency: float
    worst_efficiency: float
    price_of_anarchy: float
    price_of_stability: float
    exploitability: float
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedSummary:
    """The symmetric mixed equilibrium of a game.

    Attributes:
        welfare: Expected welfare.
        efficiency: Welfare over the optimum; NaN if W* = 0.
        payoff: Expected payoff of an agent.
        cooperation_rate: Probability that an agent cooperates.
        exploitability: Largest gain from a deviation, computed anew.
    """

    welfare: float
    efficiency: float
    payoff: float
    cooperation_rate: float
    exploitability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EquilibriumReport:
    """What theory says of a game, on one page.

    Attributes:
        n_agents: Agents who play, N.
        n_casinos: Casinos M.
        optimum: Welfare W* of the social optimum.
        carrying_capacity: Welfare when cooperators fill the casinos from the best one to floor(r) seats, as no
            incentives are needed for.
        random_play: Expected welfare of random play from the start, without mechanism.
        observe_n: Pure equilibria when agents see n before they choose C or D.
        observe_n_symmetric: Symmetric mixed equilibrium of that game: the benchmark for learners who look no further.
        location: Pure equilibria when location and contribution are chosen at once.
        location_symmetric: Symmetric mixed equilibrium of that game.
        notes: Why a part is None, which is a part that its method does not cover, and what else to mind.
    """

    n_agents: int
    n_casinos: int
    optimum: float
    carrying_capacity: float
    random_play: float
    observe_n: PureSummary | None
    observe_n_symmetric: MixedSummary | None
    location: PureSummary | None
    location_symmetric: MixedSummary | None
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The report as nested plain values."""
        return dataclasses.asdict(self)
