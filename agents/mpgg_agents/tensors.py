"""The numbers of networks and optimisers, by name."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mpgg_agents.stored import Arrays


def drawn_linear(inputs: int, outputs: int, generator: np.random.Generator, bound: float | None = None) -> nn.Linear:
    """A linear layer with weights and biases uniform in +- bound; None for torch's own bound, 1 / sqrt(inputs)."""
    # Made without weights, so that nothing is drawn from torch's global generator.
    layer = nn.Linear(inputs, outputs, device="meta").to_empty(device="cpu")
    limit = 1 / math.sqrt(inputs) if bound is None else bound
    with torch.no_grad():
        for parameter in (layer.weight, layer.bias):
            drawn = generator.uniform(-limit, limit, tuple(parameter.shape)).astype(np.float32)
            parameter.copy_(torch.from_numpy(drawn))
    return layer


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


def set_tensors(tensors: Mapping[str, Tensor], arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Gives tensors stored values, the names, types and shapes of which have been checked.

    Raises:
        ValueError: A number is not finite, or a mean of squares or a number of steps is negative.
    """
    for name, tensor in tensors.items():
        array = np.array(arrays[name])
        if not np.isfinite(array).all() or (name.endswith((".exp_avg_sq", ".step")) and (array < 0).any()):
            raise ValueError(f"{name} must be finite, and no mean of squares or number of steps negative")
        tensor.copy_(torch.from_numpy(array))


def moments_of(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state of AdamW by number of the parameter, not copied."""
    return {
        f"{k}.{name}": tensor
        for k, parameter in enumerate(_parameters(optimizer))
        for name, tensor in optimizer.state[parameter].items()
    }


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
