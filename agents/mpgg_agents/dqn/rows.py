"""Equal rows: agents in one casino mostly see the same, so that a shared network need not say the same for each."""

import numpy as np

from mpgg_env.core.compiled import compiled
from mpgg_env.core.types import Float32Array, Int32Array, IntArray


def distinct_rows(rows: Float32Array) -> tuple[Float32Array, IntArray]:
    """The distinct ones of the rows (N, width), in the order in which they first come, and the place of each of N."""
    slots = np.full(2 ** int(np.ceil(np.log2(2 * len(rows)))), -1)
    first, place = np.empty(len(rows), np.int64), np.empty(len(rows), np.int64)
    count = _find_distinct(rows.view(np.int32), slots, first, place)
    return rows[first[:count]], place


@compiled
def _find_distinct(rows: Int32Array, slots: IntArray, first: IntArray, place: IntArray) -> int:
    """Counts distinct rows, by their bits.

    Args:
        rows: Bits of the numbers, (N, width).
        slots: Hash table, a power of two and at least 2 N places; -1, or a distinct row. Modified in place.
        first: Index of the first row that is equal to distinct row d, (N,). Modified in place.
        place: Which distinct row each row is equal to, (N,). Modified in place.
    """
    count = 0
    for i in range(rows.shape[0]):
        key = np.uint64(0)
        for k in range(rows.shape[1]):
            key = (key ^ np.uint64(rows[i, k] & 0xFFFFFFFF)) * np.uint64(0x9E3779B97F4A7C15)
            key ^= key >> np.uint64(32)
        slot = np.int64(key & np.uint64(len(slots) - 1))
        while True:
            d = slots[slot]
            if d < 0:
                slots[slot] = d = count
                first[count] = i
                count += 1
                break
            same = True
            for k in range(rows.shape[1]):
                same = same and rows[first[d], k] == rows[i, k]
            if same:
                break
            slot = (slot + 1) & (len(slots) - 1)
        place[i] = d
    return count
