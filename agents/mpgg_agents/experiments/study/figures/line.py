"""An outcome over one swept field, mean and 95 % confidence interval over the seeds, a line per value of another."""

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mpgg_agents.experiments.bands import Curve, draw_band
from mpgg_agents.experiments.statistics import confidence_band
from mpgg_agents.experiments.study.figures.cells import check_single
from mpgg_agents.experiments.study.figures.data import StudyData
from mpgg_agents.experiments.study.figures.labels import outcome_label, theory_label
from mpgg_agents.experiments.study.figures.levels import Levels
from mpgg_agents.experiments.study.figures.marks import add_legend, curves_of
from mpgg_agents.experiments.study.figures.multiples import Panel, make_multiples, show_levels
from mpgg_agents.experiments.study.figures.spec import FigureSpec
from mpgg_agents.experiments.style import GREY
from mpgg_env.core.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

THEORY_LINES: Final = (":", (0, (5, 2, 1, 2)), (0, (1, 2)))


def line_figure(data: StudyData, spec: FigureSpec) -> Figure:
    """The outcome `metric` over `x`, with quantities of the theory beside it.

    Raises:
        ValueError: A point would be a mean over a field that the figure does not name.
    """
    check_single(data.points, spec)
    cells = data.chosen(spec)
    across, by = data.levels(spec.x, cells, log=spec.log_x), data.levels(spec.by, cells)
    curves = curves_of(by)
    multiples = make_multiples(data, spec, 1.9, 0.3 + (0.3 if spec.by or spec.theory else 0.0))
    for panel in multiples:
        means = data.grouped(data.outcomes[str(spec.metric)], panel.cells, [by, across])
        for k, curve in enumerate(curves):
            _draw_curve(panel.axes, curve, across, means[k].T, _offset(across, k, len(by)), log=spec.log_metric)
        _draw_theory(panel, data, spec, across, by, curves)
        if spec.log_metric:
            panel.axes.set_yscale("log")
    show_levels(multiples, "x", across, cells=False)
    multiples.label("x", across.label)
    multiples.label("y", outcome_label(str(spec.metric)))
    add_legend(multiples.figure, by, curves, lines=across.numeric, further=_theory_handles(spec))
    return multiples.figure


def _draw_curve(axes: "Axes", curve: Curve, across: Levels, values: FloatArray, offset: float, *, log: bool) -> None:
    """A band over numbers; over categories, between which there is nothing, points with intervals."""
    if across.numeric:
        draw_band(axes, curve, across.places, values, log=log, markers=len(across) <= 25)
        return
    limits = confidence_band(np.log(values) if log else values)
    mean, low, high = map(np.exp, limits) if log else limits
    half = np.nan_to_num(np.array([mean - low, high - mean]))
    axes.errorbar(
        across.places + offset,
        mean,
        half,
        color=curve.colour,
        marker=curve.marker,
        markersize=3.5,
        linestyle="",
        linewidth=1,
        capsize=2,
        label=curve.label,
    )


def _offset(across: Levels, k: int, count: int) -> float:
    """Beside each other at one category, so that intervals do not hide each other."""
    return 0.0 if across.numeric or count == 1 else 0.6 * (k / (count - 1) - 0.5)


def _draw_theory(
    panel: Panel, data: StudyData, spec: FigureSpec, across: Levels, by: Levels, curves: list[Curve]
) -> None:
    """A grey line for each quantity, or where it depends on `by`, one in each colour."""
    for quantity, style in zip(spec.theory, _theory_styles(spec), strict=True):
        values = data.grouped(data.theory[quantity][:, None], panel.cells, [by, across])[..., 0]
        known = values[~np.isnan(values).all(axis=1)]
        same = len(known) > 0 and bool(np.all(np.isnan(known) | np.isclose(known, known[:1])))
        for k, row in enumerate(known[:1] if same else values):
            colour = GREY if same else curves[k].colour
            if across.numeric:
                panel.axes.plot(across.places, row, color=colour, linestyle=style, linewidth=0.9, zorder=1)
            else:
                panel.axes.hlines(
                    row, across.places - 0.4, across.places + 0.4, color=colour, linestyle=style, linewidth=0.9
                )


def _theory_styles(spec: FigureSpec) -> list[object]:
    return [THEORY_LINES[k % len(THEORY_LINES)] for k in range(len(spec.theory))]


def _theory_handles(spec: FigureSpec) -> list[tuple[Line2D, str]]:
    return [
        (Line2D([], [], color=GREY, linestyle=style, linewidth=0.9), theory_label(quantity))  # type: ignore[arg-type]
        for quantity, style in zip(spec.theory, _theory_styles(spec), strict=True)
    ]
