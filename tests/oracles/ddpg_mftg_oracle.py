"""One update of DDPG-MFTG written out in float64, from the words of the README: slow, layer by layer, Adam by Adam.

Weights are dicts by the names of the trained networks' parameters; slopes are those of automatic differentiation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Weights = dict[str, Tensor]
FUNCTIONS = {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}


@dataclass
class Optimised:
    """A network with Adam's moments, and its target."""

    weights: Weights
    target: Weights
    mean: Weights
    square: Weights
    steps: int = 0

    @classmethod
    def of(cls, network: Any) -> "Optimised":
        """The network as it is, before its first step."""
        weights = {name: p.detach().double().clone() for name, p in network.named_parameters()}
        zeros = [{name: torch.zeros_like(w) for name, w in weights.items()} for _ in range(2)]
        return cls(weights, {name: w.clone() for name, w in weights.items()}, *zeros)

    def step(self, loss: Any, rate: float) -> None:
        """One step of Adam down a function of the weights."""
        leaves = {name: w.clone().requires_grad_() for name, w in self.weights.items()}
        loss(leaves).backward()
        self.steps += 1
        for name, leaf in leaves.items():
            self.mean[name] = 0.9 * self.mean[name] + 0.1 * leaf.grad
            self.square[name] = 0.999 * self.square[name] + 0.001 * leaf.grad**2
            mean = self.mean[name] / (1 - 0.9**self.steps)
            square = self.square[name] / (1 - 0.999**self.steps)
            self.weights[name] = self.weights[name] - rate * mean / (torch.sqrt(square) + 1e-8)

    def follow(self, tau: float) -> None:
        """theta' <- tau theta + (1 - tau) theta'."""
        for name, weight in self.weights.items():
            self.target[name] = tau * weight + (1 - tau) * self.target[name]


def output(config: Any, weights: Weights, parts: Sequence[Tensor]) -> Tensor:
    """A layer for each part, unless there are none, layers for all together, perhaps one more, and the output."""
    activation = FUNCTIONS[config.activation]

    def layer(name: str, x: Tensor) -> Tensor:
        return x @ weights[f"net.{name}.weight"].T + weights[f"net.{name}.bias"]

    seen = [activation(layer(f"branches.{k}", part)) for k, part in enumerate(parts)] if config.branch else list(parts)
    x = torch.cat(seen, 1)
    for k in range(len(config.layers)):
        x = activation(layer(f"layers.{k}", x))
    if config.extra_layer:
        x = torch.relu(layer("extra.0", x))
    return layer("output", x)


def action(config: Any, weights: Weights, parts: Sequence[Tensor], shape: tuple[int, int], free: int) -> Tensor:
    """The rows that an actor gives, side by side."""
    z = output(config, weights, parts).reshape(-1, *shape)
    if config.output == "sigmoid":
        rows = torch.sigmoid(z)
        rows = rows / rows.sum(-1, keepdim=True)
    else:
        logits = config.logit_scale * torch.tanh(z)
        rows = torch.cat([torch.sigmoid(logits[..., :free]), torch.softmax(logits[..., free:], -1)], -1)
    return rows.reshape(len(z), -1)


def update(
    config: Any,
    actor: Optimised,
    critic: Optimised,
    seen: Any,
    widths: Sequence[int],
    shape: tuple[int, int],
    free: int,
    discount: float,
    factor: float,
) -> tuple[float, float]:
    """Changes both by one update on a minibatch; the critic's loss and the actor's mean value."""
    sight, done, reward, following = (part.double() for part in seen)
    now, then = (list(torch.split(part, list(widths), 1)) for part in (sight, following))
    next_action = action(config, actor.target, then, shape, free)
    aim = config.reward_scale * reward + discount * output(config, critic.target, [*then, next_action])[:, 0]

    def loss(weights: Weights) -> Tensor:
        return ((output(config, weights, [*now, done])[:, 0] - aim) ** 2).mean()

    def minus_value(weights: Weights) -> Tensor:
        return -output(config, critic.weights, [*now, action(config, weights, now, shape, free)]).mean()

    first = float(loss(critic.weights))
    critic.step(loss, config.critic_learning_rate * factor)
    value = -float(minus_value(actor.weights))
    actor.step(minus_value, config.actor_learning_rate * factor)
    for part in (actor, critic):
        part.follow(config.tau)
    return first, value
