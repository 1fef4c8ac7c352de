"""The formulas of the game: against numbers worked out by hand, and against the oracle over every casino."""

import itertools

import numpy as np
import pytest

from mpgg_env import MPGGConfig
from mpgg_env.games.mpgg import rules
from tests.oracles.game_oracle import Board, move, pay, starting_counts

SHAPES = [(1, 1), (1, 4), (4, 1), (2, 3), (3, 2), (5, 5)]


# Default board by hand: K = 5, c = (row + 1) / 5, r = 1.5 + 4.5 (column + 1) / 5.
def test_the_default_board_has_the_costs_and_gains_worked_out_by_hand() -> None:
    costs, gains = rules.casino_costs(MPGGConfig()), rules.casino_gains(MPGGConfig())
    np.testing.assert_allclose(costs.reshape(5, 5)[:, 0], [0.2, 0.4, 0.6, 0.8, 1.0], rtol=1e-15)
    np.testing.assert_allclose(gains.reshape(5, 5)[0], [2.4, 3.3, 4.2, 5.1, 6.0], rtol=1e-15)
    assert (costs.reshape(5, 5) == costs.reshape(5, 5)[:, :1]).all()
    assert (gains.reshape(5, 5) == gains.reshape(5, 5)[:1]).all()


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("upper", [0.25, 0.5, 0.75, 1.0]),
        ("center", [0.125, 0.375, 0.625, 0.875]),
        ("linspace", [0.0, 1 / 3, 2 / 3, 1.0]),
    ],
)
def test_fractions_of_four_cells_worked_out_by_hand(rule: str, expected: list[float]) -> None:
    np.testing.assert_allclose(rules.axis_fractions(4, rule), expected, rtol=1e-15)


@pytest.mark.parametrize(("rule", "expected"), [("upper", 1.0), ("center", 0.5), ("linspace", 1.0)])
def test_fraction_of_a_single_cell(rule: str, expected: float) -> None:
    assert rules.axis_fractions(1, rule).tolist() == [expected]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell_values", ["upper", "center", "linspace"])
def test_costs_and_gains_of_every_casino_agree_with_the_oracle(shape: tuple[int, int], cell_values: str) -> None:
    ranges = {"cost_range": (0.25, 3.0), "gain_range": (0.5, 7.0)}
    config = MPGGConfig(grid_shape=shape, cell_values=cell_values, **ranges)
    board = Board(*shape, cell_values=cell_values, **ranges)
    casinos = range(config.n_casinos)
    np.testing.assert_allclose(rules.casino_costs(config), [float(board.cost(m)) for m in casinos], rtol=1e-14)
    np.testing.assert_allclose(rules.casino_gains(config), [float(board.gain(m)) for m in casinos], rtol=1e-14)


def test_explicit_costs_and_gains_replace_the_ranges() -> None:
    config = MPGGConfig(grid_shape=(1, 3), n_agents=3, cost=(3.0, 0.0, 1.0), gain=(2.0, 9.0, 0.5))
    assert rules.casino_costs(config).tolist() == [3.0, 0.0, 1.0]
    assert rules.casino_gains(config).tolist() == [2.0, 9.0, 0.5]


# By hand, with c = 1 and r = 6: a lone cooperator gets c (r - 1) = 5, and so does each of six who all cooperate;
# with 3 cooperators among 12 the pool gives 6 * 1 * 3 / 12 = 1.5.
@pytest.mark.parametrize(
    ("cooperates", "cost", "gain", "occupancy", "cooperators", "expected"),
    [
        (1, 1.0, 6.0, 1, 1, 5.0),
        (1, 1.0, 6.0, 6, 6, 5.0),
        (1, 1.0, 6.0, 12, 3, 0.5),
        (0, 1.0, 6.0, 12, 3, 1.5),
        (0, 1.0, 6.0, 1, 0, 0.0),
        (0, 0.5, 3.0, 3, 2, 1.0),
        (1, 0.5, 3.0, 3, 2, 0.5),
        (1, 0.0, 3.0, 3, 2, 0.0),
    ],
)
def test_text_payoffs_worked_out_by_hand(
    cooperates: int, cost: float, gain: float, occupancy: int, cooperators: int, expected: float
) -> None:
    assert rules.payoff(cooperates, cost, gain, occupancy, cooperators, True, 1) == pytest.approx(expected, abs=1e-15)


# The early code counts the pool in units of one: with c = 0.5, r = 3, k = 2, n = 3 a share is 3 * 2 / 3 = 2.
@pytest.mark.parametrize(("cooperates", "expected"), [(0, 2.0), (1, 1.5)])
def test_code_payoffs_worked_out_by_hand(cooperates: int, expected: float) -> None:
    assert rules.payoff(cooperates, 0.5, 3.0, 3, 2, False, 1) == expected


@pytest.mark.parametrize("payoff", ["text", "code"])
@pytest.mark.parametrize("cooperates", [0, 1])
def test_below_min_players_everybody_gets_exactly_nothing(payoff: str, cooperates: int) -> None:
    assert rules.payoff(cooperates, 1.0, 3.0, 2, cooperates, payoff == "text", 3) == 0.0
    assert rules.payoff(cooperates, 1.0, 3.0, 3, 2, payoff == "text", 3) != 0.0


