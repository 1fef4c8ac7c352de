"""Stable-Baselines3 learns on the PettingZoo environment through SuperSuit, and SuperSuit's traps are where we say."""

import runpy
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import numpy as np
import pytest
import supersuit
import torch
from stable_baselines3 import DQN, PPO

from mpgg_env import market_v0, parallel_env
from tests.interop.records import EXAMPLES
from tests.support import same

# Everybody cooperates. Two of four agents begin in the casino with r = 6.5 and move; from the second round on all are
# in the one with r = 8: (c = 1) ((5.5 + 7) / 2 + 19 * 7) / 20.
BEST = 6.9625
EXAMPLE = {PPO: "supersuit_ppo.py", DQN: "supersuit_dqn.py"}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _copies(**changes: Any) -> Any:
    # Three casinos, so that the fourth agent begins at random.
    game = {"n_agents": 4, "grid_shape": (1, 3), "max_cycles": 4, **changes}
    env = supersuit.pettingzoo_env_to_vec_env_v1(parallel_env(**game))
    return supersuit.concat_vec_envs_v1(env, 8, base_class="stable_baselines3")


@pytest.mark.algorithm
@pytest.mark.parametrize("algorithm", EXAMPLE)
def test_joint_actions_are_learnt(algorithm: Any, seen: Callable[..., None]) -> None:
    result = runpy.run_path(str(EXAMPLES / EXAMPLE[algorithm]))["main"]()
    # Random play: half of them cooperate, which pays (r - 1) / 2 on average, 3.125.
    assert 2.6 < result["random"] < 3.6
    assert 0.9 * BEST < result["trained"] < BEST + 1e-4
    assert result["illegal"] == 0
    seen(
        stack="SuperSuit + Stable-Baselines3",
        version=f"{version('supersuit')} + {version('stable-baselines3')}",
        algorithm=algorithm.__name__,
        door="pettingzoo_env_to_vec_env_v1",
        masks="joint actions",
        illegal=int(result["illegal"]),
        example=EXAMPLE[algorithm],
        note="",
    )


@pytest.mark.parametrize(
    ("algorithm", "settings"),
    [(PPO, {"n_steps": 10, "batch_size": 40}), (DQN, {"learning_starts": 40, "exploration_fraction": 1.0})],
)
def test_seeded_as_in_the_examples_two_trainings_are_equal_to_the_bit(algorithm: Any, settings: dict[str, Any]) -> None:
    seeded = runpy.run_path(str(EXAMPLES / EXAMPLE[algorithm]))["seeded"]

    def trained(seed: int) -> dict[str, Any]:
        model = algorithm("MlpPolicy", seeded(2, seed), **settings, device="cpu").learn(320)
        return {name: tensor.numpy() for name, tensor in model.policy.state_dict().items()}

    first = trained(0)
    assert same(first, trained(0))
    assert not same(first, trained(1))


@pytest.mark.parametrize("example", EXAMPLE.values())
def test_the_examples_seed_every_copy(example: str) -> None:
    env = runpy.run_path(str(EXAMPLES / example))["seeded"](3, 5)
    for b, copy in enumerate(env.venv.vec_envs):
        single = parallel_env(n_agents=1, grid_shape=(1, 1))
        single.reset(seed=5 + b)  # which draws nothing: nobody is left over
        assert same(copy.par_env.unwrapped.np_random.bit_generator.state, single.np_random.bit_generator.state)


def test_the_model_cannot_seed_the_environment() -> None:
    with pytest.raises(AttributeError, match="'ConcatVecEnv' object has no attribute 'seed'"):
        PPO("MlpPolicy", _copies(), seed=0, device="cpu")


def test_unseeded_copies_begin_alike_and_seeded_ones_do_not() -> None:
    env = _copies()
    unseeded = env.reset().reshape(8, 4, -1)
    assert (unseeded == unseeded[0]).all()
    seeded, _ = env.venv.reset(seed=0)
    assert not (seeded.reshape(8, 4, -1) == seeded[:4]).all()


def test_the_last_step_marks_no_truncation_and_its_infos_are_those_of_the_reset() -> None:
    env = _copies()
    env.reset()
    for illegal in (1, 1, 2):  # "right" is illegal in the game phase
        _, _, dones, infos = env.step(np.full(32, 4))
        assert not dones.any()
        assert {info["illegal"] for info in infos} == {illegal}
    _, _, dones, infos = env.step(np.full(32, 4))
    assert dones.all()
    assert {info["illegal"] for info in infos} == {0}
    assert all(set(info) == {"action_mask", "illegal", "terminal_observation"} for info in infos)


def test_masks_do_not_get_through() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'env_method'"):
        _copies().env_method("action_masks")


@pytest.mark.algorithm
def test_the_market_is_learnt_with_continuous_rates() -> None:
    # Two thirds of what idle traders lose, -b2 E q^2 = -.1 (50) = -5 and the drift's share, can be kept. The
    # equilibrium, -1.328, is no bound for one policy that all share, but far above it they would have to collude.
    result = runpy.run_path(str(EXAMPLES / "market_sb3.py"))["main"]()
    assert -6.0 < result["idle"] < -4.5
    assert result["untrained"] < -4.0
    assert result["equilibrium"] - 0.3 < result["trained"] < result["equilibrium"] + 0.2


def test_stable_baselines_refuses_the_market_without_a_largest_rate() -> None:
    env = supersuit.pettingzoo_env_to_vec_env_v1(market_v0.parallel_env())
    with pytest.raises(AssertionError, match="must have a finite lower and upper bound"):
        PPO("MlpPolicy", supersuit.concat_vec_envs_v1(env, 1, base_class="stable_baselines3"), device="cpu")
