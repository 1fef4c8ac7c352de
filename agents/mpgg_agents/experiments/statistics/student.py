"""Student's t: the mean over seeds with its interval, and how many seeds a narrow one takes."""

from typing import Final

import numpy as np
from scipy.special import stdtrit

from mpgg_agents.experiments.statistics.samples import checked, known_values
from mpgg_env.core.types import FloatArray
from mpgg_env.core.validation import check_real

CONFIDENCE: Final = 0.95
MOST_SEEDS: Final = 2.0**40  # beyond, nobody will run them


def confidence_band(values: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean and 95 % confidence limits (Student's t) over axis 0, leaving NaN out.

    Args:
        values: One row per seed.

    Returns:
        Mean, lower and upper limit; the limits are NaN where fewer than two seeds have a value.
    """
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    enough = count > 1
    mean = np.where(known, values, 0).sum(axis=0) / np.where(count > 0, count, np.nan)
    squares = np.where(known, (values - mean) ** 2, 0).sum(axis=0)
    freedom = np.where(enough, count - 1, np.nan)
    half = stdtrit(np.where(enough, freedom, 1), (1 + CONFIDENCE) / 2) * np.sqrt(
        squares / freedom / np.maximum(count, 1)
    )
    return mean, mean - half, mean + half


def mean_interval(values: FloatArray) -> tuple[float, float, float]:
    """Mean and 95 % confidence limits of one number per seed, (B,), as `confidence_band` has them."""
    mean, low, high = confidence_band(values[:, None])
    return float(mean[0]), float(low[0]), float(high[0])


def deviations(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """How many seeds have a number, and the standard deviation of these numbers (divisor: number less 1).

    Args:
        values: A number per seed, (..., B); NaN is left out.

    Returns:
        Count and deviation, (...); the deviation is NaN where fewer than two seeds have a number.
    """
    values = checked(values)
    known = ~np.isnan(values)
    count = known.sum(axis=-1).astype(np.float64)
    mean = np.where(known, values, 0).sum(axis=-1) / np.where(count > 0, count, np.nan)
    squares = np.where(known, (values - mean[..., None]) ** 2, 0).sum(axis=-1)
    return count, np.sqrt(squares / np.where(count > 1, count - 1, np.nan))


def welch_interval(first: FloatArray, second: FloatArray) -> tuple[float, float, float]:
    """Difference of the means of two samples that have nothing in common, with its 95 % limits ([Welch1947]).

    Args:
        first: A number per seed, (B,); NaN is left out.
        second: The same of other seeds, (C,).

    Returns:
        Mean of the first less that of the second, lower and upper limit. The limits are NaN where a sample has fewer
        than two numbers, and so is the difference where one has none. If neither varies, the limits are the difference.
    """
    samples = known_values(first), known_values(second)
    if min(sample.size for sample in samples) == 0:
        return np.nan, np.nan, np.nan
    difference = float(samples[0].mean() - samples[1].mean())
    if min(sample.size for sample in samples) == 1:
        return difference, np.nan, np.nan
    if max(np.ptp(sample) for sample in samples) == 0:  # 0 / 0 degrees of freedom
        return difference, difference, difference
    errors = np.array([sample.var(ddof=1) / sample.size for sample in samples])
    shares = errors / errors.sum()
    freedom = 1 / sum(share**2 / (sample.size - 1) for share, sample in zip(shares, samples, strict=True))
    half = float(stdtrit(freedom, (1 + CONFIDENCE) / 2) * np.sqrt(errors.sum()))
    return difference, difference - half, difference + half


def seeds_needed(values: FloatArray, half_width: float) -> FloatArray:
    """How many seeds make the 95 % interval of the mean at most `half_width` to either side.

    The smallest n >= 2 with t(n - 1, 0.975) s / sqrt(n) <= half_width, as if the standard deviation s of the seeds so
    far were that of all: an estimate, poor where there are few seeds.

    Args:
        values: A number per seed, (..., B); NaN is left out.
        half_width: In the unit of the values, > 0.

    Returns:
        Whole numbers, (...): NaN where fewer than two seeds have a number, infinity where more than 2^40 are needed.
    """
    check_real("half_width", half_width, 0, open_minimum=True)
    _, deviation = deviations(values)
    few, many = np.ones(deviation.shape), np.full(deviation.shape, MOST_SEEDS)
    while (many - few > 1).any():  # `few` seeds never suffice, `many` always do: the half width falls with the number
        middle = np.floor((few + many) / 2)
        suffices = (middle > few) & (_half_width(np.maximum(middle, 2), deviation) <= half_width)
        many, few = np.where(suffices, middle, many), np.where(suffices, few, np.maximum(middle, few))
    many = np.where(_half_width(many, deviation) <= half_width, many, np.inf)
    return np.where(np.isnan(deviation), np.nan, many)


def enough(values: FloatArray, half_width: float) -> bool:
    """Whether the 95 % interval of one cell's mean is already at most `half_width` to either side: a rule when to stop.

    Who looks after every batch of seeds and stops at the first that suffices stops a little too often where the
    deviation came out small by chance: the share of intervals that hold the truth tends to 95 % as `half_width` gets
    small ([Chow1965]), and is lower where few seeds suffice. Seeds that all have the same number always suffice.

    Args:
        values: A number per seed, (B,); NaN is left out. Fewer than two numbers are never enough.
        half_width: In the unit of the values, > 0.
    """
    check_real("half_width", half_width, 0, open_minimum=True)
    count, deviation = deviations(known_values(values))
    return bool(_half_width(count, deviation) <= half_width)  # not where it is NaN: fewer than two numbers


def _half_width(count: FloatArray, deviation: FloatArray) -> FloatArray:
    half: FloatArray = stdtrit(count - 1, (1 + CONFIDENCE) / 2) * deviation / np.sqrt(count)
    return half
