"""The algorithm of Lemke and Howson for games of two players ([LemkeHowson1964]), with lexicographic pivoting.

The best-response polytopes are {x >= 0, B'x <= 1} and {y >= 0, A y <= 1} with positive payoff matrices A and B, both
(m, n). Tableau 0 has the n rows of the first, tableau 1 the m rows of the second, and both have the same m + n + 1
columns: column i < m stands for x_i in tableau 0 and for the slack of row i in tableau 1, column m + j for y_j
in tableau 1 and for the slack of row j in tableau 0, and the last column is the right-hand side. A column is a label.
"""

from typing import Final

from mpgg_env.core.compiled import compiled
from mpgg_env.core.types import FloatArray, IntArray

MOST_PIVOTS: Final = 1000
SMALLEST_PIVOT: Final = 1e-11
# Two ratios of numbers near 1 that differ by less are equal: rounding must not decide between the rows of a
# degenerate game, or the pivots could go round in circles.
SAME_RATIO: Final = 1e-12


@compiled
def lemke_howson(
    payoffs: FloatArray,
    one: int,
    two: int,
    m: int,
    n: int,
    first: int,
    tableaux: FloatArray,
    bases: IntArray,
    x: FloatArray,
    y: FloatArray,
) -> bool:
    """One equilibrium of a game of two players.

    Args:
        payoffs: Payoffs in [0, 1], (N, m n).
        one: Row of the first player's payoffs.
        two: Row of the second player's payoffs.
        m: Actions of the first player.
        n: Actions of the second player.
        first: Label that is dropped first, in [0, m + n); others may lead to other equilibria.
        tableaux: Workspace, (2, >= max(m, n), >= m + n + 1).
        bases: Workspace, (2, >= max(m, n)).
        x: The first player's strategy, (>= m,), modified in place.
        y: The second player's strategy, (>= n,), modified in place.

    Returns:
        Whether the path came to its end; if not, x and y mean nothing.
    """
    _begin(payoffs[one], payoffs[two], m, n, tableaux, bases)
    entering = first
    side = 0 if first < m else 1
    for _ in range(MOST_PIVOTS):
        rows = n if side == 0 else m
        row = _leaving_row(tableaux[side], rows, m, n, entering, m if side == 0 else 0)
        if row < 0:
            return False
        leaving = bases[side, row]
        _pivot(tableaux[side], rows, m + n + 1, row, entering)
        bases[side, row] = entering
        if leaving == first:
            return _read(tableaux[0], bases[0], n, m + n, 0, m, x) and _read(tableaux[1], bases[1], m, m + n, m, n, y)
        entering = leaving
        side = 1 - side
    return False


@compiled
def _begin(first: FloatArray, second: FloatArray, m: int, n: int, tableaux: FloatArray, bases: IntArray) -> None:
    for j in range(n):
        for column in range(m + n + 1):
            tableaux[0, j, column] = 0.0
        for i in range(m):
            tableaux[0, j, i] = 1.0 + second[i * n + j]
        tableaux[0, j, m + j] = tableaux[0, j, m + n] = 1.0
        bases[0, j] = m + j
    for i in range(m):
        for column in range(m + n + 1):
            tableaux[1, i, column] = 0.0
        for j in range(n):
            tableaux[1, i, m + j] = 1.0 + first[i * n + j]
        tableaux[1, i, i] = tableaux[1, i, m + n] = 1.0
        bases[1, i] = i


@compiled
def _leaving_row(tableau: FloatArray, rows: int, m: int, n: int, entering: int, slack: int) -> int:
    """The row with the lexicographically smallest ratio, -1 without a positive entry in the entering column.

    The first of the ratios are those of the right-hand side, the others those of the slack columns, which begin at
    `slack` and are as many as the rows.
    """
    best = -1
    for row in range(rows):
        if tableau[row, entering] > SMALLEST_PIVOT and (
            best < 0 or _is_smaller(tableau, row, best, m + n, entering, slack, rows)
        ):
            best = row
    return best


@compiled
def _is_smaller(tableau: FloatArray, row: int, other: int, last: int, entering: int, slack: int, slacks: int) -> bool:
    for k in range(-1, slacks):
        column = last if k < 0 else slack + k
        difference = tableau[row, column] / tableau[row, entering] - tableau[other, column] / tableau[other, entering]
        if difference < -SAME_RATIO:
            return True
        if difference > SAME_RATIO:
            return False
    return False


@compiled
def _pivot(tableau: FloatArray, rows: int, columns: int, row: int, entering: int) -> None:
    pivot = tableau[row, entering]
    for column in range(columns):
        tableau[row, column] /= pivot
    for other in range(rows):
        factor = tableau[other, entering]
        if other != row and factor != 0.0:
            for column in range(columns):
                tableau[other, column] -= factor * tableau[row, column]
            tableau[other, entering] = 0.0


@compiled
def _read(
    tableau: FloatArray, basis: IntArray, rows: int, last: int, start: int, count: int, strategy: FloatArray
) -> bool:
    """The strategy whose variables are the columns from `start` on; False if its weights are not positive."""
    for action in range(count):
        strategy[action] = 0.0
    total = 0.0
    for row in range(rows):
        action = basis[row] - start
        if 0 <= action < count:
            strategy[action] = max(0.0, tableau[row, last])
            total += strategy[action]
    if not total > 0.0:
        return False
    for action in range(count):
        strategy[action] /= total
    return True
