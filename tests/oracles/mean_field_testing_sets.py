"""The testing sets of initial distributions as they are listed: cells are (row, column), equal mass on each."""

from __future__ import annotations

from fractions import Fraction

Cells = list[tuple[int, int]]

EVERYWHERE: Cells = [(row, column) for row in range(5) for column in range(5)]

FOUR_ROOMS: list[tuple[list[Cells], int]] = [
    ([[(0, 0), (0, 4), (4, 0), (4, 4)], [(6, 6), (6, 8), (8, 6), (8, 8)]], 3),
    ([[(7, 2), (8, 2)], [(1, 8), (2, 8), (2, 7)]], 1),
    ([[(2, 2), (2, 7), (7, 2), (7, 7)], [(1, 1), (1, 3), (3, 1), (3, 3)]], 0),
]
PREDATOR_PREY: list[list[Cells]] = [
    [[(0, 0)], [(0, 4)], [(4, 0)], [(4, 4)]],
    [[(0, 0), (0, 1), (1, 0)], [(2, 2)], [(4, 4), (4, 3), (3, 4)], [(0, 4)]],
    [[(4, 2)], [(2, 0), (2, 1)], [(0, 2)], [(2, 3), (2, 4)]],
    [EVERYWHERE, [(1, 1), (3, 3)], EVERYWHERE, [(1, 3), (3, 1)]],
    [[(2, 2)], [(1, 2), (2, 1)], [(2, 3), (3, 2)], [(0, 0), (4, 4)]],
]
DISTRIBUTION_PLANNING: list[list[Cells]] = [
    [[(4, 4)], [(0, 0)]],
    [[(0, 4)], [(4, 0)]],
    [[(2, 1)], [(2, 3)]],
    [[(3, 3)], [(3, 1)]],
]
POPULATION_MATCHING = [
    [(1, 0, 0), (0, 0, 1)],
    [(0, 1, 0), (0.2, 0.6, 0.2)],
    [(0.4, 0.6, 0), (0, 0.4, 0.6)],
    [(0.2, 0.2, 0.6), (0.6, 0.2, 0.2)],
    [(0, 0.2, 0.8), (1, 0, 0)],
]
CYBER_SECURITY = [
    [defenders, attackers]
    for defenders in ((0.25, 0.25, 0.25, 0.25), (1, 0, 0, 0), (0, 0, 0, 1), (0.01, 0.01, 0.48, 0.5))
    for attackers in ((0.9, 0.1), (0.1, 0.9))
]


def on_cells(cells: Cells, rows: int, columns: int) -> list[Fraction]:
    """Equal mass on the listed cells."""
    return [Fraction(divmod(s, columns) in cells, len(cells)) for s in range(rows * columns)]
