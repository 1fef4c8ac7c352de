"""Mean, median and interquartile mean over seeds with BCa bootstrap intervals ([Efron1987])."""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from mpgg_agents.experiments.statistics.samples import checked
from mpgg_agents.experiments.statistics.student import CONFIDENCE
from mpgg_env.core.types import BoolArray, FloatArray
from mpgg_env.core.validation import check_integer

RESAMPLES: Final = 9_999
FEWEST_RESAMPLES: Final = 100  # with fewer, all may lie on one side of the estimate, and there is no interval
BATCH: Final = 2**21  # numbers that are drawn at once: 16 MB


class Interval(NamedTuple):
    """An estimate per cell, (...), and the limits of its 95 % interval, (...)."""

    estimate: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class BootstrapIntervals:
    """What is typical of the seeds of each cell.

    Attributes:
        mean: Arithmetic mean.
        median: The middle number, or the mean of the two in the middle.
        iqm: Interquartile mean ([Agarwal2021]): the mean without the lowest and the highest quarter of the numbers, a
            quarter being rounded down to whole seeds.
    """

    mean: Interval
    median: Interval
    iqm: Interval


def bootstrap_intervals(values: FloatArray, *, seed: int = 0, resamples: int = RESAMPLES) -> BootstrapIntervals:
    """Three estimates over seeds, each with its BCa bootstrap interval of 95 %.

    Every cell has a generator of its own, started from `seed`: its intervals depend on its numbers, not on which other
    cells there are or in what order. Seeds whose number is NaN are left out. Of few or equal numbers:

    * none: all is NaN;
    * one: the estimates are this number and the limits NaN;
    * two: the limits are the two numbers, whatever the level. Bootstrap intervals of few seeds are too short;
    * all equal: the limits are the number;
    * others, but an estimate stays the same whichever seed is left out (a median of many equal numbers): the
      acceleration of BCa is 0 / 0, and the limits are those of the percentile method with the same resamples.

    Args:
        values: A number per seed, (..., B).
        seed: Of the resamples, >= 0.
        resamples: How many there are of each cell, >= 100.

    Returns:
        Estimates and limits, (...).

    Raises:
        ValueError: A number is infinite, or an argument is out of range.
    """
    numbers = checked(values)
    check_integer("seed", seed, 0)
    check_integer("resamples", resamples, FEWEST_RESAMPLES)
    found = np.empty((*numbers.shape[:-1], 3, 3))
    for cell in np.ndindex(numbers.shape[:-1]):
        found[cell] = _intervals(numbers[cell], seed, resamples)
    mean, median, iqm = (Interval(*np.moveaxis(found[..., k, :], -1, 0)) for k in range(3))
    return BootstrapIntervals(mean=mean, median=median, iqm=iqm)


def estimates(values: FloatArray, axis: int = -1) -> FloatArray:
    """Mean, median and interquartile mean, (3, ...), of numbers without NaN, (..., n)."""
    # One sort serves all three, and the sums do not depend on the order of the seeds.
    ordered = np.sort(np.moveaxis(values, axis, -1), axis=-1)
    count = ordered.shape[-1]
    cut = count // 4
    median = (ordered[..., (count - 1) // 2] + ordered[..., count // 2]) / 2
    return np.stack([ordered.mean(axis=-1), median, ordered[..., cut : count - cut].mean(axis=-1)])


def _intervals(values: FloatArray, seed: int, resamples: int) -> FloatArray:
    """Estimate, lower and upper limit of mean, median and IQM of one cell, (3, 3)."""
    known = values[~np.isnan(values)]
    if not known.size:
        return np.full((3, 3), np.nan)
    found = estimates(known)
    if known.size == 1:
        return np.stack([found, *np.full((2, 3), np.nan)], axis=-1)
    if np.ptp(known) == 0:
        return np.full((3, 3), known[0])
    return np.concatenate([found[:, None], _limits(known, seed, resamples)], axis=-1)


def _limits(known: FloatArray, seed: int, resamples: int) -> FloatArray:
    """Lower and upper limit of each estimate, (3, 2), from at least two numbers that are not all equal."""
    # Brought to size 1 by a power of 2, which rounds nothing: scipy's cubes of tiny numbers are 0, and it would warn.
    power = np.frexp(np.abs(known).max())[1]
    sample = np.ldexp(known, -power)
    moving = _moving(sample)
    limits = np.empty((3, 2))
    for chosen, method in ((moving, "BCa"), (~moving, "percentile")):
        if chosen.any():
            limits[chosen] = _resampled(sample, chosen, method, seed, resamples)
    return np.ldexp(limits, power)


def _moving(sample: FloatArray) -> BoolArray:
    """Which of the estimates, (3,), change with the seed that is left out."""
    left = np.stack([estimates(np.delete(sample, k)) for k in range(sample.size)])
    moves: BoolArray = np.ptp(left, axis=0) > 0
    return moves


def _resampled(sample: FloatArray, chosen: BoolArray, method: str, seed: int, resamples: int) -> FloatArray:
    from scipy.stats import bootstrap  # takes half a second to import

    def statistic(drawn: FloatArray, axis: int) -> FloatArray:
        return estimates(drawn, axis)[chosen]

    result: Any = bootstrap(
        (sample,),
        statistic,
        vectorized=True,
        axis=-1,
        confidence_level=CONFIDENCE,
        n_resamples=resamples,
        batch=max(1, BATCH // sample.size),
        method=method,
        random_state=np.random.default_rng(seed),  # scipy 1.14 does not know the newer name `rng`
    )
    return np.stack(result.confidence_interval, axis=-1)
