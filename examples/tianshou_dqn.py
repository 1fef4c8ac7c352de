"""Trains one DQN per agent in Tianshou, through its `PettingZooEnv`, with the action mask in the observation.

Tianshou 2.0.1 stores one agent's turn per step, and looking ahead it takes the next step's observation for the agent's
own. Returns over as many steps as there are agents end at the agent's own next turn: hence `n_step_return_horizon=N`
(with the default of 1, the agents learn next to nothing).
`make example NAME=tianshou_dqn` installs all and runs it; elsewhere `pip install . tianshou`.
"""

import logging
from typing import Any

import numpy as np
import torch
from pettingzoo.utils import parallel_to_aec
from tianshou.algorithm import DQN, MultiAgentOffPolicyAlgorithm
from tianshou.algorithm.modelfree.dqn import DiscreteQLearningPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Collector, VectorReplayBuffer
from tianshou.env import DummyVectorEnv, PettingZooEnv
from tianshou.trainer import OffPolicyTrainerParams
from tianshou.utils.net.common import Net

import mpgg_env

# In every casino r > N: cooperating is dominant, and the casino on the right pays more. Moves off the board are masked.
GAME: dict[str, Any] = {"n_agents": 4, "grid_shape": (1, 2), "gain_range": (5, 8), "max_cycles": 40, "boundary": "mask"}
GAME |= {"obs_scale": "unit", "strict": True}  # raises on an illegal action: the stored infos lack the last moves
N, ROUNDS, REPLICAS = 4, 20, 5
logging.getLogger("tianshou.data.stats").setLevel(logging.ERROR)  # warns that it averages over the agents


def make_env() -> PettingZooEnv:
    """The game, observed in units of its bounds, one agent's turn after the other's."""
    env = mpgg_env.parallel_env(**GAME)
    return PettingZooEnv(parallel_to_aec(mpgg_env.MaskInObs(env, mask_dtype=np.bool_)))


def make_dqn(space: Any, actions: Any) -> DQN:
    """The networks and the training of one agent; gamma is 0.9 per round of 2 N turns."""
    net = Net(state_shape=space.shape, action_shape=actions.n, hidden_sizes=(64, 64))
    policy = DiscreteQLearningPolicy(model=net, action_space=actions, observation_space=space, eps_training=0.2)
    settings = {"gamma": 0.9 ** (1 / (2 * N)), "n_step_return_horizon": N, "target_update_freq": 100}
    return DQN(policy=policy, optim=AdamOptimizerFactory(lr=1e-3), **settings)


def play(collector: Collector, epsilon: float) -> float:
    """Mean payoff per agent and round over 20 episodes with this share of random, but legal actions."""
    for policy in collector.policy.policies.values():
        policy.set_eps_inference(epsilon)
    collector.reset(reset_buffer=False)
    return float(collector.collect(n_episode=20).returns.mean()) / ROUNDS


def main(seed: int = 0) -> dict[str, float]:
    """Plays at random, trains for 30 episodes, and plays greedily; `illegal` is 0, or the game would have raised."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    np.random.seed(seed)  # Tianshou explores and samples with NumPy's global generator
    env, envs = make_env(), DummyVectorEnv([make_env] * REPLICAS)
    envs.seed(seed)
    dqns = [make_dqn(env.observation_space["observation"], env.action_space) for _ in env.agents]
    marl = MultiAgentOffPolicyAlgorithm(algorithms=dqns, env=env)
    collector = Collector(marl, envs, VectorReplayBuffer(20_000, REPLICAS), exploration_noise=True)
    random = play(collector, epsilon=1.0)  # stays in the buffer, so that training begins with it
    training = OffPolicyTrainerParams(
        training_collector=collector,
        max_epochs=1,
        epoch_num_steps=30 * 2 * ROUNDS * N,
        collection_step_num_env_steps=8 * REPLICAS,
        batch_size=64 * N,
        update_step_num_gradient_steps_per_sample=0.1,
        show_progress=False,
    )
    marl.run_training(training)
    return {"random": random, "trained": play(collector, epsilon=0.0), "illegal": 0}


if __name__ == "__main__":
    print(main())
