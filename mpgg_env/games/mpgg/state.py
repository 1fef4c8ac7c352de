"""The state of the game: one record of arrays for B replicas of N agents on M casinos."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from mpgg_env.core.types import Int8Array, IntArray
from mpgg_env.core.validation import check_choice, check_integer

Phase = Literal["game", "migration"]


@dataclass(slots=True)
class MPGGState:
    """State of B replicas that play the same phase at the same time.

    Attributes:
        positions: Casino of each agent, (B, N).
        last_actions: Last game action of each agent (0 = D, 1 = C), (B, N); 0 before the first game.
        occupancy: Agents in each casino, (B, M).
        cooperators: Present members of each casino whose last game action was C, (B, M): in the migration
            phase the cooperators of the game just played.
        phase: The phase that comes next.
        round: Rounds completed since the reset; a round is a game and a migration.
    """

    positions: IntArray
    last_actions: Int8Array
    occupancy: IntArray
    cooperators: IntArray
    phase: Phase
    round: int

    def copy(self) -> "MPGGState":
        """A state that shares no memory with this one."""
        return MPGGState(
            positions=self.positions.copy(),
            last_actions=self.last_actions.copy(),
            occupancy=self.occupancy.copy(),
            cooperators=self.cooperators.copy(),
            phase=self.phase,
            round=self.round,
        )

    def check(self, shape: tuple[int, int], n_casinos: int) -> None:
        """Checks a record that comes from outside: the compiled loops trust it, and a wrong position would crash them.

        Args:
            shape: Replicas and agents, (B, N).
            n_casinos: Number of casinos M.

        Raises:
            ValueError: A shape or value is wrong, or the counts are not those of the agents.
            TypeError: An array has the wrong element type, or the round is no integer.
        """
        check_array("positions", self.positions, np.int64, shape, n_casinos - 1)
        check_array("last_actions", self.last_actions, np.int8, shape, 1)
        check_array("occupancy", self.occupancy, np.int64, (shape[0], n_casinos))
        check_array("cooperators", self.cooperators, np.int64, (shape[0], n_casinos))
        for b, (casinos, cooperates) in enumerate(zip(self.positions, self.last_actions, strict=True)):
            if (np.bincount(casinos, minlength=n_casinos) != self.occupancy[b]).any():
                raise ValueError("occupancy must count the agents at each of the positions")
            if (np.bincount(casinos[cooperates == 1], minlength=n_casinos) != self.cooperators[b]).any():
                raise ValueError("cooperators must count the agents at each of the positions whose last action is C")
        check_choice("phase", self.phase, get_args(Phase))
        check_integer("round", self.round, 0)


def check_array(name: str, array: Any, dtype: type[np.generic], shape: tuple[int, ...], maximum: int = 2**31) -> None:
    """Checks the element type, the shape and the values, in [0, `maximum`], of an array that comes from outside."""
    if not isinstance(array, np.ndarray) or array.dtype != dtype:
        kind = f"an array of {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
        raise TypeError(f"{name} must be an array of {dtype.__name__}, got {kind}")
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    wrong = array[(array < 0) | (array > maximum)]
    if wrong.size:
        raise ValueError(f"{name} must be in [0, {maximum}], got {wrong[0]}")
