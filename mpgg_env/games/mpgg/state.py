"""The state of the game: one record of arrays for B replicas of N agents on M casinos."""

from dataclasses import dataclass
from typing import Literal

from mpgg_env.core.types import Int8Array, IntArray

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
