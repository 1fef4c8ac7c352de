"""What a design study is asked."""

from dataclasses import dataclass
from typing import Literal

from mpgg_agents.experiments.settings import parse_seeds
from mpgg_env.analysis.choices import SCALES, STAGES
from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_choice, check_integer, check_real
from mpgg_env.games.mpgg.mechanism_config import MECHANISMS


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignConfig(Config):
    """A goal, the mechanisms that may reach it, and how learners are tried under them.

    Attributes:
        family: Mechanisms to design: fine, subsidy, subsidy_local, toll, pigou, capacity, peer, or all.
        goal: Share of the social optimum that equilibrium has to reach, in (0, 1].
        equilibrium: Which equilibrium has to reach it: the best, or the worst and thus all of them.
        scale: The same strength in all casinos (uniform), or one in proportion to their cost of cooperating (cost).
        margin: Learners meet mechanisms stronger by this share than analysis asks for: at the limit itself a
            cooperator is no better off than a defector.
        strengths: Strengths of each family, from none to the strongest that analysis considers, that learners are
            tried under beside the designed one.
        rounds: Rounds of training in each trial.
        evaluation_rounds: Greedy rounds after it, over which welfare is measured.
        seeds: One replica per seed: numbers, or ranges such as 0:20, which ends before 20.
    """

    family: tuple[str, ...] = ("fine",)
    goal: float = 0.9
    equilibrium: Literal["best", "worst"] = "best"
    scale: Literal["uniform", "cost"] = "uniform"
    margin: float = 0.05
    strengths: int = 5
    rounds: int = 50_000
    evaluation_rounds: int = 2000
    seeds: tuple[int, ...] = tuple(range(10))

    def __post_init__(self) -> None:
        self._set("family", _families(self.family))
        self._set("goal", check_real("goal", self.goal, 0, 1, open_minimum=True))
        check_choice("equilibrium", self.equilibrium, STAGES)
        check_choice("scale", self.scale, SCALES)
        self._set("margin", check_real("margin", self.margin, 0))
        self._set("strengths", check_integer("strengths", self.strengths, 2, 100))
        self._set("rounds", check_integer("rounds", self.rounds, 1, 2**31 - 1))
        self._set("evaluation_rounds", check_integer("evaluation_rounds", self.evaluation_rounds, 1, 2**31 - 1))
        self._set("seeds", parse_seeds(self.seeds))


def _families(names: object) -> tuple[str, ...]:
    given = (names,) if isinstance(names, str) else names
    if not isinstance(given, list | tuple) or not given:
        raise TypeError(f"family must be one or several names of mechanisms, got {names!r}")
    if tuple(given) == ("all",):
        return tuple(MECHANISMS)
    for name in given:
        check_choice("family", name, (*MECHANISMS, "all"))
    if "all" in given or len(set(given)) < len(given):
        raise ValueError(f"family must be distinct names, or all alone, got {list(given)}")
    return tuple(given)
