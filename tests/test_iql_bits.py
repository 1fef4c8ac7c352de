"""The same bits from the plain agents, the compiled trainer in any layout and on any threads, and a resumed run."""

import functools
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from mpgg_agents.iql import IQLConfig, IQLTrainer, train
from mpgg_agents.iql.compiled import program
from mpgg_env import MPGGConfig, parallel_env

pytestmark = pytest.mark.algorithm

SMALL: dict[str, Any] = {"n_agents": 7, "grid_shape": (2, 3)}  # 7 is no multiple of 6: the leftover agent is drawn
CROWDED: dict[str, Any] = {"name": "capacity", "seats": (1, 2, 1, 2, 3, 1)}
MONEY: list[dict[str, Any]] = [
    {"name": "fine", "amount": 0.3},
    {"name": "subsidy", "amount": 0.1},
    {"name": "subsidy_local", "amount": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)},
    {"name": "toll", "fee": 0.1, "surcharge": 0.7, "seats": 1},
    {"name": "pigou", "rate": 0.3},
    {"name": "peer", "punishment": 0.2, "cost": 0.07},
]
OPTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "text": ({}, {}),
    "before_act": ({}, {"update": "before_act"}),
    "sarsa": ({}, {"target": "sarsa"}),
    "tie_first": ({}, {"tie": "first", "move_order": (2, 0, 1, 4, 3), "game_order": (1, 0)}),
    "tie_last": ({}, {"tie": "last"}),
    "shared": ({}, {"table": "shared"}),
    "shared_before_act": ({}, {"table": "shared", "update": "before_act", "tie": "first"}),
    "author_code": (
        {"payoff": "code", "obs_game": "m", "obs_migration": "m"},
        {"table": "shared", "gamma": 0.1, "decay": 0.995, "tie": "first"},
    ),
    "initial_value": ({}, {"initial_value": 1.5}),
    "past_mean": ({}, {"move_reward": "past_mean", "move_reward_window": 4}),
    "replay": ({}, {"capacity": 5, "batch_size": 7}),
    "replay_one": ({}, {"batch_size": 3}),
    "replay_sarsa_mask": ({"boundary": "mask"}, {"capacity": 4, "batch_size": 2, "target": "sarsa"}),
    "replay_before_act": ({}, {"capacity": 3, "batch_size": 2, "update": "before_act", "move_reward": "past_mean"}),
    "replay_shared": ({"boundary": "mask"}, {"capacity": 3, "batch_size": 2, "table": "shared"}),
    "replay_flush": ({}, {"capacity": 3, "batch_size": 5, "flush_last": True, "episodes": 7}),
    "episodes": ({}, {"episodes": 10, "flush_last": True}),
    "episodes_shared": ({"obs_game": "m_n_nC"}, {"episodes": 10, "table": "shared", "flush_last": True}),
    "bins": ({"n_agents": 40}, {"count_bins": 3, "bin_ratio": 1.5}),
    "float32": ({}, {"dtype": "float32"}),
    "wall": ({"boundary": "wall"}, {}),
    "mask": ({"boundary": "mask"}, {}),
    "mask_first": ({"boundary": "mask"}, {"tie": "first"}),
    "moore": ({"moves": "moore", "boundary": "mask"}, {}),
    "anywhere": ({"moves": "anywhere", "grid_shape": (3, 4)}, {}),
    "anywhere_last": ({"moves": "anywhere", "grid_shape": (3, 4)}, {"tie": "last"}),
    "sees_all": ({"obs_game": "m_n_nC", "obs_migration": "m_n"}, {"gamma": 0.5}),
    "min_players": ({"min_players": 2, "payoff": "code"}, {"eps_min": 0.0, "decay": 0.99}),
    "one_casino": ({"grid_shape": (1, 1), "cell_values": "linspace"}, {}),
    "drop": ({"remainder": "drop", "n_agents": 13}, {}),
    "capacity": ({"n_agents": 20, "mechanism": [{"name": "capacity", "seats": 2}]}, {}),
    "capacity_replay": ({"mechanism": [CROWDED, *MONEY]}, {"capacity": 3, "batch_size": 2, "move_reward": "past_mean"}),
    "capacity_episodes": (
        {"n_agents": 20, "min_players": 2, "mechanism": [CROWDED, *MONEY]},
        {"episodes": 10, "flush_last": True},
    ),
    "money": ({"mechanism": MONEY, "payoff": "code"}, {}),
    "kept_tolls": ({"mechanism": [{"name": "toll", "fee": 0.1, "surcharge": 0.7, "rebate": "none"}]}, {}),
}
EVERY_ROUND = 2_000


