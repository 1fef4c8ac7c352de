"""Statistics over seeds."""

from typing import Final

import numpy as np
from scipy.special import stdtrit

from mpgg_env.core.types import FloatArray

CONFIDENCE: Final = 0.95


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
