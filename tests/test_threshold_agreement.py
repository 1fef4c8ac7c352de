"""The thresholds of the mechanisms are those that a search over exact parameters finds."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import inf
from typing import Any

import pytest

from mpgg_env.analysis.thresholds import (
    cooperation_threshold,
    defection_threshold,
    fine_equilibria,
    flat_fee,
    tipping_point,
    toll_jump,
)
from tests.oracles.equilibrium_oracle import (
    cooperation_stands,
    location_gain,
    stage_equilibria,
    stage_gain,
    threshold,
)
from tests.oracles.game_oracle import Board
from tests.oracles.mechanism_oracle import NOTHING, Rules, member, seats
from tests.random_games import board_of, random_board

pytestmark = pytest.mark.algorithm

HIGH = Fraction(64)
RULES: dict[str, Callable[[Fraction], Rules]] = {
    "fine": lambda p: Rules(fine=(p,)),
    "subsidy": lambda p: Rules(subsidy=(p,)),
    "subsidy_local": lambda p: Rules(subsidy_local=(p,)),
    "pigou": lambda p: Rules(pigou=(p,)),
    "peer": lambda p: Rules(punishment=(p,), punishment_cost=(Fraction(3, 2),)),
    "toll": lambda p: Rules(fee=(p,), surcharge=(p,), toll_seats=(1,)),
}


def games(seed: int, payoff: str, count: int) -> list[tuple[Board, float, float, int]]:
    """Casinos of all kinds: one member, gains below 1, whole gains equal to n, cooperating for nothing."""
    rng = random.Random(seed)
    found = []
    for _ in range(count):
        c = Fraction(rng.choice([0, 1, 2, 3, 5, 8, 16]), 8)
        r = Fraction(rng.choice([4, 8, 9, 12, 16, 19, 24, 32, 40]), 8)
        found.append((board_of([c], [r], payoff=payoff), float(c), float(r), rng.randint(1, 6)))
    return found


@pytest.mark.parametrize("payoff", ["text", "code"])
@pytest.mark.parametrize("name", list(RULES))
def test_from_which_parameter_on_full_cooperation_stands(name: str, payoff: Any) -> None:
    for board, c, r, n in games(0, payoff, 15):
        found = threshold(lambda p: cooperation_stands(board, RULES[name](p), 0, n), HIGH)  # noqa: B023
        given = cooperation_threshold(name, c, r, n, payoff=payoff)
        assert given == (inf if found is None else pytest.approx(float(found), abs=1e-9))
        if 0 < given < inf and given == Fraction(given).limit_denominator(512):  # a float exactly
            assert cooperation_stands(board, RULES[name](Fraction(given)), 0, n)


@pytest.mark.parametrize("payoff", ["text", "code"])
def test_up_to_which_number_of_seats_full_cooperation_stands(payoff: Any) -> None:
    for board, c, r, n in games(1, payoff, 40):
        most = cooperation_threshold("capacity", c, r, n, payoff=payoff)
        for room in range(1, n + 2):
            assert cooperation_stands(board, Rules(capacity=(room,)), 0, n) == (room <= most)


@pytest.mark.parametrize("payoff", ["text", "code"])
@pytest.mark.parametrize("name", list(RULES))
def test_above_which_parameter_defection_falls(name: str, payoff: Any) -> None:
    # Punishing costs nothing here: a cost makes the first giver's lot worse, so that universal defection stands longer.
    rules = RULES[name] if name != "peer" else lambda p: Rules(punishment=(p,), punishment_cost=(Fraction(0),))
    for board, c, r, n in games(2, payoff, 20):
        found = threshold(lambda p: stage_gain(board, rules(p), 0, n, 0) > 0, HIGH)  # noqa: B023
        given = defection_threshold(name, c, r, n, payoff=payoff)
        assert given == (inf if found is None else pytest.approx(float(found), abs=1e-9))


@pytest.mark.parametrize("payoff", ["text", "code"])
def test_the_equilibria_of_a_fine_and_the_tipping_point_of_punishment(payoff: Any) -> None:
    rng = random.Random(3)
    for board, c, r, n in games(4, payoff, 60):
        amount, cost = Fraction(rng.randint(0, 16), 8), Fraction(rng.randint(0, 8), 8)
        found = fine_equilibria(c, r, n, float(amount), payoff=payoff).tolist()
        assert found == stage_equilibria(board, RULES["fine"](amount), 0, n)
        if amount + cost == 0:
            continue
        rules = Rules(punishment=(amount,), punishment_cost=(cost,))
        tipping = tipping_point(c, r, n, float(amount), float(cost), payoff=payoff)
        for others in range(n):
            gain = member(board, rules, 0, n, others + 1, gives=True) - member(board, rules, 0, n, others, gives=False)
            if abs(others - tipping) > 1e-9:
                assert (gain > 0) == (others > tipping)
            else:
                assert gain == 0


def test_the_fees_and_the_jump_that_hold_full_casinos() -> None:
    """For agents who take rebates for a lump sum: a full casino keeps its members and is entered by nobody."""
    rng = random.Random(5)
    for _ in range(40):
        board = random_board(rng, 3)
        places = [m for m in range(board.columns) if board.cost(m)]
        pairs = [(float(board.cost(m)), float(board.gain(m))) for m in range(board.columns)]
        level = min((c * (r - 1) for c, r in pairs if c), default=0.0)
        fees = tuple(Fraction(flat_fee(c * (r - 1), level)) if c else NOTHING for c, r in pairs)
        jumps = tuple(Fraction(toll_jump(c, r)) if c else NOTHING for c, r in pairs)
        full = [seats(board)[m] if m in places else 0 for m in range(board.columns)]
        rules = Rules(fee=fees, surcharge=jumps, toll_seats=tuple(max(n, 1) for n in full))
        assert location_gain(board, rules, full, full, rebated=False) < 1e-12
        if len(places) > 1:
            lower = replace(rules, surcharge=tuple(jump - Fraction(1, 10**6) for jump in jumps))
            assert location_gain(board, lower, full, full, rebated=False) > 5e-7
