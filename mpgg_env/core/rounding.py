"""Numbers that rounding has moved a little."""

from typing import Final

import numpy as np

from mpgg_env.core.types import FloatArray, IntArray

# Relative to the largest number at hand: more than a few operations in double precision make, less than anybody means.
ROUNDING: Final = 1e-12
LARGEST_WHOLE: Final = 2**31


def whole_part(values: FloatArray) -> IntArray:
    """The largest integers not above the values, any shape; at most `LARGEST_WHOLE`, since more may not fit.

    A value that misses an integer by rounding alone counts as the integer: 1.4 + 5.2 * 0.5 is a little below 4.
    """
    whole: IntArray = np.floor(np.minimum(values * (1 + ROUNDING), LARGEST_WHOLE)).astype(np.int64)
    return whole
