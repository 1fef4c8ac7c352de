"""Actors, from what a player sees to a row-stochastic matrix, and critics, from the same and an action to a value."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from mpgg_agents.mean_field.architecture import ArchitectureConfig
from mpgg_agents.tensors import drawn_linear

# Weights of output layers are drawn in +- this, as in [Lillicrap2016] section 7: the first policy is nearly uniform.
# Those of torch's layers would start with logits of several units, at random.
OUTPUT_BOUND: Final = 3e-3
FUNCTIONS: Final[dict[str, Callable[[Tensor], Tensor]]] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}


class BranchNet(nn.Module):
    """A layer for each part of the input, then layers for all of them together.

    Args:
        parts: Width of each part of the input.
        outputs: Width of the output.
        architecture: Its form.
        generator: Source of the initial weights.
    """

    def __init__(
        self, parts: Sequence[int], outputs: int, architecture: ArchitectureConfig, generator: np.random.Generator
    ) -> None:
        super().__init__()
        self.parts = list(parts)
        branch, extra = architecture.branch, architecture.extra_layer
        self.activation = FUNCTIONS[architecture.activation]
        self.branches = nn.ModuleList(drawn_linear(part, branch, generator) for part in parts if branch)
        met = branch * len(self.parts) if branch else sum(parts)
        widths = [met, *architecture.layers]
        self.layers = nn.ModuleList(drawn_linear(inputs, units, generator) for inputs, units in pairwise(widths))
        self.extra = nn.ModuleList([drawn_linear(widths[-1], extra, generator)] if extra else [])
        self.output = drawn_linear(extra or widths[-1], outputs, generator, OUTPUT_BOUND)

    def forward(self, x: Tensor) -> Tensor:
        """The output, (..., outputs), of the parts side by side, (..., sum of parts)."""
        if self.branches:
            split = zip(self.branches, torch.split(x, self.parts, -1), strict=True)
            x = torch.cat([self.activation(branch(part)) for branch, part in split], -1)
        for layer in self.layers:
            x = self.activation(layer(x))
        for layer in self.extra:
            x = torch.relu(layer(x))
        output: Tensor = self.output(x)
        return output


class Actor(nn.Module):
    """A player's policy as a network.

    Args:
        parts: Widths of what the player sees: of each distribution, then of the context.
        shape: States S and columns A of an action.
        free_columns: Columns at the beginning that are probabilities by themselves; the others sum to 1.
        architecture: Its form.
        generator: Source of the initial weights.
    """

    def __init__(
        self,
        parts: Sequence[int],
        shape: tuple[int, int],
        free_columns: int,
        architecture: ArchitectureConfig,
        generator: np.random.Generator,
    ) -> None:
        super().__init__()
        self.shape, self.free_columns = shape, free_columns
        self.kind, self.scale = architecture.output, architecture.logit_scale
        self.net = BranchNet(parts, shape[0] * shape[1], architecture, generator)

    def forward(self, sight: Tensor) -> Tensor:
        """The action (B, S, A) for what is seen, (B, sum of parts)."""
        return self.action_of(self.logits(sight))

    def logits(self, sight: Tensor) -> Tensor:
        """What `action_of` makes the action of, (B, S, A), without bounds; noise may be added to it."""
        return self._logits_from(self.net(sight))

    def action_from(self, raw: Tensor) -> Tensor:
        """The action (B, S, A) that outputs of `net` (B, S A) stand for."""
        return self.action_of(self._logits_from(raw))

    def action_of(self, logits: Tensor) -> Tensor:
        """The action (B, S, A) that logits stand for."""
        free, rows = logits[..., : self.free_columns], logits[..., self.free_columns :]
        # Not torch.softmax, which takes four times as long on short rows; the scale keeps logits small enough for exp.
        shares = _shares(torch.exp(rows) if self.kind == "softmax" else torch.sigmoid(rows))
        return torch.cat([torch.sigmoid(free), shares], -1) if self.free_columns else shares

    def _logits_from(self, raw: Tensor) -> Tensor:
        z = raw.reshape(*raw.shape[:-1], *self.shape)
        return z if self.kind == "sigmoid" else self.scale * torch.tanh(z)


def _shares(weights: Tensor) -> Tensor:
    """Rows of positive weights divided by their sums."""
    return weights / weights.sum(-1, keepdim=True)


class Critic(nn.Module):
    """What a player expects to earn from what it sees and what it does.

    Args:
        parts: Widths of what the player sees.
        shape: States S and columns A of its action.
        architecture: Its form.
        generator: Source of the initial weights.
    """

    def __init__(
        self,
        parts: Sequence[int],
        shape: tuple[int, int],
        architecture: ArchitectureConfig,
        generator: np.random.Generator,
    ) -> None:
        super().__init__()
        self.net = BranchNet([*parts, shape[0] * shape[1]], 1, architecture, generator)

    def forward(self, sight: Tensor, action: Tensor) -> Tensor:
        """Values (B,) of actions (B, S, A) or (B, S A)."""
        value: Tensor = self.net(torch.cat([sight, action.reshape(len(sight), -1)], -1))
        return value[:, 0]
