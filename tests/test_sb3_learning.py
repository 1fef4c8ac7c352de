"""Stable-Baselines3 and sb3-contrib learn on `SB3VecEnv`: bootstrapping, masks, seeds, logs."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecMonitor

from mpgg_env import MPGGConfig
from mpgg_env.sb3 import SB3VecEnv
from tests.support import same

pytestmark = pytest.mark.algorithm

# A random start, edges and empty casinos, so that actions are illegal in both phases.
SMALL = MPGGConfig(n_agents=7, grid_shape=(2, 3), boundary="mask", max_cycles=12, obs_game="m_n_nC")
N, B = 7, 3
TINY_NETWORK: dict[str, Any] = {"net_arch": [8]}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    # Several threads add up in another order, and no two trainings are then equal to the bit.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_training_logs_the_mean_return() -> None:
    env = VecMonitor(SB3VecEnv(SMALL, B, action_mode="joint"))
    model = PPO("MlpPolicy", env, n_steps=12, batch_size=63, n_epochs=1, seed=0, device="cpu")
    model.learn(1)
    paid = model.rollout_buffer.rewards[:-1].sum(axis=0)  # the last step pays 0 and has the bootstrapped value
    assert model.ep_info_buffer is not None
    assert [info["r"] for info in model.ep_info_buffer] == pytest.approx(paid.tolist())
    assert {info["l"] for info in model.ep_info_buffer} == {12}
    assert paid.std() > 0


def test_the_value_of_the_truncated_state_is_added() -> None:
    env = SB3VecEnv(SMALL.replace(max_cycles=4), B, action_mode="joint")
    model = PPO("MlpPolicy", env, n_steps=4, batch_size=84, n_epochs=1, gamma=0.9, seed=0, device="cpu")
    ends: list[Any] = []
    model.learn(1, callback=lambda local, _: ends.append(local["infos"]) or True)
    # The network that collected the rewards, before its first update.
    first = PPO("MlpPolicy", env, n_steps=4, batch_size=84, n_epochs=1, gamma=0.9, seed=0, device="cpu")
    with torch.no_grad():
        values = first.policy.predict_values(torch.tensor(np.array([i["terminal_observation"] for i in ends[-1]])))
    # The migration phase pays nothing, so that the last reward is the discounted value alone.
    np.testing.assert_allclose(model.rollout_buffer.rewards[-1], 0.9 * values.numpy()[:, 0], rtol=1e-5)
    assert abs(values.numpy()).max() > 0.01


def test_a_replay_buffer_knows_that_a_truncation_is_no_end() -> None:
    env = SB3VecEnv(SMALL.replace(max_cycles=4), B, action_mode="joint")
    model = DQN("MlpPolicy", env, buffer_size=8 * B * N, learning_starts=10**6, seed=0, device="cpu")
    ends: list[Any] = []
    model.learn(8 * B * N, callback=lambda local, _: ends.append(local["infos"]) or True)
    buffer = model.replay_buffer
    assert buffer is not None
    assert buffer.timeouts.all(axis=1).tolist() == [False, False, False, True] * 2
    assert (buffer.dones == buffer.timeouts).all()
    for t in (3, 7):
        end = np.array([info["terminal_observation"] for info in ends[t]])
        assert same(buffer.next_observations[t], end)
    assert not same(buffer.next_observations[3], buffer.observations[4])


@pytest.mark.parametrize("boundary", ["torus", "mask"])
def test_maskable_ppo_finds_the_masks_and_never_plays_an_illegal_action(boundary: Any) -> None:
    # strict: an illegal action would raise.
    env = VecMonitor(SB3VecEnv(SMALL.replace(boundary=boundary), B, strict=True), info_keywords=("illegal",))
    model = MaskablePPO(
        "MlpPolicy", env, n_steps=24, batch_size=63, n_epochs=2, seed=0, device="cpu", policy_kwargs=TINY_NETWORK
    )
    assert is_masking_supported(env)
    model.learn(3 * 24 * B * N)
    assert same(get_action_masks(env), env.unwrapped.action_masks())
    assert model.ep_info_buffer is not None
    assert len(model.ep_info_buffer) == 100
    assert sum(info["illegal"] for info in model.ep_info_buffer) == 0


def test_strict_refuses_what_a_learner_without_masks_plays() -> None:
    model = PPO("MlpPolicy", SB3VecEnv(SMALL, B, strict=True), n_steps=12, seed=0, device="cpu", batch_size=63)
    with pytest.raises(
        ValueError, match=r"^agent_\d: action \d is illegal in the game phase; legal: 0 \(D\), 1 \(C\)$"
    ):
        model.learn(1)


@pytest.mark.parametrize("algorithm", [PPO, DQN, MaskablePPO])
def test_two_seeded_trainings_are_equal_to_the_bit(algorithm: Any) -> None:
    settings: dict[str, Any] = {"policy_kwargs": TINY_NETWORK, "device": "cpu", "batch_size": 63}
    settings |= {"learning_starts": 63} if algorithm is DQN else {"n_steps": 12, "n_epochs": 1}
    mode = "masked" if algorithm is MaskablePPO else "joint"

    def trained(seed: int) -> dict[str, Any]:
        model = algorithm("MlpPolicy", SB3VecEnv(SMALL, B, action_mode=mode), seed=seed, **settings)
        weights = model.learn(2 * 12 * B * N).policy.state_dict()
        return {name: tensor.numpy() for name, tensor in weights.items()}

    first = trained(0)
    assert same(first, trained(0))
    assert not same(first, trained(1))


def test_evaluation_with_stable_baselines3() -> None:
    env = VecMonitor(SB3VecEnv(SMALL, B, action_mode="joint"))
    model = PPO("MlpPolicy", env, seed=0, device="cpu", n_steps=12, batch_size=63)
    env.seed(2)
    first = evaluate_policy(model, env, n_eval_episodes=B * N, return_episode_rewards=True)
    env.seed(2)
    assert first == evaluate_policy(model, env, n_eval_episodes=B * N, return_episode_rewards=True)
    assert first[1] == [SMALL.max_cycles] * (B * N)
