"""The slow second implementation of independent Q-learning: by hand, and the package against it."""

from typing import Any

import numpy as np
import pytest

from mpgg_agents.iql import IQLConfig, learn_along
from mpgg_agents.iql.trainer import IQLTrainer
from mpgg_env import MPGGConfig
from mpgg_env.core.types import FloatArray, IntArray
from tests.oracles.iql_oracle import Replay, Round, Table, arrival, casino_costs_and_gains, counter, replay, train

pytestmark = pytest.mark.algorithm

D, C = 0, 1
STAY, UP, LEFT = 0, 1, 3

# One casino with c = 1 and r = 1.5, two agents, three rounds. With both present the payoffs are 1.5 k / 2 - (own C):
# round 0, k = 1: the cooperator gets -0.25, the defector 0.75; round 1, k = 0: 0, 0; round 2, k = 2: 0.5, 0.5.
ONE_CASINO: dict[str, Any] = {"n_agents": 2, "grid_shape": (1, 1), "cost": (1.0,), "gain": (1.5,)}
GAMES = [[C, D], [D, D], [C, C]]
MOVES = [[STAY, UP], [LEFT, STAY], [STAY, STAY]]
HALVES: dict[str, Any] = {
    "eta": 0.5,
    "gamma": 0.5,
}  # all values below are sums of powers of 1/2, so that they are exact


def by_hand(game: dict[str, Any] | None = None, **agent: Any) -> list[Round]:
    config = MPGGConfig(**{**ONE_CASINO, **(game or {})})
    return list(replay(config, IQLConfig(**{**HALVES, **agent}), [0, 0], GAMES, MOVES))


def test_payoffs_and_first_updates_by_hand() -> None:
    rounds = by_hand()
    assert [r.payoffs for r in rounds] == [[-0.25, 0.75], [0.0, 0.0], [0.5, 0.5]]
    # The first transition waits for its next observation, which is there at the end of round 1.
    assert rounds[0].game == [{}, {}]
    assert rounds[0].migration == [{}, {}]
    # G(0): 1/2 R, nothing to bootstrap from yet. M(0): R(1) = 0.
    assert rounds[1].game == [{(0, 2): [0.0, -0.125]}, {(0, 2): [0.375, 0.0]}]
    assert rounds[1].migration == [{}, {}]
    # G(1), both D, R = 0: agent 0 bootstraps with max(0, -1/8) = 0; agent 1: 3/8 / 2 + (1/2 3/8) / 2 = 9/32.
    assert rounds[2].game == [{(0, 2): [0.0, -0.125]}, {(0, 2): [0.28125, 0.0]}]
    # M(1) at (0, 2, 0): R(2) / 2 = 1/4 for left and for stay; its next observation (0, 2, 2) is new.
    assert rounds[2].migration == [{(0, 2, 0): [0, 0, 0, 0.25, 0]}, {(0, 2, 0): [0.25, 0, 0, 0, 0]}]


def test_sarsa_bootstraps_with_the_action_taken() -> None:
    # Both play C in round 2. Agent 0: (0 + (0 - 1/8 / 2)) / 2 = -1/32. Agent 1: 3/8 / 2 + 0.
    assert by_hand(target="sarsa")[2].game == [{(0, 2): [-0.03125, -0.125]}, {(0, 2): [0.1875, 0.0]}]


def test_flush_applies_the_last_game_transition_alone() -> None:
    rounds = by_hand(flush_last=True)
    # G(2), both C, R = 1/2. Agent 0: -1/8 / 2 + 1/4 = 3/16. Agent 1: 0 + (1/2 + 1/2 9/32) / 2 = 41/128.
    assert rounds[2].game == [{(0, 2): [0.0, 0.1875]}, {(0, 2): [0.28125, 0.3203125]}]
    assert rounds[2].migration == by_hand()[2].migration
    assert rounds[1].game == by_hand()[1].game


