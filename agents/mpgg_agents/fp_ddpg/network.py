"""Networks of one trader, and policies of all traders that are means of networks."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import functional_call, vmap

from mpgg_agents.nash_dqn.features import Sight
from mpgg_agents.nash_dqn.network import MarketNet

Weights = Mapping[str, Tensor]


class OneSight(NamedTuple):
    """What one trader sees in each of T states.

    Attributes:
        own: Its own features, normalised, (T, own).
        others: Inventories of all traders, normalised, (T, N).
        trader: Who it is, (T,).
    """

    own: Tensor
    others: Tensor
    trader: Tensor


class TraderNet(MarketNet):
    """The label-invariant network, which can also be asked for one trader, without the cost of all."""

    def of(self, sight: OneSight, extra: Tensor | None = None) -> Tensor:
        """Output for one trader in each state, (T, outputs); `forward` tells all traders' outputs.

        Args:
            sight: What the trader sees.
            extra: More of its own features, such as an action, (T, extra); counted in `own`.
        """
        parts = [sight.own] if extra is None else [sight.own, extra]
        if self.kinds:
            parts.append(self.kind[sight.trader])
        if self.sees_others:
            parts.extend(self._one_summary(sight))
        output: Tensor = self.main(torch.cat(parts, -1))
        return output

    def _one_summary(self, sight: OneSight) -> list[Tensor]:
        """The trader's rows of what `forward` knows of the others."""
        rows = torch.arange(len(sight.others))
        z = sight.others[..., None]
        held = z * self.kind if self.kinds else z
        parts = [(held.sum(1) - held[rows, sight.trader]) * self.share[sight.trader]]
        if self.phi is not None:
            values = self.phi(torch.cat([z, self.kind.expand(len(z), -1, -1)], -1) if self.kinds else z)
            parts.append((values.sum(1) - values[rows, sight.trader]) / (z.shape[1] - 1))
        return parts


class MeanNet:
    """The mean of the outputs of networks of equal form.

    Args:
        net: A network of this form; its own weights play no part.
        weights: The weights of all networks, stacked: each (K, ...).
    """

    def __init__(self, net: MarketNet, weights: Weights) -> None:
        self.net, self.weights = net, dict(weights)

    @property
    def count(self) -> int:
        """Number of networks K."""
        return len(next(iter(self.weights.values())))

    def __call__(self, sight: Sight) -> Tensor:
        """Mean output for every trader, (B, N, outputs)."""
        if self.count == 1:  # as below, without its cost per call
            return self._one({name: value[0] for name, value in self.weights.items()}, sight)
        outputs: Tensor = vmap(self._one, (0, None))(self.weights, sight)
        return outputs.mean(0)

    def with_another(self, weights: Weights) -> "MeanNet":
        """The mean with one more network."""
        return MeanNet(self.net, {name: torch.cat([old, weights[name][None]]) for name, old in self.weights.items()})

    def _one(self, weights: Weights, sight: Sight) -> Tensor:
        output: Tensor = functional_call(self.net, dict(weights), (sight,))
        return output


def copied_weights(net: MarketNet) -> dict[str, Tensor]:
    """The present weights of a network by name."""
    return {name: parameter.detach().clone() for name, parameter in net.named_parameters()}


def alone(net: MarketNet) -> MeanNet:
    """The network as it is now, as a mean of one."""
    return MeanNet(net, {name: weight[None] for name, weight in copied_weights(net).items()})


def names(net: MarketNet) -> Sequence[str]:
    """Names of the weights in order."""
    return [name for name, _ in net.named_parameters()]
