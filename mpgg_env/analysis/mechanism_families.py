"""Mechanisms of one kind that differ in one number, their strength: what mechanism design searches through."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mpgg_env.analysis.choices import Scale
from mpgg_env.core.rounding import whole_part
from mpgg_env.core.types import FloatArray
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
)
from mpgg_env.games.mpgg.rules import casino_costs, casino_gains

POINTS: Final = 49  # strengths that are tried before the search is narrowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Mechanisms of one kind.

    Attributes:
        parameter: Which parameter the strength is.
        mechanism: The mechanism of a game with a strength; `unit` has the strength's unit in each casino, (M,).
        strengths: Strengths of a game from the weakest to the strongest, beyond which nothing changes for the better.
        continuous: Whether what lies between two strengths is a mechanism of its own.
        scales: Whether the strength has a unit that may be the cost of cooperating.
    """

    parameter: str
    mechanism: Callable[[MPGGConfig, float, FloatArray], Mechanism]
    strengths: Callable[[MPGGConfig, FloatArray], FloatArray]
    continuous: bool = True
    scales: bool = True


def units(config: MPGGConfig, family: str, scale: Scale) -> FloatArray:
    """The unit of a family's strength in each casino, (M,)."""
    if scale == "cost" and FAMILIES[family].scales:
        return casino_costs(config)
    return np.ones(config.n_casinos)


def mechanism_of(config: MPGGConfig, family: str, strength: float, scale: Scale = "uniform") -> Mechanism:
    """The mechanism of a family with this strength in a game."""
    return FAMILIES[family].mechanism(config, strength, units(config, family, scale))


def strengths_of(config: MPGGConfig, family: str, scale: Scale = "uniform") -> FloatArray:
    """Strengths of a family in a game, from the weakest to the strongest, (strengths,)."""
    return FAMILIES[family].strengths(config, units(config, family, scale))


def _amount(kind: Any, parameter: str) -> Callable[[MPGGConfig, float, FloatArray], Mechanism]:
    """Mechanisms whose one parameter is the strength in each casino's unit."""

    def make(config: MPGGConfig, strength: float, unit: FloatArray) -> Mechanism:
        same = bool((unit == 1).all())
        mechanism: Mechanism = kind(**{parameter: strength if same else tuple((strength * unit).tolist())})
        return mechanism

    return make


def _capacity(config: MPGGConfig, strength: float, unit: FloatArray) -> Mechanism:
    return Capacity(seats=tuple(np.maximum(1, whole_part(strength * casino_gains(config))).tolist()))


def _up_to(most: Callable[[MPGGConfig, FloatArray], float]) -> Callable[[MPGGConfig, FloatArray], FloatArray]:
    def strengths(config: MPGGConfig, unit: FloatArray) -> FloatArray:
        return np.linspace(0, most(config, unit), POINTS)

    return strengths


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


def _shares(config: MPGGConfig, unit: FloatArray) -> FloatArray:
    """All strengths at which a number of seats changes, from a seat for everybody down to one seat."""
    gains = np.unique(casino_gains(config))
    seats = np.arange(1, config.n_players + 1)
    return np.unique((seats[:, None] / gains[gains > 0]).reshape(-1))[::-1]


FAMILIES: Final[dict[str, Family]] = {
    "fine": Family(parameter="amount f", mechanism=_amount(Fine, "amount"), strengths=_up_to(_temptation)),
    "subsidy": Family(parameter="amount s", mechanism=_amount(Subsidy, "amount"), strengths=_up_to(_temptation)),
    "subsidy_local": Family(
        parameter="amount s", mechanism=_amount(LocalSubsidy, "amount"), strengths=_up_to(_twice_temptation)
    ),
    "toll": Family(
        parameter="surcharge above floor(r) members",
        mechanism=_amount(Toll, "surcharge"),
        strengths=_up_to(_largest_prize),
    ),
    "pigou": Family(parameter="rate", mechanism=_amount(Pigou, "rate"), strengths=_up_to(_one), scales=False),
    "capacity": Family(parameter="seats / r", mechanism=_capacity, strengths=_shares, continuous=False, scales=False),
    "peer": Family(
        parameter="punishment phi", mechanism=_amount(PeerPunishment, "punishment"), strengths=_up_to(_temptation)
    ),
}
