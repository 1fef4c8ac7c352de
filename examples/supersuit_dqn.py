"""SuperSuit and Stable-Baselines3: one DQN for all agents, through the PettingZoo interface.

`make example NAME=supersuit_dqn` installs what is needed and runs it; in an environment of your own,
`pip install ".[deep]"`. `examples/supersuit_ppo.py` names the traps of SuperSuit 3.11.0. One more is of
Stable-Baselines3 2.9.2: one coin decides for all agents of all copies whether they explore in a step.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import supersuit
import torch
from stable_baselines3 import DQN
from stable_baselines3.common.utils import set_random_seed
from stable_baselines3.common.vec_env import VecEnv

import mpgg_env

# Every gain is above N = 4, so that cooperating is dominant; the second casino pays more than the first. The joint
# actions are all legal; `strict` would raise otherwise.
GAME = {"n_agents": 4, "grid_shape": (1, 2), "gain_range": (5, 8), "max_cycles": 40}
GAME |= {"action_mode": "joint", "strict": True, "obs_scale": "unit"}


def seeded(copies: int, seed: int) -> VecEnv:
    """Copies of the game as one environment, with a generator of its own in each."""
    env = supersuit.pettingzoo_env_to_vec_env_v1(mpgg_env.parallel_env(**GAME))
    env = supersuit.concat_vec_envs_v1(env, copies, base_class="stable_baselines3")
    env.venv.reset(seed=seed)  # the resets of the training have no seed and go on with these generators
    env.action_space.seed(seed)  # the actions of exploration
    set_random_seed(seed)  # the networks, when to explore, and the batches
    return env


def play(choose: Callable[[Any], Any], episodes: int = 10) -> tuple[float, int]:
    """The mean payoff per agent and round, and the number of illegal actions."""
    env = mpgg_env.parallel_env(**GAME)
    paid, illegal = 0.0, 0
    for seed in range(1000, 1000 + episodes):
        observations, infos = env.reset(seed=seed)
        while env.agents:
            chosen = choose(np.stack(list(observations.values())))
            observations, rewards, _, _, infos = env.step(dict(zip(env.agents, chosen, strict=True)))
            paid += sum(rewards.values())
        illegal += sum(info["illegal"] for info in infos.values())
    return paid / (episodes * env.max_num_agents * env.max_cycles / 2), illegal


def main(timesteps: int = 30_000, seed: int = 0) -> dict[str, float]:
    """Trains on `timesteps` transitions; every agent's are counted."""
    torch.set_num_threads(1)  # the network is small
    env = seeded(copies=8, seed=seed)
    rng = np.random.default_rng(seed)
    random, random_illegal = play(lambda seen: rng.integers(env.action_space.n, size=len(seen)))

    settings = {"learning_rate": 1e-3, "gamma": 0.9, "batch_size": 64, "learning_starts": 2000, "buffer_size": 20_000}
    # Each step of the environment is one of 4 x 8 agents.
    settings |= {"train_freq": 1, "gradient_steps": 2, "target_update_interval": 1600, "exploration_fraction": 0.5}
    model = DQN("MlpPolicy", env, **settings, device="cpu")
    model.learn(timesteps)

    trained, trained_illegal = play(lambda seen: model.predict(seen, deterministic=True)[0])
    return {"random": random, "trained": trained, "illegal": random_illegal + trained_illegal}


if __name__ == "__main__":
    print(main())
