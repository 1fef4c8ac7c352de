"""One Q-network for all agents, on Stable-Baselines3's DQN."""

from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Discrete
from stable_baselines3 import DQN
from stable_baselines3.common.logger import Logger

from mpgg_agents.dqn.config import DQNConfig
from mpgg_agents.dqn.descent import Descent
from mpgg_agents.dqn.network import QNetworks, as_array
from mpgg_agents.dqn.replay import AgentReplay
from mpgg_agents.dqn.rows import distinct_rows
from mpgg_env.core.types import Float32Array


class SharedNetworks(QNetworks):
    """One network for all agents: the DQN of Stable-Baselines3, its networks, replay buffer and training step.

    On the processor the training step is done by `Descent`, to the same numbers.

    Attributes:
        model: The DQN; it can be saved, and predicts from the inputs.
    """

    def __init__(self, *arguments: Any, masked: bool) -> None:
        super().__init__(*arguments, masked=masked)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self._first_seed)  # not those of the graphics cards
            self.model = _unconnected_model(self.config, self.n_actions, self.replay)
        policy = self.model.policy
        self.online, self.target, self.optimizer = policy.q_net, policy.q_net_target, policy.optimizer
        self._prepare(stacked=False)
        self.model.descent = self.descent
        # Its training step takes the maximum over what the target network gives: with one column, just that.
        self.model.q_net_target = self.next_values  # type: ignore[assignment]

    def use_torch(self) -> None:
        """Lets Stable-Baselines3 do the gradient steps on the processor too, as on any other device."""
        super().use_torch()
        self.model.descent = None

    def values(self, inputs: Float32Array) -> Float32Array:
        """Q values (N, n_actions) of the agents' inputs (N, width)."""
        seen, place = distinct_rows(self.replay.with_identity(inputs))
        if self.descent is not None:
            outputs: Float32Array = self.descent.online(seen[None])[0]
        else:
            with torch.inference_mode():
                outputs = as_array(self.online(torch.as_tensor(seen, device=self.replay.device)))
        return outputs[place]

    def train(self) -> float:
        """Does the gradient steps of one training and returns the mean loss of their batches."""
        self.model.train(self.config.gradient_steps, self.config.batch_size)
        return float(self.model.logger.name_to_value["train/loss"])


class AgentDQN(DQN):
    """The DQN of Stable-Baselines3 with gradient steps on arrays, to the same numbers, where it is on the processor."""

    replay_buffer: AgentReplay
    descent: Descent | None = None

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Does gradient steps on batches from the replay buffer."""
        if self.descent is None:
            super().train(gradient_steps, batch_size)
            return
        losses = [self.descent.step(self.replay_buffer.draw(batch_size)) for _ in range(gradient_steps)]
        self._n_updates += gradient_steps
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("train/loss", np.mean(losses))

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "descent"]


def _unconnected_model(config: DQNConfig, n_actions: int, replay: AgentReplay) -> AgentDQN:
    """A DQN without environment: whoever drives it adds transitions and calls `train`."""
    model = AgentDQN(
        "MlpPolicy",
        None,  # type: ignore[arg-type]
        learning_rate=config.learning_rate,
        batch_size=config.batch_size,
        gamma=config.gamma,
        max_grad_norm=config.max_gradient_norm,
        target_update_interval=replay.n_envs,  # unused here; a smaller one would warn
        policy_kwargs={"net_arch": list(config.hidden)},
        device=config.device,
        _init_setup_model=False,
    )
    model.observation_space = replay.input_space
    model.action_space = Discrete(n_actions)
    model.n_envs = replay.n_envs
    model.replay_buffer = replay
    model.set_logger(Logger(None, []))
    model._setup_model()
    return model
