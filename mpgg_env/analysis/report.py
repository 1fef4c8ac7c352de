"""What theory says of a game, on one page: optimum, equilibria of the one-shot games, and how good they are."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np

from mpgg_env.analysis import observe_n_game, observe_n_symmetric, symmetric
from mpgg_env.analysis.choices import STAGES, Stage
from mpgg_env.analysis.efficiency import (
    price_of_anarchy,
    price_of_stability,
    relative_welfare,
    social_optimum,
    social_welfare,
)
from mpgg_env.analysis.location_families import characterise
from mpgg_env.analysis.location_game import n_count_profiles, pure_equilibria
from mpgg_env.analysis.metrics import carrying_capacity, initial_occupancy, random_welfare
from mpgg_env.analysis.payoffs import Equilibrium, best_values, exploitability
from mpgg_env.core.validation import check_choice
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.rules import casino_gains

Part = TypeVar("Part")
# A fraction of a second of enumeration; larger games have the closed form, or nothing.
MOST_PROFILES_ENUMERATED: Final = 200_000


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
        gathering_gain: Largest gain of an agent in that game while all others cooperate in the casino of highest v
            with it: 0 if this, which without a capacity is the social optimum, is an equilibrium.
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
    gathering_gain: float
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The report as nested plain values."""
        return dataclasses.asdict(self)


def equilibrium_report(config: MPGGConfig, *, stage: Stage = "best") -> EquilibriumReport:
    """Optimum, equilibria and their efficiency, of the one-shot games that a configuration stands for.

    Args:
        config: The game.
        stage: Which equilibrium is played where the choice between C and D has several, see `observe_n_game`.

    Raises:
        ValueError: `stage` is unknown.
    """
    check_choice("stage", stage, STAGES)
    optimum = social_optimum(config)
    values, notes = best_values(config), _Notes()
    return EquilibriumReport(
        n_agents=config.n_players,
        n_casinos=config.n_casinos,
        optimum=optimum,
        carrying_capacity=carrying_capacity(config.n_players, casino_gains(config), values),
        random_play=random_welfare(initial_occupancy(config), values),
        observe_n=notes.unless_refused("observe_n", lambda: _observe_n(config, stage, optimum)),
        observe_n_symmetric=notes.unless_refused(
            "observe_n_symmetric", lambda: _observe_n_symmetric(config, stage, optimum)
        ),
        location=notes.unless_refused("location", lambda: _location(config, optimum)),
        location_symmetric=notes.unless_refused("location_symmetric", lambda: _location_symmetric(config, optimum)),
        gathering_gain=_gathering_gain(config),
        notes=tuple(notes.lines),
    )


class _Notes:
    """Collects why parts of the report are missing: their functions say so by a ValueError."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def unless_refused(self, name: str, part: Callable[[], Part]) -> Part | None:
        try:
            return part()
        except ValueError as refusal:
            self.lines.append(f"{name}: {refusal}")
            return None


def _observe_n(config: MPGGConfig, stage: Stage, optimum: float) -> PureSummary:
    found = observe_n_game.pure_equilibria(config, stage=stage)
    return _pure_summary(config, [found.best, found.worst], optimum, found.exact)


def _pure_summary(config: MPGGConfig, equilibria: Sequence[Equilibrium], optimum: float, exact: bool) -> PureSummary:
    welfare = [social_welfare(config, each) for each in equilibria]
    best, worst = max(welfare, default=math.nan), min(welfare, default=math.nan)
    return PureSummary(
        exists=bool(welfare),
        best_welfare=best,
        worst_welfare=worst,
        best_efficiency=relative_welfare(best, optimum),
        worst_efficiency=relative_welfare(worst, optimum),
        price_of_anarchy=price_of_anarchy(optimum, worst),
        price_of_stability=price_of_stability(optimum, best),
        exploitability=max((each.exploitability for each in equilibria), default=math.nan),
        exact=exact,
    )


def _observe_n_symmetric(config: MPGGConfig, stage: Stage, optimum: float) -> MixedSummary:
    found = observe_n_symmetric.symmetric_equilibrium(config, stage=stage)
    welfare = found.welfare - found.sponsored
    return MixedSummary(
        welfare=welfare,
        efficiency=relative_welfare(welfare, optimum),
        payoff=found.payoff,
        cooperation_rate=found.cooperation_rate,
        exploitability=found.exploitability,
    )


def _location(config: MPGGConfig, optimum: float) -> PureSummary:
    try:
        families = characterise(config).families
    except ValueError:
        if n_count_profiles(config) > MOST_PROFILES_ENUMERATED:
            raise
        return _pure_summary(config, _extremes(config, pure_equilibria(config)), optimum, exact=True)
    return _pure_summary(config, [each for f in families for each in (f.best, f.worst)], optimum, exact=True)


def _extremes(config: MPGGConfig, equilibria: Sequence[Equilibrium]) -> list[Equilibrium]:
    """The best and the worst, if there is any."""
    ranked = sorted(equilibria, key=lambda each: social_welfare(config, each))
    return [ranked[0], ranked[-1]] if ranked else []


def _gathering_gain(config: MPGGConfig) -> float:
    together = np.zeros(config.n_casinos, dtype=np.int64)
    together[best_values(config).argmax()] = config.n_players
    return exploitability(config, together, together)


def _location_symmetric(config: MPGGConfig, optimum: float) -> MixedSummary:
    found = symmetric.symmetric_equilibrium(config)
    return MixedSummary(
        welfare=found.welfare,
        efficiency=relative_welfare(found.welfare, optimum),
        payoff=found.payoff,
        cooperation_rate=found.cooperation_rate,
        exploitability=found.exploitability,
    )
