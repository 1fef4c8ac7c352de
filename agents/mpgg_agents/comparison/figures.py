"""Figures of a comparison: reward distributions of deviations, and loss against beta."""

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mpgg_agents.comparison.penalty import PenaltyStudy
from mpgg_agents.experiments.statistics import mean_interval
from mpgg_agents.experiments.style import BLUE, GREY, VERMILION, new_figure
from mpgg_agents.training_record import LOSS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mpgg_agents.comparison.deviations import Deviation

BINS: Final = 16
SHIFT: Final = 0.04
MEAN_HEIGHT: Final = 0.7  # above is what the tests say


def deviation_figure(pair: "tuple[Deviation, Deviation]") -> Figure:
    """Distributions of a trader's mean return when it alone follows another policy, and when it does not.

    As [Casgrain2022] figure 3, with the test that takes into account that the episodes are the same beside Welch's.
    """
    figure = new_figure(2.4)
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    values = np.concatenate([part for deviation in pair for part in (deviation.leaving, deviation.staying)])
    room = 0.5 * (float(np.ptp(values)) == 0)
    edges = np.linspace(values.min() - room, values.max() + room, BINS + 1).tolist()
    for axes, deviation in zip(panels, pair, strict=True):
        _draw_deviation(axes, deviation, edges)
    panels[0].set_ylabel("repetitions")
    figure.supxlabel("mean return of the one trader", fontsize=8)
    return figure


def penalty_figure(study: PenaltyStudy) -> Figure:
    """Losses at the end of the training against beta: every seed, mean and 95 % interval over the seeds."""
    figure = new_figure(2.0)
    axes = figure.subplots()
    names, places = list(study.losses), np.arange(len(study.beta))
    for name, colour, marker, shift in zip(names, (BLUE, VERMILION), "ov", (-SHIFT, SHIFT), strict=False):
        points = np.array([mean_interval(sample) for sample in study.losses[name]])
        axes.errorbar(
            places + shift,  # side by side: the losses of value and advantage are nearly the same
            points[:, 0],
            np.nan_to_num([points[:, 0] - points[:, 1], points[:, 2] - points[:, 0]]),
            color=colour,
            marker=marker,
            markersize=3,
            capsize=1.5,
            label=name.removesuffix(LOSS).replace("_", " "),
        )
        for place, sample in zip(places + shift, study.losses[name], strict=True):
            axes.plot(np.full(len(sample), place), sample, "_", color=colour, alpha=0.5, markersize=5)
    axes.set_xticks(places, [f"{beta:g}" for beta in study.beta])
    axes.set_xlabel("weight $\\beta$ of the penalty on $\\psi$")
    axes.set_ylabel("loss at the end")
    axes.legend()
    return figure


def _draw_deviation(axes: "Axes", deviation: "Deviation", edges: list[float]) -> None:
    shown = (
        (deviation.staying, GREY, f"all {deviation.others}"),
        (deviation.leaving, BLUE, f"one {deviation.follows}"),
    )
    for values, colour, label in shown:
        axes.hist(values, bins=edges, color=colour, alpha=0.55, label=label)
        axes.axvline(float(values.mean()), ymax=MEAN_HEIGHT, color=colour, linewidth=0.8)
    axes.legend(loc="upper left", fontsize=6, borderaxespad=0, bbox_to_anchor=(0, 1.22))
    paired, unpaired = deviation.paired, deviation.unpaired
    axes.text(
        0.03,
        0.97,
        f"gain {_signed(paired.mean)}\npaired {_p(paired.p_value)}\nWelch {_p(unpaired.p_value)}",
        transform=axes.transAxes,
        va="top",
        fontsize=6,
    )
    axes.set_ylim(top=1.45 * axes.get_ylim()[1])
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))


def _signed(value: float) -> str:
    return f"{value:+.4f}".replace("-", "\N{MINUS SIGN}")


def _p(value: float) -> str:
    return "$p<0.001$" if value < 0.001 else f"$p={value:.3f}$"
