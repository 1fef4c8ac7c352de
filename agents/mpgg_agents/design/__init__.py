"""Mechanism design: found by analysis, tried with learners. `mpgg design` is its command."""

from typing import TYPE_CHECKING

from mpgg_env.core.lazy import lazy_names

if TYPE_CHECKING:
    from mpgg_agents.design.settings import DesignConfig
    from mpgg_agents.design.study import Study, Trial, run_study

__all__ = ["DesignConfig", "Study", "Trial", "run_study"]

# Loaded on first use: `mpgg --help` must not wait for numba.
__getattr__ = lazy_names(
    __name__,
    {
        "DesignConfig": "mpgg_agents.design.settings",
        "Study": "mpgg_agents.design.study",
        "Trial": "mpgg_agents.design.study",
        "run_study": "mpgg_agents.design.study",
    },
)
