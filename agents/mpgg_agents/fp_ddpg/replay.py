"""The replay buffer: what a trader saw, did and got, as float32 tensors."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mpgg_agents.fp_ddpg.network import OneSight
from mpgg_agents.stored import Arrays


class Transitions(NamedTuple):
    """Decisions of one trader in each of T states, in units of order one.

    Attributes:
        own: What the trader saw itself, (T, own).
        others: All inventories, (T, N).
        trader: Who it was, (T,), int64.
        action: Its rate, (T, 1).
        reward: What it earned, (T, 1).
        next_own: What it saw afterwards, (T, own).
        next_others: Inventories afterwards, (T, N).
        goes_on: 1 if there was another decision in the episode, else 0, (T, 1).
    """

    own: Tensor
    others: Tensor
    trader: Tensor
    action: Tensor
    reward: Tensor
    next_own: Tensor
    next_others: Tensor
    goes_on: Tensor

    @property
    def sight(self) -> OneSight:
        """What was seen before."""
        return OneSight(self.own, self.others, self.trader)

    @property
    def next_sight(self) -> OneSight:
        """What was seen afterwards."""
        return OneSight(self.next_own, self.next_others, self.trader)


class Replay:
    """The last `capacity` transitions.

    Args:
        capacity: How many it keeps.
        own: Own features of a trader.
        n_agents: Number of traders N.
    """

    def __init__(self, capacity: int, own: int, n_agents: int) -> None:
        self.capacity = capacity
        self.position, self.size = 0, 0
        widths = {"own": own, "others": n_agents, "next_own": own, "next_others": n_agents}
        self.parts = Transitions(
            **{
                name: torch.zeros(capacity, dtype=torch.int64)
                if name == "trader"
                else torch.zeros(capacity, widths.get(name, 1))
                for name in Transitions._fields
            }
        )

    def add(self, transitions: Transitions) -> None:
        """Adds transitions; of more than it can keep, the last ones."""
        count = len(transitions.trader)
        kept = min(count, self.capacity)
        places = (self.position + count - kept + torch.arange(kept)) % self.capacity
        for part, new in zip(self.parts, transitions, strict=True):
            part[places] = new[count - kept :]
        self.position = (self.position + count) % self.capacity
        self.size = min(self.size + count, self.capacity)

    def clear(self) -> None:
        """Forgets everything."""
        self.position, self.size = 0, 0

    def draw(self, batch_size: int, draws: np.random.Generator) -> Transitions:
        """Transitions drawn with replacement; all of them while there are no more than that."""
        if self.size <= batch_size:
            return Transitions(*(part[: self.size] for part in self.parts))
        places = torch.from_numpy(draws.integers(0, self.size, batch_size))
        return Transitions(*(part[places] for part in self.parts))

    def arrays(self) -> Arrays:
        """The transitions, oldest place first, and the next place, by name."""
        stored = {name: part[: self.size].numpy() for name, part in zip(Transitions._fields, self.parts, strict=True)}
        return {"position": np.array(self.position, np.int64), **stored}

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """The inverse of `arrays`; names, types and shapes have been checked.

        Raises:
            ValueError: The parts do not fit each other or this buffer.
        """
        position, size = int(arrays["position"]), len(arrays["trader"])
        fits = size <= self.capacity and (position == size % self.capacity or size == self.capacity)
        if not fits or not 0 <= position < self.capacity or any(len(arrays[n]) != size for n in Transitions._fields):
            raise ValueError(f"the replay buffer must hold up to {self.capacity} whole transitions, got other arrays")
        traders = arrays["trader"]
        if size and not 0 <= traders.min() <= traders.max() < self.parts.others.shape[1]:
            raise ValueError(f"replay.trader must be in [0, {self.parts.others.shape[1] - 1}], got {traders.max()}")
        self.position, self.size = position, size
        for name, part in zip(Transitions._fields, self.parts, strict=True):
            part[:size] = torch.from_numpy(np.asarray(arrays[name]))
