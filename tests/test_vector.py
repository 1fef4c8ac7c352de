"""The array interface: B replicas are B environments, and wrong arrays are refused in words."""

import pickle
from typing import Any

import numpy as np
import pytest

from mpgg_env import MPGGConfig, MPGGParallelEnv, MPGGVectorEnv
from tests.support import exactly, same

SMALL = MPGGConfig(n_agents=7, grid_shape=(2, 3), boundary="mask", max_cycles=12, obs_game="m_n_nC")
SEEDS = [3, 1, 4, 15]


def _stacked(envs: list[MPGGParallelEnv], dicts: list[dict[str, Any]]) -> np.ndarray:
    """Values of the agents in their order, one row per environment."""
    return np.array([[values[agent] for agent in env.possible_agents] for env, values in zip(envs, dicts, strict=True)])


def _info(infos: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    return [{agent: info[key] for agent, info in notes.items()} for notes in infos]


@pytest.mark.parametrize("mode", ["masked", "joint"])
@pytest.mark.parametrize("obs_scale", ["natural", "unit"])
def test_every_array_equals_that_of_separate_environments(mode: Any, obs_scale: Any) -> None:
    vector = MPGGVectorEnv(SMALL, 4, action_mode=mode, obs_scale=obs_scale)
    envs = [MPGGParallelEnv(SMALL, action_mode=mode, obs_scale=obs_scale) for _ in SEEDS]
    observations, infos = vector.reset(SEEDS)
    starts = [env.reset(seed=seed) for env, seed in zip(envs, SEEDS, strict=True)]
    assert same(observations, _stacked(envs, [start[0] for start in starts]))
    rng = np.random.default_rng(2)
    for _ in range(SMALL.max_cycles):
        actions = rng.integers(vector.n_actions, size=(4, 7))
        observations, rewards, terminated, truncated, infos = vector.step(actions)
        steps = [
            env.step(dict(zip(env.agents, row.tolist(), strict=True))) for env, row in zip(envs, actions, strict=True)
        ]
        parts = [list(part) for part in zip(*steps, strict=True)]
        assert same(observations, _stacked(envs, parts[0]))
        assert same(rewards, _stacked(envs, parts[1]))
        assert (_stacked(envs, parts[2]) == terminated[:, None]).all()
        assert (_stacked(envs, parts[3]) == truncated[:, None]).all()
        assert same(infos["action_mask"], _stacked(envs, _info(parts[4], "action_mask")))
        assert same(infos["illegal"], _stacked(envs, _info(parts[4], "illegal")))
        assert same(vector.state.positions, np.array([env.positions for env in envs]))
        assert same(vector.state.cooperators, np.array([env.cooperators for env in envs]))
    assert truncated.all()
    assert [env.agents for env in envs] == [[]] * 4
    for generator, env in zip(vector.generators, envs, strict=True):
        assert same(generator.bit_generator.state, env.np_random.bit_generator.state)


def test_shapes_and_types_of_the_arrays() -> None:
    vector = MPGGVectorEnv(SMALL, 4)
    observations, infos = vector.reset(0)
    assert (observations.shape, observations.dtype) == ((4, 7, 8), np.float32)
    assert (infos["action_mask"].shape, infos["action_mask"].dtype) == ((4, 7, 5), np.int8)
    assert (infos["illegal"].shape, infos["illegal"].dtype) == ((4, 7), np.int64)
    _, rewards, terminated, truncated, _ = vector.step(np.zeros((4, 7), np.uint8))
    assert (rewards.shape, rewards.dtype) == ((4, 7), np.float64)
    assert (terminated.shape, terminated.dtype) == (truncated.shape, truncated.dtype) == ((4,), np.bool_)


def test_one_integer_seeds_the_replicas_in_turn() -> None:
    left, right = MPGGVectorEnv(SMALL, 3), MPGGVectorEnv(SMALL, 3)
    assert same(left.reset(5), right.reset([5, 6, 7]))
    assert same(left.reset(), right.reset())


def test_positions_are_the_same_for_all_or_given_for_each() -> None:
    vector = MPGGVectorEnv(SMALL, 2)
    row = [5, 0, 0, 3, 3, 3, 1]
    vector.reset(positions=row)
    assert vector.state.positions.tolist() == [row, row]
    vector.reset(positions=[row, row[::-1]])
    assert vector.state.positions.tolist() == [row, row[::-1]]


def test_the_callers_arrays_are_left_alone() -> None:
    vector = MPGGVectorEnv(SMALL, 2)
    positions, actions = np.zeros((2, 7), np.int64), np.full((2, 7), 4)
    vector.reset(0, positions=positions)
    for _ in range(4):
        vector.step(actions)
    assert (positions == 0).all()
    assert (actions == 4).all()


def test_what_a_step_gave_stays_as_it_was() -> None:
    vector = MPGGVectorEnv(SMALL, 2)
    given = [*vector.reset(0), *vector.step(np.full((2, 7), 4))]
    kept = pickle.loads(pickle.dumps(given))
    for _ in range(3):
        vector.step(np.full((2, 7), 4))
    assert same(given, kept)


def test_a_pickle_in_mid_episode_continues_to_the_bit() -> None:
    vector = MPGGVectorEnv(SMALL, 3)
    vector.reset(8)
    rng = np.random.default_rng(1)
    vector.step(rng.integers(5, size=(3, 7)))
    other = pickle.loads(pickle.dumps(vector))
    for _ in range(5):
        actions = rng.integers(5, size=(3, 7))
        assert same(vector.step(actions), other.step(actions))


@pytest.mark.parametrize(
    ("actions", "error", "text"),
    [
        (np.zeros((2, 7)), TypeError, "actions must be integers, got an array of float64"),
        (np.zeros((2, 7), bool), TypeError, "actions must be integers, got an array of bool"),
        (np.zeros((2, 6), int), ValueError, "actions must have shape (2, 7), got (2, 6)"),
        (np.zeros(7, int), ValueError, "actions must have shape (2, 7), got (7,)"),
        (np.full((2, 7), 5), ValueError, "action of agent_0 must be in [0, 4], got 5"),
        (np.full((2, 7), -1), ValueError, "action of agent_0 must be in [0, 4], got -1"),
    ],
)
def test_wrong_actions_are_refused(actions: Any, error: type[Exception], text: str) -> None:
    vector = MPGGVectorEnv(SMALL, 2)
    vector.reset(0)
    with pytest.raises(error, match=exactly(text)):
        vector.step(actions)
    assert vector.cycle == 0


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"seed": [1, 2, 3]}, ValueError, "seed must give one seed for each of the 2 replicas, got 3"),
        ({"seed": [1, -2]}, ValueError, "seed must be >= 0, got -2"),
        ({"seed": 0.5}, TypeError, "seed must be an integer, got 0.5"),
        (
            {"positions": [[0] * 7] * 3},
            ValueError,
            "positions must give a casino for each of the 7 agents, got (3, 7)",
        ),
    ],
)
def test_wrong_resets_are_refused(arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=exactly(text)):
        MPGGVectorEnv(SMALL, 2).reset(**arguments)


def test_order_of_calls_and_number_of_replicas_are_checked() -> None:
    vector = MPGGVectorEnv(SMALL.replace(max_cycles=1), 1)
    with pytest.raises(RuntimeError, match=r"^call reset\(\) first"):
        vector.step(np.zeros((1, 7), int))
    vector.reset()
    vector.step(np.zeros((1, 7), int))
    with pytest.raises(RuntimeError, match=r"^the episode is over: call reset\(\)$"):
        vector.step(np.zeros((1, 7), int))
    with pytest.raises(ValueError, match=exactly("n_replicas must be >= 1, got 0")):
        MPGGVectorEnv(SMALL, 0)


def test_strict_refuses_an_illegal_action_in_any_replica() -> None:
    vector = MPGGVectorEnv(SMALL, 2, strict=True)
    vector.reset(0)
    actions = np.zeros((2, 7), int)
    actions[1, 4] = 3
    with pytest.raises(ValueError, match=r"^agent_4: action 3 is illegal in the game phase; legal: 0 \(D\), 1 \(C\)$"):
        vector.step(actions)
