"""Trains one PPO policy, shared by all agents, in RLlib's new API stack.

RLlib's default module knows no masks, hence `action_mode="joint"`: every action is legal in both phases (but for
the moves that `boundary="mask"` would forbid).
`make example NAME=rllib_ppo` installs all and runs it; elsewhere `pip install . "ray[rllib]" torch`.
Equal seeds give equal runs only under an equal PYTHONHASHSEED: Ray 2.60.0 goes through the agents in a set's order.
"""

from typing import Any

import numpy as np
import ray
import torch
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module import RLModule
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from ray.rllib.env.wrappers.pettingzoo_env import ParallelPettingZooEnv
from ray.tune.registry import register_env

import mpgg_env

# In every casino r > N: cooperating is dominant, and the casino on the right pays more.
GAME: dict[str, Any] = {"n_agents": 4, "grid_shape": (1, 2), "gain_range": (5, 8), "max_cycles": 40}


def make_env(_: Any = None) -> mpgg_env.MPGGParallelEnv:
    """The game, observed in units of its bounds."""
    return mpgg_env.parallel_env(**GAME, boundary="wall", action_mode="joint", obs_scale="unit")


def count_illegal(episode: Any, metrics_logger: Any, **_: Any) -> None:
    """Adds the illegal actions of a training episode to its metrics."""
    infos = episode.get_infos(-1).values()
    metrics_logger.log_value("illegal", sum(info["illegal"] for info in infos), reduce="lifetime_sum")


def play(module: RLModule | None, episodes: int = 50) -> tuple[float, int]:
    """Mean payoff per agent and round, and illegal actions, of the module's best actions; None plays at random."""
    env, rng, payoff, illegal = make_env(), np.random.default_rng(0), 0.0, 0
    for seed in range(episodes):
        observations, infos = env.reset(seed=seed)
        while env.agents:
            actions = rng.integers(env.engine.n_actions, size=len(env.agents))
            if module is not None:
                batch = torch.as_tensor(np.stack(list(observations.values())))
                actions = module.forward_inference({"obs": batch})["action_dist_inputs"].argmax(1).numpy()
            observations, rewards, _, _, infos = env.step(dict(zip(env.agents, actions, strict=True)))
            payoff += sum(rewards.values())
        illegal += sum(info["illegal"] for info in infos.values())
    return payoff / (episodes * GAME["n_agents"] * GAME["max_cycles"] / 2), illegal


def main(seed: int = 2, iterations: int = 6) -> dict[str, float]:
    """Trains in this process alone, on 1,000 environment steps per iteration."""
    torch.set_num_threads(1)  # with more, threads that wait for a small network's crumbs of work keep the cores busy
    ray.init(num_cpus=1, include_dashboard=False, object_store_memory=100_000_000, logging_level="ERROR")
    register_env("mpgg", lambda settings: ParallelPettingZooEnv(make_env(settings)))
    config = (
        PPOConfig()
        .environment("mpgg")
        .env_runners(num_env_runners=0)
        .multi_agent(policies={"shared"}, policy_mapping_fn=lambda agent, episode, **_: "shared")
        .rl_module(model_config=DefaultModelConfig(fcnet_hiddens=[64, 64]))
        .training(gamma=0.9, lr=3e-3, train_batch_size_per_learner=1000, minibatch_size=500, num_epochs=10)
        .callbacks(on_episode_end=count_illegal)
        .debugging(seed=seed)
    )
    algorithm = config.build_algo()
    result = [algorithm.train() for _ in range(iterations)][-1]
    trained, illegal = play(algorithm.get_module("shared"))
    algorithm.stop()
    ray.shutdown(wait_for_processes=True)
    return {"random": play(None)[0], "trained": trained, "illegal": illegal + result["env_runners"]["illegal"]}


if __name__ == "__main__":
    print(main())