def test_a_move_earns_the_mean_of_the_payoffs_before_it() -> None:
    rounds = by_hand(move_reward="past_mean")
    # M(0): mean of R(0). M(1): mean of R(0), R(1) = -1/8 and 3/8. Each halved by eta.
    assert rounds[1].migration == [{(0, 2, 1): [-0.125, 0, 0, 0, 0]}, {(0, 2, 1): [0, 0.375, 0, 0, 0]}]
    assert rounds[2].migration[0][0, 2, 0] == [0, 0, 0, -0.0625, 0]
    assert rounds[2].migration[1][0, 2, 0] == [0.1875, 0, 0, 0, 0]
    # With a window of one payoff M(1) earns R(1) = 0.
    assert (0, 2, 0) not in by_hand(move_reward="past_mean", move_reward_window=1)[2].migration[0]


def test_a_shared_table_is_updated_in_the_order_of_agents() -> None:
    rounds = by_hand(table="shared")
    assert rounds[1].game == [{(0, 2): [0.375, -0.125]}] * 2
    # G(1), both D: agent 0 makes 3/8 / 2 + 3/8 / 4 = 9/32 of it, agent 1 then 9/32 / 2 + 9/32 / 4 = 27/128.
    assert rounds[2].game == [{(0, 2): [0.2109375, -0.125]}] * 2
    assert rounds[2].migration == [{(0, 2, 0): [0.25, 0, 0, 0.25, 0]}] * 2


def test_initial_value_fills_new_rows() -> None:
    # Agent 0: 1/2 1 + 1/2 (-1/4 + 1/2 1) = 5/8; agent 1: 1/2 1 + 1/2 (3/4 + 1/2 1) = 9/8.
    assert by_hand(initial_value=1.0)[1].game == [{(0, 2): [1.0, 0.625]}, {(0, 2): [1.125, 1.0]}]


def test_observations_have_the_parts_that_the_configuration_shows() -> None:
    # The game shows those present who cooperated last: none in round 0, one in round 1.
    rounds = by_hand({"obs_game": "m_n_nC", "obs_migration": "m"})
    assert rounds[1].game == [{(0, 2, 0): [0.0, -0.125]}, {(0, 2, 0): [0.375, 0.0]}]
    # Q_G(0, 2, 1) of agent 1: R = 0, then (0, 2, 0) again, as nobody cooperated in round 1: 1/2 1/2 3/8 = 3/32.
    assert rounds[2].game == [{(0, 2, 0): [0.0, -0.125]}, {(0, 2, 0): [0.375, 0.0], (0, 2, 1): [0.09375, 0.0]}]
    assert set(rounds[2].migration[0]) == {(0,)}


def test_the_other_payoff_leaves_the_cost_out_of_the_pot() -> None:
    game = {"payoff": "code", "cost": (0.5,), "gain": (2.0,)}
    assert [r.payoffs for r in by_hand(game)] == [[0.5, 1.0], [0.0, 0.0], [1.5, 1.5]]
    text = {"cost": (0.5,), "gain": (2.0,)}
    assert [r.payoffs for r in by_hand(text)] == [[0.0, 0.5], [0.0, 0.0], [0.5, 0.5]]


def test_too_few_players_earn_nothing() -> None:
    assert [r.payoffs for r in by_hand({"min_players": 3})] == [[0.0, 0.0]] * 3


def test_max_runs_over_legal_moves_only() -> None:
    # A lone cooperator in one casino without neighbours: payoff 1/2 - 1 every round, and stay is the only move.
    game = MPGGConfig(n_agents=1, grid_shape=(1, 1), boundary="mask", cost=(1.0,), gain=(0.5,))
    rounds = list(replay(game, IQLConfig(**HALVES), [0], [[C]] * 3, [[STAY]] * 3))
    # -1/4 from an empty row; then -1/8 + (-1/2 - 1/8) / 2 = -7/16, where a max over all moves would give -3/8.
    assert [r.migration[0].get((0, 1, 1), [0.0])[STAY] for r in rounds] == [0.0, -0.25, -0.4375]
    with pytest.raises(ValueError, match="move 1 does not exist in casino 0"):
        list(replay(game, IQLConfig(), [0], [[C]], [[UP]]))


