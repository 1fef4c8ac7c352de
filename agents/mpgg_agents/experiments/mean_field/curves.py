"""Figures of curves over the training: test returns, exploitability, and in the MPGG cooperation."""

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from mpgg_agents.experiments.bands import Curve, draw_band
from mpgg_agents.experiments.mean_field.figure_data import MeanFieldFigureData
from mpgg_agents.experiments.style import BLACK, BLUE, GREEN, GREY, VERMILION, new_figure
from mpgg_agents.training_record import SNAPSHOT_ROUNDS
from mpgg_env.core.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLES: Final = (
    *((BLUE, "-", "o"), (VERMILION, (0, (4, 1)), "v"), (GREEN, (0, (1.5, 0.8)), "^")),
    *((BLACK, (0, (4, 1, 1, 1)), "s"), (GREY, (0, (6, 2)), "D")),
)
_GAINS: Final = {
    "lower_bound": Curve("best response found", *STYLES[0]),
    "exact": Curve("exact", *STYLES[1]),
    "upper_bound": Curve("upper bound", *STYLES[1]),
    "replayed_lower": Curve("from replays, at least", *STYLES[2]),
    "replayed_upper": Curve("from replays, at most", *STYLES[3]),
}
_SHARES: Final = {
    "cooperation": Curve("cooperation", *STYLES[0]),
    "welfare": Curve("welfare / optimum", *STYLES[1]),
    "best_casino": Curve("mass in the best casino", *STYLES[2]),
    "own_share": Curve("own share", *STYLES[3]),
}


def returns_figure(data: MeanFieldFigureData) -> Figure:
    """Test returns of each coalition, means over the testing set."""
    returns = np.nanmean(data.evaluation["returns"], axis=-1)
    coalitions = returns.shape[-1]
    figure = new_figure(1.0 + 0.95 * min(coalitions, len(STYLES)))
    panels = figure.subplots(coalitions, 1, sharex=True, squeeze=False)[:, 0]
    for i, axes in enumerate(panels):
        style = STYLES[i % len(STYLES)]
        draw_band(axes, Curve("", *style), data.evaluation[SNAPSHOT_ROUNDS], returns[:, :, i], markers=True)
        axes.set_ylabel(f"coalition {i}")
        _set_limits(axes, returns[:, :, i])
    figure.supylabel("test return", fontsize=8)
    _set_rounds(panels[-1], data)
    return figure


def exploitability_figure(data: MeanFieldFigureData) -> Figure:
    """What a coalition could gain, mean over coalitions and the testing set."""
    known = {name: curve for name, curve in _GAINS.items() if not np.isnan(data.evaluation[name]).any()}
    figure = new_figure(2.2)
    axes = figure.subplots()
    highest = 0.0
    for name, curve in known.items():
        values = data.evaluation[name].mean(axis=(2, 3))
        highest = max(highest, float(values.max()))
        draw_band(axes, curve, data.evaluation[SNAPSHOT_ROUNDS], values, markers=True)
    axes.set_ylabel("gain by deviating")
    axes.set_ylim(0.0, 1.15 * highest or 1.0)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    _set_rounds(axes, data)
    return figure


def cooperation_figure(data: MeanFieldFigureData) -> Figure:
    """Cooperation, welfare and where the agents are in the MPGG, means over the testing set."""
    figure = new_figure(2.3)
    axes = figure.subplots()
    for name, curve in _SHARES.items():
        values = np.nanmean(data.evaluation[name], axis=-1)
        draw_band(axes, curve, data.evaluation[SNAPSHOT_ROUNDS], values, markers=True)
    axes.set_ylabel("share")
    axes.set_ylim(min(0.0, axes.get_ylim()[0]), 1.02)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2, columnspacing=1.2)
    _set_rounds(axes, data)
    return figure


def _set_limits(axes: "Axes", values: FloatArray) -> None:
    """Shows all values, not the whole band, which is very wide where there are two seeds."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    height = high - low or 1.0
    axes.set_ylim(low - 0.1 * height, high + 0.1 * height)


def _set_rounds(axes: "Axes", data: MeanFieldFigureData) -> None:
    rounds = len(data.metrics["round"])
    axes.set_xlabel("training round")
    axes.set_xlim(0, 1.02 * rounds)  # the last marker whole
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
