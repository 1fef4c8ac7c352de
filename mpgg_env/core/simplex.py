"""Grids on the simplex, the nearest point of a grid, and the number of a point.

The grid with n units on S coordinates has the points k / n, k integers >= 0 with the sum n. They are in descending
lexicographic order: from all units on the first coordinate to all on the last.

The nearest point is found by largest remainders: floor(n mu), then one missing unit each to the largest remainders,
which are rounded to 1e-9 first; of equal ones the lowest coordinate. It is nearest in L1 and in L2 at once. An entry
that rounding leaves a little below an integer, such as 0.29 * 100, has a remainder of 1 after the rounding, the
largest there is, and there are as many missing units as such entries at least: points of the grid stay where they are.

Compiled forms are in `simplex_compiled`, apart so that this module needs no compiler.
"""

import functools
import itertools
import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.core.validation import check_integer

DECIMALS: Final = 1e9  # remainders are compared in units of 1 / DECIMALS
SUM_TOLERANCE: Final = 1e-6
LARGEST_LIST: Final = 10_000_000
LARGEST_GRID: Final = 2**62


def grid_size(n_coordinates: int, n: int) -> int:
    """Number of points with n units on so many coordinates."""
    return math.comb(n + n_coordinates - 1, n_coordinates - 1)


def simplex_grid(n_coordinates: int, n: int) -> IntArray:
    """All points of a grid as units k, (P, S), in descending lexicographic order.

    Args:
        n_coordinates: Coordinates S, at least 1.
        n: Units, at least 1; the mesh is 1 / n.

    Raises:
        ValueError: An argument is out of range, or there are more than ten million points.
    """
    size = grid_size(check_integer("n_coordinates", n_coordinates, 1), check_integer("n", n, 1))
    if size > LARGEST_LIST:
        raise ValueError(
            f"a grid must have at most {LARGEST_LIST:,} points to be listed, got n_coordinates = {n_coordinates} and "
            f"n = {n} with 10^{math.log10(size):.1f}"
        )
    # n units and S - 1 bars between the coordinates in a row: the units of a coordinate are those between two bars.
    bars = np.array(list(itertools.combinations(range(n + n_coordinates - 1), n_coordinates - 1)), np.int64)
    bars = bars.reshape(size, n_coordinates - 1)
    ends = np.ones((len(bars), 1), np.int64)
    return np.diff(np.concatenate([-ends, bars, (n + n_coordinates - 1) * ends], axis=1))[::-1] - 1


def grid_index(units: Any, n: int) -> Any:
    """Numbers of points in the order of `simplex_grid`.

    Args:
        units: Integers >= 0 with the sum n, (..., S), of numpy or torch.
        n: Units of the grid.

    Returns:
        (...), int64, of the same library.
    """
    ways = index_table(units.shape[-1], n)
    if not isinstance(units, np.ndarray):
        ways = units.new_tensor(ways)
    behind = n - units.cumsum(-1)
    return sum((ways[i][behind[..., i]] for i in range(units.shape[-1] - 1)), 0 * units[..., 0])


def projected(distribution: Any, n: int) -> Any:
    """The nearest points of the grid by largest remainders, as units.

    Args:
        distribution: Nonnegative numbers along the last axis, (..., S), of numpy or torch. Their sum is 1 within 1e-6,
            and within a quarter of a unit.
        n: Units of the grid.

    Returns:
        Units, (..., S), int64, of the same library.

    Raises:
        ValueError: An entry is negative or not finite, a sum is not 1, or n is out of range.
    """
    check_integer("n", n, 1)
    if not isinstance(distribution, np.ndarray):
        import torch

        return _largest_remainders(torch, distribution.detach().to(torch.float64), n, torch.int64)
    return _largest_remainders(np, distribution.astype(np.float64), n, np.int64)


def action_grid(rows: Sequence[FloatArray]) -> FloatArray:
    """All matrices with one of the listed rows for each state.

    Args:
        rows: For each state x the rows to choose from, (R_x, A).

    Returns:
        (R_1 ... R_S, S, A), the row of the last state changing fastest.
    """
    chosen = np.indices([len(own) for own in rows]).reshape(len(rows), -1)
    return np.stack([own[number] for own, number in zip(rows, chosen, strict=True)], axis=1)


@functools.cache
def index_table(n_coordinates: int, n: int) -> IntArray:
    """What each coordinate but the last adds to the number of a point, by the units on the coordinates behind it.

    Points with more units on coordinate i come earlier: with r units behind it and p coordinates there they are the
    C(r - 1 + p, p) ways to have at most r - 1 behind.

    Returns:
        (S - 1, n + 1), read-only.

    Raises:
        ValueError: The numbers are too large for an integer.
    """
    if grid_size(n_coordinates, n) > LARGEST_GRID:
        raise ValueError(f"a grid must have at most 2^62 points, got {n_coordinates} coordinates and n = {n}")
    places = range(n_coordinates - 1, 0, -1)
    table = np.array([[math.comb(r - 1 + p, p) if r else 0 for r in range(n + 1)] for p in places], np.int64)
    table = table.reshape(n_coordinates - 1, n + 1)
    table.setflags(write=False)
    return table


def _largest_remainders(xp: Any, distribution: Any, n: int, integer: Any) -> Any:
    total = distribution.sum(-1)
    tolerance = min(SUM_TOLERANCE, 0.25 / n)
    if not bool((distribution >= 0).all()) or not bool((abs(total - 1) <= tolerance).all()):
        raise ValueError(f"distribution must be nonnegative with the sum 1, got {distribution}")
    shares = n * distribution
    floors = xp.floor(shares)
    # Ranks as integers that all differ, so that no way of sorting decides between equal remainders.
    coordinates = distribution.shape[-1]
    place = xp.arange(coordinates, dtype=integer)
    if xp is not np:
        place = place.to(distribution.device)
    ranks = _as(xp, xp.round((shares - floors) * DECIMALS), integer) * coordinates - place
    position = (-ranks).argsort(-1).argsort(-1)
    missing = n - _as(xp, floors.sum(-1), integer)
    return _as(xp, floors, integer) + _as(xp, position < missing[..., None], integer)


def _as(xp: Any, array: Any, dtype: Any) -> Any:
    return array.astype(dtype) if xp is np else array.to(dtype)
