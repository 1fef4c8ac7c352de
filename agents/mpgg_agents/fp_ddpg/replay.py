"""The replay buffer: what a trader saw, did and got, as float32 tensors."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mpgg_agents.fp_ddpg.network import OneSight
from mpgg_agents.replay.ring import Ring


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


class Replay(Ring[Transitions]):
    """The last `capacity` transitions.

    Args:
        capacity: How many it keeps.
        own: Own features of a trader.
        n_agents: Number of traders N.
    """

    def __init__(self, capacity: int, own: int, n_agents: int) -> None:
        widths = {"own": own, "others": n_agents, "next_own": own, "next_others": n_agents}
        parts = {name: torch.zeros(capacity, widths.get(name, 1)) for name in Transitions._fields}
        super().__init__(Transitions(**(parts | {"trader": torch.zeros(capacity, dtype=torch.int64)})))

    def draw(self, count: int, draws: np.random.Generator) -> Transitions:
        """Transitions drawn with replacement; all of them while there are no more than that."""
        return self.all() if self.size <= count else super().draw(count, draws)

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """The inverse of `arrays`; names, types and the shapes of rows have been checked.

        Raises:
            ValueError: The arrays do not fit each other or this buffer, or are not finite.
        """
        traders, n_agents = arrays["trader"], self.parts.others.shape[1]
        if len(traders) and not 0 <= traders.min() <= traders.max() < n_agents:
            raise ValueError(f"replay.trader must be in [0, {n_agents - 1}], got {traders.min()} to {traders.max()}")
        super().restore(arrays)
