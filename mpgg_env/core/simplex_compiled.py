"""The nearest point of a grid on the simplex and its number, compiled; the same as in `simplex`."""

import math

import numpy as np

from mpgg_env.core.compiled import compiled
from mpgg_env.core.simplex import DECIMALS
from mpgg_env.core.types import FloatArray, IntArray


@compiled
def project_into(distribution: FloatArray, n: int, units: IntArray, remainders: FloatArray) -> None:
    """`projected` of one distribution, which is not checked.

    Args:
        distribution: (S,).
        n: Units of the grid.
        units: (S,), modified in place.
        remainders: Workspace, (S,).
    """
    missing = n
    for i in range(len(distribution)):
        share = n * distribution[i]
        units[i] = np.int64(math.floor(share))
        remainders[i] = np.rint((share - units[i]) * DECIMALS)
        missing -= units[i]
    for _ in range(missing):
        largest = 0
        for i in range(1, len(distribution)):
            if remainders[i] > remainders[largest]:
                largest = i
        units[largest] += 1
        remainders[largest] = -1.0


@compiled
def index_of(units: IntArray, ways: IntArray) -> int:
    """`grid_index` of one point (S,), with the `index_table` of the grid."""
    index, behind = 0, 0
    for i in range(len(units) - 1, 0, -1):
        behind += units[i]
        index += ways[i - 1, behind]
    return index


@compiled
def project_all(
    distributions: FloatArray, n: int, ways: IntArray, units: IntArray, remainders: FloatArray, indices: IntArray
) -> None:
    """Numbers of the nearest points of distributions (B, S), which are not checked.

    Args:
        distributions: (B, S).
        n: Units of the grid.
        ways: `index_table` of the grid.
        units: Workspace, (S,).
        remainders: Workspace, (S,).
        indices: (B,), modified in place.
    """
    for b in range(len(distributions)):
        project_into(distributions[b], n, units, remainders)
        indices[b] = index_of(units, ways)
