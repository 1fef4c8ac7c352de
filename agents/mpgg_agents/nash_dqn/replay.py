"""The replay buffer of joint decisions, and the tensors of optimisers and networks as arrays."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mpgg_agents.nash_dqn.episodes import Transitions
from mpgg_agents.stored import Arrays


class Replay:
    """The last `capacity` joint decisions.

    Args:
        capacity: How many it keeps.
        own: Own features of a trader.
        n_agents: Number of traders N.
    """

    def __init__(self, capacity: int, own: int, n_agents: int) -> None:
        self.capacity, self.position, self.size = capacity, 0, 0
        shape = (capacity, n_agents)
        wide = torch.zeros(*shape, own)
        self.parts = Transitions(
            wide,
            torch.zeros(shape),
            torch.zeros(shape),
            torch.zeros(shape),
            wide.clone(),
            torch.zeros(shape),
            torch.zeros(capacity, 1),
        )

    def add(self, transitions: Transitions) -> None:
        """Adds decisions; of more than it can keep, the last ones."""
        count = len(transitions.actions)
        kept = min(count, self.capacity)
        places = (self.position + count - kept + torch.arange(kept)) % self.capacity
        for part, new in zip(self.parts, transitions, strict=True):
            part[places] = new[count - kept :]
        self.position = (self.position + count) % self.capacity
        self.size = min(self.size + count, self.capacity)

    def draw(self, count: int, draws: np.random.Generator) -> Transitions:
        """Decisions drawn with replacement."""
        places = torch.from_numpy(draws.integers(self.size, size=count))
        return Transitions(*(part[places] for part in self.parts))

    def arrays(self) -> Arrays:
        """What has been seen, by name."""
        parts = {name: part[: self.size].numpy() for name, part in self.parts._asdict().items()}
        return {"position": np.array(self.position, np.int64), **parts}

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """The inverse of `arrays`.

        Raises:
            ValueError: The arrays do not fit each other, or are not finite.
        """
        size, position = len(arrays["actions"]), int(arrays["position"])
        if size > self.capacity or position not in ([size % self.capacity] if size < self.capacity else range(size)):
            raise ValueError(f"replay must be {size} of {self.capacity} decisions in order, got position {position}")
        for name, part in self.parts._asdict().items():
            array = arrays[name]
            if len(array) != size or not np.isfinite(array).all():
                raise ValueError(f"replay.{name} must be {size} finite rows, got {len(array)}")
            part[:size] = torch.from_numpy(np.array(array))
        self.size, self.position = size, position


def weights_of(network: nn.Module) -> Arrays:
    """The weights of a network by name, not copied."""
    return {name: parameter.detach().numpy() for name, parameter in network.named_parameters()}


def set_weights(network: nn.Module, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Gives a network stored weights.

    Raises:
        ValueError: They are not finite float32 numbers of its names and shapes.
    """
    own = weights_of(network)
    if set(arrays) != set(own):
        raise ValueError(f"the weights must be {', '.join(own)}, got {', '.join(arrays)}")
    for name, parameter in network.named_parameters():
        array = np.asarray(arrays[name])
        if array.dtype != np.float32 or array.shape != tuple(parameter.shape) or not np.isfinite(array).all():
            raise ValueError(f"{name} must be finite float32 {tuple(parameter.shape)}, got {array.dtype} {array.shape}")
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(np.array(array)))


def moments_of(optimizer: torch.optim.Optimizer) -> Arrays:
    """The state of AdamW by parameter, not copied."""
    return {
        f"{k}.{name}": value.numpy()
        for k, parameter in enumerate(_parameters(optimizer))
        for name, value in optimizer.state[parameter].items()
    }


def set_moments(optimizer: torch.optim.Optimizer, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Gives AdamW a stored state, names and shapes of which have been checked.

    Raises:
        ValueError: A number is not finite, or a mean of squares or a number of steps is negative.
    """
    for k, parameter in enumerate(_parameters(optimizer)):
        for name, value in optimizer.state[parameter].items():
            array = np.array(arrays[f"{k}.{name}"])
            if not np.isfinite(array).all() or (name != "exp_avg" and (array < 0).any()):
                raise ValueError(f"{k}.{name} of an optimiser must be finite, and no square or count negative")
            value.copy_(torch.from_numpy(array))


def start_moments(optimizer: torch.optim.Optimizer) -> None:
    """The state before the first step, which torch would only make at that step."""
    for parameter in _parameters(optimizer):
        optimizer.state[parameter] = {
            "step": torch.zeros(()),
            "exp_avg": torch.zeros_like(parameter.detach()),
            "exp_avg_sq": torch.zeros_like(parameter.detach()),
        }


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
