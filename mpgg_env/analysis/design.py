"""Mechanism design: the weakest mechanism of a family under which equilibrium reaches a welfare goal.

The equilibrium is that of the observe-n game (`observe_n_game`), the benchmark for learners who see n before they play.
Welfare is what the agents have after all transfers, less what a sponsor pays in: fines and tolls only change hands, a
subsidy is no gain of its own, and what peer punishment burns is lost.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from mpgg_env.analysis.efficiency import relative_welfare, social_optimum, sponsor_payments
from mpgg_env.analysis.observe_n_game import pure_equilibria
from mpgg_env.analysis.payoffs import Equilibrium, best_values
from mpgg_env.core.types import FloatArray
from mpgg_env.core.validation import check_choice, check_real
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.mechanisms import (
    Capacity,
    Fine,
    LocalSubsidy,
    Mechanism,
    PeerPunishment,
    Pigou,
    Subsidy,
    Toll,
    transfers,
)
from mpgg_env.games.mpgg.rules import COOPERATE, casino_costs, casino_gains

Selection = Literal["best", "worst"]
Scale = Literal["uniform", "cost"]
SELECTIONS: Final = ("best", "worst")
SCALES: Final = ("uniform", "cost")
# The strengths that are tried first; between two of them the weakest sufficient one is found by bisection.
GRID: Final = 48
PRECISION: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Mechanisms of one kind that differ in one parameter, their strength.

    Attributes:
        parameter: Which parameter it is, with its unit.
        mechanism: The mechanism of a game with a strength; `unit` has the strength's unit in each casino, (M,).
        strongest: Strength of a game beyond which nothing changes for the better, in the same unit.
        falling: Whether weaker means a higher number: the seats of a capacity.
    """

    parameter: str
    mechanism: Callable[[MPGGConfig, float, FloatArray], Mechanism]
    strongest: Callable[[MPGGConfig, FloatArray], float]
    falling: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A game's equilibrium, in money.

    Attributes:
        equilibrium: The profile, with net and gross welfare and its exploitability.
        welfare: Net payoffs of all agents less what the sponsor pays, per round.
        efficiency: Welfare relative to the social optimum; NaN where this is not positive.
        cooperation: Share of the agents who cooperate.
        sponsor: What the sponsor pays per round.
        burnt: What is destroyed per round.
        exchanged: What agents pay each other per round; NaN under a capacity that turns some of them away.
    """

    equilibrium: Equilibrium
    welfare: float
    efficiency: float
    cooperation: float
    sponsor: float
    burnt: float
    exchanged: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """The answer for one family.

    Attributes:
        family: Name of the mechanism.
        parameter: What its strength is.
        strength: The weakest one that reaches the goal, or, if none does, the weakest of those that come closest.
        strongest: The strongest that was considered: beyond it nothing changes for the better.
        mechanism: The mechanism of that strength.
        config: The game with it.
        reached: Whether the goal is reached.
        before: Equilibrium without the mechanism.
        after: Equilibrium with it.
        worst_before: The worst equilibrium without the mechanism.
        worst_after: The worst equilibrium with it.
        tried: Strength and efficiency of every mechanism that was tried, (tries, 2), by strength.
    """

    family: str
    parameter: str
    strength: float
    strongest: float
    mechanism: Mechanism
    config: MPGGConfig
    reached: bool
    before: Outcome
    after: Outcome
    worst_before: Outcome
    worst_after: Outcome
    tried: FloatArray


def _amount(kind: Any, parameter: str) -> Callable[[MPGGConfig, float, FloatArray], Mechanism]:
    """Mechanisms whose one parameter is the strength in each casino's unit."""

    def make(config: MPGGConfig, strength: float, unit: FloatArray) -> Mechanism:
        same = bool((unit == 1).all())
        mechanism: Mechanism = kind(**{parameter: strength if same else tuple((strength * unit).tolist())})
        return mechanism

    return make


def _capacity(config: MPGGConfig, strength: float, unit: FloatArray) -> Mechanism:
    seats = np.maximum(1, np.floor(strength * casino_gains(config) * (1 + PRECISION)))
    return Capacity(seats=tuple(seats.astype(int).tolist()))


def _temptation(config: MPGGConfig, unit: FloatArray) -> float:
    """More than anybody can gain by defecting, c (1 - r / n) or c - r / n, in the units of the casinos."""
    costs = casino_costs(config)
    return float((costs[costs > 0] / unit[costs > 0]).max(initial=0.0))


def _twice_temptation(config: MPGGConfig, unit: FloatArray) -> float:
    return 2 * _temptation(config, unit)  # an own share of the tax of n / (n - 1), which is 2 for two members


