"""The mean-field-type games as PettingZoo names things, one module each with `parallel_env`, `env` and `raw_env`."""

from typing import TYPE_CHECKING

from mpgg_env.core.lazy import lazy_names

if TYPE_CHECKING:
    from mpgg_env.mftg import (
        cyber_security_v0,
        distribution_planning_v0,
        four_rooms_v0,
        mpgg_v0,
        population_matching_v0,
        predator_prey_v0,
    )

__all__ = [
    "cyber_security_v0",
    "distribution_planning_v0",
    "four_rooms_v0",
    "mpgg_v0",
    "population_matching_v0",
    "predator_prey_v0",
]

__getattr__ = lazy_names(__name__, {name: f"{__name__}.{name}" for name in __all__})
