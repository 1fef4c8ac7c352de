"""Games in which every move leads an agent to one place: the law of motion without the kernel's zeros."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import numpy as np

from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.games.mean_field.common.config import Episodic
from mpgg_env.games.mean_field.common.grid import agent_destination, kernel_of, second_moves
from mpgg_env.games.mean_field.common.motion import following_distribution
from mpgg_env.games.mean_field.common.rules import MeanFieldRules
from mpgg_env.games.mean_field.common.state import Array, Arrays

C = TypeVar("C", bound=Episodic)
FEW: Final = 16  # games, below which one product with the whole kernel is quicker than several short operations


class MovesRules(MeanFieldRules[C]):
    """Rules of games whose coalitions all move by one table, whatever the distributions.

    For many games at once numpy adds up what arrives in each state and multiplies by the noise, (S, S), which is a
    fifth of the work of the product with the kernel, (S D, S). With torch that would not be quicker.

    Args:
        config: Parameters of the game.
        table: Where each move ends, (S, D). Moves come in opposite pairs, and a blocked one is a stay.
        xp: The library: `numpy` or `torch`.
        asarray: Makes an array of that library.
        noise: Probability of a second move on a grid, in one of its four directions.
        empty: States in which nobody can be; the others are not left for them.

    Attributes:
        table: As given.
        noise: As given.
    """

    def __init__(
        self,
        config: C,
        table: IntArray,
        xp: Any,
        asarray: Callable[[Any], Array],
        *,
        noise: float = 0.0,
        empty: Sequence[int] = (),
    ) -> None:
        super().__init__(config, xp, asarray)
        self.table, self.noise = table, noise
        self._kernel = asarray(kernel_of(table, noise))
        self._arriving = arriving(table, empty) if xp is np else None
        self._ones = asarray(np.ones(len(table)))
        self._second = asarray(second_moves(table, noise)) if noise else None

    def kernels(self, distributions: Arrays) -> Arrays:
        """The same for all coalitions, whatever the distributions."""
        return (self._kernel,) * len(self.shapes)

    def following(self, distributions: Arrays, flows: Arrays) -> Arrays:
        """The distributions after a step, (B, S) each."""
        return tuple(self._following(self.movement(flow)) for flow in flows)

    def agent_next(
        self,
        coalition: int,
        place: IntArray,
        action: IntArray,
        uniform: FloatArray,
        distributions: Sequence[FloatArray],
    ) -> IntArray:
        """Where the number of the move leads, then perhaps a second move."""
        return agent_destination(self.table, place, action, uniform, self.noise)

    def _following(self, flow: Array) -> Array:
        if self._arriving is None or len(flow) < FEW:
            return following_distribution(flow, self._kernel)
        flat = flow.reshape(len(flow), -1)
        arrived = flat.take(self._arriving[0], axis=1)
        for pairs in self._arriving[1:]:
            arrived += flat.take(pairs, axis=1)
        following = arrived if self._second is None else arrived @ self._second
        # Sums of many short rows are quicker as a product.
        following /= (following @ self._ones)[:, None]
        return following


def arriving(table: IntArray, empty: Sequence[int] = ()) -> IntArray:
    """The pairs of state and move that end in each state, as numbers state * D + move, (D, S).

    There are as many for every state, since what is blocked on one way is blocked on the way back. The moves of agents
    who cannot be there count as stays, for the same reason.
    """
    states, moves = table.shape
    ends = np.where(np.isin(np.arange(states), empty)[:, None], np.arange(states)[:, None], table).ravel()
    assert (np.bincount(ends, minlength=states) == moves).all(), "these moves do not come in opposite pairs"
    return np.ascontiguousarray(np.argsort(ends, kind="stable").reshape(states, moves).T)
