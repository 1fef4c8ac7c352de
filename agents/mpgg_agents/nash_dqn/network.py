"""Label-invariant networks ([Casgrain2022] eq. 16): what a trader sees itself, and means over the others."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mpgg_agents.nash_dqn.features import Sight
from mpgg_agents.tensors import drawn_linear
from mpgg_env.core.types import IntArray

MEAN_UNIT = 2.0  # the mean of the four others' inventories is half as large as one of them; the same for every N


class SiluNet(nn.Module):
    """Linear layers with SiLU between them.

    Args:
        widths: Width of the input, of every hidden layer and of the output.
        generator: Source of the initial weights, uniform in +- 1 / sqrt(inputs) as in torch's own layers.
        last: Whether SiLU also follows the last layer.
    """

    def __init__(self, widths: Sequence[int], generator: np.random.Generator, *, last: bool = False) -> None:
        super().__init__()
        pairs = pairwise(widths)
        self.layers = nn.ModuleList(drawn_linear(inputs, outputs, generator) for inputs, outputs in pairs)
        self.last = last

    def forward(self, x: Tensor) -> Tensor:
        """The network's output, (..., inputs) to (..., outputs)."""
        for k, layer in enumerate(self.layers):
            x = layer(x)
            if k + 1 < len(self.layers) or self.last:
                x = functional.silu(x)
        return x


class MarketNet(nn.Module):
    """One network for all traders, which tells sub-populations apart and nobody within them.

    Under observation "full" the input of trader i is its own features, the mean of the other members' inventories q_j
    of every sub-population, and the mean over all others of phi(q_j, sub-population of j): relabelling the others
    within their sub-populations changes nothing. Under the other observations the mean is all that a trader sees of the
    others, and there is no phi. With several sub-populations a trader's own one is an input too, one-hot.

    Args:
        group: Sub-population of each trader, (N,), numbered from 0.
        own: Features that a trader sees itself.
        sees_others: Whether it sees the others' inventories one by one.
        outputs: Width of the output.
        hidden: Units of each hidden layer of the main network.
        phi: Units of each layer of phi; none for the means of q_j alone.
        generator: Source of the initial weights.
    """

    kind: Tensor
    share: Tensor

    def __init__(
        self,
        group: IntArray,
        own: int,
        *,
        sees_others: bool,
        outputs: int,
        hidden: Sequence[int],
        phi: Sequence[int],
        generator: np.random.Generator,
    ) -> None:
        super().__init__()
        members = np.bincount(group)
        kinds = len(members) if len(members) > 1 else 0
        self.sees_others, self.kinds = sees_others, kinds
        onehot = np.eye(len(members), dtype=np.float32)[group]  # (N, G)
        others = np.maximum(members[None] - onehot, 1)
        for name, array in {"kind": onehot, "share": MEAN_UNIT / others}.items():
            self.register_buffer(name, torch.from_numpy(array.astype(np.float32)), persistent=False)
        self.phi = SiluNet([1 + kinds, *phi], generator, last=True) if phi and sees_others else None
        summary = len(members) + (phi[-1] if self.phi is not None else 0) if sees_others else 0
        self.main = SiluNet([own + kinds + summary, *hidden, outputs], generator)

    def forward(self, sight: Sight, extra: Tensor | None = None) -> Tensor:
        """Output for every trader, (B, N, outputs).

        Args:
            sight: What the traders see.
            extra: More of their own features, such as an action, (B, N, extra); counted in `own`.
        """
        parts = [sight.own] if extra is None else [sight.own, extra]
        if self.kinds:
            parts.append(self.kind.expand(len(sight.own), -1, -1))
        if self.sees_others:
            parts.extend(self._summary(sight.others))
        return self.main(torch.cat(parts, -1))  # type: ignore[no-any-return]

    def _summary(self, others: Tensor) -> list[Tensor]:
        """Means of the others' inventories, (B, N, G), and of phi, (B, N, units)."""
        z = others[..., None]
        own = z * self.kind if self.kinds else z
        parts = [(own.sum(1, keepdim=True) - own) * self.share]
        if self.phi is not None:
            values = self.phi(torch.cat([z, self.kind.expand(len(z), -1, -1)], -1) if self.kinds else z)
            parts.append((values.sum(1, keepdim=True) - values) / (others.shape[1] - 1))
        return parts
