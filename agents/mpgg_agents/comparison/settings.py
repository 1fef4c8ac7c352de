"""How runs are compared."""

from dataclasses import dataclass

from mpgg_agents.experiments.settings import parse_seeds
from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_integer


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareConfig(Config):
    """Numbers of a comparison; the defaults are those of [Casgrain2022] section 6.4.

    Attributes:
        paths: Episodes of which the mean return is taken, at least 1.
        repetitions: How many such means there are of each profile, at least 2.
        seed: Seed of the episodes, which are the same for all profiles.
        seeds: Which replica of each run plays, one seed for each in their order; default: the first of each.
    """

    paths: int = 1000
    repetitions: int = 100
    seed: int = 0
    seeds: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        self._set("paths", check_integer("paths", self.paths, 1))
        self._set("repetitions", check_integer("repetitions", self.repetitions, 2))
        self._set("seed", check_integer("seed", self.seed, 0, 2**63 - 1))
        if self.seeds is not None:
            # Two runs may have the same seeds, so that they may be repeated here.
            self._set("seeds", tuple(seed for value in self.seeds for seed in parse_seeds([value])))
