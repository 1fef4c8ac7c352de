"""A network, its slow copy and its optimiser, with all weights side by side in one vector."""

import copy
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from mpgg_agents.tensors import moments_of, start_moments

N = TypeVar("N", bound=nn.Module)


class Descent(Generic[N]):
    """Adam ([Kingma2015]) on one network and a target that follows it.

    The weights of a network are views of one vector, so that a step of Adam or of the target is one operation: with
    layers as small as these, one per layer would cost as much as the products themselves.

    Args:
        network: The network; its parameters are put in the vector.

    Attributes:
        network: The network.
        target: Its slow copy, without gradients.
        weights: The weights of the network.
        gradient: The slopes by them of what is to be made smaller, for whoever finds them to fill.
    """

    def __init__(self, network: N) -> None:
        self.network, self.target = network, copy.deepcopy(network).requires_grad_(False)
        self.weights, self.target_weights = _side_by_side(network), _side_by_side(self.target)
        vector = nn.Parameter(self.weights)
        vector.grad = self.gradient = torch.zeros_like(self.weights)
        self._optimizer = torch.optim.Adam([vector], fused=True)
        start_moments(self._optimizer)

    def step(self, learning_rate: float) -> None:
        """One step of Adam down `gradient`."""
        self._optimizer.param_groups[0]["lr"] = learning_rate
        self._optimizer.step()

    def follow(self, tau: float) -> None:
        """Moves the target the share tau of the way to the network."""
        self.target_weights.lerp_(self.weights, tau)

    def tensors(self) -> dict[str, Tensor]:
        """All that steps change, by name."""
        moments = {f"adam.{name}": tensor for name, tensor in moments_of(self._optimizer).items()}
        return {"weights": self.weights, "target": self.target_weights, **moments}


def _side_by_side(network: nn.Module) -> Tensor:
    """Puts the parameters of a network in one vector, which is returned."""
    parameters = list(network.parameters())
    vector = torch.cat([parameter.detach().reshape(-1) for parameter in parameters])
    parts = torch.split(vector, [parameter.numel() for parameter in parameters])
    for parameter, part in zip(parameters, parts, strict=True):
        parameter.data = part.view_as(parameter)
    return vector
