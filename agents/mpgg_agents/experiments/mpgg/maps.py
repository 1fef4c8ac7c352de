"""Figures of the board: occupancy and cooperation at named times, and the net flow between casinos."""

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from mpgg_agents.experiments.boards import beside, draw_board
from mpgg_agents.experiments.mpgg.figure_data import FigureData
from mpgg_agents.experiments.mpgg.flows import Flow, block_drift, net_flows
from mpgg_agents.experiments.mpgg.measures import Phase, group_windows
from mpgg_agents.experiments.style import COLUMN_INCHES, VERMILION, new_figure
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mpgg.config import MPGGConfig

if TYPE_CHECKING:
    from matplotlib.axes import Axes


MAX_HEIGHT: Final = 7.0
MAX_ARROW_BOARD: Final = 12
FAINTEST: Final = 0.04  # flows below this share of the strongest one are noise to the eye

# The dark end of the map would hide the arrows.
_PALE_BLUES: Final = ListedColormap(colormaps["Blues"](np.linspace(0.02, 0.6, 128)))


def board_figure(data: FigureData) -> Figure:
    """Occupancy and cooperation on the (gain, cost) board at the start, in the middle, at the end, and greedy."""
    times, rounds = named_times(data), time_labels(data)
    figure = new_figure(_height(data, len(times), 2), "compressed")
    grid = figure.subplots(2, len(times), sharex=True, sharey=True, squeeze=False)
    highest = max(float(occupancy.max()) for occupancy, _ in times.values())
    shares = {name: cooperation_share(cooperators, occupancy) for name, (occupancy, cooperators) in times.items()}
    most = max(float(np.nanmax(share)) for share in shares.values())
    for column, (name, (occupancy, _)) in enumerate(times.items()):
        upper = draw_board(grid[0, column], data.board, occupancy, "viridis", Normalize(0, highest))
        lower = draw_board(grid[1, column], data.board, shares[name], "cividis", Normalize(0, most or 1.0))
        grid[0, column].set_title(f"{name}\n{rounds[name]}")
    for image, row, label in ((upper, grid[0], "occupancy\n(agents)"), (lower, grid[1], "cooperation\nrate")):
        bar = figure.colorbar(image, ax=row, aspect=12, pad=0.02)
        bar.set_label(label, fontsize=7, **beside(data.config.grid_shape))
    _label_axes(figure, data)
    return figure


def corridor_figure(data: FigureData) -> Figure:
    """Net migration between casinos over their occupancy, in the last quarter of the training and greedy."""
    panels = {"last quarter of training": _phase_means(data, "train", 0.25)}
    if len(data.greedy["round"]):
        panels["greedy rounds"] = _phase_means(data, "greedy", 1.0)
    figure = new_figure(_height(data, len(panels), 1) + 0.2, "compressed")
    axes = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
    highest = max(float(occupancy.max()) for occupancy, _ in panels.values())
    strongest = max(strongest_flow(data.config, moves) for _, moves in panels.values())
    for panel, (name, (occupancy, moves)) in zip(axes, panels.items(), strict=True):
        image = draw_board(panel, data.board, occupancy, _PALE_BLUES, Normalize(0, highest))
        _draw_flows(panel, data.config, moves, strongest)
        panel.set_title(name)
    figure.colorbar(
        image, ax=list(axes), label="agents per casino", aspect=16, pad=0.02, ticks=MaxNLocator(5, integer=True)
    )
    _label_axes(figure, data)
    figure.suptitle(f"thickest arrow: net {strongest:.2g} agents per round", fontsize=7)
    return figure


def strongest_flow(config: MPGGConfig, moves: FloatArray) -> float:
    """The largest net flow that the corridor figure draws, in agents per round, from moves (M, n_moves)."""
    if max(config.grid_shape) > MAX_ARROW_BOARD:
        _, _, right, up = block_drift(config, moves, MAX_ARROW_BOARD)
        return float(np.hypot(right, up).max())
    return max((flow.agents for flow in net_flows(config, moves)), default=0.0)


