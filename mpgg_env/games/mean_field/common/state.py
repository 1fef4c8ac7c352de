"""Where B mean-field-type games are: one distribution per coalition and game."""

from dataclasses import dataclass
from typing import Any

Array = Any  # of numpy, or a tensor of torch
Arrays = tuple[Array, ...]


@dataclass(frozen=True, slots=True)
class MeanFieldState:
    """The state of B independent games, as arrays of numpy or torch.

    Attributes:
        step: Steps played since the start of the episode.
        distributions: For each coalition i the shares mu_i of its agents in each of its states, (B, S_i); rows sum
            to 1.
        context: What is fixed for the episode and is no function of the distributions, as integer, (B,); None in games
            without.
    """

    step: int
    distributions: Arrays
    context: Array | None = None

    def part(self, games: slice) -> "MeanFieldState":
        """Some of the games."""
        context = None if self.context is None else self.context[games]
        return MeanFieldState(self.step, tuple(mu[games] for mu in self.distributions), context)
