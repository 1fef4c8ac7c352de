"""A metric over the rounds, mean and 95 % confidence band over the seeds, a curve per value of a field."""

from typing import Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from mpgg_agents.experiments.bands import draw_band
from mpgg_agents.experiments.study.figures.cells import check_single
from mpgg_agents.experiments.study.figures.data import Series, StudyData
from mpgg_agents.experiments.study.figures.labels import outcome_label
from mpgg_agents.experiments.study.figures.marks import add_legend, curves_of
from mpgg_agents.experiments.study.figures.multiples import make_multiples
from mpgg_agents.experiments.study.figures.spec import FigureSpec
from mpgg_env.core.types import FloatArray, IntArray

POINTS: Final = 120


def time_figure(data: StudyData, spec: FigureSpec) -> Figure:
    """The column `metric` over the rounds, as means over about 120 windows.

    Raises:
        ValueError: A curve would be a mean over a field that the figure does not name, or over cells that were
            recorded at different rounds.
    """
    check_single(data.points, spec)
    by = data.levels(spec.by, data.chosen(spec))
    curves = curves_of(by)
    multiples = make_multiples(data, spec, 1.9, 0.3 + (0.3 if spec.by else 0.0))
    for panel in multiples:
        for k, curve in enumerate(curves):
            cells = [cell for cell in data.within(panel.cells, by, k).tolist() if cell in data.series]
            if cells:
                rounds, values = windows(mean_series([data.series[cell] for cell in cells]))
                draw_band(panel.axes, curve, rounds, values, log=spec.log_metric)
        panel.axes.xaxis.set_major_locator(MaxNLocator(4))
        panel.axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        panel.axes.set_yscale("log" if spec.log_metric else "linear")
        panel.axes.margins(x=0.01)
    multiples.label("x", "round")
    multiples.label("y", outcome_label(str(spec.metric)))
    add_legend(multiples.figure, by, curves, lines=True)
    for handle in multiples.figure.legends[0].legend_handles if multiples.figure.legends else []:
        handle.set_marker("")  # type: ignore[union-attr]
    return multiples.figure


def mean_series(parts: list[Series]) -> Series:
    """For each seed the mean over cells.

    Raises:
        ValueError: They were recorded at different rounds, or have different numbers of seeds.
    """
    first = parts[0]
    for part in parts[1:]:
        if not np.array_equal(part.rounds, first.rounds):
            raise ValueError("average must be over cells that were recorded at the same rounds, got different ones")
    seeds = min(len(part.values) for part in parts)
    values = np.mean([part.values[:seeds] for part in parts], axis=0)
    return Series(rounds=first.rounds, values=values)


def windows(series: Series) -> tuple[FloatArray, FloatArray]:
    """Middle rounds (points,) and means (S, points) over windows of equally many recorded rounds."""
    size = max(1, -(-len(series.rounds) // POINTS))
    starts: IntArray = np.arange(0, len(series.rounds), size)
    counts = np.diff(np.append(starts, len(series.rounds)))
    known = ~np.isnan(series.values)
    total = np.add.reduceat(np.where(known, series.values, 0.0), starts, axis=1)
    number = np.add.reduceat(known.astype(float), starts, axis=1)
    means = np.divide(total, number, out=np.full_like(total, np.nan), where=number > 0)
    return np.add.reduceat(series.rounds, starts) / counts, means
