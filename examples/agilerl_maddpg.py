"""Trains MADDPG in AgileRL, which finds the action mask in the infos and obeys it.

In AgileRL 2.58.0, agents whose names differ only after the last "_" share one actor and one critic, which is not told
whose payoff to predict and learns the mean: where defecting is dominant, such agents learn to cooperate. Hence the
other names, which give each agent its own networks. AgileRL 2.58.0 also imports two libraries that it does not require.
`make example NAME=agilerl_maddpg` installs what is needed and runs it; in an environment of your own,
`pip install . agilerl==2.58.0 peft==0.21.0 transformers==5.14.1`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from agilerl.algorithms import MADDPG
from agilerl.components import ReplayBuffer
from agilerl.components.data import MultiAgentTransition

import mpgg_env

# In every casino r > N: cooperating is dominant, and the casino on the right pays more. Moves off the board are masked.
GAME: dict[str, Any] = {"n_agents": 4, "grid_shape": (1, 2), "gain_range": (5, 8), "max_cycles": 40, "boundary": "mask"}


def own(values: Mapping[str, Any], as_batch: bool = True) -> dict[str, Any]:
    """The values of agent_0, agent_1, ... under the names agent0, agent1, ..., as batches of one or as they are."""
    return {k.replace("_", ""): np.array([v], np.float32) if as_batch else v for k, v in values.items()}


def make_maddpg(env: mpgg_env.MPGGParallelEnv) -> MADDPG:
    """An actor and a critic for each agent; with AgileRL's default last layer, actors draw noise in evaluation too."""
    settings = {"O_U_noise": False, "expl_noise": 0.3, "gamma": 0.9**0.5, "tau": 0.02}  # 0.9 per round of two steps
    head = {"hidden_size": [64], "output_activation": "Softmax"}
    spaces = (own(spaces, as_batch=False) for spaces in (env.observation_spaces, env.action_spaces))
    return MADDPG(*spaces, net_config={"head_config": head}, **settings)


def play(env: mpgg_env.MPGGParallelEnv, maddpg: MADDPG | None, episodes: int, memory: Any = None) -> tuple[float, int]:
    """Mean payoff per agent and round, and illegal actions; at random without MADDPG, learning if there is a memory."""
    payoff = illegal = 0
    for _ in range(episodes):
        seen, infos = env.reset()
        while env.agents:
            if maddpg is None:
                actions = {agent: env.action_space(agent).sample(infos[agent]["action_mask"]) for agent in env.agents}
            else:
                chosen, raw = maddpg.get_action(obs=own(seen), infos=own(infos, as_batch=False))
                actions = {agent: chosen[agent.replace("_", "")].item() for agent in env.agents}
            after, rewards, terminated, _, infos = env.step(actions)
            if memory is not None:
                parts = {"obs": own(seen), "action": raw, "reward": own(rewards), "next_obs": own(after)}
                memory.add(MultiAgentTransition(**parts, done=own(terminated), batch_size=[1]).to_tensordict())
                if memory.counter >= 400 and memory.counter % 2 == 0:
                    maddpg.learn(memory.sample(128))
            seen, payoff = after, payoff + sum(rewards.values())
        illegal += sum(info["illegal"] for info in infos.values())
    return payoff / (episodes * env.config.n_agents * env.max_cycles / 2), illegal


def main(seed: int = 0, game: Mapping[str, Any] = GAME) -> dict[str, float]:
    """Plays at random, trains for 30 episodes, and plays without noise."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    env = mpgg_env.parallel_env(**game, obs_scale="unit")
    env.reset(seed=seed)
    for index, space in enumerate(env.action_spaces.values()):
        space.seed(seed + index)
    maddpg = make_maddpg(env)
    random, first = play(env, None, episodes=50)
    _, second = play(env, maddpg, episodes=30, memory=ReplayBuffer(10_000))
    maddpg.set_training_mode(False)
    trained, third = play(env, maddpg, episodes=20)
    return {"random": random, "trained": trained, "illegal": first + second + third}


if __name__ == "__main__":
    print(main())
