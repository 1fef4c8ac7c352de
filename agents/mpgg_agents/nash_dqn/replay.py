"""The replay buffer of joint decisions."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

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

    def clear(self) -> None:
        """Forgets everything."""
        self.position, self.size = 0, 0

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
