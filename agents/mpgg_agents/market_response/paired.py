"""Paired comparisons: the same episodes under two profiles."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from mpgg_env.core.types import FloatArray
from mpgg_env.core.validation import check_real


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference:
    """Mean difference of two samples whose elements belong together.

    Attributes:
        mean: Mean of first less second.
        interval: Confidence interval of the mean, by Student's t.
        confidence: Its level.
        p_value: Of the two-sided paired t-test that the mean is 0.
        pairs: Number of pairs.
    """

    mean: float
    interval: tuple[float, float]
    confidence: float
    p_value: float
    pairs: int


def paired_difference(first: FloatArray, second: FloatArray, confidence: float = 0.95) -> PairedDifference:
    """Compares two samples by the differences of their pairs.

    What both owe to the same episode drops out, so that far smaller differences can be seen than by comparing the means
    of separate episodes.

    Args:
        first: A number per pair, (n,), at least 2.
        second: The other number of each pair, (n,).
        confidence: Level of the interval, in (0, 1).

    Raises:
        ValueError: The samples differ in length or are too small, or the level is out of range.
    """
    check_real("confidence", confidence, 0, 1, open_minimum=True, open_maximum=True)
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.ndim != 1 or a.shape != b.shape or len(a) < 2:
        raise ValueError(f"first and second must be (n,) with n >= 2, got {a.shape} and {b.shape}")
    differences = a - b
    mean, error = float(differences.mean()), float(differences.std(ddof=1) / math.sqrt(len(a)))
    # Equal differences leave nothing to test: scipy would divide 0 by 0.
    if error == 0:
        return PairedDifference(
            mean=mean, interval=(mean, mean), confidence=confidence, p_value=float(mean == 0), pairs=len(a)
        )
    margin = error * float(stats.t.ppf((1 + confidence) / 2, len(a) - 1))
    p_value = float(2 * stats.t.sf(abs(mean) / error, len(a) - 1))
    return PairedDifference(
        mean=mean, interval=(mean - margin, mean + margin), confidence=confidence, p_value=p_value, pairs=len(a)
    )
