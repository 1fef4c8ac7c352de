"""The distributions of an episode: boards over time, or in games of few states their shares."""

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from mpgg_agents.experiments.mean_field.curves import STYLES
from mpgg_agents.experiments.mean_field.figure_data import MeanFieldFigureData
from mpgg_agents.experiments.style import BLACK, VERMILION, new_figure
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.picture import Board, Edge, Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

COLOURS: Final = "Blues"
TIMES: Final = 5


def distributions_figure(data: MeanFieldFigureData) -> Figure:
    """Where the agents of each coalition are in the course of one episode of the testing set."""
    paths = [path for name, path in data.evolution.items() if name.startswith("coalition_")]
    rules = MeanFieldBatch(data.game).rules
    picture, context = rules.picture(), rules.testing_set().context
    if picture.board is None:
        return _shares_figure(paths, picture)
    return _boards_figure(paths, picture.board, None if context is None else int(context[0]))


def _boards_figure(paths: list[FloatArray], board: Board, context: int | None) -> Figure:
    times = shown_times(len(paths[0]) - 1)
    figure = new_figure(0.75 * len(paths) + 0.3, "compressed")
    panels = figure.subplots(len(paths), len(times), squeeze=False)
    # The largest mass of all but the start, which may stand in one cell and would leave everything else pale.
    highest = float(max(path[times[1:]].max() for path in paths))
    for i, (row, path) in enumerate(zip(panels, paths, strict=True)):
        for axes, time in zip(row, times, strict=True):
            image = _draw_board(axes, board.laid_out(path[time]), highest)
            _draw_marks(axes, board, i, context)
        row[0].set_ylabel(str(i))
    figure.supylabel("coalition", fontsize=8)
    for axes, time in zip(panels[0], times, strict=True):
        axes.set_title(f"$t = {time}$")
    figure.colorbar(image, ax=panels, label="share of its agents", fraction=0.04, pad=0.02, extend="max")
    return figure


def shown_times(last: int) -> list[int]:
    """The times of the boards: 0, the last one, and in between at equal ratios, since most happens early."""
    middle = np.geomspace(1, last, TIMES - 1).round().astype(int)
    return sorted({0, *middle.tolist(), last})


def _draw_board(axes: "Axes", shares: FloatArray, highest: float) -> "AxesImage":
    image = axes.imshow(shares, cmap=COLOURS, vmin=0.0, vmax=highest, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[["top", "right"]].set_visible(True)
    return image


def _draw_marks(axes: "Axes", board: Board, coalition: int, context: int | None) -> None:
    for edge in board.walls:
        _draw_wall(axes, edge)
    for row, column in board.forbidden:
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor="0.75", hatch="////", edgecolor="0.4"))
    for row, column in board.targets_of(coalition):
        frame = Rectangle((column - 0.42, row - 0.42), 0.84, 0.84, fill=False, edgecolor=VERMILION, linewidth=0.8)
        axes.add_patch(frame)
    home = np.array(list(board.home_of(coalition, context)))
    if len(home):
        (top, left), (bottom, right) = home.min(0), home.max(0)
        width, height = right - left + 0.6, bottom - top + 0.6
        axes.add_patch(
            Rectangle((left - 0.3, top - 0.3), width, height, fill=False, edgecolor=VERMILION, linewidth=0.8)
        )


def _draw_wall(axes: "Axes", edge: Edge) -> None:
    """A line on the common edge of two cells."""
    (row, column), (other_row, other_column) = sorted(edge)
    if row == other_row:
        axes.plot([other_column - 0.5] * 2, [row - 0.5, row + 0.5], color=BLACK, linewidth=1.0)
    else:
        axes.plot([column - 0.5, column + 0.5], [other_row - 0.5] * 2, color=BLACK, linewidth=1.0)


def _shares_figure(paths: list[FloatArray], picture: Picture) -> Figure:
    figure = new_figure(0.5 + 1.05 * len(paths))
    panels = figure.subplots(len(paths), 1, sharex=True, squeeze=False)[:, 0]
    for i, (axes, path) in enumerate(zip(panels, paths, strict=True)):
        for state, name in enumerate(picture.names[i]):
            colour, line, marker = STYLES[state % len(STYLES)]
            axes.plot(path[:, state], color=colour, linestyle=line, marker=marker, markersize=2.5, label=name)
        axes.set_ylabel(f"coalition {i}")
        axes.set_ylim(-0.03, 1.03)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), title="state")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    figure.supylabel("share of its agents", fontsize=8)
    panels[-1].set_xlabel("step $t$")
    return figure
