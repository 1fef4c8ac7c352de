"""Mechanism design: the weakest mechanism of a family under which equilibrium reaches a welfare goal.

The equilibrium is that of the observe-n game (`observe_n_game`), the benchmark for learners who see n before they play.
Welfare is what the agents have after all transfers, less what a sponsor pays in: fines and tolls only change hands, a
subsidy is no gain of its own, and what peer punishment burns is lost.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mpgg_env.analysis.choices import SCALES, STAGES, Scale, Stage
from mpgg_env.analysis.efficiency import social_optimum
from mpgg_env.analysis.mechanism_families import FAMILIES, POINTS, mechanism_of, strengths_of, units
from mpgg_env.analysis.outcomes import Outcome, outcome
from mpgg_env.analysis.payoffs import best_values, game_of
from mpgg_env.core.rounding import ROUNDING
from mpgg_env.core.types import FloatArray
from mpgg_env.core.validation import check_choice, check_real
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.mechanisms import Mechanism


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """The answer for one family.

    Attributes:
        family: Name of the mechanism.
        parameter: What its strength is.
        strength: The weakest one that reaches the goal, or, if none does, the weakest of those that come closest.
        strengths: Strengths that were considered, from the weakest to the strongest, (strengths,).
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
    strengths: FloatArray
    mechanism: Mechanism
    config: MPGGConfig
    reached: bool
    before: Outcome
    after: Outcome
    worst_before: Outcome
    worst_after: Outcome
    tried: FloatArray


def design(
    config: MPGGConfig,
    family: str,
    *,
    goal: float = 0.9,
    equilibrium: Stage = "best",
    scale: Scale = "uniform",
    progress: Callable[[], None] = lambda: None,
) -> Design:
    """The weakest mechanism of a family under which equilibrium reaches a share of the social optimum.

    About 50 strengths are tried, weakest first; between the first one that is enough and the one before it the limit is
    found by bisection. A sufficient strength between two weaker ones that are not is thus overlooked.

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
    check_choice("equilibrium", equilibrium, STAGES)
    check_choice("scale", scale, SCALES)
    _check_game(config, family)
    search = _Search(config, family, equilibrium, scale, progress)
    strength, reached = search.weakest(goal)
    after = search.game(strength)
    return Design(
        family=family,
        parameter=FAMILIES[family].parameter + (" per cost c" if (units(config, family, scale) != 1).any() else ""),
        strength=strength,
        strengths=search.strengths,
        mechanism=mechanism_of(config, family, strength, scale),
        config=after,
        reached=reached,
        before=outcome(config, equilibrium),
        after=search.outcome(strength),
        worst_before=outcome(config, "worst"),
        worst_after=outcome(after, "worst", search.optimum),
        tried=np.array([(tried, search.known[tried].efficiency) for tried in sorted(search.known)]),
    )


class _Search:
    """The strengths of one family that have been tried."""

    def __init__(
        self, config: MPGGConfig, family: str, selection: Stage, scale: Scale, progress: Callable[[], None]
    ) -> None:
        self.config, self.family, self.selection, self.scale = config, family, selection, scale
        self.strengths = strengths_of(config, family, scale)
        self.optimum, self.progress = social_optimum(config), progress
        self.known: dict[float, Outcome] = {}

    def game(self, strength: float) -> MPGGConfig:
        """The game with the mechanism of a strength."""
        added = mechanism_of(self.config, self.family, strength, self.scale)
        return self.config.replace(mechanism=(*self.config.mechanisms, added))

    def outcome(self, strength: float) -> Outcome:
        """The equilibrium of that game."""
        if strength not in self.known:
            self.known[strength] = outcome(self.game(strength), self.selection, self.optimum)
            self.progress()
        return self.known[strength]

    def weakest(self, goal: float) -> tuple[float, bool]:
        """The weakest strength that reaches the goal, or comes closest to it, and whether it does."""
        places = np.unique(np.linspace(0, len(self.strengths) - 1, POINTS).astype(int)).tolist()
        grid = self.strengths[places].tolist()
        for step, strength in enumerate(grid):
            if self._reaches(strength, goal):
                if step == 0:
                    return strength, True
                if FAMILIES[self.family].continuous:
                    return self._bisected(grid[step - 1], strength, goal), True
                return self._first_between(places[step - 1], places[step], goal), True
        closest = max(self.outcome(strength).efficiency for strength in grid)
        return next(strength for strength in grid if self._reaches(strength, closest)), False

    def _reaches(self, strength: float, goal: float) -> bool:
        return self.outcome(strength).efficiency >= goal * (1 - ROUNDING)

    def _bisected(self, weaker: float, enough: float, goal: float) -> float:
        """The limit, with an equilibrium that is exact but for what rounding may make of the game's payoffs."""
        while enough - weaker > 2 * ROUNDING * enough:
            middle = (weaker + enough) / 2
            exact = self.outcome(middle).equilibrium.exploitability <= game_of(self.game(middle)).tolerance
            if exact and self._reaches(middle, goal):
                enough = middle
            else:
                weaker = middle
        return enough

    def _first_between(self, weaker: int, enough: int, goal: float) -> float:
        """The same among the strengths between two places."""
        while enough - weaker > 1:
            middle = (weaker + enough) // 2
            if self._reaches(float(self.strengths[middle]), goal):
                enough = middle
            else:
                weaker = middle
        return float(self.strengths[enough])


def _check_game(config: MPGGConfig, family: str) -> None:
    if any(mechanism.name == family for mechanism in config.mechanisms):
        raise ValueError(f"family must not be a mechanism that the game has already, got {family!r}")
    if social_optimum(config) <= 0:
        highest = best_values(config).max()
        raise ValueError(f"cooperation must be worth something in some casino, got a highest value of {highest:g}")
