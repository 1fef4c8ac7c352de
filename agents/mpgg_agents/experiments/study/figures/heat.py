"""A heat map of an outcome, mean over the seeds, over two swept fields in cells of equal size."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mpgg_agents.experiments.study.figures.cells import check_single
from mpgg_agents.experiments.study.figures.data import StudyData
from mpgg_agents.experiments.study.figures.labels import label_inches, outcome_label, wrapped
from mpgg_agents.experiments.study.figures.levels import Levels
from mpgg_agents.experiments.study.figures.multiples import Multiples, make_multiples, panel_inches, show_levels
from mpgg_agents.experiments.study.figures.spec import FigureSpec
from mpgg_env.core.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS: Final = "viridis"
MISSING_COLOUR: Final = "#E4E4E4"
MOST_VECTORS: Final = 2500  # cells as vectors; more are a picture within SVG and PDF, which would take megabytes
NUMBER_INCHES: Final = 0.13  # height of a number in a cell


def heat_figure(data: StudyData, spec: FigureSpec) -> Figure:
    """The outcome `metric` over `x` and `y`; where there is none the map is hatched.

    Raises:
        ValueError: A cell of the map would be a mean over a field that the figure does not name.
    """
    check_single(data.points, spec)
    cells = data.chosen(spec)
    across, up = data.levels(spec.x, cells, equal=True), data.levels(spec.y, cells, equal=True)
    multiples, maps = made_maps(data, spec, across, up)
    norm = shared_norm(maps, log=spec.log_metric)
    for panel, values in zip(multiples, maps, strict=True):
        image = draw_cells(panel.axes, across, up, values, norm)
        _write_numbers(multiples, panel.axes, across, up, values, image)
    finish_maps(multiples, spec, across, up, image)
    return multiples.figure


def made_maps(
    data: StudyData, spec: FigureSpec, across: Levels, up: Levels, extra: float = 0.0
) -> tuple[Multiples, list[FloatArray]]:
    """The panels, and for each the means over the seeds, (rows, columns)."""
    multiples = make_multiples(data, spec, min(2.4, max(0.9, 0.55 + 0.24 * len(up))), 0.35 + extra)
    outcome = data.outcomes[str(spec.metric)]
    maps = [seed_means(data.grouped(outcome, panel.cells, [up, across])) for panel in multiples]
    if all(np.isnan(values).all() for values in maps):
        raise ValueError(f"metric must have a value in at least one cell, got none of {spec.metric!r}")
    return multiples, maps


def seed_means(values: FloatArray) -> FloatArray:
    """Means over the seeds that have a value, NaN where none has."""
    known = ~np.isnan(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0.0).sum(axis=-1)
    means: FloatArray = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return means


def shared_norm(maps: list[FloatArray], *, log: bool) -> Normalize:
    """One scale of colours for all panels.

    Raises:
        ValueError: It is logarithmic, and no value is above 0.
    """
    values = np.concatenate([values.ravel() for values in maps])
    values = values[~np.isnan(values)]
    if log:
        if not (values > 0).any():
            raise ValueError("log_metric must be False where no value is above 0, got True")
        return LogNorm(float(values[values > 0].min()), float(values.max()))
    return Normalize(float(values.min()), float(values.max()) if np.ptp(values) else float(values.min()) + 1.0)


def draw_cells(axes: "Axes", across: Levels, up: Levels, values: FloatArray, norm: Normalize) -> Any:
    """A coloured cell for each value (rows, columns), from the first levels at the lower left."""
    hatch_background(axes)
    return axes.pcolormesh(
        across.edges,
        up.edges,
        np.ma.masked_invalid(values),
        cmap=COLOURS,
        norm=norm,
        linewidth=0,
        rasterized=values.size > MOST_VECTORS,
    )


def hatch_background(axes: "Axes") -> None:
    """What stands where nothing is known."""
    axes.add_patch(
        Rectangle(
            (0, 0),
            1,
            1,
            transform=axes.transAxes,
            facecolor=MISSING_COLOUR,
            edgecolor="#A0A0A0",
            hatch="/////",
            linewidth=0,
            zorder=0,
        )
    )


def finish_maps(
    multiples: Multiples, spec: FigureSpec, across: Levels, up: Levels, image: Any, *, cells: bool = True
) -> None:
    """Ticks, labels, frame and the one colour bar; with `cells` the axes end at the outer edges of the cells."""
    for axes in multiples.axes:
        axes.spines[["top", "right"]].set_visible(True)
    show_levels(multiples, "x", across, cells=cells)
    show_levels(multiples, "y", up, cells=cells)
    multiples.label("x", across.label)
    multiples.label("y", up.label)
    bar = multiples.figure.colorbar(image, ax=multiples.axes, pad=0.02, aspect=18, fraction=0.08)
    bar.set_label(
        wrapped(outcome_label(str(spec.metric)), panel_inches(multiples)[1] * len(multiples.rows)), fontsize=7
    )


def _write_numbers(
    multiples: Multiples, axes: "Axes", across: Levels, up: Levels, values: FloatArray, image: Any
) -> None:
    """Each value in its cell, if all fit, dark on light and light on dark."""
    width, height = panel_inches(multiples)
    texts = cell_texts(values)
    widest = max(map(label_inches, texts.values()), default=0.0)
    if width / len(across) < widest or height / len(up) < NUMBER_INCHES:
        return
    for (row, column), text in texts.items():
        colour = readable_on(image.norm(values[row, column]))
        axes.text(across.places[column], up.places[row], text, ha="center", va="center", fontsize=6, color=colour)


def cell_texts(values: FloatArray) -> dict[tuple[int, int], str]:
    """The known values by row and column, all with as many decimals as tell them apart, two at most of fractions."""
    known = {(int(row), int(column)): float(values[row, column]) for row, column in np.argwhere(~np.isnan(values))}
    most = max(map(abs, known.values()), default=0.0)
    if most >= 1e4 or 0 < most < 0.01:
        return {place: f"{value:.1e}" for place, value in known.items()}
    places = 2 if most < 10 else 1 if most < 100 else 0
    return {place: f"{value:.{places}f}".replace("-", "\N{MINUS SIGN}") for place, value in known.items()}


def readable_on(share: float) -> str:
    """Black or white, whichever stands out from the colour at this share of the map.

    By the relative luminance of sRGB, above 0.179 of which the contrast of black is the higher one (WCAG 2.1).
    """
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in colormaps[COLOURS](float(share))[:3]
    )
    return "black" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "white"
