"""Values and slopes of a network by its layers' formulas.

Automatic differentiation gives the same, in one and a half times the time: with layers as small as these its own work
between the products counts, and it has no way to leave out the slopes by inputs that nothing depends on.
"""

from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor, nn

from mpgg_agents.mean_field.networks import BranchNet

Activation = Callable[[Tensor], Tensor]
Slope = Callable[[Tensor, Tensor], Tensor]

_ops = torch.ops.aten
IN_PLACE: Final[dict[Activation, Activation]] = {
    torch.relu: torch.relu_,
    torch.tanh: torch.tanh_,
    torch.sigmoid: torch.sigmoid_,
}
# From the slope by an activation's value, and that value, to the slope by its argument.
SLOPES: Final[dict[Activation, Slope]] = {
    torch.relu: lambda slope, value: _ops.threshold_backward(slope, value, 0),
    torch.tanh: lambda slope, value: _ops.tanh_backward(slope, value),
    torch.sigmoid: lambda slope, value: _ops.sigmoid_backward(slope, value),
}


class Pass:
    """A network forwards and backwards. It keeps what the last `forward` found for `backward`.

    Args:
        net: The network.
        gradient: Where `backward` puts the slopes by the weights: one vector, in the order of the parameters. None for
            a network that goes forwards only.
    """

    def __init__(self, net: BranchNet, gradient: Tensor | None = None) -> None:
        self._branches, self._first = _linear(net.branches), net.activation
        hidden = [(layer, net.activation) for layer in net.layers] + [(layer, torch.relu) for layer in net.extra]
        self._layers = _linear([*(layer for layer, _ in hidden), net.output])
        self._activations = [activation for _, activation in hidden]
        self._slopes = {} if gradient is None else _views(net, gradient)
        self._seen: list[Tensor] = []
        self._values: list[Tensor] = []

    def forward(self, *parts: Tensor) -> Tensor:
        """The output, (B, outputs), of the parts of the input, (B, width of the part) each."""
        x = self._met(parts)
        self._seen, self._values = list(parts), [x]
        for (weight, bias), activation in zip(self._layers, self._activations, strict=False):
            x = IN_PLACE[activation](torch.addmm(bias, x, weight.t()))
            self._values.append(x)
        weight, bias = self._layers[-1]
        return torch.addmm(bias, x, weight.t())

    def backward(self, slope: Tensor) -> None:
        """Fills `gradient` with the slopes by all weights, from those by the output, (B, outputs)."""
        for k in range(len(self._layers) - 1, -1, -1):
            self._note(self._layers[k], slope, self._values[k])
            if k or self._branches:
                slope = self._before(k, torch.mm(slope, self._layers[k][0]))
        if self._branches:
            units = self._branches[0][0].shape[0]
            for layer, part, own in zip(self._branches, self._seen, slope.split(units, 1), strict=True):  # type: ignore[no-untyped-call]
                self._note(layer, own, part)

    def slope_by_last_part(self, slope: Tensor) -> Tensor:
        """The slopes by the last part of the input, (B, its width), from those by the output; no weights' slopes."""
        for k in range(len(self._layers) - 1, 0, -1):
            slope = self._before(k, torch.mm(slope, self._layers[k][0]))
        first = self._layers[0][0]
        if not self._branches:
            return torch.mm(slope, first[:, -self._seen[-1].shape[1] :])
        last = self._branches[-1][0]
        units = last.shape[0]
        met = torch.mm(slope, first[:, -units:])
        return torch.mm(SLOPES[self._first](met, self._values[0][:, -units:]), last)

    def _met(self, parts: Sequence[Tensor]) -> Tensor:
        """What goes into the first layer for all parts together."""
        if not self._branches:
            return torch.cat(list(parts), 1) if len(parts) > 1 else parts[0]
        pairs = zip(self._branches, parts, strict=True)
        met = torch.cat([torch.addmm(bias, part, weight.t()) for (weight, bias), part in pairs], 1)
        return IN_PLACE[self._first](met)

    def _before(self, k: int, slope: Tensor) -> Tensor:
        """From the slopes by what goes into layer k to those by what the activation before it was given."""
        return SLOPES[self._activations[k - 1] if k else self._first](slope, self._values[k])

    def _note(self, layer: tuple[Tensor, Tensor], slope: Tensor, x: Tensor) -> None:
        weight, bias = layer
        torch.mm(slope.t(), x, out=self._slopes[weight.data_ptr()])
        torch.sum(slope, 0, out=self._slopes[bias.data_ptr()])


def _linear(layers: Sequence[nn.Module] | nn.ModuleList) -> list[tuple[Tensor, Tensor]]:
    """Weights and biases of linear layers, without gradients, not copied."""
    return [(layer.weight.detach(), layer.bias.detach()) for layer in layers]  # type: ignore[operator]


def _views(net: nn.Module, gradient: Tensor) -> dict[int, Tensor]:
    """The part of the vector that belongs to each parameter, by the parameter's address."""
    parameters = list(net.parameters())
    parts = torch.split(gradient, [parameter.numel() for parameter in parameters])
    return {p.data_ptr(): part.view_as(p) for p, part in zip(parameters, parts, strict=True)}
