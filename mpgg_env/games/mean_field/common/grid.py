"""Moves on a grid of cells with walls, doors and forbidden cells, and the noise that follows them.

Cell s = row * columns + column, row 0 on top. A blocked move is a stay.
"""

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np

from mpgg_env.core.types import FloatArray, IntArray

LEFT, RIGHT, STAY, UP, DOWN = range(5)
N_MOVES: Final = 5
STEPS: Final = {LEFT: (0, -1), RIGHT: (0, 1), STAY: (0, 0), UP: (-1, 0), DOWN: (1, 0)}
DIRECTIONS: Final = (LEFT, RIGHT, UP, DOWN)
Cell = tuple[int, int]


def cell_number(cell: Cell, columns: int) -> int:
    """State of the cell in a row and column."""
    return cell[0] * columns + cell[1]


def destinations(
    shape: tuple[int, int], walls: Collection[frozenset[Cell]] = (), forbidden: Collection[Cell] = ()
) -> IntArray:
    """Where each move ends, (S, 5).

    Args:
        shape: Rows and columns.
        walls: Pairs of neighbouring cells with a wall on their common edge.
        forbidden: Cells that cannot be entered.
    """
    rows, columns = shape
    table = np.empty((rows * columns, N_MOVES), np.int64)
    for row, column in np.ndindex(rows, columns):
        for move, (down, right) in STEPS.items():
            here, there = (row, column), (row + down, column + right)
            inside = 0 <= there[0] < rows and 0 <= there[1] < columns
            blocked = not inside or there in forbidden or frozenset((here, there)) in walls
            table[cell_number(here, columns), move] = cell_number(here if blocked else there, columns)
    return table


def kernel_of_table(table: IntArray) -> FloatArray:
    """Probabilities p(y | x, a) of moves that lead to table[x, a] (S, D): (S * D, S), zeros and ones."""
    return np.asarray(np.eye(len(table))[table.ravel()])


def kernel_of(table: IntArray, noise: float = 0.0) -> FloatArray:
    """Probabilities p(y | x, a), (S * D, S): the move, then with probability `noise` a second one.

    The second move goes in one of the four directions, each with probability noise / 4, and is blocked alike.
    """
    moves = kernel_of_table(table)
    return np.asarray(moves @ second_moves(table, noise)) if noise else moves


def second_moves(table: IntArray, noise: float) -> FloatArray:
    """Probabilities of where the second move of `kernel_of` leads, (S, S)."""
    unit = np.eye(len(table))
    return np.asarray((1.0 - noise) * unit + noise * unit[table[:, list(DIRECTIONS)]].mean(1))


def agent_destination(
    table: IntArray, place: IntArray, action: IntArray, uniform: FloatArray, noise: float = 0.0
) -> IntArray:
    """Where single agents go, (B, N): their move, then for draws below `noise` a second one, by the draw's quarter."""
    moved = table[place, action]
    if not noise:
        return moved
    disturbed = uniform < noise
    quarter = np.where(disturbed, uniform / noise * len(DIRECTIONS), 0).astype(np.int64)
    second = np.array(DIRECTIONS)[np.minimum(quarter, len(DIRECTIONS) - 1)]
    return np.where(disturbed, table[moved, second], moved)


def moving_weights(n_states: int, stay: int = STAY, n_actions: int = N_MOVES) -> FloatArray:
    """1 for every pair of state and action but those that stay, (S * A,): its product with a flow is the mass moved."""
    weights = np.ones((n_states, n_actions))
    weights[:, stay] = 0.0
    return weights.ravel()


def cells_of(cells: Sequence[Cell], columns: int) -> list[int]:
    """States of the cells."""
    return [cell_number(cell, columns) for cell in cells]
