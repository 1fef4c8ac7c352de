"""Boxes made into probabilities, and the nearest point of a grid on the simplex, by listing every point there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

Number = Any  # a float or a Fraction


def row_normalised(row: Sequence[Number]) -> list[Number]:
    """A row clipped at 0 and divided by its sum; without anything left, all actions are equally likely."""
    positive = [max(entry, 0) for entry in row]
    total = sum(positive)
    return [entry / total for entry in positive] if total > 0 else [Fraction(1, len(row))] * len(row)


def factored_normalised(row: Sequence[Number]) -> list[Number]:
    """The migratory game's row: the probability of cooperating clipped to [0, 1], the move weights as any row."""
    return [min(max(row[0], 0), 1), *row_normalised(row[1:])]


def compositions(units: int, places: int) -> Iterator[tuple[int, ...]]:
    """All ways to put equal units into places."""
    if places == 1:
        yield (units,)
        return
    for first in range(units + 1):
        for rest in compositions(units - first, places - 1):
            yield (first, *rest)


def distance(mu: Sequence[Number], units: Sequence[int], power: int) -> Number:
    """Sum of |mu - k / n| ** power."""
    n = sum(units)
    return sum(abs(m - Fraction(k, n)) ** power for m, k in zip(mu, units, strict=True))


def nearest(mu: Sequence[Number], n: int, power: int) -> Number:
    """The smallest distance to any point of the grid."""
    return min(distance(mu, units, power) for units in compositions(n, len(mu)))


def largest_remainder(mu: Sequence[Number], n: int) -> list[int]:
    """Whole units first, then one each to the largest remainders (at nine decimals), ties to the lowest place."""
    shares = [n * m for m in mu]
    units = [int(share // 1) for share in shares]
    remainders = [round(float(share - unit), 9) for share, unit in zip(shares, units, strict=True)]
    order = sorted(range(len(mu)), key=lambda place: (-remainders[place], place))
    for place in order[: n - sum(units)]:
        units[place] += 1
    return units
