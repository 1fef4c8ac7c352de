"""Independent Q-learning solves tiny games whose answer is known, and the trainer refuses bad arguments."""

from typing import Any

import numpy as np
import pytest

from mpgg_agents.iql import IQLConfig, IQLTrainer, Preset, learn_along, train
from mpgg_agents.iql.presets import PRESETS
from mpgg_env import MPGGConfig, parallel_env

pytestmark = pytest.mark.algorithm

ONE_CASINO: dict[str, Any] = {"n_agents": 3, "grid_shape": (1, 1), "cost": [1.0]}
MYOPIC = IQLConfig(gamma=0.0, decay=0.99, eps_min=0.0)


def greedy_cooperation(gain: float, agent: IQLConfig) -> float:
    trainer = IQLTrainer(MPGGConfig(**ONE_CASINO, gain=[gain]), agent, range(10), 2_000)
    trainer.advance(2_000)
    return float(trainer.evaluate(10).cooperators.mean() / 3)


def test_cooperates_where_the_gain_exceeds_the_occupancy() -> None:
    """r = 5 > n = 3: a cooperator gets c (r / n - 1) > 0 more whatever the others do."""
    assert greedy_cooperation(5.0, MYOPIC) == 1.0


def test_defects_where_the_occupancy_exceeds_the_gain() -> None:
    """r = 1.5 < n = 3: defecting is dominant."""
    assert greedy_cooperation(1.5, MYOPIC) == 0.0


@pytest.mark.parametrize("options", [{"capacity": 20, "batch_size": 4}, {"update": "before_act"}])
def test_the_options_learn_the_same_answers(options: dict[str, Any]) -> None:
    agent = MYOPIC.replace(**options)
    assert greedy_cooperation(5.0, agent) == 1.0
    assert greedy_cooperation(1.5, agent) == 0.0


def two_casinos() -> MPGGConfig:
    """A lone cooperator earns c (r - 1): 0.5 in casino 0 and 5 in casino 1."""
    return MPGGConfig(n_agents=1, grid_shape=(1, 2), cost=[1.0, 1.0], gain=[1.5, 6.0], boundary="wall")


def test_moves_to_the_better_casino() -> None:
    trainer = IQLTrainer(two_casinos(), IQLConfig(gamma=0.5, decay=0.99, eps_min=0.0), range(10), 3_000)
    trainer.advance(3_000)
    greedy = trainer.evaluate(100)
    assert (trainer.positions == 1).all()
    np.testing.assert_allclose(greedy.welfare[:, 1:], 5.0)


def test_q_values_of_staying_in_the_better_casino_are_its_discounted_payoff() -> None:
    """A fixed point: Q_M(stay) = v + gamma Q_M(stay), so v / (1 - gamma) = 5 / 0.5."""
    trainer = IQLTrainer(two_casinos(), IQLConfig(gamma=0.5, decay=0.99, eps_min=0.0), [1], 3_000)
    trainer.advance(3_000)
    tables = trainer.tables(0)
    row = (tables["migration_states"] == [0, 1, 1, 1]).all(axis=1)
    assert tables["migration_values"][row].max() == pytest.approx(10.0, rel=1e-9)


def test_plain_agents_solve_it_too() -> None:
    env = parallel_env(**ONE_CASINO, gain=[5.0])
    *_, (_, last) = train(env, MYOPIC, 1_000, seed=3)
    assert last.game_actions.tolist() == [1, 1, 1]


def test_presets_are_the_published_settings() -> None:
    assert list(PRESETS) == ["text", "author_code", "corridor_wall", "gamma_0"]
    for preset in PRESETS.values():
        assert isinstance(preset, Preset)
        assert preset.source
        MPGGConfig(**preset.game)
        IQLConfig(**preset.agent)
    assert MPGGConfig(**PRESETS["text"].game) == MPGGConfig()
    assert IQLConfig(**PRESETS["text"].agent) == IQLConfig()
    code = IQLConfig(**PRESETS["author_code"].agent)
    assert (code.table, code.gamma, code.decay, code.tie) == ("shared", 0.1, 0.995, "first")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seeds": []}, "seeds must name at least one seed"),
        ({"seeds": [-1]}, r"seeds\[0\] must be in \[0, 18446744073709551615\], got -1"),
        ({"rounds": 0}, "rounds must be >= 1, got 0"),
        ({"window": 0}, "window must be >= 1, got 0"),
        ({"threads": 0}, "threads must be >= 1, got 0"),
        ({"layout": "group"}, "layout must be one of .* did you mean 'grouped'"),
        ({"positions": [0]}, "positions must be 150 integer casinos, got int64"),
        ({"positions": [25] * 150}, r"positions must be in \[0, 24\], got 25 to 25"),
        ({"agent": IQLConfig(move_order=(0, 1))}, "an action order must have all 5 actions"),
    ],
)
def test_trainer_refuses_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {"config": MPGGConfig(), "agent": IQLConfig(), "seeds": [0], "rounds": 10}
    with pytest.raises(ValueError, match=message):
        IQLTrainer(**{**good, **arguments})


