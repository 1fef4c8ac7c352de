"""Figures of curves over the training: losses and returns, distance to the equilibrium, exploitability."""

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullFormatter

from mpgg_agents.experiments.bands import Curve, draw_band
from mpgg_agents.experiments.market.figure_data import MarketFigureData
from mpgg_agents.experiments.style import BLACK, BLUE, GREEN, GREY, VERMILION, new_figure
from mpgg_agents.training_record import LOSS, SNAPSHOT_ROUNDS
from mpgg_env.core.types import FloatArray
from mpgg_env.games.market.config import MarketConfig

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS: Final = 120
FEW: Final = 50.0  # within fewer decades 1, 2 and 5 are labelled
# What a trader gains by leaving the authors' published networks, per |V|, within the observations of the paper.
AUTHORS_SHARE: Final = 0.066

_STYLES: Final = ((BLUE, "-", "o"), (VERMILION, (0, (4, 1)), "v"), (GREEN, (0, (1.5, 0.8)), "^"))
_RETURN: Final = Curve("while exploring", BLUE, "-", "o")
_JUDGED: Final = Curve("policy", BLACK, "-", "o")
_KEPT: Final = Curve("learned policies", BLUE, "-", "o")


def learning_figure(data: MarketFigureData) -> Figure:
    """Losses, and the mean return of a trader while exploring and of the policies that were kept."""
    figure = new_figure(3.2)
    losses, returns = figure.subplots(2, 1, sharex=True)
    _draw_losses(losses, data)
    places, values = _window_means(data, "mean_return")
    draw_band(returns, _RETURN, places, values)
    draw_band(returns, _JUDGED, data.evaluation[SNAPSHOT_ROUNDS], data.evaluation["mean_return"], markers=True)
    reference = [] if data.equilibrium_return is None else [data.equilibrium_return]
    for level in reference:
        returns.axhline(level, color=GREY, linewidth=0.8, linestyle=":", label="equilibrium")
    returns.set_ylabel("return of a trader")
    # The first fifth would flatten the rest.
    later = [values[:, len(places) // 5 :], data.evaluation["mean_return"]]
    _set_limits(returns, np.concatenate([*(part.ravel() for part in later), reference]), above=0.35)
    returns.legend(loc="upper center", ncols=3, columnspacing=1.0)
    _set_rounds(returns, data)
    return figure


def equilibrium_figure(data: MarketFigureData) -> Figure:
    """Distance of the rates from those of the exact equilibrium."""
    figure = new_figure(1.9)
    axes = figure.subplots()
    values = 100 * data.evaluation["distance"]
    draw_band(axes, _KEPT, data.evaluation[SNAPSHOT_ROUNDS], values, log=True, markers=True)
    _set_log(axes, values)
    axes.set_ylabel("distance (% of the\nequilibrium's rates)")
    _set_rounds(axes, data)
    return figure


def exploitability_figure(data: MarketFigureData) -> Figure:
    """What a trader gains by the best response that was found, with the level of the reference."""
    figure = new_figure(2.1)
    axes = figure.subplots()
    share = 100 * data.evaluation["share"]
    level, label = reference(data.game)
    logarithmic = level > 0 and bool((share > 0).all())
    draw_band(axes, _KEPT, data.evaluation[SNAPSHOT_ROUNDS], share, log=logarithmic, markers=True)
    axes.axhline(100 * level, color=GREY, linewidth=0.8, linestyle=":", label=label)
    shown = np.append(share.ravel(), 100 * level)
    if logarithmic:
        _set_log(axes, shown)
    else:
        axes.set_yscale("symlog", linthresh=_linear_below(share))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set_ylim(min(0.0, float(share.min())) * 1.3, float(share.max()) * 1.3)
    axes.set_ylabel("gain by deviating, at least\n(% of $|V|$)")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2, columnspacing=1.2)
    _set_rounds(axes, data)
    return figure


def reference(game: MarketConfig) -> tuple[float, str]:
    """A level of the exploitability to compare with, as a share of |V|, and what it is."""
    if game == MarketConfig():  # the market that they are for
        return AUTHORS_SHARE, "authors' networks"
    return 0.0, "equilibrium"


def _draw_losses(axes: "Axes", data: MarketFigureData) -> None:
    names = [name for name in data.metrics if name.endswith(LOSS)]
    series = {name: _window_means(data, name) for name in names}
    for (name, points), style in zip(series.items(), _STYLES, strict=False):
        draw_band(axes, Curve(name.removesuffix(LOSS).replace("_", " "), *style), *points, log=True)
    _set_log(axes, np.concatenate([values.ravel() for _, values in series.values()]))
    axes.set_ylabel("loss")
    axes.legend(loc="upper right", ncols=len(names))


def _window_means(data: MarketFigureData, name: str) -> tuple[FloatArray, FloatArray]:
    """The middles of about 120 windows of the training, (points,), and the means of a measure in them, (B, points)."""
    values = data.metrics[name]
    rounds = values.shape[1]
    starts = np.arange(0, rounds, max(1, -(-rounds // POINTS)))
    ends = np.append(starts[1:], rounds)
    return (starts + ends) / 2, np.add.reduceat(values, starts, axis=1) / (ends - starts)


def _set_limits(axes: "Axes", values: FloatArray, above: float) -> None:
    """Shows all values, not the whole band, which is very wide where there are two seeds; `above` is for the legend."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    height = high - low or 1.0
    axes.set_ylim(low - 0.08 * height, high + above * height)


def _set_log(axes: "Axes", values: FloatArray) -> None:
    """A logarithmic axis that shows all values, in plain numbers where they span few decades."""
    positive = values[np.isfinite(values) & (values > 0)]
    axes.set_yscale("log")
    if not len(positive):
        return
    low, high = float(positive.min()), float(positive.max())
    axes.set_ylim(low / 1.3, high * 1.5)
    if high / low < 1e4:
        few = high / low < FEW
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())


def _set_rounds(axes: "Axes", data: MarketFigureData) -> None:
    rounds = len(data.metrics["round"])
    axes.set_xlabel("training iteration")
    axes.set_xlim(0, 1.02 * rounds)  # the last marker whole
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))


def _linear_below(values: FloatArray) -> float:
    """Where the axis of gains, which may be negative, goes from linear to logarithmic."""
    positive = values[np.isfinite(values) & (values > 0)]
    return float(10.0 ** np.floor(np.log10(positive.min()))) if len(positive) else 1.0
