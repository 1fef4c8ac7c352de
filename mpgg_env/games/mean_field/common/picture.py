"""What a picture of a game shows beside the distributions."""

from collections.abc import Collection
from dataclasses import dataclass

from mpgg_env.core.types import FloatArray
from mpgg_env.games.mean_field.common.grid import Cell

Edge = frozenset[Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A grid of cells that are the states of all coalitions, row 0 on top.

    Attributes:
        shape: Rows and columns.
        walls: Pairs of neighbouring cells with a wall between them.
        doors: Pairs of neighbouring cells with a door between them.
        forbidden: Cells in which nobody can be.
        targets: For each coalition the cells it should go to.
        homes: For each coalition and context the cells it should stay in.
        rows: What the rows are called and their labels, if they mean something.
        columns: The same for the columns.
        best: The cells that are best for everybody.
        upward: Whether the first states are those of the lowest row. Cells count rows from the top all the same.
    """

    shape: tuple[int, int]
    walls: Collection[Edge] = ()
    doors: Collection[Edge] = ()
    forbidden: Collection[Cell] = ()
    targets: tuple[Collection[Cell], ...] = ()
    homes: tuple[tuple[Collection[Cell], ...], ...] = ()
    rows: tuple[str, tuple[str, ...]] = ("", ())
    columns: tuple[str, tuple[str, ...]] = ("", ())
    best: Collection[Cell] = ()
    upward: bool = False

    def laid_out(self, masses: FloatArray) -> FloatArray:
        """A distribution (S,) as it is drawn, (rows, columns), the highest row first."""
        rows = masses.reshape(self.shape)
        return rows[::-1] if self.upward else rows

    def targets_of(self, coalition: int) -> Collection[Cell]:
        """The cells that a coalition should go to."""
        return self.targets[coalition] if self.targets else ()

    def home_of(self, coalition: int, context: int | None) -> Collection[Cell]:
        """The cells that a coalition should stay in."""
        if context is None or not self.homes or not self.homes[coalition]:
            return ()
        return self.homes[coalition][context]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """How a game is drawn.

    Attributes:
        title: Name of the game.
        roles: What each coalition is after, in a few words.
        board: The grid that the states are, if they are one.
        names: Otherwise the names of each coalition's states.
    """

    title: str
    roles: tuple[str, ...]
    board: Board | None = None
    names: tuple[tuple[str, ...], ...] = ()