def _largest_prize(config: MPGGConfig, unit: FloatArray) -> float:
    """More than a defector can get in a casino, in the units of the casinos."""
    pool = casino_costs(config) * casino_gains(config) if config.payoff == "text" else casino_gains(config)
    return float((pool[unit > 0] / unit[unit > 0]).max(initial=0.0))


def _one(config: MPGGConfig, unit: FloatArray) -> float:
    return 1.0


FAMILIES: Final[dict[str, Family]] = {
    "fine": Family(parameter="amount f", mechanism=_amount(Fine, "amount"), strongest=_temptation),
    "subsidy": Family(parameter="amount s", mechanism=_amount(Subsidy, "amount"), strongest=_temptation),
    "subsidy_local": Family(
        parameter="amount s", mechanism=_amount(LocalSubsidy, "amount"), strongest=_twice_temptation
    ),
    "toll": Family(
        parameter="surcharge above floor(r) members", mechanism=_amount(Toll, "surcharge"), strongest=_largest_prize
    ),
    "pigou": Family(parameter="rate", mechanism=_amount(Pigou, "rate"), strongest=_one),
    "capacity": Family(parameter="seats / r", mechanism=_capacity, strongest=_one, falling=True),
    "peer": Family(parameter="punishment phi", mechanism=_amount(PeerPunishment, "punishment"), strongest=_temptation),
}


def design(
    config: MPGGConfig,
    family: str,
    *,
    goal: float = 0.9,
    equilibrium: Selection = "best",
    scale: Scale = "uniform",
    progress: Callable[[], None] = lambda: None,
) -> Design:
    """The weakest mechanism of a family under which equilibrium reaches a share of the social optimum.

    Strengths are tried on a grid, weakest first; between the first one that is enough and the one before it the limit
    is found by bisection. An enough strength in between two weaker ones of the grid that are not is thus overlooked.

    Args:
        config: The game; the mechanism is added to those that it has.
        family: Name of the mechanism, of `FAMILIES`.
        goal: Efficiency to be reached, in (0, 1].
        equilibrium: Which equilibrium has to reach it: the best, or the worst and thus all of them.
        scale: The same strength in all casinos, or one that is proportional to their cost c. Rates and seats, which
            have no unit, are "uniform".
        progress: Called after every try.

    Raises:
        ValueError: An argument is out of range, the game has the mechanism already, or nothing can be gained in it
            (V <= 0).
    """
    check_choice("family", family, list(FAMILIES))
    goal = check_real("goal", goal, 0, 1, open_minimum=True)
    check_choice("equilibrium", equilibrium, SELECTIONS)
    check_choice("scale", scale, SCALES)
    _check_game(config, family)
    search = _Search(config, family, equilibrium, scale, progress)
    strength, reached = search.weakest(goal)
    after = search.game(strength)
    return Design(
        family=family,
        parameter=FAMILIES[family].parameter + (" per cost c" if scale == "cost" and search.scaled else ""),
        strength=strength,
        strongest=FAMILIES[family].strongest(config, search.unit),
        mechanism=search.mechanism(strength),
        config=after,
        reached=reached,
        before=outcome(config, equilibrium),
        after=outcome(after, equilibrium, search.optimum),
        worst_before=outcome(config, "worst"),
        worst_after=outcome(after, "worst", search.optimum),
        tried=np.array([(tried, search.known[tried].efficiency) for tried in sorted(search.known)]),
    )


def mechanism_of(config: MPGGConfig, family: str, strength: float, scale: Scale = "uniform") -> Mechanism:
    """The mechanism of a family with this strength in a game."""
    return FAMILIES[family].mechanism(config, strength, _unit(config, family, scale))


def outcome(config: MPGGConfig, equilibrium: Selection = "best", optimum: float | None = None) -> Outcome:
    """The best or the worst equilibrium of the observe-n game, in money.

    Args:
        config: The game.
        equilibrium: Which one.
        optimum: Welfare that efficiency is relative to; None for the social optimum of the game.

    Raises:
        ValueError: The game is too large for its mechanism.
    """
    found = getattr(pure_equilibria(config, stage=equilibrium), equilibrium)
    sponsor = float(sponsor_payments(config, found.occupancy, found.cooperators).sum())
    welfare = found.welfare - sponsor
    optimum = social_optimum(config) if optimum is None else optimum
    return Outcome(
        equilibrium=found,
        welfare=welfare,
        efficiency=relative_welfare(welfare, optimum),
        cooperation=float(found.cooperators.sum()) / config.n_players,
        sponsor=sponsor,
        burnt=max(0.0, sponsor - (found.welfare - found.gross)) if _kind(config, PeerPunishment) else 0.0,
        exchanged=_exchanged(config, found),
    )


