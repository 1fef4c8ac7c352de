"""Occupancy and cooperation at the end, on the boards of some cells side by side."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from mpgg_agents.experiments.boards import EndBoard, beside, draw_board
from mpgg_agents.experiments.study.figures.labels import folded
from mpgg_agents.experiments.study.figures.multiples import shown_title
from mpgg_agents.experiments.style import COLUMN_INCHES, PAGE_INCHES, new_figure

MOST_BOARDS: Final = 8
MAX_HEIGHT: Final = 8.5


def occupancy_figure(
    boards: Sequence[EndBoard], titles: Sequence[str], *, title: str = "", wide: bool | None = None
) -> Figure:
    """Agents per casino in the upper row, shares of cooperators in the lower one.

    Args:
        boards: The boards, which may be of different sizes.
        titles: What stands above each.
        title: What stands above all.
        wide: Two columns wide; by default for more than three boards.

    Raises:
        ValueError: There is no board, or there are too many.
    """
    if not 1 <= len(boards) <= MOST_BOARDS:
        raise ValueError(f"boards must be 1 to {MOST_BOARDS} cells; choose by where, got {len(boards)}")
    width = PAGE_INCHES if (len(boards) > 3 if wide is None else wide) else COLUMN_INCHES
    figure = new_figure(_height(boards, width), "compressed", width)
    alike = all(board.axes == boards[0].axes for board in boards)
    grid = figure.subplots(2, len(boards), squeeze=False, sharex=alike, sharey=alike)
    most = max(float(board.occupancy.max()) for board in boards)
    highest = max(float(np.nanmax(board.cooperation)) for board in boards)
    rows = (("occupancy", "viridis", most), ("cooperation", "cividis", highest or 1.0))
    labels = ("occupancy\n(agents)", "cooperation\nrate")
    for panels, (name, colours, top), label in zip(grid, rows, labels, strict=True):
        norm = Normalize(0, top)
        for axes, board in zip(panels, boards, strict=True):
            image = draw_board(axes, board.axes, getattr(board, name), colours, norm)
        bar = figure.colorbar(image, ax=list(panels), aspect=12, pad=0.02)
        bar.set_label(label, fontsize=7, **beside(boards[0].axes.shape))
    for axes, text in zip(grid[0], titles, strict=True):
        axes.set_title(folded(text, (width - 1.1) / len(boards)), fontsize=7)
    figure.supxlabel(boards[0].axes.column_title, fontsize=8)
    figure.supylabel(boards[0].axes.row_title, fontsize=8)
    if title:
        figure.suptitle(shown_title(figure, title), fontsize=8)
    return figure


def _height(boards: Sequence[EndBoard], width: float) -> float:
    """Inches for two rows of square cells in this width, with their labels."""
    steepest = max(board.axes.shape[0] / board.axes.shape[1] for board in boards)
    cells = ((width - 1.1) / len(boards) - 0.1) * steepest
    return min(max(2 * (cells + 0.2) + 0.6, 1.5), MAX_HEIGHT)
