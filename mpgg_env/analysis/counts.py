"""Count vectors: how many of N agents are at each of several places. What every enumeration here runs over."""

import itertools
import math
from typing import Final

import numpy as np

from mpgg_env.core.types import IntArray

MOST_COUNT_VECTORS: Final = 200_000


def n_compositions(total: int, parts: int) -> int:
    """Number of count vectors of `total` agents over `parts` places."""
    return math.comb(total + parts - 1, parts - 1)


def compositions(total: int, parts: int, *, limit: int = MOST_COUNT_VECTORS) -> IntArray:
    """All count vectors of `total` agents over `parts` places, (count, parts), in lexicographic order.

    Raises:
        ValueError: There are more of them than `limit`.
    """
    count = n_compositions(total, parts)
    if count > limit:
        raise ValueError(
            f"an enumeration of {total} agents over {parts} places must have at most {limit} count vectors, got {count}"
        )
    # Stars and bars: the positions of the bars among total + parts - 1 symbols; counts are the gaps between them.
    bars = np.array(list(itertools.combinations(range(total + parts - 1), parts - 1)), dtype=np.int64)
    bars = bars.reshape(count, parts - 1)
    ends = np.full((count, 1), total + parts - 1, dtype=np.int64)
    return np.diff(np.hstack([np.full_like(ends, -1), bars, ends]), axis=1) - 1
