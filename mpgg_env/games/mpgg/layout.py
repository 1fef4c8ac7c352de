"""The geometry of the board's picture: its axes, and where everything goes, as functions of the configuration."""

import functools
import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mpgg_env.core.drawing import text_width
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.rules import casino_costs, casino_gains

# All lengths are pixels. Cells shrink from BIGGEST_CELL so that the board stays comfortable; where they would get
# too small for text, the board grows to LARGEST_BOARD first, and only then do the cells shrink further.
COMFORTABLE_BOARD: Final = 480
LARGEST_BOARD: Final = 960
BIGGEST_CELL: Final = 160
READABLE_CELL: Final = 48
NARROWEST_FRAME: Final = 480
TITLE_HEIGHT: Final = 44
AXIS_HEIGHT: Final = 50
LEGEND_HEIGHT: Final = 62
MARGIN: Final = 20
NAME_SIZE: Final = 15
TICK_SIZE: Final = 13

# (smallest cell, height of its caption, size of the number, size of the share)
CAPTIONS: Final = ((130, 34, 22, 17), (72, 26, 17, 13), (40, 15, 11, 10), (22, 11, 9, 9))
WIDEST_SHARE: Final = "100%"
CROWD: Final = 4  # a disc is full at this multiple of the mean occupancy


@dataclass(frozen=True, slots=True)
class Axis:
    """Name of an axis of the board and the label of each of its rows or columns, from low to high."""

    name: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything goes, in pixels: a function of the configuration alone, so that frames make an animation.

    Attributes:
        rows: Rows of cells.
        columns: Columns of cells.
        block: Casinos along each side of a cell; above 1 only on boards with more casinos than pixels.
        cell: Side of a cell.
        left: Left edge of the board.
        top: Upper edge of the board.
        width: Width of the frame.
        height: Height of the frame.
        caption: Height of the text at the bottom of each cell; 0 for no text.
        number_size: Size of the number of agents.
        share_size: Size of the share of cooperators; 0 when there is no room for it.
        full: Agents in a cell whose disc is full.
    """

    rows: int
    columns: int
    block: int
    cell: int
    left: int
    top: int
    width: int
    height: int
    caption: int
    number_size: int
    share_size: int
    full: float

    @property
    def bottom(self) -> int:
        """Lower edge of the board."""
        return self.top + self.rows * self.cell

    @property
    def largest_radius(self) -> float:
        """Radius of a full disc."""
        return max((self.cell - self.caption - 1) / 2 - self.cell / 24, 0.5)

    def radii(self, agents: Any) -> Any:
        """Radius of the disc of a cell with so many agents: the area is proportional to them until it is full."""
        # A floor of one pixel: a lone agent on a big board would be invisible.
        return np.maximum(self.largest_radius * np.sqrt(np.minimum(agents / self.full, 1.0)), np.minimum(agents, 1.0))


@functools.lru_cache(maxsize=16)
def axes(config: MPGGConfig) -> tuple[Axis, Axis]:
    """The vertical axis (cost) and the horizontal axis (gain factor).

    Given costs may differ within a row: then its label is the row's index and the axis says so; gains likewise.
    """
    rows, columns = config.grid_shape
    costs = casino_costs(config).reshape(rows, columns)
    gains = casino_gains(config).reshape(rows, columns)
    if (costs == costs[:, :1]).all():
        vertical = Axis("cost c", _labels(costs[:, 0]))
    else:
        vertical = Axis("row (cost c varies)", tuple(map(str, range(rows))))
    if (gains == gains[:1]).all():
        return vertical, Axis("gain factor r", _labels(gains[0]))
    return vertical, Axis("column (gain factor r varies)", tuple(map(str, range(columns))))


def _labels(values: FloatArray) -> tuple[str, ...]:
    """The values with three digits where they need them, all with equally many decimals."""
    texts = [f"{value:.3g}" for value in values]
    if any("e" in text for text in texts):
        return tuple(texts)
    decimals = max(len(text.partition(".")[2]) for text in texts)
    return tuple(f"{value:.{decimals}f}" for value in values)


@functools.lru_cache(maxsize=16)
def board_layout(config: MPGGConfig) -> Layout:
    """The geometry of every frame of this game."""
    longest = max(config.grid_shape)
    block = -(-longest // LARGEST_BOARD)
    rows, columns = (-(-side // block) for side in config.grid_shape)
    longest = max(rows, columns)
    readable = min(READABLE_CELL, LARGEST_BOARD // longest)
    cell = min(BIGGEST_CELL, max(COMFORTABLE_BOARD // longest, readable))
    caption, number_size, share_size = _caption_sizes(cell, config.n_players)
    labels = max(text_width(label, TICK_SIZE) for label in axes(config)[0].labels)
    before = MARGIN + NAME_SIZE + labels + 16
    width = max(NARROWEST_FRAME, before + columns * cell + MARGIN)
    panel = max(rows * cell, text_width(axes(config)[0].name, NAME_SIZE))
    return Layout(
        rows=rows,
        columns=columns,
        block=block,
        cell=cell,
        left=before + (width - before - columns * cell - MARGIN) // 2,
        top=TITLE_HEIGHT + (panel - rows * cell) // 2,
        width=width,
        height=TITLE_HEIGHT + panel + AXIS_HEIGHT + LEGEND_HEIGHT,
        caption=caption,
        number_size=number_size,
        share_size=share_size,
        full=_full_occupancy(config) * block * block,
    )


def _caption_sizes(cell: int, n_agents: int) -> tuple[int, int, int]:
    """Height of the captions and sizes of number and share, 0 for what finds no room in any frame of this game."""
    widest_number = "88.8" if n_agents < 1000 else "88.8k"
    for smallest, caption, number_size, share_size in CAPTIONS:
        if cell < smallest:
            continue
        number = text_width(widest_number, number_size)
        if number + text_width(WIDEST_SHARE, share_size) + 6 <= cell:
            return caption, number_size, share_size
        if number + 2 <= cell:
            return caption, number_size, 0
    return 0, 0, 0


def _full_occupancy(config: MPGGConfig) -> int:
    """Agents in a casino whose disc is full: a crowd, but never more than there are."""
    crowd = max(math.ceil(CROWD * config.n_players / config.n_casinos), CROWD)
    return min(config.n_players, crowd)
