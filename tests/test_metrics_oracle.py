"""The package's measures are those counted agent by agent from the words of their definitions."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from mpgg_env import MPGGConfig
from mpgg_env.analysis import metrics, metrics_panel, metrics_structure
from tests.oracles import metrics_oracle as oracle
from tests.oracles.game_oracle import Board, play
from tests.oracles.mechanism_oracle import Rules
from tests.random_games import config_of

pytestmark = pytest.mark.algorithm

STATES = 120


def random_state(rng: random.Random) -> tuple[Board, list[int], list[int]]:
    """A board of any shape, where the agents are and what they do; crowds, loners and empty casinos."""
    rows, columns = rng.randint(1, 3), rng.randint(1, 4)
    count = rows * columns
    board = Board(
        rows,
        columns,
        boundary=rng.choice(["torus", "wall"]),
        costs=tuple(Fraction(rng.randint(0, 4), 4) for _ in range(count)),
        gains=tuple(rng.choice([Fraction(5, 4), Fraction(2), Fraction(5, 2), Fraction(4)]) for _ in range(count)),
        payoff=rng.choice(["text", "code"]),
    )
    visited = [rng.randrange(count) for _ in range(3)]
    positions = [rng.choice(visited) if rng.random() < 0.7 else rng.randrange(count) for _ in range(rng.randint(1, 12))]
    return board, positions, [rng.choice([0, 1, rng.randint(0, 1)]) for _ in positions]


def counts(board: Board, positions: list[int], actions: list[int]) -> tuple[np.ndarray, np.ndarray]:
    places = range(board.rows * board.columns)
    pairs = list(zip(positions, actions, strict=True))
    return np.array([positions.count(m) for m in places]), np.array([pairs.count((m, 1)) for m in places])


def close(given: Any, expected: Any) -> None:
    """Equal up to rounding; None in the slow measure is NaN in the package."""
    np.testing.assert_allclose(given, np.nan if expected is None else float(expected), rtol=0, atol=1e-12)


def gains(board: Board) -> np.ndarray:
    return np.array([float(board.gain(m)) for m in range(board.rows * board.columns)])


def worth(board: Board) -> np.ndarray:
    return np.array([float(value) for value in oracle.values(board)])


def test_welfare_and_what_it_is_measured_by() -> None:
    rng = random.Random(0)
    for _ in range(STATES):
        board, positions, actions = random_state(rng)
        _, cooperators = counts(board, positions, actions)
        n, total = len(positions), sum(play(board, positions, actions)[0])
        gross = metrics.gross_welfare(cooperators, worth(board))
        close(gross, total)
        best = max(oracle.values(board))
        close(metrics.efficiency(gross, n, worth(board).max()), oracle.ratio(total, n * best) if best > 0 else None)
        if min(oracle.values(board)) >= 0:
            share = oracle.ratio(total, oracle.carried(board, n))
            close(metrics.carrying_capacity_efficiency(gross, n, gains(board), worth(board)), share)


def test_welfare_relative_to_random_play() -> None:
    """N = 7 on 2 x 2, c = 1, v = (1, 1, 1, 3): 7/4 agents each, half of them give: W_rand = 7/8 * 6, W* = 21."""
    board = Board(2, 2, costs=(1, 1, 1, 1), gains=(2, 2, 2, 4))
    close(
        metrics.relative_to_random(np.array(9.0), config_of(board, Rules(), 7), worth(board)),
        (9 - Fraction(21, 4)) / (21 - Fraction(21, 4)),
    )


def test_the_default_board_as_the_source_gives_it() -> None:
    """Seats are worth 219, and random play gives .96 per head: v is 3/5 * 3.2 on average, half of all give."""
    board, config = Board(5, 5), MPGGConfig()
    close(metrics.carrying_capacity(150, gains(board), worth(board)), 219)
    close(metrics.carrying_capacity(150, gains(board), worth(board)), oracle.carried(board, 150))
    assert oracle.carried(board, 7) == 6 * 5 + Fraction(41, 10)
    close(metrics.random_welfare(metrics.initial_occupancy(config), worth(board)) / 150, Fraction(96, 100))


def test_cooperation_seats_and_crowds() -> None:
    rng = random.Random(1)
    for _ in range(STATES):
        board, positions, actions = random_state(rng)
        occupancy, cooperators = counts(board, positions, actions)
        n, gain = len(positions), gains(board)
        close(metrics.cooperation_rate(occupancy, cooperators), Fraction(sum(actions), n))
        _, free, dilemma = metrics.conditional_cooperation(occupancy, cooperators, gain)
        close(free, oracle.cooperation_where(board, positions, actions, dilemma=False))
        close(dilemma, oracle.cooperation_where(board, positions, actions, dilemma=True))
        seated = metrics.seated(occupancy, gain)
        close(metrics.seat_use(seated, gain), oracle.seat_use(board, positions))
        close(metrics.overcrowding(seated, n), oracle.overcrowding(board, positions))
        chance, entropy, _ = oracle.concentration(len(gain), positions)
        close(metrics.concentration(metrics.squared_counts(occupancy), n), chance)
        close(metrics.occupancy_entropy(occupancy), entropy)


def test_where_the_agents_and_the_cooperators_are() -> None:
    rng = random.Random(2)
    for _ in range(STATES):
        board, positions, actions = random_state(rng)
        everybody, cooperators = counts(board, positions, actions)
        givers = [place for place, gives in zip(positions, actions, strict=True) if gives]
        for weights, places in ((everybody, positions), (cooperators, givers)):
            found = metrics_structure.corridor_indices(weights, (board.rows, board.columns), worth(board))
            close(found["I_alpha"], oracle.drift([place % board.columns for place in places], board.columns))
            close(found["I_c"], oracle.drift([place // board.columns for place in places], board.rows))
            close(found["I_v"], oracle.value_drift(board, places))


def test_the_corridor_and_whether_it_joins_low_and_high_gain() -> None:
    rng = random.Random(3)
    spanning = 0
    for _ in range(3 * STATES):
        board, positions, actions = random_state(rng)
        positions += [m for m in range(board.rows * board.columns) if rng.random() < 0.7]
        actions += [1] * (len(positions) - len(actions))
        occupancy, cooperators = counts(board, positions, actions)
        cells = metrics_structure.corridor_set(occupancy, cooperators)
        expected = oracle.corridor(board, positions, actions)
        assert set(np.flatnonzero(cells).tolist()) == expected
        config = config_of(board, Rules(), len(positions), boundary=board.boundary)
        joined = oracle.joined(board, expected)
        assert bool(metrics_structure.corridor_spans(config, cells)) == joined
        spanning += joined
    assert spanning > 50


def test_moves_uphill() -> None:
    rng = random.Random(4)
    for _ in range(STATES):
        board, before, _ = random_state(rng)
        config = config_of(board, Rules(), len(before), boundary=board.boundary, moves="anywhere")
        after = [rng.choice([place, rng.randrange(board.rows * board.columns)]) for place in before]
        made = np.zeros((config.n_casinos, config.n_moves))
        for old, new in zip(before, after, strict=True):
            made[old, new] += 1
        expected = oracle.uphill(board, before, after)
        close(metrics_structure.uphill_flux(config, made, worth(board)), expected)
        panel = np.array([before, after])
        close(metrics_structure.uphill_flux_of_positions(config, panel, worth(board)), expected)


def test_assortment_and_the_price_split() -> None:
    rng = random.Random(5)
    for _ in range(STATES):
        board, positions, actions = random_state(rng)
        profile = counts(board, positions, actions)
        close(metrics_structure.assortment(*profile), oracle.assortment(positions, actions))
        split = metrics_structure.price_split(config_of(board, Rules(), len(positions)), *profile)
        difference, cost = oracle.advantage(board, positions, actions), oracle.within(board, positions, actions)
        close(split.difference, difference)
        close(split.within, cost)
        close(split.between, None if difference is None or cost is None else difference + cost)


def test_inequality() -> None:
    rng = random.Random(6)
    for _ in range(STATES):
        incomes = [Fraction(rng.randint(-1, 6), 4) for _ in range(rng.randint(1, 8))]
        close(metrics.gini(np.array([float(income) for income in incomes])), oracle.gini(incomes))
    close(metrics.gini(np.array([0.0, 0.0, 0.0, 5.0])), Fraction(3, 4))  # 1 - 1/N, the most there is


def histories(rng: random.Random) -> tuple[Board, list[tuple[list[int], list[int]]]]:
    """A few rounds of the same agents."""
    board, positions, actions = random_state(rng)
    rounds = [(positions, actions)]
    for _ in range(rng.randint(1, 5)):
        stays = [place if rng.random() < 0.6 else rng.randrange(board.rows * board.columns) for place in positions]
        rounds.append((stays, [rng.randint(0, 1) for _ in stays]))
        positions = stays
    return board, rounds


@pytest.mark.parametrize("reference", ["members", "residents"])
def test_survival_of_cooperators_among_defectors(reference: Any) -> None:
    """Against the defectors left behind, or against those who are in that casino in the next round."""
    rng = random.Random(7)
    seen = 0
    for _ in range(2 * STATES):
        board, rounds = histories(rng)
        pair = rounds[:2]
        payoffs = np.array([[float(pay) for pay in play(board, *each)[0]] for each in pair])
        positions, actions = (np.array([each[part] for each in pair]) for part in (0, 1))
        for theta in (Fraction(0), Fraction(1, 2), Fraction(3, 4)):
            found = metrics_panel.synergy_survival(
                positions, actions, payoffs, [float(theta)], board.rows * board.columns, reference=reference
            )
            survival, gain = oracle.survival(board, pair, theta, residents=reference == "residents")
            close(found.survival[0], survival)
            close(found.migration_gain[0], gain)
            seen += survival is not None
    assert seen > 50


def test_how_long_cooperation_lasts() -> None:
    rng = random.Random(8)
    for _ in range(STATES):
        _, rounds = histories(rng)
        positions, actions = (np.array([each[part] for each in rounds]) for part in (0, 1))
        found = metrics_panel.persistence(positions, actions)
        runs = [actions[:, agent].tolist() for agent in range(actions.shape[1])]
        expected = oracle.median_run(runs)
        if expected is None:  # nobody gives, or more than half of the runs outlast the record
            assert found.median == np.inf if actions.any() else np.isnan(found.median)
        else:
            assert found.median == expected
        again: dict[bool, list[int]] = {True: [], False: []}
        for agent, history in enumerate(runs):
            for now in range(len(rounds) - 1):
                if history[now]:
                    again[bool(positions[now, agent] != positions[now + 1, agent])].append(history[now + 1])
        close(found.after_move, oracle.ratio(Fraction(sum(again[True])), len(again[True])))
        close(found.after_stay, oracle.ratio(Fraction(sum(again[False])), len(again[False])))


@pytest.mark.parametrize("top", [0, 1])
def test_use_of_the_best_quarter(top: int) -> None:
    """Eight different values, two of them the best quarter: everybody there is 4 times the uniform share."""
    board = Board(1, 8, costs=(1,) * 8, gains=tuple(2 + m for m in range(8)))
    weights = np.zeros(8)
    weights[7 - top], weights[0] = 3, 1
    close(metrics_structure.high_cell_use(weights, worth(board)), 3)
    weights[5] = 4
    close(metrics_structure.high_cell_use(weights, worth(board)), Fraction(3, 2))
