"""The Q-networks of one phase: one for all agents, or one per agent in stacked weights."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from stable_baselines3 import DQN
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.utils import polyak_update
from torch import Tensor, nn
from torch.nn import functional

from mpgg_agents.dqn.config import DQNConfig
from mpgg_agents.dqn.descent import Descent, Perceptrons
from mpgg_agents.dqn.draws import INITIALISE
from mpgg_agents.dqn.replay import AgentReplay
from mpgg_env.core.philox import draw_words
from mpgg_env.core.types import Float32Array

Arrays = dict[str, np.ndarray[Any, Any]]


class QNetworks(ABC):
    """The networks of one phase with their target networks, their optimiser and their replay buffer.

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
    _lean: Descent | None

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

    def train(self) -> float:
        """Does the gradient steps of one training and returns the mean loss of their batches."""
        losses = [self._gradient_step() for _ in range(self.config.gradient_steps)]
        return sum(losses) / len(losses)

    @abstractmethod
    def _gradient_step(self) -> float:
        """One gradient step of every network and the mean of their losses before it."""

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
        return {f"{part}.{name}": _array(t) for part, tensors in parts.items() for name, t in tensors.items()}

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """The inverse of `arrays`; the names, types and shapes have been checked.

        Raises:
            ValueError: A number is out of its range.
        """
        self.replay.restore(_section(arrays, "replay"))
        self.load_weights(arrays)
        for index, parameter in enumerate(self._parameters()):
            for name, tensor in self.optimizer.state[parameter].items():
                tensor.copy_(torch.as_tensor(arrays[f"optimizer.{index}.{name}"]))

    def load_weights(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Takes the weights from `weights()` of networks of the same form."""
        for part, network in (("online", self.online), ("target", self.target)):
            network.load_state_dict({name: torch.tensor(array) for name, array in _section(arrays, part).items()})

    def is_finite(self) -> bool:
        """Whether all weights are finite numbers."""
        return all(bool(torch.isfinite(parameter).all()) for parameter in self._parameters())

    def _parameters(self) -> list[nn.Parameter]:
        return list(self.online.parameters())

    def _prepare(self, *, stacked: bool) -> None:
        """Gives Adam its state, which it would make at its first step, and the processor its lean training step."""
        self._lean = None
        moments = [[torch.zeros_like(parameter) for parameter in self._parameters()] for _ in range(2)]
        counts = [torch.zeros(()) for _ in self._parameters()]
        if self.replay.device.type == "cpu":
            online = Perceptrons.sharing(self._parameters(), stacked=stacked)
            target = Perceptrons.sharing(list(self.target.parameters()), stacked=stacked)
            first, second = (Perceptrons.sharing(tensors, stacked=stacked) for tensors in moments)
            self._lean = Descent(self.config, online, target, first, second, masked=self.masked)
            counts = [torch.from_numpy(self._lean.step_count)] * len(counts)
        for parameter, count, mean, square in zip(self._parameters(), counts, *moments, strict=True):
            self.optimizer.state[parameter] = {"step": count, "exp_avg": mean, "exp_avg_sq": square}

    def _optimizer_arrays(self) -> Arrays:
        states = [self.optimizer.state[parameter] for parameter in self._parameters()]
        return {f"optimizer.{i}.{name}": _array(t) for i, state in enumerate(states) for name, t in state.items()}

    def _legal(self, values: Tensor, inputs: Tensor) -> Tensor:
        return values.masked_fill(inputs[..., -self.n_actions :] == 0, -math.inf) if self.masked else values


class SharedNetworks(QNetworks):
    """One network for all agents: the DQN of Stable-Baselines3, its networks, replay buffer and training step.

    On the processor the training step is done by `Descent`, to the same numbers.

    Attributes:
        model: The DQN; it can be saved, and predicts from the inputs.
    """

    def __init__(self, *arguments: Any, masked: bool) -> None:
        super().__init__(*arguments, masked=masked)
        config = self.config
        width = self.width + (self.n_agents if config.identity else 0)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._first_seed)
            self.model = _unconnected_dqn(config, width, self.n_actions, self.n_agents, self.replay)
        policy = self.model.policy
        self.online, self.target, self.optimizer = policy.q_net, policy.q_net_target, policy.optimizer
        self._prepare(stacked=False)
        # Its training step takes the maximum over what the target network gives: with one column, just that.
        self.model.q_net_target = self.next_values  # type: ignore[assignment]

    def values(self, inputs: Float32Array) -> Float32Array:
        """Q values (N, n_actions) of the agents' inputs (N, width)."""
        inputs = self.replay.with_identity(inputs)
        if self._lean is not None:
            outputs: Float32Array = self._lean.online(inputs[None])[0]
            return outputs
        with torch.inference_mode():
            return _array(self.online(torch.as_tensor(inputs, device=self.replay.device)))

    def _gradient_step(self) -> float:
        if self._lean is not None:
            return self._lean.step(self.replay.draw(self.config.batch_size))
        self.model.train(1, self.config.batch_size)
        return float(self.model.logger.name_to_value["train/loss"])


class IndependentNetworks(QNetworks):
    """One network per agent, on its own transitions alone: what N models of Stable-Baselines3 would compute.

    The weights of the N networks lie in one tensor per layer, so that a layer of all is one batched product.
    """

    def __init__(self, *arguments: Any, masked: bool) -> None:
        super().__init__(*arguments, masked=masked)
        config, device = self.config, self.replay.device
        generator = torch.Generator().manual_seed(self._first_seed)
        sizes = [self.width, *config.hidden, self.n_actions]
        self.online = StackedMLP(self.n_agents, sizes, generator).to(device)
        self.target = StackedMLP(self.n_agents, sizes, generator).to(device)
        self.target.load_state_dict(self.online.state_dict())
        self.optimizer = torch.optim.Adam(self.online.parameters(), lr=config.learning_rate)
        self._prepare(stacked=True)

    def values(self, inputs: Float32Array) -> Float32Array:
        """Q values (N, n_actions) of the agents' inputs (N, width)."""
        if self._lean is not None:
            values: Float32Array = self._lean.online(inputs[:, None])[:, 0]
            return values
        with torch.inference_mode():
            return _array(self.online(torch.as_tensor(inputs, device=self.replay.device)[:, None])[:, 0])

    def _gradient_step(self) -> float:
        batch = self.replay.draw_each(self.config.batch_size)
        if self._lean is not None:
            return self._lean.step(batch)
        samples = self.replay.samples(batch, stacked=True)
        with torch.no_grad():
            wanted = samples.rewards + self.config.gamma * self.next_values(samples.next_observations)
        values = self.online(samples.observations).gather(-1, samples.actions)
        losses = functional.smooth_l1_loss(values, wanted, reduction="none").mean(dim=(1, 2))
        self.optimizer.zero_grad()
        # No weight is in two of the losses, so that each gets the gradient of its own.
        losses.sum().backward()  # type: ignore[no-untyped-call]
        _clip_each(self._parameters(), self.config.max_gradient_norm)
        self.optimizer.step()
        return float(losses.mean())


class StackedMLP(nn.Module):
    """N perceptrons of equal form, with ReLU between the layers, each for its own agent.

    Args:
        n_networks: Networks N.
        sizes: Numbers of inputs, of units in each hidden layer, and of outputs.
        generator: Generator of the first weights, uniform as those of `torch.nn.Linear`.
    """

    def __init__(self, n_networks: int, sizes: list[int], generator: torch.Generator) -> None:
        super().__init__()
        self.layers = nn.ParameterList()  # weight (N, n_out, n_in) and bias (N, n_out) of each layer in turn
        for n_inputs, n_outputs in pairwise(sizes):
            bound = 1 / math.sqrt(n_inputs)
            for shape in ((n_outputs, n_inputs), (n_outputs,)):
                tensor = torch.empty(n_networks, *shape).uniform_(-bound, bound, generator=generator)
                self.layers.append(nn.Parameter(tensor))

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs (N, batch, n_outputs) of inputs (N, batch, n_inputs)."""
        parameters = list(self.layers)
        for place, (weight, bias) in enumerate(zip(parameters[::2], parameters[1::2], strict=True)):
            inputs = torch.baddbmm(bias[:, None], inputs.relu() if place else inputs, weight.mT)
        return inputs


def _unconnected_dqn(config: DQNConfig, width: int, n_actions: int, n_agents: int, replay: AgentReplay) -> DQN:
    """A DQN of Stable-Baselines3 without environment: whoever drives it adds transitions and calls `train`."""
    model = DQN(
        "MlpPolicy",
        None,  # type: ignore[arg-type]
        learning_rate=config.learning_rate,
        batch_size=config.batch_size,
        gamma=config.gamma,
        max_grad_norm=config.max_gradient_norm,
        policy_kwargs={"net_arch": list(config.hidden)},
        device=config.device,
        _init_setup_model=False,
    )
    model.observation_space = Box(-np.inf, np.inf, (width,), np.float32)
    model.action_space = Discrete(n_actions)
    model.n_envs = n_agents
    model.target_update_interval = n_agents  # unused here; a smaller one would warn
    model.replay_buffer = replay
    model.set_logger(Logger(None, []))
    model._setup_model()
    return model


def _clip_each(parameters: Iterable[nn.Parameter], largest: float) -> None:
    """Scales the gradient of each network, along the first axis, down to norm `largest`, as SB3 does for one."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    squares = torch.stack([gradient.square().sum(dim=(1, 2)) for gradient in gradients]).sum(dim=0)
    scale = (largest / (squares.sqrt() + 1e-6)).clamp(max=1.0)[:, None, None]
    for gradient in gradients:
        gradient.mul_(scale)


def _array(tensor: Tensor) -> np.ndarray[Any, Any]:
    return tensor.detach().cpu().numpy()


def _prefixed(prefix: str, arrays: Arrays) -> Arrays:
    return {f"{prefix}.{name}": array for name, array in arrays.items()}


def _section(arrays: Mapping[str, np.ndarray[Any, Any]], prefix: str) -> Arrays:
    start = f"{prefix}."
    return {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
