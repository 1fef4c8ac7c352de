"""The package's equilibria are those found by trying everything, and no reported one can be left with a gain."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from mpgg_env.analysis.observe_n_game import enumerate_equilibria, pure_equilibria
from mpgg_env.analysis.observe_n_symmetric import symmetric_equilibrium as symmetric_location
from mpgg_env.analysis.payoffs import exploitability, measured, resident_payoffs
from mpgg_env.analysis.stage_game import stage_game
from mpgg_env.analysis.stage_mixed import symmetric_stage_equilibria
from mpgg_env.analysis.symmetric import expected_payoffs, symmetric_equilibrium
from tests.oracles.equilibrium_oracle import (
    FREE,
    casinos,
    congestion_gain,
    congestion_welfare,
    count_profiles,
    location_gain,
    mixed_congestion_gain,
    mixed_gain,
    mixed_payoffs,
    observe_n_equilibria,
    plain_worth,
    stage_advantage,
    stage_equilibria,
    stage_worth,
    tolled_equilibria,
    welfare,
)
from tests.oracles.mechanism_oracle import stake
from tests.random_games import awkward_board, board_of, config_of, decimal_board, random_board, random_rules

pytestmark = pytest.mark.algorithm

SMALLEST = 1e-9
MAKERS = [random_board, awkward_board, decimal_board]


def test_payoffs_and_gains_of_any_profile_under_any_mechanism() -> None:
    """Tolls included: whoever moves changes the takings of two casinos, and its own share in them."""
    rng = random.Random(4)
    for _ in range(30):
        payoff, least = rng.choice(["text", "code"]), rng.choice([1, 1, 2])
        board, n = random_board(rng, 4, payoff=payoff, min_players=least), rng.randint(1, 5)
        rules = random_rules(rng, casinos(board))
        config = config_of(board, rules, n)
        for occupancy, cooperators in rng.choices(list(count_profiles(board, n)), k=4):
            given = resident_payoffs(config, occupancy, cooperators)
            for casino in range(casinos(board)):
                for gives, there in ((False, occupancy[casino] - cooperators[casino]), (True, cooperators[casino])):
                    exact = stake(board, rules, occupancy, cooperators, casino, gives=gives) if there else np.nan
                    np.testing.assert_allclose(given[casino, int(gives)], float(exact), rtol=0, atol=1e-12)
            gain = float(location_gain(board, rules, occupancy, cooperators))
            assert exploitability(config, occupancy, cooperators) == pytest.approx(gain, abs=1e-12)
            found = measured(config, occupancy, cooperators)
            assert found.welfare == pytest.approx(float(welfare(board, rules, occupancy, cooperators)), abs=1e-11)


@pytest.mark.parametrize("make", MAKERS)
def test_the_symmetric_equilibrium_cannot_be_left_with_a_gain(make: Any) -> None:
    rng = random.Random(0)
    for _ in range(30):
        board, n = make(rng, 4), rng.randint(1, 7)
        found = symmetric_equilibrium(config_of(board, FREE, n))
        assert found.probabilities.sum() == pytest.approx(1, abs=1e-12)
        gain, payoff = mixed_gain(board, n, found.probabilities.tolist(), found.cooperation.tolist())
        assert gain < SMALLEST
        assert found.exploitability == pytest.approx(max(float(gain), 0), abs=SMALLEST)
        assert found.welfare == pytest.approx(n * float(payoff), abs=SMALLEST)


def test_expected_payoffs_against_others_who_draw_alike() -> None:
    rng = random.Random(1)
    for _ in range(60):
        payoff = rng.choice(["text", "code"])
        board, n = random_board(rng, 4, payoff=payoff), rng.randint(1, 7)
        weights = [rng.randint(0, 8) for _ in range(casinos(board))]
        x = [weight / max(sum(weights), 1) for weight in weights]
        q = [rng.randint(0, 8) / 8 for _ in weights]
        expected = [[float(part) for part in pair] for pair in mixed_payoffs(board, n, x, q)]
        given = expected_payoffs(config_of(board, FREE, n), np.array(x), np.array(q))
        np.testing.assert_allclose(given, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("least", [1, 2])
def test_the_pure_equilibria_of_the_observe_n_game(make: Any, least: int) -> None:
    rng = random.Random(2)
    for _ in range(25):
        board, n = make(rng, 4), rng.randint(1, 6)
        board = board_of(board.costs, board.gains, payoff=rng.choice(["text", "code"]), min_players=least)
        config, worth = config_of(board, FREE, n), plain_worth(board)
        crowds = observe_n_equilibria(board, worth, n)
        found = enumerate_equilibria(config)
        assert {tuple(one.occupancy.tolist()) for one in found} == crowds
        wealth = [float(congestion_welfare(worth, crowd)) for crowd in crowds]
        ends = pure_equilibria(config)
        assert ends.exact
        assert ends.best.welfare == pytest.approx(max(wealth), abs=1e-12)
        assert ends.worst.welfare == pytest.approx(min(wealth), abs=1e-12)
        for one in (*found, ends.best, ends.worst):
            assert congestion_gain(worth, one.occupancy.tolist()) <= 0
            assert one.exploitability < SMALLEST


@pytest.mark.parametrize("stage", ["best", "worst"])
def test_the_observe_n_game_with_mechanisms(stage: Any) -> None:
    """Members of a casino play the best or the worst equilibrium there, and expect its mean payoff."""
    rng = random.Random(3)
    tolled = 0
    for _ in range(45):
        board, n = random_board(rng, 3, payoff=rng.choice(["text", "code"])), rng.randint(1, 5)
        rules = random_rules(rng, casinos(board))
        config, worth = config_of(board, rules, n), stage_worth(board, rules, best=stage == "best")
        crowds = tolled_equilibria(board, rules, worth, n)
        tolled += bool(rules.fee)
        if not rules.fee:
            assert crowds == observe_n_equilibria(board, worth, n)
        found = enumerate_equilibria(config, stage=stage)
        assert {tuple(one.occupancy.tolist()) for one in found} == crowds
        for one in found:  # tolls and their rebates add up to nothing
            expected = float(congestion_welfare(worth, one.occupancy.tolist()))
            assert one.welfare == pytest.approx(expected, abs=1e-12)
            assert one.exploitability < SMALLEST
        ends, wealth = pure_equilibria(config, stage=stage), [float(congestion_welfare(worth, one)) for one in crowds]
        assert ends.exact
        assert ends.best.welfare == pytest.approx(max(wealth), abs=1e-12)
        assert ends.worst.welfare == pytest.approx(min(wealth), abs=1e-12)
    assert tolled > 15


def test_the_symmetric_equilibrium_of_the_observe_n_game() -> None:
    rng = random.Random(5)
    for _ in range(60):
        make = rng.choice(MAKERS)
        board, n = make(rng, 4), rng.randint(1, 7)
        worth = plain_worth(board)
        found = symmetric_location(config_of(board, FREE, n))
        gain, payoff = mixed_congestion_gain(worth, n, found.probabilities.tolist())
        assert found.probabilities.sum() == pytest.approx(1, abs=1e-12)
        assert gain < SMALLEST
        assert found.payoff == pytest.approx(float(payoff), abs=SMALLEST)
        assert found.exploitability < SMALLEST


def test_the_equilibria_of_the_stage_game() -> None:
    rng = random.Random(6)
    for _ in range(60):
        payoff, least = rng.choice(["text", "code"]), rng.choice([1, 1, 2])
        board, n = random_board(rng, 2, payoff=payoff, min_players=least), rng.randint(1, 7)
        rules, casino = random_rules(rng, casinos(board)), rng.randrange(casinos(board))
        game = stage_game(config_of(board, rules, n), casino, n)
        assert game.equilibria().tolist() == stage_equilibria(board, rules, casino, n)
        assert rosenthal(game.potential) == stage_equilibria(board, rules, casino, n)


def rosenthal(potential: np.ndarray) -> list[int]:
    """Where a function of the number of cooperators has its local maxima."""
    padded = np.concatenate([[-np.inf], potential, [-np.inf]])
    return np.flatnonzero((padded[1:-1] >= padded[:-2] - 1e-12) & (padded[1:-1] >= padded[2:] - 1e-12)).tolist()


def test_the_symmetric_mixtures_of_the_stage_game() -> None:
    """No reported mixture can be left with a gain, and none is missing where giving turns good or bad."""
    rng = random.Random(7)
    turns = 0
    for _ in range(60):
        board, n = random_board(rng, 1, payoff=rng.choice(["text", "code"])), rng.randint(2, 6)
        rules = random_rules(rng, 1)
        found = symmetric_stage_equilibria(stage_game(config_of(board, rules, n), 0, n)).probabilities
        for q in found:
            gain = stage_advantage(board, rules, 0, n, q)
            assert max((1 - q) * gain, -q * gain) < SMALLEST
        signs = [stage_advantage(board, rules, 0, n, step / 40) for step in range(41)]
        for step in range(40):
            if signs[step] * signs[step + 1] < 0:
                turns += 1
                assert ((found > step / 40) & (found < (step + 1) / 40)).any()
    assert turns > 10
