"""The dual replay buffers of independent Q-learning ([MPGG2025] section 2.2.3, "experience replay")."""

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass

Legal = tuple[int, ...]


@dataclass(slots=True)
class Transition:
    """One step of one table.

    Attributes:
        observation: Key of the observation in which the action was chosen.
        action: The action.
        reward: Its reward; a move is paid by a game that lies after it.
        next_observation: Key of the next observation of the same kind.
        next_legal: Actions that are legal there.
        next_action: Action taken there; None until it is chosen.
    """

    observation: Hashable
    action: int
    reward: float
    next_observation: Hashable
    next_legal: Legal
    next_action: int | None = None


class DualReplayBuffer:
    """`buffer_G` for games, cleared every round, and `buffer_M` for moves, which are complete one round later.

    With a capacity of 1, the source's case, either buffer hands its newest transition on once. With more it
    keeps the last `capacity` transitions of its kind, and the two operations below leave them alone.
    """

    def __init__(self, capacity: int) -> None:
        self.buffer_G: deque[Transition] = deque(maxlen=capacity)
        self.buffer_M: deque[Transition] = deque(maxlen=capacity)
        self._replays = capacity > 1

    def clear_games(self) -> None:
        """`buffer_G.clear()` of the source: a game's transition is used in one round only."""
        if not self._replays:
            self.buffer_G.clear()

    def advance_moves(self) -> None:
        """`buffer_M.advance_step()` of the source: last round's move is done, this round's waits for its reward."""
        if not self._replays:
            self.buffer_M.clear()

    @staticmethod
    def sample_batch(buffer: deque[Transition], size: int, draw: Callable[[int, int], int]) -> list[Transition]:
        """`size` transitions drawn uniformly with replacement, none from an empty buffer.

        `draw(j, n)` is the j-th random index below n.
        """
        return [buffer[draw(j, len(buffer))] for j in range(size)] if buffer else []