def named_times(data: FigureData) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Occupancy and cooperators (M,), means over the seeds and over a hundredth of the training each.

    The times are start, middle and end of the training, and all greedy rounds.
    """
    times = {name: _span_means(data, "train", span) for name, span in _named_spans(data).items()}
    if len(data.greedy["round"]):
        times["greedy"] = _span_means(data, "greedy", slice(None))
    return times


def time_labels(data: FigureData) -> dict[str, str]:
    """The rounds of each of the `named_times`."""
    number = EngFormatter(sep="")
    edges = np.append(data.casinos["train"]["round"], data.rounds["train"])
    labels = {
        name: f"{number(edges[span.start])}\N{EN DASH}{number(edges[span.stop])}"
        for name, span in _named_spans(data).items()
    }
    return {**labels, "greedy": f"{number(data.rounds['greedy'])} rounds"}


def _named_spans(data: FigureData) -> dict[str, slice]:
    """Windows of the named times of the training."""
    windows = len(data.casinos["train"]["round"])
    group = max(1, -(-windows // 100))
    middle = max(0, min(windows // 2, windows - group))
    return {
        "start": slice(0, group),
        "middle": slice(middle, middle + group),
        "end": slice(windows - group, windows),
    }


def _span_means(data: FigureData, phase: Phase, span: slice) -> tuple[FloatArray, FloatArray]:
    return _mean(data, phase, "occupancy", span), _mean(data, phase, "cooperators", span)


def _phase_means(data: FigureData, phase: Phase, share: float) -> tuple[FloatArray, FloatArray]:
    """Mean occupancy (M,) and moves (M, n_moves) of the last `share` of a phase."""
    windows = len(data.lengths(phase))
    span = slice(windows - max(1, round(windows * share)), windows)
    return _mean(data, phase, "occupancy", span), _mean(data, phase, "moves", span)


def _mean(data: FigureData, phase: Phase, name: str, span: slice) -> FloatArray:
    lengths = data.lengths(phase)[span]
    series = data.casinos[phase][name][:, span]
    means: FloatArray = group_windows(series, lengths, len(lengths))[:, 0].mean(axis=0)
    return means


def cooperation_share(cooperators: FloatArray, occupancy: FloatArray) -> FloatArray:
    """Share of cooperators among the agents of each casino, NaN where there are none."""
    unknown = np.full(occupancy.shape, np.nan)
    share: FloatArray = np.divide(cooperators, occupancy, out=unknown, where=occupancy > 0)
    return share


def _height(data: FigureData, across: int, down: int) -> float:
    """Inches for `down` rows of `across` boards in a column's width, with their labels."""
    rows, columns = data.config.grid_shape
    cells = ((COLUMN_INCHES - 1.1) / across - 0.1) * rows / columns
    return min(max(down * (cells + 0.12) + 0.6, 1.3), MAX_HEIGHT)


def _label_axes(figure: Figure, data: FigureData) -> None:
    figure.supxlabel(data.board.column_title, fontsize=8)
    figure.supylabel(data.board.row_title, fontsize=8)


def _draw_flows(axes: "Axes", config: MPGGConfig, moves: FloatArray, strongest: float) -> None:
    """Draws the net flows, those as large as `strongest` with the thickest arrow."""
    rows, columns = config.grid_shape
    if max(rows, columns) > MAX_ARROW_BOARD:
        column, row, right, up = block_drift(config, moves, MAX_ARROW_BOARD)
        axes.quiver(column, row, right, up, color=VERMILION, pivot="middle", width=0.012, scale=12 * strongest or 1)
        return
    for flow in sorted(net_flows(config, moves), key=lambda flow: flow.agents):
        if flow.agents > FAINTEST * strongest:
            _draw_arrow(axes, flow, flow.agents / strongest)
    margin = 0.4 if config.boundary == "torus" and config.moves != "anywhere" else 0.0
    axes.tick_params(length=0)
    axes.set_xlim(-0.5 - margin, columns - 0.5 + margin)
    axes.set_ylim(-0.5 - margin, rows - 0.5 + margin)


def _draw_arrow(axes: "Axes", flow: Flow, strength: float) -> None:
    """An arrow between the centres of two casinos; one that wraps around the board points over its edge."""
    row, column = flow.start
    up, right = flow.step
    axes.annotate(
        "",
        xy=(column + 0.8 * right, row + 0.8 * up),
        xytext=(column + 0.2 * right, row + 0.2 * up),
        annotation_clip=False,
        arrowprops={
            "arrowstyle": f"-|>,head_length={0.12 + 0.18 * strength:.3f},head_width={0.06 + 0.12 * strength:.3f}",
            "color": VERMILION,
            "linewidth": 0.3 + 1.7 * strength,
            "shrinkA": 0,
            "shrinkB": 0,
        },
    )
