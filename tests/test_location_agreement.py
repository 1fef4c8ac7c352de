"""Welfare, optimum and pure equilibria of the location game, as the package has them and as trying everything finds."""

from __future__ import annotations

import random
from math import inf, isnan
from typing import Any

import numpy as np
import pytest

from mpgg_env import MPGGConfig
from mpgg_env.analysis.efficiency import price_of_anarchy, price_of_stability, social_optimum, sponsor_payments
from mpgg_env.analysis.location_families import characterise
from mpgg_env.analysis.location_game import pure_equilibria
from mpgg_env.analysis.payoffs import Equilibrium
from mpgg_env.analysis.report import equilibrium_report
from tests.oracles.equilibrium_oracle import (
    FREE,
    Counts,
    casinos,
    congestion_welfare,
    counts,
    location_equilibria,
    observe_n_equilibria,
    optimum,
    plain_worth,
    welfare,
)
from tests.oracles.game_oracle import Board
from tests.oracles.mechanism_oracle import Rules, lotteries, settle
from tests.random_games import awkward_board, board_of, config_of, decimal_board, random_board, random_rules

pytestmark = pytest.mark.algorithm

SMALLEST = 1e-9


def test_the_social_optimum_is_the_best_of_all_profiles() -> None:
    """Transfers only move money: before them the welfare is that of the game with its capacity alone."""
    rng = random.Random(0)
    for _ in range(60):
        board = rng.choice([random_board, awkward_board])(
            rng, 3, payoff=rng.choice(["text", "code"]), min_players=rng.choice([1, 1, 2, 3])
        )
        rules, n = random_rules(rng, casinos(board)), rng.randint(1, 6 if casinos(board) < 3 else 5)
        best = optimum(board, Rules(capacity=rules.capacity), n)
        assert social_optimum(config_of(board, rules, n)) == pytest.approx(float(best), abs=1e-12)


@pytest.mark.parametrize("make", [random_board, awkward_board, decimal_board])
def test_every_pure_equilibrium_without_mechanism(make: Any) -> None:
    rng = random.Random(3)
    found = 0
    for _ in range(35):
        board = make(rng, 4, payoff=rng.choice(["text", "text", "code"]), min_players=rng.choice([1, 1, 1, 2]))
        n = rng.randint(1, 6 if casinos(board) < 4 else 4)
        exact = location_equilibria(board, FREE, n)
        check(board, FREE, pure_equilibria(config_of(board, FREE, n)), exact)
        found += len(exact)
    assert found > 50


def test_the_largest_games_that_are_tried() -> None:
    """Six agents, four casinos: two integer gains among two equal values, and a game without any equilibrium."""
    for gains, number in (([2, 2, 3, 6], None), ([1.5, 2.5, 2.25, 3.5], 0)):
        board = board_of([1, 1, 0.5, 0.5], gains)
        exact = location_equilibria(board, FREE, 6)
        check(board, FREE, pure_equilibria(config_of(board, FREE, 6)), exact)
        assert number is None or len(exact) == number


def test_every_pure_equilibrium_with_mechanisms() -> None:
    rng = random.Random(4)
    found = 0
    for _ in range(60):
        board = rng.choice([random_board, awkward_board])(rng, 3, payoff=rng.choice(["text", "code"]))
        rules, n = random_rules(rng, casinos(board)), rng.randint(1, 5 if casinos(board) < 3 else 4)
        exact = location_equilibria(board, rules, n)
        check(board, rules, pure_equilibria(config_of(board, rules, n)), exact)
        found += len(exact)
    assert found > 60


def check(board: Board, rules: Rules, given: list[Equilibrium], exact: set[Counts]) -> None:
    """The same profiles, each once, with the same welfare, and none that can be left with a gain."""
    profiles = [(tuple(one.occupancy.tolist()), tuple(one.cooperators.tolist())) for one in given]
    assert len(profiles) == len(set(profiles))
    assert set(profiles) == exact
    for profile, one in zip(profiles, given, strict=True):
        assert one.welfare == pytest.approx(float(welfare(board, rules, *profile)), abs=1e-11)
        assert one.exploitability < SMALLEST


