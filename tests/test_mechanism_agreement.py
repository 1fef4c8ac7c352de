"""The package's payoffs under every mechanism and combination are those of the slow exact game."""

from __future__ import annotations

import random
from dataclasses import fields
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from mpgg_env import MPGGConfig
from mpgg_env.games.mpgg.mechanisms import Capacity, Toll, casino_payoffs, rebates, transfers
from tests.oracles.game_oracle import Board
from tests.oracles.mechanism_oracle import NOTHING, Rules, lotteries, member, rebate, settle, toll
from tests.random_games import board_of, config_of, random_board, random_rules
from tests.support import fresh_python

pytestmark = pytest.mark.algorithm

# The fields of each mechanism.
KINDS: dict[str, tuple[str, ...]] = {
    "fine": ("fine",),
    "subsidy": ("subsidy",),
    "subsidy_local": ("subsidy_local",),
    "pigou": ("pigou",),
    "toll": ("fee", "surcharge", "toll_seats"),
    "capacity": ("capacity",),
    "peer": ("punishment", "punishment_cost"),
}
COMBINATIONS = [chosen for size in range(len(KINDS) + 1) for chosen in combinations(KINDS, size)]
PER_CASINO: dict[str, tuple[Any, ...]] = {
    **{field.name: (Fraction(3, 4), Fraction(0), Fraction(5, 4)) for field in fields(Rules)},
    "toll_seats": (2, 1, 4),
    "capacity": (3, 1, 2),
}
BOARD = {"costs": [0.5, 1, 0], "gains": [2.5, 3, 0.75]}


def rules_of(names: tuple[str, ...]) -> Rules:
    return Rules(**{field: PER_CASINO[field] for name in names for field in KINDS[name]})


def expected_roles(board: Board, rules: Rules, casino: int, n: int, k: int) -> list[float]:
    """A keeper's and a giver's payoff before rebates, NaN where there is none."""
    roles = []
    for gives, exists in ((False, k < n), (True, k > 0)):
        if not exists:
            roles.append(float("nan"))
            continue
        roles.append(float(member(board, rules.untolled(), casino, n, k, gives=gives) - toll(rules, casino, n)))
    return roles


@pytest.mark.parametrize(("payoff", "least", "most"), [("text", 1, 7), ("code", 3, 2)])
def test_expected_payoffs_of_every_combination(payoff: str, least: int, most: int) -> None:
    board = board_of(**BOARD, payoff=payoff, min_players=least)
    states = [(m, n, k) for m in range(3) for n in range(5) for k in range(n + 1)]
    for names in (names for names in COMBINATIONS if len(names) <= most):
        rules = rules_of(names)
        given = casino_payoffs(config_of(board, rules, 5), *np.array(states).T)
        expected = [expected_roles(board, rules, *state) for state in states]
        np.testing.assert_allclose(given, expected, rtol=0, atol=1e-12, err_msg=str(names))


def test_expected_payoffs_with_parameters_at_random() -> None:
    rng = random.Random(0)
    for _ in range(60):
        payoff, least = rng.choice(["text", "code"]), rng.randint(1, 3)
        board = random_board(rng, 3, payoff=payoff, min_players=least)
        rules, n = random_rules(rng, board.columns), rng.randint(1, 6)
        states = [(m, n, k) for m in range(board.columns) for k in range(n + 1)]
        given = casino_payoffs(config_of(board, rules, n), *np.array(states).T)
        expected = [expected_roles(board, rules, *state) for state in states]
        np.testing.assert_allclose(given, expected, rtol=0, atol=1e-12)


def test_states_are_broadcast_against_each_other() -> None:
    """In a fresh process: numba looks at an array's flags, which numpy warns of, on the first call alone."""
    code = """
import warnings
from mpgg_env import MPGGConfig
from mpgg_env.games.mpgg.mechanisms import casino_payoffs
config = MPGGConfig(n_agents=1, grid_shape=(1, 1), cost=(1,), gain=(2,))
warnings.simplefilter("error")
print(casino_payoffs(config, [[0]], [1, 1], [0, 1]).tolist())
"""
    assert fresh_python(code).strip() == "[[[0.0, nan], [nan, 1.0]]]"


