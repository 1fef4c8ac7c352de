"""Figures of curves over the training: losses and returns, distance to the equilibrium, exploitability."""

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from mpgg_agents.experiments.bands import Curve, draw_band
from mpgg_agents.experiments.market.figure_data import MarketFigureData
from mpgg_agents.experiments.market.measures import LOSS
from mpgg_agents.experiments.statistics import confidence_band
from mpgg_agents.experiments.style import BLACK, BLUE, GREEN, GREY, VERMILION, new_figure
from mpgg_agents.market_record import SNAPSHOT_ROUNDS
from mpgg_env.core.types import FloatArray
from mpgg_env.games.market.config import MarketConfig

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS: Final = 120
# What a trader gains by leaving the authors' published networks, per |V|, within the observations of the paper.
AUTHORS_SHARE: Final = 0.066

_STYLES: Final = ((BLUE, "-", "o"), (VERMILION, (0, (4, 1)), "v"), (GREEN, (0, (1.5, 0.8)), "^"))
_RETURN: Final = Curve("while exploring", BLUE, "-", "o")
_JUDGED: Final = Curve("policy", BLACK, "-", "o")


def learning_figure(data: MarketFigureData) -> Figure:
    """Losses, and the mean return of a trader while exploring and of the policies that were kept."""
    figure = new_figure(3.2)
    losses, returns = figure.subplots(2, 1, sharex=True)
    names = [name for name in data.metrics if name.endswith(LOSS)]
    for name, style in zip(names, _STYLES, strict=False):
        curve = Curve(name.removesuffix(LOSS).replace("_", " "), *style)
        draw_band(losses, curve, *_window_means(data, name), log=True)
    losses.set_yscale("log")
    losses.set_ylabel("loss")
    losses.legend(ncols=len(names))
    draw_band(returns, _RETURN, *_window_means(data, "mean_return"))
    draw_band(returns, _JUDGED, data.evaluation[SNAPSHOT_ROUNDS], data.evaluation["mean_return"], markers=True)
    if data.equilibrium_return is not None:
        returns.axhline(data.equilibrium_return, color=GREY, linewidth=0.8, linestyle=":", label="equilibrium")
    returns.set_ylabel("return of a trader")
    _set_return_limits(returns, data)
    returns.legend(ncols=3, columnspacing=1.0)
    _set_rounds(returns, data)
    return figure


def equilibrium_figure(data: MarketFigureData) -> Figure:
    """Distance of the rates from those of the exact equilibrium."""
    figure = new_figure(1.9)
    axes = figure.subplots()
    curve = Curve("learned policies", BLUE, "-", "o")
    values = 100 * data.evaluation["distance"]
    draw_band(axes, curve, data.evaluation[SNAPSHOT_ROUNDS], values, log=True, markers=True)
    axes.set_yscale("log")
    axes.set_ylabel("distance to equilibrium\\n(% of its rates, rms)".replace("\\n", "\n"))
    _set_percent(axes)
    _set_rounds(axes, data)
    return figure


def exploitability_figure(data: MarketFigureData) -> Figure:
    """What a trader gains by the best response that was found, with the level of the reference."""
    figure = new_figure(2.1)
    axes = figure.subplots()
    curve = Curve("learned policies", BLUE, "-", "o")
    share = 100 * data.evaluation["share"]
    draw_band(axes, curve, data.evaluation[SNAPSHOT_ROUNDS], share, markers=True)
    for level, label in references(data.game).items():
        axes.axhline(100 * level, color=GREY, linewidth=0.8, linestyle=":", label=label)
    axes.set_yscale("symlog", linthresh=_linear_below(share))
    axes.set_ylabel("gain by deviating (% of $|V|$)")
    _set_percent(axes)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2, columnspacing=1.2)
    _set_rounds(axes, data)
    return figure


def references(game: MarketConfig) -> dict[float, str]:
    """Levels of the exploitability to compare with, as shares of |V|, and what they are."""
    if game.observation == "paper" and game.impact == "sqrt":
        return {AUTHORS_SHARE: "authors' networks"}
    return {0.0: "equilibrium"}


def _window_means(data: MarketFigureData, name: str) -> tuple[FloatArray, FloatArray]:
    """The middles of about 120 windows of the training, (points,), and the means of a measure in them, (B, points)."""
    values = data.metrics[name]
    rounds = values.shape[1]
    starts = np.arange(0, rounds, max(1, -(-rounds // POINTS)))
    ends = np.append(starts[1:], rounds)
    return (starts + ends) / 2, np.add.reduceat(values, starts, axis=1) / (ends - starts)


def _set_return_limits(axes: "Axes", data: MarketFigureData) -> None:
    """Shows the last four fifths whole; the first returns would flatten them."""
    _, values = _window_means(data, "mean_return")
    mean, _, _ = confidence_band(values)
    kept, _, _ = confidence_band(data.evaluation["mean_return"])
    reference = [] if data.equilibrium_return is None else [data.equilibrium_return]
    shown = np.array([*mean[len(mean) // 5 :], *kept, *reference])
    room = 0.15 * float(np.ptp(shown)) or 1.0
    axes.set_ylim(float(shown.min()) - room, float(shown.max()) + 3 * room)  # above is the legend


def _set_rounds(axes: "Axes", data: MarketFigureData) -> None:
    axes.set_xlabel("training iteration")
    axes.set_xlim(0, len(data.metrics["round"]))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))


def _set_percent(axes: "Axes") -> None:
    axes.yaxis.set_major_formatter("{x:g}")


def _linear_below(values: FloatArray) -> float:
    """Where the axis of gains, which may be negative, goes from linear to logarithmic."""
    positive = values[np.isfinite(values) & (values > 0)]
    return float(10.0 ** np.floor(np.log10(positive.min()))) if len(positive) else 1.0
