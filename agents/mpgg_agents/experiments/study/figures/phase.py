"""A phase diagram: an outcome over two swept fields to scale, with boundaries of the theory drawn on top."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from mpgg_agents.experiments.study.figures.boundaries import Boundary
from mpgg_agents.experiments.study.figures.cells import check_single
from mpgg_agents.experiments.study.figures.data import StudyData
from mpgg_agents.experiments.study.figures.heat import (
    COLOURS,
    draw_cells,
    finish_maps,
    hatch_background,
    made_maps,
    shared_norm,
)
from mpgg_agents.experiments.study.figures.levels import Levels
from mpgg_agents.experiments.study.figures.marks import add_legend
from mpgg_agents.experiments.study.figures.spec import FigureSpec
from mpgg_agents.experiments.study.figures.theory import Plane
from mpgg_agents.experiments.style import BLACK, VERMILION
from mpgg_env.core.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STYLES: Final[tuple[tuple[str, Any], ...]] = (
    (BLACK, "-"),
    (VERMILION, (0, (4, 1))),
    ("#CC79A7", (0, (1.5, 0.8))),
    (BLACK, (0, (1, 1))),
    (VERMILION, (0, (4, 1, 1, 1))),
)
_HALO: Final = [withStroke(linewidth=2.6, foreground="white")]  # lines are seen on any colour of the map
SPARSE: Final = 0.3


def phase_figure(
    data: StudyData, spec: FigureSpec, planes: Sequence[Plane] = (), boundaries: Sequence[Boundary] = ()
) -> Figure:
    """The outcome `metric` over `x` and `y`, and for each panel, row by row, the boundaries on its plane.

    Points of a random sample stand where they are, since no cells lie between them.

    Raises:
        ValueError: A cell of the map would be a mean over a field that the figure does not name, or there are more
            boundaries than can be told apart.
    """
    check_single(data.points, spec)
    if len(boundaries) > len(_STYLES):
        raise ValueError(f"theory must be at most {len(_STYLES)} boundaries, got {len(boundaries)}")
    cells = data.chosen(spec)
    across, up = data.levels(spec.x, cells, log=spec.log_x), data.levels(spec.y, cells, log=spec.log_y)
    multiples, maps = made_maps(data, spec, across, up, 0.2 * len(boundaries))
    norm = shared_norm(maps, log=spec.log_metric)
    seen = np.zeros(len(boundaries), bool)
    for panel, values in zip(multiples, maps, strict=True):
        image = _draw_map(panel.axes, spec, across, up, values, norm, sparse=_sparse(across, up, maps))
        if planes and boundaries:
            plane = planes[panel.row * len(multiples.columns) + panel.column]
            seen |= _draw_boundaries(panel.axes, across, up, plane, boundaries)
    finish_maps(multiples, spec, across, up, image, cells=not spec.contours and not _sparse(across, up, maps))
    add_legend(multiples.figure, data.levels(None, cells), [], lines=True, further=_handles(boundaries, seen.tolist()))
    return multiples.figure


def crossings(plane: Plane, difference: FloatArray, across: Levels, up: Levels) -> list[FloatArray]:
    """Straight pieces (2, 2) of x and y where the difference changes sign, on a plane with one axis of categories.

    In each category the boundary is a line across its part of the axis.
    """
    lines = []
    if plane.up.joined:  # categories across: the boundary crosses each of them at some height
        for k, column in enumerate(difference.T):
            for height in _zeros(plane.up.places, column):
                lines.append(np.array([[across.edges[k], height], [across.edges[k + 1], height]]))
        return lines
    for k, row in enumerate(difference):
        for place in _zeros(plane.across.places, row):
            lines.append(np.array([[place, up.edges[k]], [place, up.edges[k + 1]]]))
    return lines


def _zeros(places: FloatArray, values: FloatArray) -> FloatArray:
    """Where a function, linear between the places, passes 0."""
    first, second = values[:-1], values[1:]
    with np.errstate(invalid="ignore"):
        changes = (first > 0) != (second > 0)
    changes &= ~np.isnan(first) & ~np.isnan(second)
    share = first[changes] / (first[changes] - second[changes])
    zeros: FloatArray = places[:-1][changes] + share * np.diff(places)[changes]
    return zeros


def _sparse(across: Levels, up: Levels, maps: Sequence[FloatArray]) -> bool:
    """Whether most places between the numbers have no cell, as in a random sample."""
    known = max(int((~np.isnan(values)).sum()) for values in maps)
    return across.numeric and up.numeric and known < SPARSE * maps[0].size


def _draw_map(
    axes: "Axes", spec: FigureSpec, across: Levels, up: Levels, values: FloatArray, norm: Normalize, *, sparse: bool
) -> Any:
    known = ~np.isnan(values)
    if sparse:
        rows, columns = np.nonzero(known)
        return axes.scatter(
            across.places[columns],
            up.places[rows],
            c=values[known],
            cmap=COLOURS,
            norm=norm,
            s=14,
            linewidths=0.3,
            edgecolors="white",
        )
    if not spec.contours:
        return draw_cells(axes, across, up, values, norm)
    if not (across.numeric and up.numeric) or min(values.shape) < 2:
        raise ValueError(f"contours must be False unless x and y have two numbers or more, got True in {spec.name!r}")
    hatch_background(axes)
    low, high = (float(limit) for limit in np.asarray(norm.inverse(np.array([0.0, 1.0]))))
    levels = np.geomspace(low, high, 11) if spec.log_metric else MaxNLocator(10).tick_values(low, high)
    axes.set(xlim=across.places[[0, -1]], ylim=up.places[[0, -1]])
    return axes.contourf(across.places, up.places, np.ma.masked_invalid(values), levels=levels, cmap=COLOURS, norm=norm)


def _draw_boundaries(
    axes: "Axes", across: Levels, up: Levels, plane: Plane, boundaries: Sequence[Boundary]
) -> list[bool]:
    """Draws the boundaries that pass through the plane, and tells which do."""
    if not (plane.across.joined or plane.up.joined):
        raise ValueError(f"theory must be left out unless {across.field} or {up.field} is a number")
    drawn = []
    for boundary, (colour, line) in zip(boundaries, _STYLES, strict=False):
        difference = boundary.difference(plane.quantities)
        known = difference[~np.isnan(difference)]
        drawn.append(bool((known > 0).any() and (known <= 0).any()))
        look: dict[str, Any] = {"colors": colour, "linewidths": 1.3, "linestyles": [line]}
        if not drawn[-1]:
            continue
        if plane.across.joined and plane.up.joined:
            lines: Any = axes.contour(
                plane.across.places, plane.up.places, np.ma.masked_invalid(difference), levels=[0.0], **look
            )
        else:
            lines = LineCollection(crossings(plane, difference, across, up), **look)
            axes.add_collection(lines)
        lines.set_path_effects(_HALO)
        lines.set_gid(boundary.text)
    return drawn


def _handles(boundaries: Sequence[Boundary], seen: Sequence[bool]) -> list[tuple[Line2D, str]]:
    """A line for each boundary in the legend; that one does not pass through the diagram is a result too."""
    return [
        (
            Line2D([], [], color=colour, linestyle=line, linewidth=1.3),
            boundary.label + ("" if passes else " (nowhere here)"),
        )
        for boundary, passes, (colour, line) in zip(boundaries, seen, _STYLES, strict=False)
    ]
