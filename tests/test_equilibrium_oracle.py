"""What is known of the equilibria without mechanisms holds when everything is tried.

The theorems are those of [MPGG2025] worked out by hand: which profiles of the location game are pure equilibria
(families T, G and S), and that the observe-n game is a congestion game. v = c (r - 1).
"""

from __future__ import annotations

import random
from fractions import Fraction
from math import ceil
from typing import Any

import pytest

from tests.oracles.equilibrium_oracle import (
    FREE,
    casinos,
    congestion_gain,
    congestion_welfare,
    location_equilibria,
    location_equilibria_by_profiles,
    location_gain,
    mixed_congestion_gain,
    mixed_gain,
    observe_n_equilibria,
    observe_n_equilibria_by_profiles,
    optimum,
    plain_worth,
    stage_equilibria,
    stage_equilibria_by_profiles,
    stage_worth,
    welfare,
)
from tests.oracles.game_oracle import Board
from tests.oracles.mechanism_oracle import Rules, seats
from tests.random_games import board_of, random_board, random_rules

pytestmark = pytest.mark.algorithm


def values(board: Board) -> list[Fraction]:
    return [board.cost(m) * (board.gain(m) - 1) for m in range(casinos(board))]


def test_trying_counts_is_trying_strategy_profiles() -> None:
    """Anonymity: whatever the mechanisms, both give the same equilibria."""
    rng = random.Random(0)
    found = 0
    for _ in range(25):
        payoff, least = rng.choice(["text", "code"]), rng.choice([1, 1, 2])
        board = random_board(rng, 3, payoff=payoff, min_players=least)
        rules, n = random_rules(rng, casinos(board)), rng.randint(1, 4 if casinos(board) < 3 else 3)
        profiles = location_equilibria(board, rules, n)
        assert profiles == location_equilibria_by_profiles(board, rules, n)
        found += len(profiles)
        stage = stage_equilibria_by_profiles(board, rules, 0, n)
        assert {sum(profile) for profile in stage} == set(stage_equilibria(board, rules, 0, n))
        for worth in (plain_worth(board), stage_worth(board, Rules(fine=rules.fine), best=True)):
            crowds = observe_n_equilibria(board, worth, n)
            assert crowds == observe_n_equilibria_by_profiles(board, worth, n)
    assert found > 25


def belongs(board: Board, occupancy: tuple[int, ...], cooperators: tuple[int, ...]) -> bool:
    """Whether a profile is one of the families: tragedy, gathering, spread over ties."""
    value, n = values(board), sum(occupancy)
    paying = [m for m in range(casinos(board)) if board.cost(m) > 0]
    if not paying:
        return True
    if all(cooperators[m] == 0 and occupancy[m] >= board.gain(m) for m in paying):
        return True
    best, homes = max(value), [m for m, present in enumerate(occupancy) if present]
    if any(value[m] < best for m in homes):
        return False
    if len(homes) > 1:
        return all(cooperators[m] == occupancy[m] and occupancy[m] + 1 <= board.gain(m) for m in homes)
    home = homes[0]
    second = max((value[m] for m in range(casinos(board)) if m != home), default=-best)
    if n == board.gain(home):
        return board.cost(home) * (cooperators[home] - 1) >= second
    return n < board.gain(home) and cooperators[home] == n


def test_the_pure_equilibria_are_tragedy_gathering_and_spread() -> None:
    rng = random.Random(1)
    found = 0
    for _ in range(50):
        board = random_board(rng, 4)
        n = rng.randint(1, 7 if casinos(board) < 3 else 4)
        expected = set()
        for profile in all_profiles(board, n):
            if belongs(board, *profile):
                expected.add(profile)
        assert location_equilibria(board, FREE, n) == expected
        found += len(expected)
    assert found > 70


