"""Numbers of the seeds: those that are known."""

from typing import Any

import numpy as np

from mpgg_env.core.types import FloatArray


def checked(values: Any, name: str = "values") -> FloatArray:
    """The numbers as a float array with the seeds on the last axis, (..., B).

    Raises:
        ValueError: There is no axis of seeds, or a number is infinite.
    """
    numbers = np.asarray(values, np.float64)
    if numbers.ndim == 0:
        raise ValueError(f"{name} must have an axis of seeds, got the single number {numbers}")
    if np.isinf(numbers).any():
        raise ValueError(
            f"{name} must be finite, or NaN for a seed without a number, got {numbers[np.isinf(numbers)][0]}"
        )
    return numbers


def known_values(values: Any, name: str = "values") -> FloatArray:
    """The numbers of one cell that are not NaN, (b,).

    Raises:
        ValueError: The values are not one number per seed, (B,), or one is infinite.
    """
    numbers = checked(values, name)
    if numbers.ndim != 1:
        raise ValueError(f"{name} must be one number per seed, (B,), got an array {numbers.shape}")
    return numbers[~np.isnan(numbers)]