@pytest.mark.parametrize(
    ("boundary", "move", "arrives"),
    [
        ("torus", 1, 3),
        ("torus", 2, 3),
        ("torus", 3, 2),
        ("torus", 4, 1),
        ("wall", 1, 3),
        ("wall", 2, 0),
        ("wall", 3, 0),
    ],
)
def test_moves_from_the_corner_of_two_by_three(boundary: Any, move: int, arrives: int) -> None:
    # Casinos 0 1 2 in the lowest-cost row, 3 4 5 above; the agent starts in casino 0.
    game = MPGGConfig(n_agents=1, grid_shape=(2, 3), boundary=boundary)
    (only,) = replay(game, IQLConfig(), [0], [[C]], [[move]])
    assert only.next_positions == [arrives]


@pytest.mark.parametrize(
    ("rule", "costs", "gains"),
    [
        ("upper", [0.5, 1.0], [2.0, 3.0, 4.0]),
        ("center", [0.25, 0.75], [1.5, 2.5, 3.5]),
        ("linspace", [0.0, 1.0], [1.0, 2.5, 4.0]),
    ],
)
def test_costs_and_gains_of_two_by_three(rule: Any, costs: list[float], gains: list[float]) -> None:
    game = MPGGConfig(n_agents=6, grid_shape=(2, 3), gain_range=(1.0, 4.0), cell_values=rule)
    world = Replay(game, IQLConfig(), [0])
    assert world.casinos == [(cost, gain) for cost in costs for gain in gains]


def recorded(game: MPGGConfig, rounds: int, seed: int) -> tuple[IntArray, IntArray, IntArray]:
    """Positions, game actions and legal moves of random play, each (rounds, n_agents)."""
    random = np.random.default_rng(seed)
    start = random.integers(len(casino_costs_and_gains(game)), size=game.n_agents)
    world = Replay(game, IQLConfig(), start.tolist())
    positions, moves = np.empty((2, rounds, game.n_agents), np.int64)
    for t in range(rounds):
        positions[t] = world.positions
        moves[t] = [random.choice(world.legal[casino]) for casino in world.positions]
        world.positions = [arrival(game, m, move) for m, move in zip(positions[t], moves[t], strict=True)]
    return positions, random.integers(2, size=(rounds, game.n_agents)), moves


def assert_same_tables(ours: Any, expected: list[Table], initial_value: float) -> None:
    """Equal rows; one that only one side lists must be untouched, or a row of zeros, which neither lists."""
    assert len(ours) == len(expected)
    values: tuple[list[float], list[float]] = [], []
    for mine, theirs in zip(ours, expected, strict=True):
        for key in mine.keys() | theirs.keys():
            if key in mine and key in theirs:
                values[0].extend(mine[key])
                values[1].extend(theirs[key])
            else:
                alone = set(mine.get(key, theirs.get(key)))
                assert alone in ({initial_value}, {0.0}), f"row {key} of one side only: {alone}"
    np.testing.assert_allclose(*values, rtol=1e-12)


def assert_agrees(game: MPGGConfig, agent: IQLConfig, rounds: int = 40, seed: int = 0) -> None:
    positions, game_actions, moves = recorded(game, rounds, seed)
    steps = learn_along(game, agent, positions[0], game_actions, moves)
    expected = list(replay(game, agent, positions, game_actions, moves))
    updated = 0
    for ours, theirs in zip(steps, expected, strict=True):
        assert_same_tables([tables.game for tables in ours], theirs.game, agent.initial_value)
        assert_same_tables([tables.migration for tables in ours], theirs.migration, agent.initial_value)
        updated += sum(map(len, theirs.game)) + sum(map(len, theirs.migration))
    assert updated > rounds  # else the comparison would be of empty tables


SMALL: dict[str, Any] = {"n_agents": 7, "grid_shape": (2, 3)}


@pytest.mark.parametrize("boundary", ["torus", "wall", "mask"])
@pytest.mark.parametrize("cell_values", ["upper", "center", "linspace"])
@pytest.mark.parametrize("grid_shape", [(1, 1), (2, 3), (3, 1)])
def test_package_agrees_on_every_board(boundary: Any, cell_values: Any, grid_shape: tuple[int, int]) -> None:
    game = MPGGConfig(n_agents=7, grid_shape=grid_shape, boundary=boundary, cell_values=cell_values)
    assert_agrees(game, IQLConfig())