def all_profiles(board: Board, n: int) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Every way in which each casino has 0 <= k <= n_m and the n_m add up to n."""
    profiles: list[tuple[tuple[int, ...], tuple[int, ...]]] = [((), ())]
    for _ in range(casinos(board)):
        profiles = [
            ((*occupancy, present), (*cooperators, givers))
            for occupancy, cooperators in profiles
            for present in range(n - sum(occupancy) + 1)
            for givers in range(present + 1)
        ]
    return [profile for profile in profiles if sum(profile[0]) == n]


def test_which_equilibria_exist_at_which_number_of_agents() -> None:
    """Distinct values and no integer gain: first only the optimum, then nothing, then only welfare 0."""
    board = board_of([Fraction(1, 2), Fraction(1)], [Fraction(3, 2), Fraction(5, 2)])
    for n in range(1, 9):
        profiles = location_equilibria(board, FREE, n)
        wealth = {welfare(board, FREE, *profile) for profile in profiles}
        if n <= 2:  # floor(5/2)
            assert profiles == {((0, n), (0, n))}
            assert wealth == {optimum(board, FREE, n)} == {n * Fraction(3, 2)}
        else:  # ceil(3/2) + ceil(5/2) = 5
            assert wealth == ({0} if n >= 5 else set())


def test_an_integer_gain_leaves_inefficient_gatherings() -> None:
    """The four casinos of a 2 x 2 board, N = r = 6: welfare 20, 25 and 30 are equilibria."""
    board = Board(2, 2)
    wealth = {welfare(board, FREE, *profile) for profile in location_equilibria(board, FREE, 6)}
    assert wealth == {20, 25, 30}
    assert optimum(board, FREE, 6) == 30


@pytest.mark.parametrize(("c", "r", "n"), [(1, Fraction(5, 2), 2), (1, Fraction(5, 2), 3), (2, 3, 3), (0, 2, 4)])
def test_the_stage_game_is_decided_by_n_against_r(c: Any, r: Any, n: int) -> None:
    found = stage_equilibria(board_of([c], [r]), FREE, 0, n)
    everything = list(range(n + 1))
    assert found == (everything if n == r or c == 0 else [n] if n < r else [0])


def test_the_observe_n_game_is_a_congestion_game() -> None:
    """An equilibrium iff no free seat pays more than somebody gets elsewhere."""
    rng = random.Random(2)
    for _ in range(40):
        board = random_board(rng, 4)
        n, value, worth = rng.randint(1, 7), values(board), plain_worth(board)
        expected = set()
        for crowd in {profile[0] for profile in all_profiles(board, n)}:
            full = [present > board.gain(m) for m, present in enumerate(crowd)]
            gets = [Fraction(0) if full[m] else value[m] for m in range(len(crowd))]
            offers = [value[m] if present + 1 <= board.gain(m) else Fraction(0) for m, present in enumerate(crowd)]
            if all(
                offers[other] <= gets[m]
                for m in range(len(crowd))
                for other in range(len(crowd))
                if crowd[m] and other != m
            ):
                expected.add(crowd)
        assert observe_n_equilibria(board, worth, n) == expected
        assert expected


def test_best_and_worst_welfare_of_the_observe_n_game() -> None:
    """With more agents than seats: all seats but those of the least casino, or without the most that can be spoilt."""
    rng = random.Random(3)
    for _ in range(30):
        gains = [Fraction(rng.choice([12, 14, 18, 20, 26]), 8) for _ in range(rng.randint(2, 3))]
        board = board_of([Fraction(rng.randint(1, 8), 8) for _ in gains], gains)
        places, value, worth = seats(board), values(board), plain_worth(board)
        carried = sorted(s * v for s, v in zip(places, value, strict=True))
        for more in range(1, len(gains) + 1):
            crowds = observe_n_equilibria(board, worth, sum(places) + more)
            wealth = [congestion_welfare(worth, crowd) for crowd in crowds]
            assert max(wealth) == sum(carried) - carried[0]
            assert min(wealth) == sum(carried[: len(carried) - more])


def test_the_default_board_has_100_seats_and_carries_218_of_750() -> None:
    """An equilibrium spoils one casino at least; the cheapest is that of lowest cost and gain."""
    board = Board(5, 5)
    worth, places = plain_worth(board), seats(board)
    assert sum(places) == 100
    assert sum(ceil(board.gain(m)) for m in range(25)) == 120
    carried = [s * v for s, v in zip(places, values(board), strict=True)]
    crowd = [places[0] + 50, *places[1:]]
    assert carried[0] == min(carried)
    assert congestion_gain(worth, crowd) == 0
    assert congestion_welfare(worth, crowd) == sum(carried) - carried[0] == Fraction(21844, 100)
    assert round(float(Fraction(21844, 100) / 750), 3) == 0.291
    assert congestion_gain(worth, [places[0], *places[1:24], places[24] + 50]) == 0
    tragedy = [ceil(board.gain(m)) + (30 if m == 24 else 0) for m in range(25)]
    assert location_gain(board, FREE, tragedy, [0] * 25) == 0
    assert location_gain(board, FREE, [max(0, n - 1) for n in tragedy], [0] * 25) > 0


def test_a_symmetric_equilibrium_of_the_location_game() -> None:
    """c = (1, 1/2), r = 5/2, N = 3: h(x) = 2/5, that is (1 - (1-x)^3) / (3x) = 2/5, so x^2 - 3x + 9/5 = 0."""
    board = board_of([1, 0.5], [2.5, 2.5])
    x = (3 - (9 - 4 * 1.8) ** 0.5) / 2
    gain, payoff = mixed_gain(board, 3, [x, 1 - x], [0.5, 1.0])
    assert abs(gain) < 1e-12
    assert 3 * payoff == pytest.approx(2.25, abs=1e-12)
    assert mixed_gain(board, 3, [0.8, 0.2], [0.5, 1.0])[0] > 1e-3


def test_a_symmetric_equilibrium_of_the_observe_n_game() -> None:
    """c = (1, 1/2), r = 3/2, N = 2: whoever is alone earns 1/2 or 1/4. (1 - x) / 2 = x / 4 gives x = 2/3."""
    worth = plain_worth(board_of([1, 0.5], [1.5, 1.5]))
    gain, payoff = mixed_congestion_gain(worth, 2, [2 / 3, 1 / 3])
    assert abs(gain) < 1e-15
    assert payoff == pytest.approx(1 / 6, abs=1e-15)