def test_rebates_and_ledgers_of_random_states() -> None:
    """What every agent receives from every mechanism, whoever was drawn to play."""
    rng = random.Random(1)
    for _ in range(150):
        payoff, least = rng.choice(["text", "code"]), rng.randint(1, 3)
        board = random_board(rng, 4, payoff=payoff, min_players=least)
        rules, n = random_rules(rng, board.columns), rng.randint(1, 8)
        config = config_of(board, rules, n)
        positions = [rng.randrange(board.columns) for _ in range(n)]
        actions = [rng.randint(0, 1) for _ in range(n)]
        players = rng.choice(lotteries(board, rules, positions))
        occupancy = [positions.count(m) for m in range(board.columns)]
        shares = rebates(config, occupancy)
        for casino in set(positions):
            assert shares[casino] == pytest.approx(float(rebate(rules, occupancy, casino)), abs=1e-12)
        plays = np.array([agent in players for agent in range(n)])
        ledger = settle(board, rules, positions, actions, players)
        received = transfers(config, positions, actions, plays)
        assert set(received) == {mechanism.name for mechanism in config.mechanisms} - {"capacity"}
        for name, amounts in received.items():
            np.testing.assert_allclose(amounts, [float(x) for x in ledger[name]], rtol=0, atol=1e-12, err_msg=name)


def test_seats_that_are_not_given_are_the_whole_part_of_the_gain() -> None:
    board = board_of([1, 1], [2.75, 3])
    written = Rules(fee=(1, 1), surcharge=(2, 2), toll_seats=(2, 3), capacity=(2, 3))
    config = config_of(board, Rules(), 5).replace(mechanism=(Toll(fee=1, surcharge=2), Capacity()))
    states = [(m, n, k) for m in range(2) for n in range(1, 6) for k in range(n + 1)]
    expected = [expected_roles(board, written, *state) for state in states]
    np.testing.assert_allclose(casino_payoffs(config, *np.array(states).T), expected, rtol=0, atol=1e-12)


def test_a_whole_gain_that_rounding_makes_a_little_less_has_all_its_seats() -> None:
    """Two columns and gains from 1.4 to 6.6: the first is 1.4 + 5.2 / 2 = 4, as a float just below 4.

    All four members of the first casino then play under a capacity, and the fifth does not, and is charged extra.
    """
    config = MPGGConfig(n_agents=5, grid_shape=(1, 2), gain_range=(1.4, 6.6))
    board = board_of([1, 1], [4, Fraction(33, 5)])
    for mechanism, rules in (
        (Capacity(), Rules(capacity=(4, 6))),
        (Toll(surcharge=1), Rules(fee=(NOTHING,) * 2, surcharge=(Fraction(1),) * 2, toll_seats=(4, 6))),
    ):
        for n in (4, 5):
            given = casino_payoffs(config.replace(mechanism=mechanism), 0, n, n)
            np.testing.assert_allclose(given, expected_roles(board, rules, 0, n, n), rtol=0, atol=1e-12)


def test_a_gain_below_one_leaves_no_seat() -> None:
    config = config_of(board_of([1], [0.5]), Rules(), 3).replace(mechanism=Capacity())
    assert casino_payoffs(config, 0, 3, [0, 1, 2, 3])[1:3].tolist() == [[0, 0], [0, 0]]


def test_a_million_agents_and_a_capacity() -> None:
    """By hand: of n = 10^6 with k = 250,000 givers 4 are drawn, r = 4, c = 1.

    A giver plays with chance 4 / n and meets 3 others, each giving with chance (k - 1) / (n - 1); it then has
    r (1 + 3 (k - 1) / (n - 1)) / 4 - 1.
    """
    n, k = 10**6, 250_000
    config = config_of(board_of([1], [4]), Rules(capacity=(4,)), 8)
    giver = Fraction(4, n) * 3 * Fraction(k - 1, n - 1)
    keeper = Fraction(4, n) * 3 * Fraction(k, n - 1)
    np.testing.assert_allclose(casino_payoffs(config, 0, n, k), [float(keeper), float(giver)], rtol=1e-9)
