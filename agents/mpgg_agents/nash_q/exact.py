"""The algorithm of Lemke and Howson in exact rational arithmetic: slow, and it always ends with an equilibrium.

With lexicographic pivoting no basis comes back ([VonStengel2002]), so that a path from an exact beginning
ends, in degenerate games as well, however large, small or close the payoffs are. Floating-point pivots can go
astray in such games; what they leave unsolved is solved here.
"""

from fractions import Fraction

from mpgg_env.core.types import FloatArray

Row = list[Fraction]
Strategy = list[Fraction]


def exact_equilibrium(first: FloatArray, second: FloatArray) -> tuple[Strategy, Strategy]:
    """One equilibrium of a game of two players.

    Args:
        first: Finite payoffs of the first player, (m, n).
        second: Finite payoffs of the second player, (m, n).
    """
    m, n = first.shape
    # Columns and labels as in `compiled.lemke_howson`: one per action of either player, then the right-hand side.
    tableaux = [
        [[*column, *_unit(j, n), Fraction(1)] for j, column in enumerate(zip(*_positive(second), strict=True))],
        [[*_unit(i, m), *row, Fraction(1)] for i, row in enumerate(_positive(first))],
    ]
    bases = [list(range(m, m + n)), list(range(m))]
    slacks = [range(m, m + n), range(m)]
    entering, side = 0, 0
    while True:
        row = _leaving_row(tableaux[side], entering, slacks[side])
        _pivot(tableaux[side], row, entering)
        leaving, bases[side][row] = bases[side][row], entering
        if leaving == 0:
            return _read(tableaux[0], bases[0], range(m)), _read(tableaux[1], bases[1], range(m, m + n))
        entering, side = leaving, 1 - side


def _positive(payoffs: FloatArray) -> list[Row]:
    """The payoffs moved and scaled to [1, 2], exactly."""
    rows = [[Fraction(value) for value in row] for row in payoffs.tolist()]
    lowest, highest = min(map(min, rows)), max(map(max, rows))
    width = (highest - lowest) or Fraction(1)
    return [[1 + (value - lowest) / width for value in row] for row in rows]


def _unit(index: int, size: int) -> Row:
    return [Fraction(int(k == index)) for k in range(size)]


def _leaving_row(tableau: list[Row], entering: int, slacks: range) -> int:
    candidates = [row for row, entries in enumerate(tableau) if entries[entering] > 0]

    def ratios(row: int) -> Row:
        entries = tableau[row]
        return [entries[column] / entries[entering] for column in (-1, *slacks)]

    return min(candidates, key=ratios)


def _pivot(tableau: list[Row], row: int, entering: int) -> None:
    pivot = tableau[row][entering]
    tableau[row] = [entry / pivot for entry in tableau[row]]
    for other, entries in enumerate(tableau):
        factor = entries[entering]
        if other != row and factor:
            tableau[other] = [entry - factor * own for entry, own in zip(entries, tableau[row], strict=True)]


def _read(tableau: list[Row], basis: list[int], labels: range) -> Strategy:
    weights = dict(zip(basis, (entries[-1] for entries in tableau), strict=True))
    total = sum((weights.get(label, Fraction(0)) for label in labels), Fraction(0))
    return [weights.get(label, Fraction(0)) / total for label in labels]
