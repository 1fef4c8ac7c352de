"""A ring of the last decisions, as tensors side by side."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from mpgg_agents.stored import Arrays

T = TypeVar("T", bound=tuple[Tensor, ...])


class Ring(Generic[T]):
    """The last `capacity` decisions.

    Attributes:
        parts: A named tuple of tensors, row k of each belonging to one decision; those beyond `size` mean nothing.
        size: Decisions kept.
        position: Where the next one goes.

    Args:
        parts: The tensors, with as many rows each as decisions are to be kept.
    """

    def __init__(self, parts: T) -> None:
        self.parts, self.capacity = parts, len(parts[0])
        self.position, self.size = 0, 0

    def add(self, decisions: T) -> None:
        """Adds decisions; of more than it can keep, the last ones."""
        count = len(decisions[0])
        kept = min(count, self.capacity)
        places = (self.position + count - kept + torch.arange(kept)) % self.capacity
        for part, new in zip(self.parts, decisions, strict=True):
            part[places] = new[count - kept :]
        self.position = (self.position + count) % self.capacity
        self.size = min(self.size + count, self.capacity)

    def clear(self) -> None:
        """Forgets everything."""
        self.position, self.size = 0, 0

    def draw(self, count: int, draws: np.random.Generator) -> T:
        """Decisions drawn with replacement."""
        return self._rows(torch.from_numpy(draws.integers(self.size, size=count)))

    def all(self) -> T:
        """Everything kept, in the order of the places."""
        return self._rows(slice(self.size))

    def arrays(self) -> Arrays:
        """Everything kept, in the order of the places, and the next place, by name."""
        names = self.parts._fields  # type: ignore[attr-defined]
        parts = {name: part.numpy() for name, part in zip(names, self.all(), strict=True)}
        return {"position": np.array(self.position, np.int64), **parts}

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """The inverse of `arrays`; names, types and the shapes of rows have been checked.

        Raises:
            ValueError: The arrays do not fit each other or this ring, or are not finite.
        """
        names = self.parts._fields  # type: ignore[attr-defined]
        size, position = len(arrays[names[0]]), int(arrays["position"])
        if size > self.capacity or position not in ([size % self.capacity] if size < self.capacity else range(size)):
            raise ValueError(f"replay must be {size} of {self.capacity} decisions in order, got position {position}")
        for name in names:
            if len(arrays[name]) != size or not np.isfinite(arrays[name]).all():
                raise ValueError(f"replay.{name} must be {size} finite rows, got {len(arrays[name])}")
        for name, part in zip(names, self.parts, strict=True):
            part[:size] = torch.from_numpy(np.array(arrays[name]))
        self.size, self.position = size, position

    def _rows(self, places: Tensor | slice) -> T:
        return type(self.parts)(*(part[places] for part in self.parts))
