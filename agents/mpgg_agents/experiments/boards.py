"""Boards of casinos as pictures, one coloured cell per casino."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from matplotlib import colormaps
from matplotlib.colors import Colormap, Normalize

from mpgg_env.core.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

EMPTY_COLOUR: Final = "#D9D9D9"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardAxes:
    """What stands beside a board.

    Attributes:
        shape: Rows and columns.
        row_labels: A label for each row.
        column_labels: A label for each column.
        row_title: What the row labels are.
        column_title: What the column labels are.
    """

    shape: tuple[int, int]
    row_labels: Sequence[str]
    column_labels: Sequence[str]
    row_title: str
    column_title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndBoard:
    """Where agents are in the end, and what they do there, means over the seeds.

    Attributes:
        axes: What stands beside the board.
        occupancy: Agents in each casino, (M,).
        cooperation: Share of cooperators among them, (M,), NaN where nobody is.
    """

    axes: BoardAxes
    occupancy: FloatArray
    cooperation: FloatArray


def draw_board(axes: "Axes", board: BoardAxes, values: FloatArray, colours: str | Colormap, norm: Normalize) -> Any:
    """One coloured cell for each of the values (M,), row 0 (the lowest cost) at the bottom; empty casinos are grey."""
    colours = colormaps[colours] if isinstance(colours, str) else colours
    shown = colours.with_extremes(bad=EMPTY_COLOUR)
    image = axes.imshow(values.reshape(board.shape), origin="lower", cmap=shown, norm=norm)
    rows, columns = board.shape
    _set_ticks(axes.yaxis, board.row_labels, -(-(rows - 1) // 2))
    crowded = columns < 5 or max(map(len, board.column_labels)) > 3  # three labels would run into each other
    _set_ticks(axes.xaxis, board.column_labels, columns - 1 if crowded else -(-(columns - 1) // 2))
    axes.tick_params(length=1.5, pad=1.5)
    axes.spines[:].set_visible(False)
    return image


def beside(shape: tuple[int, int]) -> dict[str, Any]:
    """How the label of a colour bar stands: upright beside flat boards, where two of them would overlap."""
    rows, columns = shape
    return {"rotation": 0, "ha": "left", "va": "center"} if rows < 0.8 * columns else {}


def _set_ticks(axis: "Axis", labels: Sequence[str], step: int) -> None:
    ticks = range(0, len(labels), max(step, 1))
    axis.set_ticks(list(ticks), [labels[tick] for tick in ticks])