def test_the_families_in_closed_form() -> None:
    rng = random.Random(5)
    counted = 0
    for _ in range(50):
        board = rng.choice([random_board, decimal_board])(rng, 4)
        n = rng.randint(1, 7 if casinos(board) < 4 else 5)
        exact = location_equilibria(board, FREE, n)
        wealth = [float(welfare(board, FREE, *profile)) for profile in exact]
        found = characterise(config_of(board, FREE, n))
        assert bool(found.families) == bool(exact)
        for family in found.families:
            for one in (family.best, family.worst):
                assert (tuple(one.occupancy.tolist()), tuple(one.cooperators.tolist())) in exact
                assert one.exploitability < SMALLEST
        if exact:
            assert found.best_welfare == pytest.approx(max(wealth), abs=1e-12)
            assert found.worst_welfare == pytest.approx(min(wealth), abs=1e-12)
        if found.count is not None:
            counted += 1
            assert found.count == len(exact)
    assert counted > 25


def test_a_million_agents() -> None:
    """On 100 x 100 casinos c = (row + 1)/100 and r from 1.545 to 6, far fewer seats than agents: only the tragedy."""
    found = characterise(MPGGConfig(n_agents=10**6, grid_shape=(100, 100)))
    assert [family.name for family in found.families] == ["tragedy"]
    (family,) = found.families
    assert (family.best.welfare, family.best.exploitability, family.best.cooperators.sum()) == (0, 0, 0)
    assert family.best.occupancy.sum() == 10**6
    assert (family.best.occupancy.reshape(100, 100) >= 1.5 + 4.5 * np.arange(1, 101) / 100 - 1e-9).all()


def test_what_a_sponsor_pays() -> None:
    """The subsidies of the ledger, averaged over all draws of the players."""
    rng = random.Random(6)
    for _ in range(60):
        board, n = random_board(rng, 2, min_players=rng.choice([1, 2])), rng.randint(1, 5)
        rules = random_rules(rng, casinos(board))
        positions = sorted(rng.randrange(casinos(board)) for _ in range(n))
        actions = [rng.randint(0, 1) for _ in positions]
        profile = counts(board, positions, actions)
        given = sponsor_payments(config_of(board, rules, n), *map(np.array, profile))
        draws = lotteries(board, rules, positions)
        ledgers = [settle(board, rules, positions, actions, players)["subsidy"] for players in draws]
        for casino in range(casinos(board)):
            total = sum(ledger[i] for ledger in ledgers for i in range(n) if positions[i] == casino)
            assert given[casino] == pytest.approx(float(total / len(draws)), abs=1e-12)


def prices(best: Any, wealth: list[Any]) -> tuple[float, float]:
    """W* over the least and over the greatest welfare of an equilibrium."""

    def price(least: Any) -> float:
        return float("nan") if best <= 0 or least < 0 else inf if least == 0 else float(best / least)

    return (price(min(wealth)), price(max(wealth))) if wealth else (float("nan"), float("nan"))


def agree(given: float, expected: float) -> None:
    assert isnan(given) if isnan(expected) else given == pytest.approx(expected, abs=1e-9)


def test_the_prices_of_anarchy_and_stability() -> None:
    rng = random.Random(1)
    for _ in range(40):
        board, n = rng.choice([random_board, awkward_board])(rng, 3), rng.randint(1, 5)
        best = optimum(board, FREE, n)
        wealth = [welfare(board, FREE, *profile) for profile in location_equilibria(board, FREE, n)]
        anarchy, stability = prices(best, wealth)
        given = [float(each) for each in wealth]
        agree(price_of_anarchy(float(best), given), anarchy)
        agree(price_of_stability(float(best), given), stability)


def test_the_report_on_a_game() -> None:
    rng = random.Random(2)
    for _ in range(40):
        board, n = random_board(rng, 4), rng.randint(1, 6)
        if casinos(board) == 4:
            n = min(n, 4)
        report = equilibrium_report(config_of(board, FREE, n))
        best, worth = optimum(board, FREE, n), plain_worth(board)
        assert report.optimum == pytest.approx(float(best), abs=1e-12)
        location = [welfare(board, FREE, *profile) for profile in location_equilibria(board, FREE, n)]
        observing = [congestion_welfare(worth, crowd) for crowd in observe_n_equilibria(board, worth, n)]
        for part, wealth in ((report.location, location), (report.observe_n, observing)):
            assert part.exists == bool(wealth)
            assert part.exact
            anarchy, stability = prices(best, wealth)
            agree(part.price_of_anarchy, anarchy)
            agree(part.price_of_stability, stability)
            if wealth:
                assert part.best_welfare == pytest.approx(float(max(wealth)), abs=1e-12)
                assert part.worst_welfare == pytest.approx(float(min(wealth)), abs=1e-12)
                assert part.exploitability < SMALLEST
        for mixed in (report.location_symmetric, report.observe_n_symmetric):
            assert mixed.exploitability < SMALLEST