@functools.cache
def named_reference(name: str, seed: int) -> dict[str, Any]:
    """One plain run serves both layouts."""
    return reference(*OPTIONS[name], EVERY_ROUND, seed)


def reference(game: dict[str, Any], agent: dict[str, Any], rounds: int, seed: int) -> dict[str, Any]:
    """Every action, payoff and position of the plain agents, and their tables at the end."""
    env = parallel_env(**{**SMALL, **game})
    config = IQLConfig(**agent)
    rows: dict[str, list[Any]] = {"games": [], "payoffs": [], "moves": [], "positions": [], "produced": []}
    rows["sponsor"] = []
    kinds = {mechanism.name: mechanism for mechanism in env.config.mechanisms}
    of_the_sponsor = [name for name in kinds if name == "subsidy" or getattr(kinds[name], "rebate", "") == "none"]
    learners: list[Any] = []
    for population, result in train(env, config, rounds // config.episodes, seed):
        learners = list(population.agents.values())
        rows["games"].append(result.game_actions)
        rows["payoffs"].append(result.payoffs)
        rows["moves"].append(result.moves)
        rows["positions"].append(env.positions)
        rows["produced"].append(env.engine.produced[0])
        rows["sponsor"].append(sum(env.engine.transfers[name].sum() for name in of_the_sponsor))
    return {name: np.array(values) for name, values in rows.items()} | {
        "tables": [
            {key: row for key, row in q_table.rows.items() if (row != row.dtype.type(config.initial_value)).any()}
            for learner in learners
            for q_table in (learner.Q_G, learner.Q_M)
        ]
    }


def trained(game: dict[str, Any], agent: dict[str, Any], rounds: int, seed: int, **options: Any) -> IQLTrainer:
    config = IQLConfig(**agent)
    return IQLTrainer(
        MPGGConfig(**{**SMALL, **game}), config, [seed], rounds // config.episodes, **{"window": 1, **options}
    )


def assert_equal_tables(trainer: IQLTrainer, expected: list[dict[Any, Any]], columns: int, shared: bool) -> None:
    arrays = trainer.tables(0)
    for kind, name in enumerate(("game", "migration")):
        own: dict[int, dict[Any, Any]] = {}
        for (agent, *state), values in zip(arrays[f"{name}_states"], arrays[f"{name}_values"], strict=True):
            own.setdefault(int(agent), {})[tuple(map(int, state))] = values
        for agent in range(1 if shared else len(expected) // 2):
            plain = {
                (int(key[2]) * columns + int(key[3]), int(key[6]), int(key[7])): values
                for key, values in expected[2 * agent + kind].items()
            }
            assert plain.keys() == own.get(agent, {}).keys()
            for state, values in plain.items():
                assert values.dtype == own[agent][state].dtype
                np.testing.assert_array_equal(own[agent][state], values)


def round_by_round(trainer: IQLTrainer, rounds: int) -> dict[str, Any]:
    """What the trainer's own arrays and its record say after each of so many calls of a round."""
    seen: dict[str, list[Any]] = {}
    for _ in range(rounds):
        record = trainer.advance(1)
        block = trainer._replicas[0].blocks[0]
        row = {"games": block.games, "payoffs": block.payoffs, "moves": block.moves, "positions": trainer.positions[0]}
        row |= {name: getattr(record, name)[0, 0] for name in ("welfare", "gross", "sponsor")}
        for name, values in row.items():
            seen.setdefault(name, []).append(values.copy())  # the next round writes into the same arrays
    return {name: np.array(values) for name, values in seen.items()}


@pytest.mark.parametrize("layout", ["grouped", "hashed"])
@pytest.mark.parametrize("name", OPTIONS)
def test_trainer_equals_plain_agents(name: str, layout: str) -> None:
    """Round by round, over 2,000 rounds: actions, payoffs and positions from the trainer's own arrays."""
    game, agent = OPTIONS[name]
    seed = 2**40 + 7  # both words of the key
    expected = named_reference(name, seed)
    trainer = trained(game, agent, EVERY_ROUND, seed, layout=layout)
    seen = round_by_round(trainer, len(expected["games"]))
    np.testing.assert_array_equal(seen["games"], expected["games"])
    np.testing.assert_array_equal(seen["payoffs"], expected["payoffs"])
    if not trainer._replicas[0].program.learning.online:  # else the moves show in the positions alone
        np.testing.assert_array_equal(seen["moves"], expected["moves"])
    np.testing.assert_array_equal(seen["positions"], expected["positions"])
    np.testing.assert_allclose(seen["welfare"], expected["payoffs"].sum(axis=1), rtol=1e-12, atol=1e-12)
    assert trainer.config.mechanisms or (seen["gross"] == seen["welfare"]).all()
    np.testing.assert_allclose(seen["gross"], expected["produced"], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(seen["sponsor"], expected["sponsor"], rtol=1e-12)
    names = [item.name for item in trainer.config.mechanisms]
    assert (max(expected["sponsor"]) > 0) == ("subsidy" in names)
    columns = trainer.config.grid_shape[1]
    assert_equal_tables(trainer, expected["tables"], columns, shared=trainer.agent.table == "shared")


def test_long_calls_grow_and_equal_plain_agents() -> None:
    """One call of `advance`, in which tables and indices grow many times, against the plain agents."""
    game = {"n_agents": 60, "grid_shape": (3, 3)}
    expected = reference(game, {}, 2_000, 3)
    for layout in ("grouped", "hashed"):
        trainer = trained(game, {}, 2_000, 3, layout=layout, window=100)
        record = trainer.advance(2_000)
        np.testing.assert_array_equal(record.cooperators[0], expected["games"].sum(axis=1))
        np.testing.assert_allclose(record.welfare[0], expected["payoffs"].sum(axis=1), rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(trainer.positions[0], expected["positions"][-1])
        assert_equal_tables(trainer, expected["tables"], 3, shared=False)


def final_tables(trainer: IQLTrainer) -> list[Any]:
    return [array for b in range(len(trainer.seeds)) for _, array in sorted(trainer.tables(b).items())]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("n_blocks", [1, 4])
@pytest.mark.parametrize("name", ["text", "replay_flush", "sees_all", "before_act", "capacity_replay"])
def test_blocks_and_threads_change_no_bit(
    name: str, n_blocks: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    game, agent = OPTIONS[name]
    plain = trained(game, agent, 700, 5, layout="grouped", window=50)
    record = plain.advance(700)
    monkeypatch.setattr(program, "LARGEST_BLOCK", -(-7 // n_blocks))
    other = trained(game, agent, 700, 5, layout="hashed", threads=threads, window=50)
    assert len(other._replicas[0].blocks) == n_blocks
    other_record = other.advance(700)
    for field in record.__slots__:
        np.testing.assert_array_equal(getattr(record, field), getattr(other_record, field), err_msg=field)
    for array, other_array in zip(final_tables(plain), final_tables(other), strict=True):
        np.testing.assert_array_equal(array, other_array)


@pytest.mark.parametrize("layout", ["grouped", "hashed"])
@pytest.mark.parametrize(
    "name", ["text", "replay_flush", "past_mean", "episodes_shared", "bins", "float32", "sees_all", "capacity_episodes"]
)
def test_restored_run_equals_undisturbed_one(name: str, layout: str) -> None:
    game, agent = OPTIONS[name]
    whole = trained(game, agent, 2_000, 11, layout=layout, window=40)
    whole.advance(800)
    record = whole.advance(whole.total_rounds - 800)
    first = trained(game, agent, 2_000, 11, layout=layout, window=40)
    first.advance(800)
    arrays = {key: array.copy() for key, array in first.state_arrays().items()}
    assert all(array.dtype != object for array in arrays.values())
    second = trained(game, agent, 2_000, 11, layout=layout, window=40)
    second.restore(arrays)
    assert second.rounds_done == 800
    resumed = second.advance(second.total_rounds - 800)
    for field in record.__slots__:
        np.testing.assert_array_equal(getattr(record, field), getattr(resumed, field), err_msg=field)
    for array, other in zip(final_tables(whole), final_tables(second), strict=True):
        np.testing.assert_array_equal(array, other)
    np.testing.assert_array_equal(whole.evaluate(60).cooperators, second.evaluate(60).cooperators)


def test_replicas_do_not_depend_on_each_other() -> None:
    config, agent = MPGGConfig(**SMALL), IQLConfig()
    both = IQLTrainer(config, agent, [4, 9], 300)
    alone = IQLTrainer(config, agent, [9], 300)
    np.testing.assert_array_equal(both.advance(300).cooperators[1], alone.advance(300).cooperators[0])
    assert not np.array_equal(both.positions[0], both.positions[1])


def test_evaluation_is_greedy_and_learns_nothing() -> None:
    trainer = trained({}, {"tie": "first"}, 500, 2, window=100)
    trainer.advance(500)
    before = final_tables(trainer)
    trainer.evaluate(300)
    for array, other in zip(before, final_tables(trainer), strict=True):
        np.testing.assert_array_equal(array, other)
    block = trainer._replicas[0].blocks[0]
    rows = {tuple(state): values for state, values in zip(before[0].tolist(), before[1], strict=False)}
    assert rows
    assert set(block.games.tolist()) <= {0, 1}


DIGEST_OF_RUNS = """
import hashlib, warnings
from mpgg_agents.iql import IQLConfig, IQLTrainer
from mpgg_env import DilemmaWarning, MPGGConfig
warnings.simplefilter("ignore", DilemmaWarning)
digest = hashlib.blake2b()
mechanism = [{"name": "capacity", "seats": 1}, {"name": "toll", "fee": 0.1}, {"name": "fine", "amount": 0.3}]
games = [MPGGConfig(n_agents=7, grid_shape=(2, 3), boundary="mask", mechanism=m) for m in (None, mechanism)]
for game, options in (
    *((games[0], o) for o in ({}, {"capacity": 3, "batch_size": 2}, {"tie": "first"}, {"table": "shared"})),
    *((games[1], o) for o in ({}, {"dtype": "float32"})),
):
    for layout in ("grouped", "hashed"):
        trainer = IQLTrainer(game, IQLConfig(**options), [1], 60, window=20, layout=layout)
        for array in (trainer.advance(60).cooperators, trainer.positions, *trainer.tables(0).values()):
            digest.update(array.tobytes())
print(digest.hexdigest())
"""


def test_the_trainer_without_compilation_gives_the_same_bits() -> None:
    digests = [
        subprocess.run(
            [sys.executable, "-W", "error", "-c", DIGEST_OF_RUNS],
            env={**os.environ, "NUMBA_DISABLE_JIT": disabled, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for disabled in ("0", "1")
    ]
    assert len(digests[0]) > 100
    assert digests[0] == digests[1]
