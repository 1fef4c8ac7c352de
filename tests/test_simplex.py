"""Grids on the simplex and the nearest point of a grid."""

import re
from fractions import Fraction

import numpy as np
import pytest
import torch

from mpgg_env.core.simplex import (
    action_grid,
    grid_index,
    grid_size,
    index_table,
    projected,
    simplex_grid,
)
from mpgg_env.core.simplex_compiled import project_all
from mpgg_env.core.types import FloatArray, IntArray
from tests.oracles.simplex_oracle import compositions, distance, largest_remainder, nearest


def compiled_indices(distributions: FloatArray, n: int) -> IntArray:
    width = distributions.shape[1]
    indices: IntArray = np.empty(len(distributions), np.int64)
    project_all(distributions, n, index_table(width, n), np.empty(width, np.int64), np.empty(width), indices)
    return indices


def awkward_distributions(generator: np.random.Generator, width: int) -> FloatArray:
    """Spread and sparse ones, and tenths and twelfths, with equal remainders all over."""
    spread = generator.dirichlet(np.ones(width), 100)
    sparse = generator.dirichlet(np.full(width, 0.1), 100)
    tenths = generator.multinomial(10, np.ones(width) / width, 100) / 10
    twelfths = generator.multinomial(12, np.ones(width) / width, 100) / 12
    return np.asarray(np.concatenate([spread, sparse, tenths, twelfths]))


def test_points_go_from_all_on_the_first_coordinate_to_all_on_the_last() -> None:
    assert simplex_grid(3, 2).tolist() == [[2, 0, 0], [1, 1, 0], [1, 0, 1], [0, 2, 0], [0, 1, 1], [0, 0, 2]]


@pytest.mark.parametrize(("width", "n"), [(1, 3), (2, 1), (2, 10), (3, 5), (4, 4), (6, 3)])
def test_every_point_is_listed_once_and_knows_its_number(width: int, n: int) -> None:
    grid = simplex_grid(width, n)
    assert [tuple(point) for point in grid.tolist()] == sorted(compositions(n, width), reverse=True)
    assert len(grid) == grid_size(width, n)
    assert grid_index(grid, n).tolist() == list(range(len(grid)))
    assert grid_index(torch.from_numpy(grid), n).tolist() == list(range(len(grid)))


def test_the_first_game_has_as_many_points_as_published() -> None:
    # Three states, n_S = 5: C(7, 2) = 21 points, 441 pairs of them.
    assert grid_size(3, 5) ** 2 == 441


@pytest.mark.parametrize("width", [2, 3, 5])
@pytest.mark.parametrize("n", [1, 3, 5, 10, 100])
def test_projections_are_those_of_the_slow_oracle_in_all_three_forms(width: int, n: int) -> None:
    distributions = awkward_distributions(np.random.default_rng(width), width)
    expected = np.array([largest_remainder(row, n) for row in distributions.tolist()])
    assert (projected(distributions, n) == expected).all()
    assert (projected(torch.from_numpy(distributions), n).numpy() == expected).all()
    assert (compiled_indices(distributions, n) == grid_index(expected, n)).all()


def test_projections_are_nearest_among_all_points() -> None:
    for row in awkward_distributions(np.random.default_rng(0), 3)[::10].tolist():
        exact = [Fraction(entry) for entry in row]
        units = projected(np.array(row), 5).tolist()
        for power in (1, 2):
            assert abs(distance(exact, units, power) - nearest(exact, 5, power)) < 1e-8


@pytest.mark.parametrize("n", [5, 7, 49, 100, 1000])
@pytest.mark.parametrize("width", [2, 3])
def test_points_of_the_grid_stay_where_they_are(width: int, n: int) -> None:
    # 0.29 * 100 is a little below 29, and 0.07 * 100 a little above 7.
    grid = simplex_grid(width, n) if n < 1000 or width == 2 else simplex_grid(width, 49) * 20
    if n == 1000 and width == 3:
        grid = grid + (n - grid.sum(1, keepdims=True)) * np.array([0, 0, 1])
    assert (projected(grid / n, n) == grid).all()
    assert (projected(torch.from_numpy(grid / n).float(), n).numpy() == grid).all()
    assert (compiled_indices(grid / n, n) == grid_index(grid, n)).all()


def test_the_missing_units_go_to_the_largest_remainders_and_of_equal_ones_to_the_lowest() -> None:
    assert projected(np.array([0.5, 0.5]), 5).tolist() == [3, 2]
    # 5 mu = (1.25, 1.25, 2.5): one unit is missing, and 0.5 is the largest remainder.
    assert projected(np.array([0.25, 0.25, 0.5]), 5).tolist() == [1, 1, 3]
    # 4 mu = (1.5, 1.0, 1.5): equal remainders.
    assert projected(np.array([0.375, 0.25, 0.375]), 4).tolist() == [2, 1, 1]
    # 3 mu = (1, 1, 1), each with an error of the last digit, of which the largest remainder must not be made.
    assert projected(np.array([0.1 + 0.2 + 1 / 3 - 0.3, 1 / 3, 1 / 3]), 3).tolist() == [1, 1, 1]
    # Remainders that differ by less than 1e-9 are equal: 0.5 - 4e-10 comes before 0.5 + 4e-10.
    assert projected(np.array([0.5 - 4e-10, 0.5 + 4e-10]), 1).tolist() == [1, 0]


def test_projections_keep_the_leading_axes() -> None:
    distributions = np.random.default_rng(0).dirichlet(np.ones(3), (4, 2))
    assert projected(distributions, 5).shape == (4, 2, 3)
    assert (projected(distributions, 5)[1, 1] == projected(distributions[1, 1], 5)).all()


@pytest.mark.parametrize("wrong", [[0.5, 0.6], [-0.1, 1.1], [np.nan, 1.0]])
def test_what_is_no_distribution_is_refused(wrong: list[float]) -> None:
    with pytest.raises(ValueError, match=r"^distribution must be nonnegative with the sum 1, got "):
        projected(np.array(wrong), 5)


def test_grids_that_are_too_large_are_refused() -> None:
    with pytest.raises(ValueError, match=re.escape("must have at most 10,000,000 points to be listed, got n_coord")):
        simplex_grid(25, 10)
    with pytest.raises(ValueError, match=r"got n_coordinates = 1000 and n = 1000 with 10\^600\.0$"):
        simplex_grid(1000, 1000)
    with pytest.raises(ValueError, match=r"at most 2\^62 points, got 100 coordinates and n = 100"):
        index_table(100, 100)
    with pytest.raises(ValueError, match=r"^n must be >= 1, got 0"):
        simplex_grid(3, 0)


def test_actions_are_all_matrices_with_the_listed_rows() -> None:
    rows = [simplex_grid(2, 1).astype(float), simplex_grid(3, 1)[:2].repeat(2, 1)[:, :2].astype(float)]
    grid = action_grid(rows)
    assert grid.shape == (4, 2, 2)
    expected = [[list(a), list(b)] for a in rows[0].tolist() for b in rows[1].tolist()]
    assert grid.tolist() == expected
