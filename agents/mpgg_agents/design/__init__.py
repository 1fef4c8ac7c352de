"""Mechanism design: found by analysis, tried with learners. `mpgg design` is its command."""

from mpgg_agents.design.settings import DesignConfig
from mpgg_agents.design.study import Study, Trial, run_study

__all__ = ["DesignConfig", "Study", "Trial", "run_study"]
