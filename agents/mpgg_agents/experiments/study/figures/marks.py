"""How the values of the field `by` are told apart: colour, line and marker, all three also where colours are lost."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D

from mpgg_agents.experiments.bands import Curve
from mpgg_agents.experiments.study.figures.labels import field_label, label_inches
from mpgg_agents.experiments.study.figures.levels import Levels
from mpgg_agents.experiments.style import BLACK, BLUE, GREEN, VERMILION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_VALUES: Final = 12
_COLOURS: Final = (BLUE, VERMILION, GREEN, BLACK, "#CC79A7", "#E69F00", "#56B4E9")  # Okabe and Ito
_LINES: Final = ("-", (0, (4, 1)), (0, (1.5, 0.8)), (0, (4, 1, 1, 1)), (0, (6, 2)))
_MARKERS: Final = ("o", "v", "^", "s", "D", "P", "X")


def curves_of(levels: Levels) -> list[Curve]:
    """A style for each value: numbers in colours from dark to light, others in colours far apart.

    Raises:
        ValueError: There are more values than can be told apart.
    """
    count = len(levels)
    if count > MOST_VALUES:
        raise ValueError(f"by must have at most {MOST_VALUES} values to be told apart, got {count} of {levels.field}")
    ordered = levels.numeric and count > 2
    shades = [to_hex(colour) for colour in colormaps["viridis"](np.linspace(0.0, 0.85, count))]
    return [
        Curve(
            label,
            shades[k] if ordered else _COLOURS[k % len(_COLOURS)],
            _LINES[k % len(_LINES)],
            _MARKERS[k % len(_MARKERS)],
        )
        for k, label in enumerate(levels.labels)
    ]


def add_legend(figure: "Figure", levels: Levels, curves: list[Curve], *, lines: bool, further: Any = ()) -> None:
    """A legend above the axes with the values of `by`, and of further pairs of a handle and a label."""
    handles: list[Any] = []
    if levels.field:
        handles = [
            Line2D(
                [],
                [],
                color=curve.colour,
                linestyle=curve.line if lines else "",
                marker=curve.marker,
                markersize=3,
                label=curve.label,
            )
            for curve in curves
        ]
    labels = [curve.label for curve in curves] if levels.field else []
    handles, labels = [*handles, *(handle for handle, _ in further)], [*labels, *(label for _, label in further)]
    if handles:
        columns = _columns(figure, labels)
        lines_above = [figure.get_suptitle(), field_label(levels.field) if levels.field else ""]
        title = "\n".join(line for line in lines_above if line) or None
        figure.suptitle("")  # which the legend would cover
        # Matplotlib leaves out what begins with "_".
        labels = [f" {label}" if label.startswith("_") else label for label in labels]
        legend = figure.legend(
            handles,
            labels,
            loc="outside upper center",
            ncols=columns,
            title=title,
            title_fontsize=7,
            columnspacing=1.2,
        )
        legend.get_title().set_multialignment("center")


def _columns(figure: "Figure", labels: list[str]) -> int:
    """As few columns as need no more rows than the longest label makes necessary."""
    room = figure.get_figwidth() - 0.1
    most = max(1, min(len(labels), int(room / (max(map(label_inches, labels)) + 0.34))))
    return -(-len(labels) // -(-len(labels) // most))
