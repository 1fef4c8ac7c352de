"""Statistics over seeds: one number per seed in, estimates with intervals, tests and numbers of seeds out."""

from mpgg_agents.experiments.statistics.bootstrap import BootstrapIntervals, Interval, bootstrap_intervals
from mpgg_agents.experiments.statistics.comparison import Difference, differences
from mpgg_agents.experiments.statistics.corrections import CORRECTIONS, adjusted
from mpgg_agents.experiments.statistics.permutation import paired_p_value, unpaired_p_value
from mpgg_agents.experiments.statistics.student import (
    CONFIDENCE,
    confidence_band,
    enough,
    mean_interval,
    seeds_needed,
    welch_interval,
)
from mpgg_agents.experiments.statistics.summaries import Summary, summary

__all__ = [
    "CONFIDENCE",
    "CORRECTIONS",
    "BootstrapIntervals",
    "Difference",
    "Interval",
    "Summary",
    "adjusted",
    "bootstrap_intervals",
    "confidence_band",
    "differences",
    "enough",
    "mean_interval",
    "paired_p_value",
    "seeds_needed",
    "summary",
    "unpaired_p_value",
    "welch_interval",
]
