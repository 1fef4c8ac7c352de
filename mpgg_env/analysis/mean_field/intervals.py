"""Ranges of numbers that are known only up to an interval."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mpgg_env.core.types import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Interval:
    """Everything between two arrays, entry by entry.

    Attributes:
        low: Least values.
        high: Largest values, of the same shape.
    """

    low: FloatArray
    high: FloatArray

    def __add__(self, other: "Interval") -> "Interval":
        return Interval(self.low + other.low, self.high + other.high)

    def __sub__(self, other: "Interval") -> "Interval":
        return Interval(self.low - other.high, self.high - other.low)

    def __mul__(self, other: "Interval") -> "Interval":
        ends = np.stack([a * b for a in (self.low, self.high) for b in (other.low, other.high)])
        return Interval(ends.min(0), ends.max(0))

    def __getitem__(self, key: Any) -> "Interval":
        return Interval(self.low[key], self.high[key])

    @property
    def transposed(self) -> "Interval":
        """Of a matrix."""
        return Interval(self.low.T, self.high.T)

    def times(self, number: float) -> "Interval":
        """A multiple by a number >= 0."""
        return Interval(self.low * number, self.high * number)

    def applied(self, columns: "Interval") -> "Interval":
        """The product of a matrix (n, k) and columns (k, c), (n, c)."""
        ends = self[:, :, None] * columns[None]
        return Interval(ends.low.sum(1), ends.high.sum(1))


def exactly(values: object) -> Interval:
    """Known numbers."""
    array = np.asarray(values, np.float64)
    return Interval(array, array)


def between(low: object, high: object) -> Interval:
    """Numbers between known ones."""
    return Interval(np.asarray(low, np.float64), np.asarray(high, np.float64))
