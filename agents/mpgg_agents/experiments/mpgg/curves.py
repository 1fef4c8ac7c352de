"""Figures of curves, mean and 95 % confidence band over the seeds: measures over time, and synergy over thresholds."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from mpgg_agents.experiments.bands import Curve, draw_band
from mpgg_agents.experiments.mpgg import measures
from mpgg_agents.experiments.mpgg.figure_data import FigureData
from mpgg_agents.experiments.mpgg.measures import Phase
from mpgg_agents.experiments.statistics import confidence_band
from mpgg_agents.experiments.style import BLACK, BLUE, GREEN, GREY, VERMILION, new_figure
from mpgg_env.analysis import metrics
from mpgg_env.analysis.metrics_structure import corridor_indices
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mpgg.mechanisms import terms_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


POINTS: Final = 120


COOPERATION_CURVES: Final = {
    "cooperation_free": Curve("$n<r$", BLUE, (0, (1.5, 0.8)), "^"),
    "cooperation_rate": Curve("all", BLACK, "-", "o"),
    "cooperation_dilemma": Curve("$n\\geq r$", VERMILION, (0, (4, 1)), "v"),
}
PAYOFF_CURVES: Final = {"mean_payoff": Curve("learners", BLUE, "-", "o")}
UNSPONSORED_CURVES: Final = {"unsponsored": Curve("without the sponsor", VERMILION, (0, (4, 1)), "v")}
STRUCTURE_CURVES: Final = {
    "seat_use": Curve("seats taken", BLUE, "-", "o"),
    "overcrowding": Curve("agents above $\\lfloor r\\rfloor$", VERMILION, (0, (4, 1)), "v"),
    "I_v": Curve("good casinos $I_v$", GREEN, (0, (1.5, 0.8)), "^"),
    "concentration": Curve("concentration", BLACK, (0, (4, 1, 1, 1)), "s"),
}
SYNERGY_CURVES: Final = {
    "survival": Curve("survival", BLUE, "-", "o"),
    "migration_gain": Curve("gain", VERMILION, "-", "o"),
}

# The points of each curve: places on the axis (points,) and values (B, points).
Series = dict[str, tuple[FloatArray, FloatArray]]


def cooperation_figure(data: FigureData) -> Figure:
    """Cooperation rate over the rounds: all agents, and those in casinos with n < r and with n >= r.

    Under the payoff of the text these are where cooperating is dominant, and where it is not.
    """
    figure, axes = _time_axes(data, 2.3)
    points = curve_means(data)
    _draw_curves(axes, COOPERATION_CURVES, _series(points), _greedy(data))
    axes[0].plot(
        points["middle"], points["epsilon"] / 2, color=GREY, linewidth=0.8, label="exploration $\\varepsilon/2$"
    )
    axes[0].set_ylabel("cooperation rate")
    axes[0].set_ylim(0, 1)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, columnspacing=1.2)
    return figure


def payoff_figure(data: FigureData) -> Figure:
    """Payoff per agent and round, with the efficiency on the right axis.

    Where a sponsor pays or takes money a second curve is what remains without it, and this one's is the efficiency.
    """
    figure, axes = _time_axes(data, 2.3)
    terms = terms_of(data.config)
    sponsored = bool(terms.subsidy.any()) or (terms.levies and not terms.rebates)
    curves = {**PAYOFF_CURVES, **(UNSPONSORED_CURVES if sponsored else {})}
    points = curve_means(data)
    series, greedy = _series(points), _greedy(data)
    series["unsponsored"] = (points["middle"], _unsponsored(points))
    _draw_curves(axes, curves, series, {**greedy, "unsponsored": _unsponsored(greedy)} if greedy else {})
    random_play, label = _random_play(data), "random play" + (", no mechanism" if data.config.mechanisms else "")
    for panel in axes:
        panel.axhline(random_play, color=GREY, linewidth=0.8, linestyle=":", label=label)
    axes[0].set_ylabel("payoff per agent and round")
    axes[0].set_ylim(bottom=min(0.0, axes[0].get_ylim()[0]))
    _add_efficiency(axes[-1], float(data.best_values.max()), sponsored)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, columnspacing=1.2)
    return figure


def structure_figure(data: FigureData) -> Figure:
    """Seats taken, agents above floor(r), where the agents are, and their concentration, over the rounds."""
    figure, axes = _time_axes(data, 2.4)
    series = {**_series(curve_means(data)), "I_v": value_index(data, "train")}
    greedy = {**_greedy(data), "I_v": value_index(data, "greedy")[1].mean(axis=1, keepdims=True)} if axes[1:] else {}
    _draw_curves(axes, STRUCTURE_CURVES, series, greedy)
    axes[0].set_ylabel("share or index")
    lowest = min(float(np.nanmin(series[name][1], initial=0.0)) for name in STRUCTURE_CURVES)
    axes[0].set_ylim(lowest, 1)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, columnspacing=1.2)
    return figure


def synergy_figure(data: FigureData) -> Figure:
    """Strategy-space synergy in the greedy rounds, against the local share of defectors from which on it is looked at.

    Left: share of the cooperators who earn more in the next round than the defectors they met. Right: what moving
    gains them beyond staying.
    """
    figure = new_figure(1.9)
    axes = list(figure.subplots(1, 2, sharex=True))
    for panel, (measure, curve) in zip(axes, SYNERGY_CURVES.items(), strict=True):
        draw_band(panel, curve, data.synergy["threshold"], data.synergy[measure])
        panel.set_xlim(0, 1)
        panel.set_xticks([0, 0.5, 1])
    axes[0].set_ylim(0, 1)
    axes[0].set_ylabel("cooperators ahead (share)")
    axes[1].axhline(0, color=GREY, linewidth=0.8, linestyle=":")
    axes[1].set_ylabel("gain, moved \N{MINUS SIGN} stayed")
    axes[1].yaxis.set_major_locator(MaxNLocator(4))
    _set_limits(axes[1], data.synergy["migration_gain"])
    for panel, measure in zip(axes, SYNERGY_CURVES, strict=True):
        if np.isnan(data.synergy[measure]).all():
            panel.clear()
            why = "no such\nagents" if data.panel_rounds else "no panel\nkept"
            panel.text(0.5, 0.5, why, ha="center", va="center", color=GREY)
            panel.set_axis_off()
    figure.supxlabel("threshold $\\theta$: local share of defectors $>\\theta$", fontsize=8)
    return figure


def curve_means(data: FigureData) -> dict[str, FloatArray]:
    """The points of the curves: means over about 120 windows, with the `middle` round and the `epsilon` of each."""
    rounds = data.rounds["train"]
    lengths = measures.row_lengths(data.trained, rounds)
    group = -(-len(lengths) // POINTS)
    means = measures.window_means(data.trained, group * int(lengths[0]), rounds)
    last = np.append(means["round"][1:], rounds)
    epsilon = measures.group_windows(data.trained["epsilon"][None], lengths, group)[0]
    return {**means, "middle": (means["round"] + last) / 2, "epsilon": epsilon}


def greedy_means(data: FigureData) -> dict[str, FloatArray]:
    """Means over all greedy rounds, (B, 1)."""
    return measures.window_means(data.greedy, data.rounds["greedy"], data.rounds["greedy"])


def value_index(data: FigureData, phase: Phase) -> tuple[FloatArray, FloatArray]:
    """Middle rounds (points,) and index I_v (B, points), from means over windows of the casino series."""
    lengths, starts = data.lengths(phase), data.casinos[phase]["round"]
    group = max(1, -(-len(lengths) // POINTS))
    occupancy = measures.group_windows(data.casinos[phase]["occupancy"].astype(np.float64), lengths, group)
    ends = np.append(starts[::group][1:], data.rounds[phase])
    indices = corridor_indices(occupancy, data.config.grid_shape, data.best_values)
    return (starts[::group] + ends) / 2, indices["I_v"]


def _series(points: dict[str, FloatArray]) -> Series:
    return {measure: (points["middle"], points[measure]) for measure in measures.MEASURES}


def _greedy(data: FigureData) -> dict[str, FloatArray]:
    return greedy_means(data) if len(data.greedy["round"]) else {}


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
    axes[0].set_xlim(0, data.rounds["train"])
    axes[0].xaxis.set_major_locator(MaxNLocator(5))
    axes[0].xaxis.set_major_formatter(EngFormatter(sep=""))
    return figure, axes


def _draw_curves(
    axes: list["Axes"], curves: Mapping[str, Curve], series: Series, greedy: Mapping[str, FloatArray]
) -> None:
    """Curves of the training, and if there are greedy rounds their means (B, 1) beside them."""
    offsets = np.linspace(-0.5, 0.5, len(curves)) if len(curves) > 1 else [0.0]
    for (measure, curve), offset in zip(curves.items(), offsets, strict=True):
        draw_band(axes[0], curve, *series[measure])
        if greedy:
            mean, low, high = confidence_band(greedy[measure])
            error = None if np.isnan(low[0]) else np.array([mean - low, high - mean])
            axes[1].errorbar(
                [offset], mean, error, color=curve.colour, marker=curve.marker, markersize=3, linewidth=1, capsize=1.5
            )


def _set_limits(axes: "Axes", values: FloatArray) -> None:
    """Shows the curve whole; a band that is wide since there are hardly any such agents would flatten it."""
    mean, low, high = confidence_band(values)
    if np.isnan(mean).all():
        return
    shown = np.append(mean[~np.isnan(mean)], 0.0)
    widths = (high - low)[~np.isnan(high - low)]
    margin = float(np.median(widths)) if len(widths) else 0.0
    room = margin + 0.1 * float(np.ptp(shown)) or 1.0
    axes.set_ylim(float(shown.min()) - room, float(shown.max()) + room)


def _unsponsored(means: Mapping[str, FloatArray]) -> FloatArray:
    """Payoff per agent less what the sponsor pays."""
    return means["mean_payoff"] - means["sponsor_payment"]


def _add_efficiency(axes: "Axes", highest: float, sponsored: bool) -> None:
    """A right axis in per cent of the social optimum; there is none where cooperating never pays."""
    if highest <= 0:
        return
    right = axes.twinx()
    low, high = axes.get_ylim()
    right.set_ylim(100 * low / highest, 100 * high / highest)
    right.set_ylabel("without sponsor (% of opt.)" if sponsored else "efficiency (% of optimum)")
    right.spines["right"].set_visible(True)
    right.spines["left"].set_visible(False)
    axes.tick_params(left=axes.spines["left"].get_visible())  # twinx has brought them back


def _random_play(data: FigureData) -> float:
    """Payoff per agent before transfers when all agents are where they start and half of each casino cooperates."""
    return metrics.random_welfare(metrics.initial_occupancy(data.config), data.best_values) / data.config.n_players
