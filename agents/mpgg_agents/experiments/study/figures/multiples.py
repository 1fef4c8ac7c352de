"""Small multiples: a panel for each value of one or two further fields, with the same scales."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

from matplotlib.figure import Figure

from mpgg_agents.experiments.study.figures.data import StudyData
from mpgg_agents.experiments.study.figures.labels import folded, label_inches, literal, setting_label, wrapped
from mpgg_agents.experiments.study.figures.levels import Levels
from mpgg_agents.experiments.study.figures.spec import FigureSpec
from mpgg_agents.experiments.style import COLUMN_INCHES, PAGE_INCHES, new_figure
from mpgg_env.core.types import IntArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_PANELS: Final = 10  # along a side
MAX_HEIGHT: Final = 8.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel.

    Attributes:
        axes: Where it is drawn.
        cells: Numbers of the cells in it.
        row: Its row.
        column: Its column.
    """

    axes: "Axes"
    cells: IntArray
    row: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiples:
    """The panels of a figure.

    Attributes:
        figure: The figure.
        panels: All panels, row by row.
        rows: Levels of the field `rows`.
        columns: Levels of the field `columns`.
    """

    figure: Figure
    panels: list[Panel]
    rows: Levels
    columns: Levels

    def __iter__(self) -> Iterator[Panel]:
        return iter(self.panels)

    @property
    def axes(self) -> list["Axes"]:
        """The axes of all panels."""
        return [panel.axes for panel in self.panels]

    @property
    def left(self) -> list["Axes"]:
        """The axes of the first column."""
        return [panel.axes for panel in self.panels if panel.column == 0]

    @property
    def bottom(self) -> list["Axes"]:
        """The axes of the last row."""
        return [panel.axes for panel in self.panels if panel.row == len(self.rows) - 1]

    def label(self, side: Literal["x", "y"], text: str) -> None:
        """Labels an axis of all panels, once."""
        text = wrapped(text, self.figure.get_size_inches()[int(side == "y")] - 0.2)
        if len(self.panels) == 1:
            self.panels[0].axes.set(**{f"{side}label": text})
        else:
            (self.figure.supxlabel if side == "x" else self.figure.supylabel)(text, fontsize=8)


def make_multiples(data: StudyData, spec: FigureSpec, height: float, extra: float = 0.35) -> Multiples:
    """The panels of a figure, empty.

    Args:
        data: The study.
        spec: The figure.
        height: Inches of a panel of a whole column's width.
        extra: Inches above and below the panels together.

    Raises:
        ValueError: A side would have too many panels.
    """
    cells = data.chosen(spec)
    rows, columns = data.levels(spec.rows, cells), data.levels(spec.columns, cells)
    for name, levels in (("rows", rows), ("columns", columns)):
        if len(levels) > MOST_PANELS:
            raise ValueError(f"{name} must have at most {MOST_PANELS} values, got {len(levels)} of {levels.field}")
    wide = spec.wide if spec.wide is not None else len(columns) > 2
    width = PAGE_INCHES if wide else COLUMN_INCHES
    share = min(1.0, (width / len(columns)) / COLUMN_INCHES)
    panel_height = max(1.2, height * share)
    total = min(MAX_HEIGHT, panel_height * len(rows) + extra)
    figure = new_figure(total, width=width)
    grid = figure.subplots(len(rows), len(columns), sharex=True, sharey=True, squeeze=False)
    panels = [
        Panel(
            axes=grid[i, j],
            cells=data.within(data.within(cells, rows, i), columns, j),
            row=i,
            column=j,
        )
        for i in range(len(rows))
        for j in range(len(columns))
    ]
    multiples = Multiples(figure=figure, panels=panels, rows=rows, columns=columns)
    _name_panels(multiples)
    if spec.title:
        figure.suptitle(shown_title(figure, spec.title), fontsize=8)
    return multiples


def shown_title(figure: Figure, title: str) -> str:
    """A user's title, as much of it as fits the width."""
    return literal(title, int(figure.get_figwidth() / 0.062))


def _name_panels(multiples: Multiples) -> None:
    """The value of `columns` above each column, that of `rows` beside each row."""
    last = len(multiples.columns) - 1
    for panel in multiples:
        if multiples.columns.field and panel.row == 0:
            value = multiples.columns.values[panel.column]
            text = setting_label(multiples.columns.field, value)
            panel.axes.set_title(folded(text, panel_inches(multiples)[0]), fontsize=7)
        if multiples.rows.field and panel.column == last:
            text = setting_label(multiples.rows.field, multiples.rows.values[panel.row])
            panel.axes.annotate(
                folded(text, panel_inches(multiples)[1]),
                (1.0, 0.5),
                xytext=(3, 0),
                xycoords="axes fraction",
                textcoords="offset points",
                rotation=270,
                ha="left",
                va="center",
                ma="center",
                fontsize=7,
            )


def show_levels(multiples: Multiples, side: Literal["x", "y"], levels: Levels, *, cells: bool) -> None:
    """Gives an axis of all panels its ticks, turned where they would run into each other."""
    inches = panel_inches(multiples)[side == "y"]
    for axes in multiples.axes:
        levels.show(axes, side, inches=inches, cells=cells)
    if side == "x" and levels.scale == "category":
        _turn_long_ticks(multiples, levels, inches)


def panel_inches(multiples: Multiples) -> tuple[float, float]:
    """About how wide and high a panel will be, without what stands beside it."""
    width, height = multiples.figure.get_size_inches()
    return 0.75 * width / len(multiples.columns), (height - 0.6) / len(multiples.rows) - 0.1


def _turn_long_ticks(multiples: Multiples, levels: Levels, inches: float) -> None:
    """Turns the labels of categories where two of them would run into each other, and makes room below for them."""
    widths = [label_inches(label) + 0.06 for label in levels.labels]
    if all((one + other) / 2 < inches / len(levels) for one, other in pairwise(widths)):
        return
    height = multiples.figure.get_figheight() + max(widths) / 2  # the sine of 30 degrees
    multiples.figure.set_figheight(min(MAX_HEIGHT, height))  # or they would take it from the panels
    for panel in multiples.bottom:
        panel.tick_params(axis="x", labelrotation=30)
        for label in panel.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
