"""sb3-contrib: MaskablePPO, one policy for all agents, on `SB3VecEnv`; the policy obeys the mask.

`make example NAME=maskable_ppo` installs what is needed and runs it; in an environment of your own,
`pip install ".[deep]" sb3-contrib`. MaskablePPO finds `SB3VecEnv.action_masks()` by itself while it trains; `predict`
has to be given the masks.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3.common.vec_env import VecMonitor

from mpgg_env import MPGGConfig
from mpgg_env.sb3 import SB3VecEnv

STEPS = 40  # of an episode, two per round


def play(env: SB3VecEnv, choose: Callable[[Any, Any], Any]) -> tuple[float, int]:
    """One episode in every replica: the mean payoff per agent and round, and the number of illegal actions."""
    env.seed(1000)
    observations, paid, illegal = env.reset(), 0.0, 0
    for _ in range(STEPS):
        observations, rewards, _, infos = env.step(choose(observations, env.action_masks()))
        paid += 2 * rewards.mean() / STEPS
        illegal += sum(info.get("illegal", 0) for info in infos)
    return float(paid), illegal


def main(timesteps: int = 20_000, seed: int = 0) -> dict[str, float]:
    """Trains on `timesteps` transitions; every agent's are counted."""
    torch.set_num_threads(1)  # the network is small
    # Every gain is above N = 4, so that cooperating is dominant; the second casino pays more than the first.
    game = MPGGConfig(n_agents=4, grid_shape=(1, 2), gain_range=(5, 8), boundary="mask", max_cycles=STEPS)
    env = SB3VecEnv(game, n_replicas=16, obs_scale="unit")
    rng = np.random.default_rng(seed)
    # The largest of random numbers among the legal actions.
    random, random_illegal = play(env, lambda _, masks: (rng.random(masks.shape) * masks).argmax(axis=1))

    monitored = VecMonitor(env, info_keywords=("illegal",))
    settings = {"n_steps": STEPS, "batch_size": 256, "learning_rate": 1e-3, "gamma": 0.9, "ent_coef": 0.01}
    # The window holds all episodes, and their illegal actions.
    model = MaskablePPO("MlpPolicy", monitored, **settings, stats_window_size=timesteps, seed=seed, device="cpu")
    model.learn(timesteps)
    illegal = sum(episode["illegal"] for episode in model.ep_info_buffer)

    trained, trained_illegal = play(env, lambda seen, masks: model.predict(seen, None, None, True, masks)[0])
    return {"random": random, "trained": trained, "illegal": random_illegal + illegal + trained_illegal}


if __name__ == "__main__":
    print(main())
