"""The distribution of an outcome over the seeds: every seed's value, with median and quartiles."""

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure

from mpgg_agents.experiments.bands import Curve
from mpgg_agents.experiments.study.figures.cells import check_single
from mpgg_agents.experiments.study.figures.data import StudyData
from mpgg_agents.experiments.study.figures.labels import outcome_label
from mpgg_agents.experiments.study.figures.levels import Levels
from mpgg_agents.experiments.study.figures.marks import add_legend, curves_of
from mpgg_agents.experiments.study.figures.multiples import make_multiples, show_levels
from mpgg_agents.experiments.study.figures.spec import FigureSpec
from mpgg_env.core.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CATEGORIES: Final = 30
MOST_NUMBERS: Final = 12  # that stand at equal distances with boxes, more stand to scale
QUANTILES: Final = (0.25, 0.5, 0.75)
CELL: Final = "cell"


def seeds_figure(data: StudyData, spec: FigureSpec) -> Figure:
    """The outcome `metric` of every seed over `x`, or of each cell; of many numbers each stands at its place.

    Raises:
        ValueError: A point would be a mean over a field that the figure does not name, or there are too many cells.
    """
    check_single(data.points, spec)
    cells = data.chosen(spec)
    numbered = _numbered(data) if spec.x is None else data
    across, by = _across(numbered, spec), data.levels(spec.by, cells)
    curves = curves_of(by)
    multiples = make_multiples(data, spec, 1.9, 0.3 + (0.3 if spec.by else 0.0))
    for panel in multiples:
        values = numbered.grouped(data.outcomes[str(spec.metric)], panel.cells, [by, across])
        for k, curve in enumerate(curves):
            _draw_points(panel.axes, curve, across, values[k], _slot(across, k, len(by)))
        if spec.log_metric:
            panel.axes.set_yscale("log")
    show_levels(multiples, "x", across, cells=False)
    multiples.label("x", across.label)
    multiples.label("y", outcome_label(str(spec.metric)))
    add_legend(multiples.figure, by, curves, lines=False)
    return multiples.figure


def _numbered(data: StudyData) -> StudyData:
    """The study with the number of the cell as one more field."""
    points = [{**point, CELL: str(number)} for number, point in enumerate(data.points)]
    return StudyData(points=points, outcomes=data.outcomes)


def _across(data: StudyData, spec: FigureSpec) -> Levels:
    cells, field = data.chosen(spec), spec.x or CELL
    to_scale = data.levels(field, cells, log=spec.log_x)
    if not to_scale.numeric and len(to_scale) > MOST_CATEGORIES:
        raise ValueError(
            f"x must have at most {MOST_CATEGORIES} values in a figure of kind 'seeds' unless they are numbers, "
            f"got {len(to_scale)} of {field}"
        )
    if to_scale.numeric and len(to_scale) > MOST_NUMBERS:
        return data.levels(field, cells, log=spec.log_x if spec.log_x is not None else to_scale.scale == "log")
    return data.levels(field, cells, equal=True)


def _slot(across: Levels, k: int, count: int) -> tuple[float, float]:
    """Offset and width of the points of a value of `by` at each category."""
    if across.scale not in ("ranks", "category"):
        return 0.0, 0.0
    return 0.8 * ((k + 0.5) / count - 0.5), 0.8 / count


def _draw_points(axes: "Axes", curve: Curve, across: Levels, values: FloatArray, slot: tuple[float, float]) -> None:
    """Points beside each other and a box of the quartiles with the median for each level."""
    offset, width = slot
    spread = 0.55 * width * _sequence(values.shape[1])
    places = np.repeat(across.places[:, None], values.shape[1], axis=1) + offset + spread
    axes.plot(
        places.ravel(),
        values.ravel(),
        linestyle="",
        marker=curve.marker,
        markersize=2.2 if width else 1.8,
        color=curve.colour,
        alpha=0.45,
        markeredgewidth=0,
        label=curve.label,
    )
    if not width:
        medians = [np.median(row[~np.isnan(row)]) if not np.isnan(row).all() else np.nan for row in values]
        axes.plot(across.places, medians, linestyle="", marker="_", markersize=5, color=curve.colour)
    for place, row in zip(across.places + offset, values, strict=True):
        known = row[~np.isnan(row)]
        if len(known) and width:
            low, middle, high = np.quantile(known, QUANTILES)
            axes.hlines([low, high], place - 0.4 * width, place + 0.4 * width, color=curve.colour, linewidth=0.7)
            axes.vlines([place - 0.4 * width, place + 0.4 * width], low, high, color=curve.colour, linewidth=0.7)
            axes.hlines(middle, place - 0.4 * width, place + 0.4 * width, color=curve.colour, linewidth=1.8)


def _sequence(count: int) -> FloatArray:
    """Numbers in [-0.5, 0.5) that cover it evenly: van der Corput's in base 2.

    No random ones, so that equal data give equal figures.
    """
    numbers = np.zeros(count)
    for k in range(count):
        digits, share = k, 0.5
        while digits:
            numbers[k] += share * (digits % 2)
            digits, share = digits // 2, share / 2
    return numbers - 0.5