@pytest.mark.parametrize(
    "changes",
    [
        {"payoff": "code"},
        {"min_players": 2},
        {"obs_game": "m"},
        {"obs_game": "m_n_nC"},
        {"obs_migration": "m"},
        {"obs_migration": "m_n"},
        {"moves": "moore"},
        {"moves": "moore", "boundary": "mask"},
        {"moves": "anywhere"},
        {"cost_range": (0.5, 2.0), "gain_range": (0.5, 9.0)},
        {"cost": (0.0, 0.1, 0.2, 0.3, 0.4, 5.0), "gain": (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)},
    ],
    ids=str,
)
def test_package_agrees_on_every_option_of_the_game(changes: dict[str, Any]) -> None:
    assert_agrees(MPGGConfig(**{**SMALL, **changes}), IQLConfig())


@pytest.mark.parametrize(
    "changes",
    [
        {"eta": 1.0},
        {"gamma": 0.0},
        {"gamma": 1.0, "eta": 0.7},
        {"update": "before_act"},
        {"target": "sarsa"},
        {"table": "shared"},
        {"table": "shared", "update": "before_act"},
        {"table": "shared", "target": "sarsa"},
        {"initial_value": 2.5},
        {"initial_value": -1.0, "table": "shared"},
        {"move_reward": "past_mean"},
        {"move_reward": "past_mean", "move_reward_window": 3, "update": "before_act"},
        {"flush_last": True},
        {"flush_last": True, "table": "shared"},
        {"count_bins": 0, "bin_ratio": 2.0},
        {"count_bins": 1, "bin_ratio": 1.5},
        {"count_bins": 2, "bin_ratio": 3.0},
    ],
    ids=str,
)
def test_package_agrees_on_every_option_of_the_learner(changes: dict[str, Any]) -> None:
    assert_agrees(MPGGConfig(**SMALL), IQLConfig(**changes))


def test_package_agrees_where_moves_that_do_not_exist_look_best() -> None:
    # With few rows and a high start every legal move has been tried and is worth less than the illegal ones' 5.
    game = MPGGConfig(**SMALL, boundary="mask", obs_migration="m")
    assert_agrees(game, IQLConfig(initial_value=5.0, gamma=0.5), rounds=150)


def test_package_agrees_on_binned_counts_in_a_crowd() -> None:
    game = MPGGConfig(n_agents=60, grid_shape=(1, 2))
    assert_agrees(game, IQLConfig(count_bins=16, bin_ratio=1.25))


def test_counts_up_to_the_limit_are_exact_and_larger_ones_binned() -> None:
    # Limit 2, ratio 1.5: 3 starts the first bin, then 3 x 1.5 = 4, 4 x 1.5 = 6, 6 x 1.5 = 9 (rounded down).
    count = counter(IQLConfig(count_bins=2, bin_ratio=1.5))
    assert [count(n) for n in range(11)] == [0, 1, 2, 3, 4, 4, 6, 6, 6, 9, 9]