class _Search:
    """The strengths of one family that have been tried."""

    def __init__(
        self, config: MPGGConfig, family: str, selection: Selection, scale: Scale, progress: Callable[[], None]
    ) -> None:
        self.config, self.name, self.selection, self.scale = config, family, selection, scale
        self.family, self.unit = FAMILIES[family], _unit(config, family, scale)
        self.optimum, self.progress = social_optimum(config), progress
        self.known: dict[float, Outcome] = {}

    @property
    def scaled(self) -> bool:
        """Whether the casinos have different units."""
        return bool((self.unit != 1).any())

    def mechanism(self, strength: float) -> Mechanism:
        """The mechanism of a strength."""
        return mechanism_of(self.config, self.name, strength, self.scale)

    def game(self, strength: float) -> MPGGConfig:
        """The game with that mechanism."""
        return self.config.replace(mechanism=(*self.config.mechanisms, self.mechanism(strength)))

    def outcome(self, strength: float) -> Outcome:
        """The equilibrium of that game."""
        if strength not in self.known:
            self.known[strength] = outcome(self.game(strength), self.selection, self.optimum)
            self.progress()
        return self.known[strength]

    def efficiency(self, strength: float) -> float:
        """Efficiency at that equilibrium, rounding errors rounded up."""
        return self.outcome(strength).efficiency * (1 + PRECISION)

    def weakest(self, goal: float) -> tuple[float, bool]:
        """The weakest strength that reaches the goal, or comes closest to it, and whether it does."""
        grid = self._grid()
        for weaker, strength in zip([grid[0], *grid], grid, strict=False):
            if self.efficiency(strength) >= goal:
                return (strength if self.family.falling else self._bisected(weaker, strength, goal)), True
        closest = max(self.outcome(strength).efficiency for strength in grid)
        return next(strength for strength in grid if self.efficiency(strength) >= closest), False

    def _grid(self) -> list[float]:
        """Strengths from the weakest on."""
        strongest = self.family.strongest(self.config, self.unit)
        if not self.family.falling:
            return np.linspace(0, strongest, GRID + 1).tolist()  # type: ignore[no-any-return]
        gains = casino_gains(self.config)
        # Everything that changes a number of seats between one and N.
        shares = np.unique(np.concatenate([np.arange(1, math.floor(gain) + 1) / gain for gain in gains if gain >= 1]))
        return shares[::-1][:: max(1, len(shares) // GRID)].tolist()  # type: ignore[no-any-return]

    def _bisected(self, weaker: float, enough: float, goal: float) -> float:
        """The limit, with an equilibrium that is exact: a solver's tolerance would put it a little lower."""
        while enough - weaker > 2 * PRECISION * enough:
            middle = (weaker + enough) / 2
            exact = self.outcome(middle).equilibrium.exploitability <= PRECISION
            if exact and self.efficiency(middle) >= goal:
                enough = middle
            else:
                weaker = middle
        return enough


def _unit(config: MPGGConfig, family: str, scale: Scale) -> FloatArray:
    if scale == "cost" and family not in ("pigou", "capacity"):
        return casino_costs(config)
    return np.ones(config.n_casinos)


def _check_game(config: MPGGConfig, family: str) -> None:
    names = {mechanism.name for mechanism in config.mechanisms}
    if family in names:
        raise ValueError(f"family must not be a mechanism that the game has already, got {family!r}")
    if social_optimum(config) <= 0:
        raise ValueError(
            f"cooperation must be worth something in some casino, got values up to {best_values(config).max():g}"
        )


def _kind(config: MPGGConfig, kind: type[Mechanism]) -> Any:
    return next((mechanism for mechanism in config.mechanisms if isinstance(mechanism, kind)), None)


def _exchanged(config: MPGGConfig, found: Equilibrium) -> float:
    capacity = _kind(config, Capacity)
    if capacity is not None:
        seats = np.floor(casino_gains(config)) if capacity.seats is None else np.asarray(capacity.seats)
        if (found.occupancy > seats).any():
            return math.nan if len(config.mechanisms) > 1 else 0.0
    positions = np.repeat(np.arange(config.n_casinos), found.occupancy)
    rank = np.arange(len(positions)) - np.repeat(np.cumsum(found.occupancy) - found.occupancy, found.occupancy)
    actions = np.where(rank < np.repeat(found.cooperators, found.occupancy), COOPERATE, 0)
    paid = [row[row < 0].sum() for name, row in transfers(config, positions, actions).items() if name != "peer"]
    return 0.0 - float(sum(paid))
