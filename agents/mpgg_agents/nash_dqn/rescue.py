"""Going back to where learning went well when it runs away."""

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from torch import Tensor

from mpgg_agents.errors import TrainingError
from mpgg_agents.stored import Arrays
from mpgg_agents.tensors import set_tensors

EVERY: Final = 100  # iterations between copies
GOOD: Final = 2.0  # a copy is taken while the smoothed loss is at most so many times its lowest value
LOST: Final = 20.0  # a training has run away when it is more
SLOWER: Final = 0.7  # what the step size is multiplied by each time
MOST: Final = 20


class Rescue:
    """A copy of all that learning changes, of a time when the loss was low.

    In rare trainings a long step drives inventories to where nothing has been learned, and what is learned there drives
    them further. The authors' code, too, goes back to earlier weights when the loss is high ([Casgrain2022]); here
    the step size is reduced as well, and everything is counted.

    Attributes:
        count: How often the training has gone back.
        smoothed_loss: The smoothed loss at the time of the copy.

    Args:
        tensors: What is copied, and set back in place.
    """

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        self._tensors = tensors
        self._copy = {name: tensor.clone() for name, tensor in tensors.items()}
        self.count, self.smoothed_loss = 0, math.inf

    @property
    def step_share(self) -> float:
        """What the step size is multiplied by."""
        return SLOWER**self.count

    def watch(self, smoothed_loss: float, lowest_loss: float, rounds_done: int) -> None:
        """Takes a copy if it is time and the loss is low."""
        if rounds_done % EVERY == 0 and smoothed_loss <= GOOD * lowest_loss:
            self.smoothed_loss = smoothed_loss
            for name, tensor in self._tensors.items():
                self._copy[name].copy_(tensor)

    def is_lost(self, smoothed_loss: float, lowest_loss: float) -> bool:
        """Whether the training has run away."""
        return not smoothed_loss <= LOST * lowest_loss

    def go_back(self, rounds_done: int) -> None:
        """Sets everything back.

        Raises:
            TrainingError: There is nothing to go back to, or it was done too often.
        """
        self.count += 1
        if self.count > MOST or math.isinf(self.smoothed_loss):
            raise TrainingError(f"the losses of iteration {rounds_done} have run away; try a smaller learning_rate")
        for name, tensor in self._tensors.items():
            tensor.copy_(self._copy[name])

    def arrays(self) -> Arrays:
        """Everything by name."""
        numbers = {"count": np.array(self.count, np.int64), "smoothed_loss": np.array(self.smoothed_loss)}
        return numbers | {f"copy.{name}": tensor.numpy() for name, tensor in self._copy.items()}

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """The inverse of `arrays`; names, types and shapes have been checked.

        Raises:
            ValueError: A number is out of range.
        """
        count, smoothed = int(arrays["count"]), float(arrays["smoothed_loss"])
        if not 0 <= count <= MOST or math.isnan(smoothed) or smoothed < 0:
            raise ValueError(f"rescue must have a count in [0, {MOST}] and a loss >= 0, got {count} and {smoothed}")
        set_tensors(self._copy, {name: arrays[f"copy.{name}"] for name in self._copy})
        self.count, self.smoothed_loss = count, smoothed
