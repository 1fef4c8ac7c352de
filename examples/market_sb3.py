"""SuperSuit and Stable-Baselines3 on the trading market: one PPO policy for all traders, with continuous rates.

`make example NAME=market_sb3` runs it; in an environment of your own, `pip install ".[deep]"`. Stable-Baselines3
2.9.2 demands an action space with bounds, which the market has with `max_rate`, and clips what its policy draws beyond
them. Through SuperSuit 3.11.0 the end of an episode counts as terminal, which is right here: nothing follows it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import supersuit
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.utils import set_random_seed
from stable_baselines3.common.vec_env import VecEnv

from mpgg_env import MarketConfig, market_v0
from mpgg_env.analysis.market_equilibrium import solve_market

RULES = {"impact": "linear", "observation": "full_mean"}
GAME = {**RULES, "obs_scale": "standard", "max_rate": 10.0}


def seeded(copies: int, seed: int) -> VecEnv:
    """Copies of the market as one environment, with a generator of its own in each."""
    env = supersuit.pettingzoo_env_to_vec_env_v1(market_v0.parallel_env(**GAME))
    env = supersuit.concat_vec_envs_v1(env, copies, base_class="stable_baselines3")
    env.venv.reset(seed=seed)  # the resets of the training have no seed and go on with these generators
    set_random_seed(seed)  # the networks, and the actions drawn by the policy
    return env


def play(choose: Callable[[Any], Any], episodes: int = 100) -> float:
    """The mean return of a trader."""
    env = market_v0.parallel_env(**GAME)
    earned = 0.0
    for seed in range(1000, 1000 + episodes):
        observations, _ = env.reset(seed=seed)
        while env.agents:
            chosen = choose(np.stack(list(observations.values())))
            observations, rewards, _, _, _ = env.step(dict(zip(env.agents, chosen, strict=True)))
            earned += sum(rewards.values())
    return earned / (episodes * env.max_num_agents)


def main(timesteps: int = 40_000, seed: int = 0) -> dict[str, float]:
    """Trains on `timesteps` transitions; every trader's are counted."""
    torch.set_num_threads(1)  # the network is small
    env = seeded(copies=20, seed=seed)
    settings = {"n_steps": 20, "batch_size": 250, "learning_rate": 1e-3, "gamma": 1.0, "gae_lambda": 0.95}
    model = PPO("MlpPolicy", env, **settings, policy_kwargs={"log_std_init": 0.5}, device="cpu")

    def learned(seen: Any) -> Any:
        return model.predict(seen, deterministic=True)[0]

    untrained = play(learned)
    model.learn(timesteps)
    idle, equilibrium = play(lambda seen: np.zeros(len(seen))), solve_market(MarketConfig(**RULES)).value[0]
    return {"idle": idle, "untrained": untrained, "trained": play(learned), "equilibrium": float(equilibrium)}


if __name__ == "__main__":
    print(main())
