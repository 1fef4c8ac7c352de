"""Figures over time: cooperation and payoff, mean and 95 % confidence band over the seeds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator
from scipy.special import stdtrit

from mpgg_agents.experiments import measures
from mpgg_agents.experiments.figure_data import FigureData
from mpgg_agents.experiments.style import BLACK, BLUE, GREY, VERMILION, new_figure
from mpgg_env.core.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes


POINTS: Final = 120
CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Curve:
    """How a measure is drawn."""

    label: str
    colour: str
    line: Any
    marker: str


COOPERATION_CURVES: Final = {
    "cooperation_free": Curve("$n<r$", BLUE, (0, (1.5, 0.8)), "^"),
    "cooperation_rate": Curve("all", BLACK, "-", "o"),
    "cooperation_dilemma": Curve("$n\\geq r$", VERMILION, (0, (4, 1)), "v"),
}
PAYOFF_CURVES: Final = {"mean_payoff": Curve("learners", BLUE, "-", "o")}


def cooperation_figure(data: FigureData) -> Figure:
    """Cooperation rate over the rounds: all agents, and those in casinos with n < r and with n >= r."""
    figure, axes = _time_axes(data, 2.3)
    _draw_curves(axes, data, COOPERATION_CURVES)
    points = curve_means(data)
    axes[0].plot(
        points["middle"], points["epsilon"] / 2, color=GREY, linewidth=0.8, label="exploration $\\varepsilon/2$"
    )
    axes[0].set_ylabel("cooperation rate")
    axes[0].set_ylim(0, 1)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, columnspacing=1.2)
    return figure


def payoff_figure(data: FigureData) -> Figure:
    """Payoff per agent and round, with the efficiency on the right axis and the social optimum named."""
    figure, axes = _time_axes(data, 2.3)
    _draw_curves(axes, data, PAYOFF_CURVES)
    random_play = _random_play(data)
    for panel in axes:
        panel.axhline(random_play, color=GREY, linewidth=0.8, linestyle=":", label="random play")
    axes[0].set_ylabel("payoff per agent and round")
    axes[0].set_ylim(bottom=min(0.0, axes[0].get_ylim()[0]))
    _add_efficiency(axes[-1], float(data.best_values.max()))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, columnspacing=1.2)
    return figure


def confidence_band(values: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean and 95 % confidence limits (Student's t) over axis 0, leaving NaN out.

    Args:
        values: One row per seed.

    Returns:
        Mean, lower and upper limit; the limits are NaN where fewer than two seeds have a value.
    """
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    enough = count > 1
    mean = np.where(known, values, 0).sum(axis=0) / np.where(count > 0, count, np.nan)
    squares = np.where(known, (values - mean) ** 2, 0).sum(axis=0)
    freedom = np.where(enough, count - 1, np.nan)
    half = stdtrit(np.where(enough, freedom, 1), (1 + CONFIDENCE) / 2) * np.sqrt(
        squares / freedom / np.maximum(count, 1)
    )
    return mean, mean - half, mean + half


def curve_means(data: FigureData) -> dict[str, FloatArray]:
    """The points of the curves: means over about 120 windows, with the `middle` round and the `epsilon` of each."""
    rounds = len(data.trained["round"])
    size = max(1, -(-rounds // POINTS))
    means = measures.window_means(data.trained, size)
    last = np.minimum(means["round"] + size, rounds)
    return {**means, "middle": (means["round"] + last) / 2, "epsilon": data.trained["epsilon"][means["round"]]}


def greedy_means(data: FigureData) -> dict[str, FloatArray]:
    """Means over all greedy rounds, (B, 1)."""
    return measures.window_means(data.greedy, len(data.greedy["round"]))


def _time_axes(data: FigureData, height: float) -> tuple[Figure, list["Axes"]]:
    """A figure with a panel for the training and, if there are any, a narrow one for the greedy rounds."""
    figure = new_figure(height)
    if not len(data.greedy["round"]):
        axes = [figure.subplots()]
    else:
        axes = list(figure.subplots(1, 2, sharey=True, width_ratios=[6, 1]))
        axes[1].set_xticks([0], ["greedy"])
        axes[1].set_xlim(-1, 1)
        axes[1].tick_params(left=False)
        axes[1].spines["left"].set_visible(False)
    axes[0].set_xlabel("round")
    axes[0].set_xlim(0, len(data.trained["round"]))
    axes[0].xaxis.set_major_locator(MaxNLocator(5))
    axes[0].xaxis.set_major_formatter(EngFormatter(sep=""))
    return figure, axes


def _draw_curves(axes: list["Axes"], data: FigureData, curves: Mapping[str, Curve]) -> None:
    points = curve_means(data)
    greedy = greedy_means(data) if len(axes) > 1 else {}
    offsets = np.linspace(-0.5, 0.5, len(curves)) if len(curves) > 1 else [0.0]
    for (measure, curve), offset in zip(curves.items(), offsets, strict=True):
        mean, low, high = confidence_band(points[measure])
        axes[0].plot(points["middle"], mean, color=curve.colour, linestyle=curve.line, label=curve.label)
        axes[0].fill_between(points["middle"], low, high, color=curve.colour, alpha=0.25, linewidth=0)
        if greedy:
            mean, low, high = confidence_band(greedy[measure])
            error = None if np.isnan(low[0]) else np.array([mean - low, high - mean])
            axes[1].errorbar(
                [offset], mean, error, color=curve.colour, marker=curve.marker, markersize=3, linewidth=1, capsize=1.5
            )


def _add_efficiency(axes: "Axes", highest: float) -> None:
    """A right axis in per cent of the social optimum; there is none where cooperating never pays."""
    if highest <= 0:
        return
    right = axes.twinx()
    low, high = axes.get_ylim()
    right.set_ylim(100 * low / highest, 100 * high / highest)
    right.set_ylabel("efficiency (% of optimum)")
    right.spines["right"].set_visible(True)
    right.spines["left"].set_visible(False)
    axes.tick_params(left=axes.spines["left"].get_visible())  # twinx has brought them back


def _random_play(data: FigureData) -> float:
    """Payoff per agent when half of the agents cooperate and all casinos are equally full."""
    return float(data.best_values.mean() / 2)