@pytest.mark.parametrize("payoff", ["text", "code"])
def test_payoffs_of_every_count_agree_with_the_oracle(payoff: str) -> None:
    board = Board(1, 1, payoff=payoff, costs=(0.7,), gains=(2.9,))
    compared = 0
    for players in range(1, 9):
        for givers, gives in itertools.product(range(players + 1), (False, True)):
            if (givers == 0 and gives) or (givers == players and not gives):
                continue
            expected = float(pay(board, 0, players, givers, gives=gives))
            assert rules.payoff(int(gives), 0.7, 2.9, players, givers, payoff == "text", 1) == pytest.approx(expected)
            compared += 1
    assert compared == sum(2 * players for players in range(1, 9))


# Casino 4 is the middle of a 3 x 3 board whose row 0 is 0 1 2: up is one row more, right one column more.
def test_moves_from_the_middle_worked_out_by_hand() -> None:
    config = MPGGConfig(n_agents=9, grid_shape=(3, 3), moves="moore")
    reached = dict(zip(rules.move_names(config), rules.destinations(config)[0][4].tolist(), strict=True))
    assert reached == {
        "stay": 4,
        "up": 7,
        "down": 1,
        "left": 3,
        "right": 5,
        "up_left": 6,
        "up_right": 8,
        "down_left": 0,
        "down_right": 2,
    }


def test_the_five_moves_come_in_the_order_of_the_specification() -> None:
    assert rules.move_names(MPGGConfig()) == ("stay", "up", "down", "left", "right")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("boundary", ["torus", "wall", "mask"])
@pytest.mark.parametrize("moves", ["von_neumann", "moore"])
def test_every_move_of_every_casino_agrees_with_the_oracle(shape: tuple[int, int], boundary: str, moves: str) -> None:
    config = MPGGConfig(grid_shape=shape, boundary=boundary, moves=moves)
    board = Board(*shape, boundary=boundary, moves=moves)
    reached, legal = rules.destinations(config)
    names = rules.move_names(config)
    assert reached.shape == legal.shape == (config.n_casinos, len(names))
    for casino, index in itertools.product(range(config.n_casinos), range(len(names))):
        expected = move(board, casino, names[index])
        assert legal[casino, index] == (expected is not None)
        assert reached[casino, index] == (casino if expected is None else expected)


@pytest.mark.parametrize("boundary", ["torus", "wall", "mask"])
def test_anywhere_leads_to_every_casino_from_every_casino(boundary: str) -> None:
    config = MPGGConfig(n_agents=6, grid_shape=(2, 3), moves="anywhere", boundary=boundary)
    reached, legal = rules.destinations(config)
    assert reached.tolist() == [[0, 1, 2, 3, 4, 5]] * 6
    assert legal.all()
    assert rules.move_names(config)[4] == "casino_4"


@pytest.mark.parametrize(
    ("n_agents", "remainder"),
    [*itertools.product([1, 5, 6, 7, 11, 12, 20], ["random", "first"]), (6, "drop"), (7, "drop"), (20, "drop")],
)
def test_starting_counts_agree_with_the_oracle(n_agents: int, remainder: str) -> None:
    config = MPGGConfig(n_agents=n_agents, grid_shape=(2, 3), remainder=remainder)
    positions = rules.initial_positions(config, np.random.default_rng(1))
    counts = np.bincount(positions, minlength=6)
    assert counts.sum() == config.n_players == (n_agents // 6 * 6 if remainder == "drop" else n_agents)
    for count, (least, most) in zip(counts, starting_counts(n_agents, 6, remainder), strict=True):
        assert least <= count <= most


# 20 agents on 6 casinos: 3 each, ids in casino order, and ids 18 and 19 are left over.
@pytest.mark.parametrize(("remainder", "leftover"), [("first", [0, 1]), ("drop", [])])
def test_agents_start_in_the_order_of_the_casinos(remainder: str, leftover: list[int]) -> None:
    config = MPGGConfig(n_agents=20, grid_shape=(2, 3), remainder=remainder)
    positions = rules.initial_positions(config, np.random.default_rng(1)).tolist()
    assert positions == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, *leftover]


def test_the_leftover_agents_reach_every_casino_equally_often() -> None:
    config = MPGGConfig(n_agents=20, grid_shape=(2, 3))
    rng = np.random.default_rng(7)
    starts = np.array([rules.initial_positions(config, rng)[18:] for _ in range(3000)])
    assert (starts[:, 0] != starts[:, 1]).all()
    # Each id is in each casino with probability 1/6: 500 of 3000, standard deviation 20.4.
    for agent in (0, 1):
        assert abs(np.bincount(starts[:, agent], minlength=6) - 500).max() < 4.5 * 20.4


def test_without_a_leftover_the_start_draws_nothing() -> None:
    rng = np.random.default_rng(3)
    before = rng.bit_generator.state
    rules.initial_positions(MPGGConfig(), rng)
    assert rng.bit_generator.state == before
