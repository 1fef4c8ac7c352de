"""Small random games for comparisons with the slow exact ones, with ties and integers on purpose."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from tests.oracles.game_oracle import Board
from tests.oracles.mechanism_oracle import Rules


def board_of(costs: Sequence[Any], gains: Sequence[Any], **options: Any) -> Board:
    """A row of casinos."""
    return Board(1, len(costs), costs=tuple(costs), gains=tuple(gains), **options)


def random_board(rng: random.Random, most: int, **options: Any) -> Board:
    """Ties, integer gains and casinos where cooperating costs nothing are all frequent."""
    count = rng.randint(1, most)
    costs = [rng.choice([Fraction(0), Fraction(1, 2), Fraction(1), Fraction(3, 2)]) for _ in range(count)]
    gains = [
        rng.choice([Fraction(2), Fraction(3, 2), Fraction(7, 4), Fraction(5, 2), Fraction(3)]) for _ in range(count)
    ]
    return board_of(costs, gains, **options)


def random_rules(rng: random.Random, casinos: int) -> Rules:
    """Every mechanism present or not, with amounts of its own in every casino."""

    def amounts() -> tuple[Fraction, ...]:
        return tuple(Fraction(rng.randint(0, 8), 4) for _ in range(casinos))

    def places() -> tuple[int, ...]:
        return tuple(rng.randint(0, 4) for _ in range(casinos))

    fields: dict[str, Any] = {
        name: amounts() for name in ("fine", "subsidy", "subsidy_local", "pigou") if rng.random() < 0.5
    }
    if rng.random() < 0.5:
        fields |= {"fee": amounts(), "surcharge": amounts(), "toll_seats": places()}
    if rng.random() < 0.5:
        fields |= {"punishment": amounts(), "punishment_cost": amounts()}
    if rng.random() < 0.3:
        fields["capacity"] = places()
    return Rules(**fields)