def random_settings(seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A combination of options, a function of the seed."""
    random = np.random.default_rng(seed)

    def one_of(*options: Any) -> Any:
        return options[random.integers(len(options))]

    game = {
        "n_agents": int(random.integers(1, 12)),
        "grid_shape": one_of((1, 1), (1, 4), (2, 2), (2, 3), (3, 3)),
        "boundary": one_of("torus", "wall", "mask"),
        "cell_values": one_of("upper", "center", "linspace"),
        "payoff": one_of("text", "code"),
        "obs_game": one_of("m", "m_n", "m_n_nC"),
        "obs_migration": one_of("m", "m_n", "m_n_nC"),
        "min_players": one_of(1, 2),
    }
    agent = {
        "eta": one_of(0.1, 0.5, 1.0),
        "gamma": one_of(0.0, 0.95, 1.0),
        "update": one_of("end_of_step", "before_act"),
        "table": one_of("per_agent", "shared"),
        "initial_value": one_of(0.0, 1.5, -0.5),
        "move_reward": one_of("next_payoff", "past_mean"),
        "move_reward_window": one_of(1, 4, 10),
        "flush_last": one_of(False, True),
        "count_bins": one_of(None, None, 1, 3),
    }
    if agent["update"] == "end_of_step" and not agent["flush_last"]:
        agent["target"] = one_of("max", "sarsa")
    return game, agent


@pytest.mark.parametrize("seed", range(30))
def test_package_agrees_on_random_combinations_of_options(seed: int) -> None:
    game, agent = random_settings(seed)
    assert_agrees(MPGGConfig(**game), IQLConfig(**agent), rounds=60, seed=seed)


# The outcome of learning: a small game whose exploration falls quickly, so that the learned part weighs in.
LEARNING_GAME: dict[str, Any] = {"n_agents": 16, "grid_shape": (2, 2), "gain_range": (1.5, 4.0)}
LEARNING_AGENT: dict[str, Any] = {"decay": 0.99, "gamma": 0.9, "eta": 0.3}
LEARNING_ROUNDS, WINDOW, SEEDS = 800, 100, 60
LARGEST_DEVIATION = 4.5  # standard errors; 40 normal deviates all stay below with probability 0.9997


def learned_by_package(game: MPGGConfig, agent: IQLConfig) -> tuple[FloatArray, FloatArray]:
    """Cooperation rate and mean occupancy of each casino per window, (seeds, windows) and (seeds, windows, M)."""
    trainer = IQLTrainer(game, agent, list(range(SEEDS)), LEARNING_ROUNDS, window=WINDOW)
    record = trainer.advance(LEARNING_ROUNDS)
    cooperation = record.cooperators.reshape(SEEDS, -1, WINDOW).mean(axis=2) / game.n_agents
    return cooperation, record.casino_occupancy / WINDOW


def learned_by_oracle(game: MPGGConfig, agent: IQLConfig) -> tuple[FloatArray, FloatArray]:
    """The same of the free runs of the second implementation."""
    outcomes = [train(game, agent, LEARNING_ROUNDS, seed) for seed in range(SEEDS)]
    cooperators = np.array([outcome.cooperators for outcome in outcomes])
    occupancy = np.array([outcome.occupancy for outcome in outcomes])
    return (
        cooperators.reshape(SEEDS, -1, WINDOW).mean(axis=2) / game.n_agents,
        occupancy.reshape(SEEDS, -1, WINDOW, occupancy.shape[-1]).mean(axis=2),
    )


def deviations(ours: FloatArray, theirs: FloatArray) -> FloatArray:
    """Differences of the means over seeds (axis 0) in standard errors of the difference."""
    variance = ours.var(axis=0, ddof=1) / len(ours) + theirs.var(axis=0, ddof=1) / len(theirs)
    difference: FloatArray = (ours.mean(axis=0) - theirs.mean(axis=0)) / np.sqrt(variance)
    return difference


def largest_deviation(ours: tuple[FloatArray, FloatArray], theirs: tuple[FloatArray, FloatArray]) -> float:
    return max(float(np.abs(deviations(mine, yours)).max()) for mine, yours in zip(ours, theirs, strict=True))


def test_trainer_and_oracle_learn_the_same_outcome() -> None:
    game, agent = MPGGConfig(**LEARNING_GAME), IQLConfig(**LEARNING_AGENT)
    theirs = learned_by_oracle(game, agent)
    assert largest_deviation(learned_by_package(game, agent), theirs) < LARGEST_DEVIATION
    # The same measure tells other games and learners apart, so that it could have failed above.
    changes: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"boundary": "wall"}, {}),
        ({"payoff": "code"}, {}),
        ({}, {"gamma": 0.0}),
        ({}, {"decay": 0.98}),
    ]
    for other_game, other_agent in changes:
        other = learned_by_package(game.replace(**other_game), agent.replace(**other_agent))
        assert largest_deviation(other, theirs) > LARGEST_DEVIATION
