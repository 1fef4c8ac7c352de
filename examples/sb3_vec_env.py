"""Stable-Baselines3: one PPO policy, or one DQN, for all agents, on the array engine: `SB3VecEnv`.

`make example NAME=sb3_vec_env ARGS=dqn` installs what is needed and runs it; in an environment of your own,
`pip install ".[deep]"`. Neither algorithm knows masks, so that the actions are joint ones, which are all legal (but for
the moves that `boundary="mask"` would forbid). The model's `seed` reaches the environment as well: on one thread two
runs give the same numbers to the bit.
In Stable-Baselines3 2.9.2, one coin decides for all agents of all replicas whether DQN explores in a step.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.vec_env import VecMonitor

from mpgg_env import MPGGConfig
from mpgg_env.sb3 import SB3VecEnv

STEPS = 40  # of an episode, two per round
ALGORITHMS = {"ppo": PPO, "dqn": DQN}
SETTINGS = {
    "ppo": {"n_steps": STEPS, "batch_size": 256, "ent_coef": 0.01},
    # Each step of the environment is one of 4 x 16 agents.
    "dqn": {"learning_starts": 2000, "buffer_size": 20_000, "train_freq": 1, "gradient_steps": 4, "batch_size": 64}
    | {"target_update_interval": 1600, "exploration_fraction": 0.5},
}


def play(env: SB3VecEnv, choose: Callable[[Any], Any]) -> tuple[float, int]:
    """One episode in every replica: the mean payoff per agent and round, and the number of illegal actions."""
    env.seed(1000)
    observations, paid, illegal = env.reset(), 0.0, 0
    for _ in range(STEPS):
        observations, rewards, _, infos = env.step(choose(observations))
        paid += 2 * rewards.mean() / STEPS
        illegal += sum(info.get("illegal", 0) for info in infos)
    return float(paid), illegal


def main(algorithm: str = "ppo", timesteps: int = 30_000, seed: int = 0) -> dict[str, float]:
    """Trains on `timesteps` transitions; every agent's are counted."""
    if algorithm not in ALGORITHMS:
        raise ValueError(f"algorithm must be one of {', '.join(ALGORITHMS)}, got {algorithm!r}")
    torch.set_num_threads(1)  # the network is small
    # Every gain is above N = 4, so that cooperating is dominant; the second casino pays more than the first.
    game = MPGGConfig(n_agents=4, grid_shape=(1, 2), gain_range=(5, 8), max_cycles=STEPS)
    env = SB3VecEnv(game, n_replicas=16, action_mode="joint", obs_scale="unit")
    rng = np.random.default_rng(seed)
    random, random_illegal = play(env, lambda _: rng.integers(env.action_space.n, size=env.num_envs))

    # Where `rollout/ep_rew_mean` of the log comes from; the window holds all episodes, and their illegal actions.
    monitored = VecMonitor(env, info_keywords=("illegal",))
    settings = {"learning_rate": 1e-3, "gamma": 0.9, "stats_window_size": timesteps, **SETTINGS[algorithm]}
    model = ALGORITHMS[algorithm]("MlpPolicy", monitored, seed=seed, device="cpu", **settings)
    model.learn(timesteps)
    illegal = sum(episode["illegal"] for episode in model.ep_info_buffer)

    trained, trained_illegal = play(env, lambda seen: model.predict(seen, deterministic=True)[0])
    return {"random": random, "trained": trained, "illegal": random_illegal + illegal + trained_illegal}


if __name__ == "__main__":
    print(main(*sys.argv[1:2]))
