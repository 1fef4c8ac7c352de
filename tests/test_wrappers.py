"""`MaskInObs`: the mask leaves the info and enters the observation, and nothing else changes."""

import pickle
from typing import Any

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test

from mpgg_env import MaskInObs, parallel_env
from tests.support import exactly, finish, same

SMALL: dict[str, Any] = {"n_agents": 7, "grid_shape": (2, 3), "boundary": "mask", "max_cycles": 12}


def _fixed(env: Any, infos: Any) -> dict[str, int]:
    return {agent: i % 5 for i, agent in enumerate(env.agents)}


def test_the_mask_moves_and_the_rest_stays() -> None:
    wrapped, plain = MaskInObs(parallel_env(**SMALL)), parallel_env(**SMALL)
    starts = wrapped.reset(seed=4), plain.reset(seed=4)
    steps = finish(wrapped, _fixed, {}), finish(plain, _fixed, {})
    pairs = [(*starts[0], *starts[1])] + [(w[0], w[4], p[0], p[4]) for w, p in zip(*steps, strict=True)]
    assert len(pairs) == 13
    for seen, notes, observations, infos in pairs:
        for agent, info in infos.items():
            assert same(seen[agent], {"observation": observations[agent], "action_mask": info["action_mask"]})
            assert same(notes[agent], {"illegal": info["illegal"]})
            assert wrapped.observation_space(agent).contains(seen[agent])
    for left, right in zip(*steps, strict=True):
        assert same(left[1:4], right[1:4])


@pytest.mark.parametrize("dtype", [np.int8, np.bool_, np.float32])
def test_keys_and_type_of_the_mask_can_be_chosen(dtype: Any) -> None:
    env = MaskInObs(parallel_env(**SMALL), observation_key="obs", mask_key="mask", mask_dtype=dtype)
    observations, _ = env.reset(seed=0)
    assert list(observations["agent_0"]) == ["obs", "mask"]
    assert observations["agent_0"]["mask"].dtype == dtype
    assert observations["agent_0"]["mask"].tolist() == [1, 1, 0, 0, 0]
    assert env.observation_space("agent_0").contains(observations["agent_0"])


def test_spaces_are_constant_objects() -> None:
    env = MaskInObs(parallel_env(**SMALL))
    assert env.observation_space("agent_3") is env.observation_space("agent_3")
    assert all(env.observation_spaces[agent] is env.observation_space(agent) for agent in env.possible_agents)
    assert env.observation_spaces.keys() == env.unwrapped.observation_spaces.keys()
    assert env.action_space("agent_3") is env.unwrapped.action_space("agent_3")
    assert env.possible_agents == env.unwrapped.possible_agents


def test_equal_keys_are_refused() -> None:
    text = "mask_key must differ from observation_key, got 'observation' for both"
    with pytest.raises(ValueError, match=exactly(text)):
        MaskInObs(parallel_env(**SMALL), mask_key="observation")


def test_without_a_mask_in_the_info_there_is_a_clear_error() -> None:
    env = MaskInObs(parallel_env(**SMALL, action_mask="none"))
    text = "the info of agent_0 has no 'action_mask': the environment needs action_mask='info'"
    with pytest.raises(ValueError, match=exactly(text)):
        env.reset()


def test_the_wrapped_environment_can_be_pickled() -> None:
    env = MaskInObs(parallel_env(**SMALL))
    env.reset(seed=1)
    other = pickle.loads(pickle.dumps(env))
    assert same(finish(env, _fixed, {}), finish(other, _fixed, {}))


@pytest.mark.parametrize("mode", ["masked", "joint"])
def test_the_wrapped_environment_passes_pettingzoos_tests(mode: str) -> None:
    parallel_api_test(MaskInObs(parallel_env(**SMALL, action_mode=mode)), num_cycles=50)
    parallel_seed_test(lambda: MaskInObs(parallel_env(**SMALL, action_mode=mode)), num_cycles=50)
