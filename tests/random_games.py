"""Small random games for comparisons with the slow exact ones, with ties and integers on purpose."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from mpgg_env import MPGGConfig
from mpgg_env.games.mpgg.mechanisms import Capacity, Fine, LocalSubsidy, PeerPunishment, Pigou, Subsidy, Toll
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


def awkward_board(rng: random.Random, most: int, **options: Any) -> Board:
    """Gains below, at and above 1, gains beyond every crowd, cooperating for nothing, the same value twice."""
    count = rng.randint(1, most)
    return board_of(
        [rng.choice([Fraction(0), Fraction(1, 4), Fraction(1), Fraction(3)]) for _ in range(count)],
        [rng.choice([Fraction(1, 2), Fraction(1), Fraction(2), Fraction(9, 4), Fraction(9)]) for _ in range(count)],
        **options,
    )


def decimal_board(rng: random.Random, most: int, **options: Any) -> Board:
    """Tenths, which floats are not: what is equal on paper differs by rounding in the package, and must not matter."""
    count = rng.randint(1, most)
    return board_of(
        [Fraction(rng.randint(0, 10), 10) for _ in range(count)],
        [Fraction(rng.choice([11, 12, 15, 20, 24, 30, 33, 42, 60]), 10) for _ in range(count)],
        **options,
    )


def random_rules(rng: random.Random, casinos: int) -> Rules:
    """Every mechanism present or not, with amounts of its own in every casino."""

    def amounts() -> tuple[Fraction, ...]:
        return tuple(Fraction(rng.randint(0, 8), 4) for _ in range(casinos))

    def places() -> tuple[int, ...]:
        return tuple(rng.randint(1, 4) for _ in range(casinos))

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


def config_of(board: Board, rules: Rules, n_agents: int, **options: Any) -> MPGGConfig:
    """The same game for the package, with the nearest floats."""
    places = range(board.rows * board.columns)
    return MPGGConfig(
        n_agents=n_agents,
        grid_shape=(board.rows, board.columns),
        cost=tuple(float(board.cost(m)) for m in places),
        gain=tuple(float(board.gain(m)) for m in places),
        payoff=board.payoff,
        min_players=board.min_players,
        mechanism=mechanisms_of(rules),
        **options,
    )


def mechanisms_of(rules: Rules) -> tuple[Any, ...] | None:
    """The mechanisms in force, for the package, in an order that is not its own."""
    found: list[Any] = []
    if rules.punishment:
        found.append(PeerPunishment(punishment=floats(rules.punishment), cost=floats(rules.punishment_cost)))
    if rules.capacity:
        found.append(Capacity(seats=rules.capacity))
    if rules.fee:
        found.append(Toll(fee=floats(rules.fee), surcharge=floats(rules.surcharge), seats=rules.toll_seats))
    if rules.pigou:
        found.append(Pigou(rate=floats(rules.pigou)))
    if rules.subsidy_local:
        found.append(LocalSubsidy(amount=floats(rules.subsidy_local)))
    if rules.subsidy:
        found.append(Subsidy(amount=floats(rules.subsidy)))
    if rules.fine:
        found.append(Fine(amount=floats(rules.fine)))
    return tuple(found) or None


def floats(amounts: Sequence[Any]) -> tuple[float, ...]:
    """Amounts as the package takes them."""
    return tuple(float(amount) for amount in amounts)