def test_trainer_refuses_calls_out_of_order() -> None:
    trainer = IQLTrainer(MPGGConfig(), IQLConfig(), [0], 250)
    with pytest.raises(ValueError, match="multiple of the window 100 or all 250 left, got 50"):
        trainer.advance(50)
    with pytest.raises(ValueError, match="train all 250 rounds before you evaluate, got 0"):
        trainer.evaluate(10)
    trainer.advance(250)
    with pytest.raises(ValueError, match="the training of 250 rounds is finished"):
        trainer.advance(1)
    other = IQLTrainer(MPGGConfig(n_agents=75), IQLConfig(), [0], 250)
    with pytest.raises(ValueError, match="of another training"):
        other.restore(trainer.state_arrays())
    arrays = trainer.state_arrays()
    del arrays["rounds_done"]
    with pytest.raises(ValueError, match="rounds_done"):
        trainer.restore(arrays)


STORED = {
    "positions": 6,
    "games": 2,
    "game_entries": 2**40,
    "move_entries": 2**40,
    "game_states": 2**31,
    "moves": 5,
    "replay0.states": 2**31,
    "replay1.next_states": 2**31,
    "replay1.actions": 5,
    "replay0.next_actions": 2,
    "replay1.stored": -1,
    "table0.places": (1 << 32) | (2**32 - 1),
}


@pytest.mark.parametrize("name", STORED)
def test_restore_refuses_addresses_out_of_range(name: str) -> None:
    """The compiled loops would read and write beside their arrays."""
    game = MPGGConfig(n_agents=6, grid_shape=(2, 3))
    agent = IQLConfig() if "entries" in name or "places" in name else IQLConfig(capacity=2)

    def trainer() -> IQLTrainer:
        return IQLTrainer(game, agent, [3], 40, window=10, layout="hashed")

    source = trainer()
    source.advance(20)
    arrays = {key: array.copy() for key, array in source.state_arrays().items()}
    trainer().restore(arrays)
    arrays[f"replica0.block0.{name}"].flat[0] = STORED[name]
    with pytest.raises(ValueError, match=name.replace(".", r"\.")):
        trainer().restore(arrays)


def test_restore_refuses_a_full_index_and_a_table_of_another_size() -> None:
    game = MPGGConfig(n_agents=6, grid_shape=(2, 3))
    for layout, name in (("hashed", "places"), ("grouped", "values")):
        source = IQLTrainer(game, IQLConfig(), [3], 40, window=10, layout=layout)
        source.advance(20)
        arrays = {key: array.copy() for key, array in source.state_arrays().items()}
        key = f"replica0.block0.table1.{name}"
        arrays[key] = np.full_like(arrays[key], 1 << 32) if layout == "hashed" else arrays[key][:-5]
        with pytest.raises(ValueError, match=r"block0\.table1"):
            IQLTrainer(game, IQLConfig(), [3], 40, window=10, layout=layout).restore(arrays)


def test_recorded_positions_are_checked_against_the_moves() -> None:
    game = MPGGConfig(n_agents=2, grid_shape=(1, 3))
    games, moves = np.array([[1, 0], [1, 1]]), np.array([[4, 0], [0, 3]])
    *_, by_start = learn_along(game, IQLConfig(), [0, 1], games, moves)
    *_, by_round = learn_along(game, IQLConfig(), [[0, 1], [1, 1]], games, moves)
    assert by_start[0].game.keys() == by_round[0].game.keys()
    with pytest.raises(ValueError, match="positions of round 1 must follow from the moves"):
        list(learn_along(game, IQLConfig(), [[0, 1], [2, 1]], games, moves))
    with pytest.raises(ValueError, match=r"game_actions must have shape \(rounds, 2\), got \(2, 3\)"):
        list(learn_along(game, IQLConfig(), [0, 1], np.zeros((2, 3), int), moves))
    with pytest.raises(TypeError, match="move_actions must be integers"):
        list(learn_along(game, IQLConfig(), [0, 1], games, moves.astype(float)))


@pytest.mark.parametrize("content", [b"\xff", b"5", b"{}", b"[" * 200_000])
def test_restore_refuses_a_generator_that_is_none(content: bytes) -> None:
    trainer = IQLTrainer(MPGGConfig(n_agents=4, grid_shape=(1, 2)), IQLConfig(), [0], 10)
    arrays = {**trainer.state_arrays(), "replica0.generator": np.frombuffer(content, np.uint8)}
    before = trainer._replicas[0].generator.bit_generator.state
    with pytest.raises(ValueError, match=r"^generator must be"):
        trainer.restore(arrays)
    assert trainer._replicas[0].generator.bit_generator.state == before
