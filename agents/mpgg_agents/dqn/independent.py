"""One Q-network per agent, all of them in stacked weights."""

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mpgg_agents.dqn.descent import CLIP_EPSILON
from mpgg_agents.dqn.network import QNetworks, as_array
from mpgg_env.core.types import Float32Array


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
        if self.descent is not None:
            values: Float32Array = self.descent.online(inputs[:, None])[:, 0]
            return values
        with torch.inference_mode():
            return as_array(self.online(torch.as_tensor(inputs, device=self.replay.device)[:, None])[:, 0])

    def train(self) -> float:
        """Does the gradient steps of one training and returns the mean loss of their batches."""
        losses = [self._gradient_step() for _ in range(self.config.gradient_steps)]
        return sum(losses) / len(losses)

    def _gradient_step(self) -> float:
        batch = self.replay.draw_each(self.config.batch_size)
        if self.descent is not None:
            return self.descent.step(batch)
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
        return float(losses.detach().mean())


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


def _clip_each(parameters: Iterable[nn.Parameter], largest: float) -> None:
    """Scales the gradient of each network, along the first axis, down to norm `largest`, as SB3 does for one."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    squares = torch.stack([gradient.flatten(1).square().sum(dim=1) for gradient in gradients]).sum(dim=0)
    scales = (largest / (squares.sqrt() + CLIP_EPSILON)).clamp(max=1.0)
    for gradient in gradients:
        gradient.flatten(1).mul_(scales[:, None])  # a view: gradients are contiguous
