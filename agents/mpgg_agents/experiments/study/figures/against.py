"""A learned outcome against a quantity of the theory: a point with a 95 % interval for each cell, and the diagonal."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mpgg_agents.experiments.statistics import confidence_band
from mpgg_agents.experiments.study.figures.data import StudyData
from mpgg_agents.experiments.study.figures.labels import outcome_label, theory_label
from mpgg_agents.experiments.study.figures.marks import add_legend, curves_of
from mpgg_agents.experiments.study.figures.multiples import make_multiples
from mpgg_agents.experiments.study.figures.spec import FigureSpec
from mpgg_agents.experiments.style import GREY
from mpgg_env.core.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def against_figure(data: StudyData, spec: FigureSpec) -> Figure:
    """The outcome `metric` of every cell against the quantity `theory`; what is on the diagonal is as predicted.

    Raises:
        ValueError: No cell has both.
    """
    cells = data.chosen(spec)
    by = data.levels(spec.by, cells)
    curves = curves_of(by)
    expected, outcome = data.theory[spec.theory[0]], data.outcomes[str(spec.metric)]
    multiples = make_multiples(data, spec, 2.9, 0.2 + (0.3 if spec.by else 0.0))
    axes = multiples.panels[0].axes
    reach: list[float] = []
    for k, curve in enumerate(curves):
        chosen = data.within(cells, by, k)
        mean, low, high = confidence_band(outcome[chosen].T)
        error = np.nan_to_num(np.array([mean - low, high - mean]))
        axes.errorbar(
            expected[chosen],
            mean,
            error,
            color=curve.colour,
            marker=curve.marker,
            markersize=3,
            linestyle="",
            linewidth=0.7,
            alpha=0.8,
            label=curve.label,
        )
        reach += [*expected[chosen], *mean, *(mean - error[0]), *(mean + error[1])]
    _add_diagonal(axes, np.array(reach), spec)
    multiples.label("x", f"{theory_label(spec.theory[0])} (theory)")
    multiples.label("y", f"learned {outcome_label(str(spec.metric))}")
    further = [(Line2D([], [], color=GREY, linewidth=0.8, linestyle="--"), "as in theory")]
    add_legend(multiples.figure, by, curves, lines=False, further=further)
    return multiples.figure


def _add_diagonal(axes: "Axes", reach: FloatArray, spec: FigureSpec) -> None:
    """The diagonal, on axes that both reach from the least to the greatest number."""
    known = reach[~np.isnan(reach)]
    if not len(known):
        raise ValueError(f"metric must have a value in at least one cell, got none of {spec.metric!r}")
    low, high = float(known.min()), float(known.max())
    margin = 0.05 * (high - low) or 0.5
    limits = (low - margin, high + margin)
    axes.plot(limits, limits, color=GREY, linewidth=0.8, linestyle="--", zorder=1)
    axes.set(xlim=limits, ylim=limits, aspect="equal")
