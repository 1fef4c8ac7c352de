"""What a table shows of a cell's seeds."""

from dataclasses import dataclass

import numpy as np

from mpgg_agents.experiments.statistics.bootstrap import RESAMPLES, bootstrap_intervals
from mpgg_agents.experiments.statistics.samples import known_values
from mpgg_agents.experiments.statistics.student import deviations, mean_interval
from mpgg_env.core.types import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One number per seed in a few numbers; `dataclasses.asdict` makes it a row of a table.

    What there are too few seeds for is NaN, see `bootstrap_intervals`.

    Attributes:
        seeds: How many seeds have a number.
        left_out: How many have none (NaN).
        minimum: Lowest number.
        maximum: Highest number.
        deviation: Standard deviation (divisor: seeds - 1).
        mean: Arithmetic mean.
        mean_low: Lower limit of its 95 % interval by Student's t, the band of the figures.
        mean_high: Upper limit.
        mean_bootstrap_low: Lower limit of its 95 % BCa bootstrap interval.
        mean_bootstrap_high: Upper limit.
        median: Median.
        median_low: Lower limit of its 95 % BCa bootstrap interval.
        median_high: Upper limit.
        iqm: Interquartile mean ([Agarwal2021]).
        iqm_low: Lower limit of its 95 % BCa bootstrap interval.
        iqm_high: Upper limit.
    """

    seeds: int
    left_out: int
    minimum: float
    maximum: float
    deviation: float
    mean: float
    mean_low: float
    mean_high: float
    mean_bootstrap_low: float
    mean_bootstrap_high: float
    median: float
    median_low: float
    median_high: float
    iqm: float
    iqm_low: float
    iqm_high: float


def summary(values: FloatArray, *, seed: int = 0, resamples: int = RESAMPLES) -> Summary:
    """Sums up one number per seed.

    Args:
        values: (B,); NaN is left out.
        seed: Of the bootstrap, >= 0.
        resamples: Of the bootstrap, >= 100.

    Raises:
        ValueError: The values are not one number per seed, one is infinite, or an argument is out of range.
    """
    known = known_values(values)
    mean, low, high = mean_interval(known)
    found = bootstrap_intervals(known, seed=seed, resamples=resamples)
    return Summary(
        seeds=known.size,
        left_out=len(values) - known.size,
        minimum=float(known.min()) if known.size else np.nan,
        maximum=float(known.max()) if known.size else np.nan,
        deviation=float(deviations(known)[1]),
        mean=mean,
        mean_low=low,
        mean_high=high,
        mean_bootstrap_low=float(found.mean.low),
        mean_bootstrap_high=float(found.mean.high),
        median=float(found.median.estimate),
        median_low=float(found.median.low),
        median_high=float(found.median.high),
        iqm=float(found.iqm.estimate),
        iqm_low=float(found.iqm.low),
        iqm_high=float(found.iqm.high),
    )
