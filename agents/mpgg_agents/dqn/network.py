"""The Q-networks of one phase: what shared and independent ones have in common."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.utils import polyak_update
from torch import Tensor, nn

from mpgg_agents.dqn.config import DQNConfig
from mpgg_agents.dqn.descent import Descent, Perceptrons
from mpgg_agents.dqn.draws import INITIALISE
from mpgg_agents.dqn.replay import AgentReplay
from mpgg_agents.stored import Arrays, section
from mpgg_env.core.philox import draw_words
from mpgg_env.core.types import Float32Array


class QNetworks(ABC):
    """The networks of one phase with their target networks, their optimiser and their replay buffer.

    Attributes:
        replay: The replay buffer.
        online: The networks that learn.
        target: Their target networks.
        optimizer: Adam.
        descent: The gradient steps on arrays, None on other devices than the processor. Its arrays and the tensors of
            the networks and of Adam are the same memory.

    Args:
        config: Hyper-parameters.
        width: Numbers in an input.
        n_actions: Actions of this phase.
        n_agents: Agents N.
        seed: Seed of the run.
        kind: `draws.GAME` or `draws.MIGRATION`.
        masked: Whether the last `n_actions` numbers of an input tell which actions are legal, so that only these are
            bootstrapped from.
    """

    online: nn.Module
    target: nn.Module
    optimizer: torch.optim.Optimizer
    descent: Descent | None

    def __init__(
        self, config: DQNConfig, width: int, n_actions: int, n_agents: int, seed: int, kind: int, *, masked: bool
    ) -> None:
        self.config, self.n_actions, self.n_agents, self.masked = config, n_actions, n_agents, masked
        self.replay = AgentReplay(config, width, n_actions, n_agents, seed, kind)
        # Torch's own generator starts the weights, from a seed of this run and phase.
        words = draw_words(np.uint64(seed), 0, 0, INITIALISE + kind)
        self._first_seed = int(words[0]) << 32 | int(words[1])

    @property
    def width(self) -> int:
        """Numbers in an input, without who the agent is."""
        return int(self.replay.obs_shape[0])

    @abstractmethod
    def values(self, inputs: Float32Array) -> Float32Array:
        """Q values (N, n_actions) of the agents' inputs (N, width)."""

    @abstractmethod
    def train(self) -> float:
        """Does the gradient steps of one training and returns the mean loss of their batches."""

    def use_torch(self) -> None:
        """Lets torch do the gradient steps on the processor too, as on any other device; the state stays."""
        self.descent = None

    def update_target(self) -> None:
        """Moves the target networks towards the online ones, by `tau`."""
        polyak_update(self.online.parameters(), self.target.parameters(), self.config.tau)

    def next_values(self, next_inputs: Tensor) -> Tensor:
        """What the target networks say of the best legal next action, (..., 1): of DQN or of Double DQN."""
        values = self._legal(self.target(next_inputs), next_inputs)
        if not self.config.double:
            return values.max(dim=-1, keepdim=True).values
        best = self._legal(self.online(next_inputs), next_inputs).argmax(dim=-1, keepdim=True)
        return values.gather(-1, best)

    def arrays(self) -> Arrays:
        """Networks, optimiser and replay buffer as numeric arrays by name."""
        return {**self.weights(), **self._optimizer_arrays(), **_prefixed("replay", self.replay.arrays())}

    def weights(self) -> Arrays:
        """The weights of the online and the target networks as arrays by name."""
        parts = {"online": self.online.state_dict(), "target": self.target.state_dict()}
        return {f"{part}.{name}": as_array(t) for part, tensors in parts.items() for name, t in tensors.items()}

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """The inverse of `arrays`; the names, types and shapes have been checked.

        Raises:
            ValueError: A number is out of its range.
        """
        for index in range(len(self._parameters())):
            steps, squares = arrays[f"optimizer.{index}.step"], arrays[f"optimizer.{index}.exp_avg_sq"]
            # Adam has taken one step per batch; its mean of squares is under a root.
            batches = min(int(arrays["replay.counters"][2]), 2**24)  # where a float32 stops counting
            if steps != batches or squares.min() < 0:
                raise ValueError(f"optimizer.{index} must be the state of Adam after as many steps as batches")
        self.replay.restore(section(arrays, "replay"))
        self.load_weights(arrays)
        for index, parameter in enumerate(self._parameters()):
            for name, tensor in self.optimizer.state[parameter].items():
                tensor.copy_(torch.as_tensor(arrays[f"optimizer.{index}.{name}"]))

    def load_weights(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Takes the weights from `weights()` of networks of the same form."""
        for part, network in (("online", self.online), ("target", self.target)):
            network.load_state_dict({name: torch.tensor(array) for name, array in section(arrays, part).items()})

    def is_finite(self) -> bool:
        """Whether all weights are finite numbers."""
        return all(bool(torch.isfinite(parameter).all()) for parameter in self._parameters())

    def _parameters(self) -> list[nn.Parameter]:
        return list(self.online.parameters())

    def _prepare(self, *, stacked: bool) -> None:
        """Gives Adam its state, which it would make at its first step, and the processor its own gradient steps."""
        self.descent = None
        moments = [[torch.zeros_like(parameter) for parameter in self._parameters()] for _ in range(2)]
        counts = [torch.zeros(()) for _ in self._parameters()]
        if self.replay.device.type == "cpu":
            online = Perceptrons.sharing(self._parameters(), stacked=stacked)
            target = Perceptrons.sharing(list(self.target.parameters()), stacked=stacked)
            first, second = (Perceptrons.sharing(tensors, stacked=stacked) for tensors in moments)
            self.descent = Descent(self.config, online, target, first, second, masked=self.masked)
            counts = list(torch.from_numpy(self.descent.step_counts).unbind())
        for parameter, count, mean, square in zip(self._parameters(), counts, *moments, strict=True):
            self.optimizer.state[parameter] = {"step": count, "exp_avg": mean, "exp_avg_sq": square}

    def _optimizer_arrays(self) -> Arrays:
        states = [self.optimizer.state[parameter] for parameter in self._parameters()]
        return {f"optimizer.{i}.{name}": as_array(t) for i, state in enumerate(states) for name, t in state.items()}

    def _legal(self, values: Tensor, inputs: Tensor) -> Tensor:
        return values.masked_fill(inputs[..., -self.n_actions :] == 0, -math.inf) if self.masked else values


def as_array(tensor: Tensor) -> np.ndarray[Any, Any]:
    """The numbers of a tensor in a new array."""
    return np.array(tensor.detach().cpu().numpy())


def _prefixed(prefix: str, arrays: Arrays) -> Arrays:
    return {f"{prefix}.{name}": array for name, array in arrays.items()}
