"""Drawing the figures of a study into its folder, as PNG, PDF and SVG that name the study and the cells."""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from mpgg_agents.experiments.figures import About, FigureSet, draw_figure_set
from mpgg_agents.experiments.files import FIGURES
from mpgg_agents.experiments.study.figures.against import against_figure
from mpgg_agents.experiments.study.figures.boundaries import read_boundary
from mpgg_agents.experiments.study.figures.cells import chosen_cells, read_figures
from mpgg_agents.experiments.study.figures.data import StudyData
from mpgg_agents.experiments.study.figures.defaults import default_figures
from mpgg_agents.experiments.study.figures.gathering import Gathering
from mpgg_agents.experiments.study.figures.heat import heat_figure
from mpgg_agents.experiments.study.figures.labels import plain_value
from mpgg_agents.experiments.study.figures.line import line_figure
from mpgg_agents.experiments.study.figures.occupancy import occupancy_figure
from mpgg_agents.experiments.study.figures.phase import phase_figure
from mpgg_agents.experiments.study.figures.seeds import seeds_figure
from mpgg_agents.experiments.study.figures.spec import FigureSpec
from mpgg_agents.experiments.study.figures.time import time_figure
from mpgg_agents.experiments.study.reader import StudyRun
from mpgg_env.core.types import IntArray

MOST_KEYS: Final = 40  # runs that a file names one by one
_DRAWERS: Final[dict[str, Callable[[StudyData, FigureSpec], Figure]]] = {
    "line": line_figure,
    "time": time_figure,
    "heat": heat_figure,
    "seeds": seeds_figure,
    "against": against_figure,
}


def draw_study_figures(
    run: StudyRun, files: Collection[str] | None = None, stop: Callable[[], bool] = lambda: False
) -> list[Path]:
    """Draws the figures of a study into its folder, those that its file names or else those that fit its sweep.

    Args:
        run: The study; of one that is not complete, what there is of it.
        files: Names of the files to write; None for all.
        stop: Asked before each figure whether to leave the rest out.

    Returns:
        The files written.

    Raises:
        ValueError: A figure does not fit the study.
        RunFolderError: A file is missing or has been changed.
    """
    return draw_figure_set(study_figure_set(run), run.path / FIGURES, files, stop)


def study_figure_set(run: StudyRun) -> FigureSet:
    """The figures of a study.

    Raises:
        ValueError: A figure does not fit the study.
    """
    specs = {spec.name: spec for spec in study_figures(run)}
    return FigureSet(
        read=partial(Gathering, run),
        drawers={name: partial(_drawn, spec) for name, spec in specs.items()},
        about=lambda name: about(run, specs[name]),
    )


def study_figures(run: StudyRun) -> tuple[FigureSpec, ...]:
    """What the figures of a study show, checked against its fields and outcomes.

    Raises:
        ValueError: A figure does not fit the study, or two have the same name.
    """
    gathering = Gathering(run)
    fields, outcomes, metrics = gathering.fields, gathering.outcomes, gathering.metrics
    specs = read_figures(run.study.figures, gathering.points) or default_figures(
        fields,
        cells=len(gathering.points),
        outcomes=outcomes,
        main=gathering.main,
        metrics=metrics,
        boundaries=gathering.boundaries,
        boards=gathering.has_boards,
    )
    for spec in specs:
        spec.check(fields, outcomes=outcomes, metrics=metrics, theory=gathering.quantities)
    return specs


def caption(run: StudyRun, spec: FigureSpec) -> str:
    """What a figure shows, in plain text."""
    if spec.caption:
        return spec.caption
    what = "occupancy and cooperation at the end" if spec.kind == "occupancy" else str(spec.metric)
    over = {"time": ["round"]}.get(spec.kind, [name for name in (spec.x, spec.y) if name])
    parts = [f"{what} over {' and '.join(over)}" if over else what]
    parts += [f"{word} {field}" for word, field in spec.placed.items() if word in ("by", "rows", "columns")]
    parts += [f"theory: {', '.join(spec.theory)}"] if spec.theory else []
    parts += [f"where {', '.join(f'{name} = {plain_value(value)}' for name, value in spec.fixed.items())}"] * bool(
        spec.where
    )
    parts.append(
        {"line": _BAND, "time": _BAND, "against": _BAND, "seeds": "every seed, with quartiles"}.get(spec.kind, _MEAN)
    )
    parts += [f"each seed averaged over {', '.join(spec.average)}"] if spec.average else []
    return "; ".join(parts)


_BAND: Final = "mean over the seeds with 95 % interval"
_MEAN: Final = "mean over the seeds"


def about(run: StudyRun, spec: FigureSpec) -> About:
    """What the files of a figure tell: study, what is shown, and the cells with their runs."""
    study = run.study
    cells = chosen_cells(list(study.sweep.points()), spec)
    return About(
        title=f"{study.title or study.name}: {spec.title or spec.name}",
        description=caption(run, spec),
        source=f"study {study.name}, cells {ranges(cells)}{_keys(run, cells)}",
    )


def ranges(numbers: Sequence[int] | IntArray) -> str:
    """Rising numbers as text, such as 0-4, 7."""
    parts: list[list[int]] = []
    for number in map(int, numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(f"{first}-{last}" if last > first else f"{first}" for first, last in parts)


def _keys(run: StudyRun, cells: IntArray) -> str:
    runs = run.cells()["runs"].to_pylist()
    keys = [key for cell in cells.tolist() for key in runs[cell]]
    return f", runs {', '.join(keys)}" if 0 < len(keys) <= MOST_KEYS else ""


def _drawn(spec: FigureSpec, gathering: Gathering) -> Figure:
    """The figure."""
    if spec.kind == "occupancy":
        return occupancy_figure(*gathering.boards(spec), title=spec.title, wide=spec.wide)
    data = gathering.data(spec)
    if spec.kind != "phase":
        return _DRAWERS[spec.kind](data, spec)
    boundaries = [read_boundary(text) for text in spec.theory]
    if not boundaries:
        return phase_figure(data, spec)
    cells = data.chosen(spec)
    across, up = data.levels(spec.x, cells, log=spec.log_x), data.levels(spec.y, cells, log=spec.log_y)
    rows, columns = data.levels(spec.rows, cells), data.levels(spec.columns, cells)
    panels = [
        data.within(data.within(cells, rows, i), columns, j) for i in range(len(rows)) for j in range(len(columns))
    ]
    planes = [gathering.plane(spec, panel, across, up) for panel in panels]
    return phase_figure(data, spec, planes, boundaries)
