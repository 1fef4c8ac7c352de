"""Which figures a study has when its file names none: as fits the number of swept fields."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from mpgg_agents.experiments.study.figures.spec import FigureSpec

MOST_CURVES: Final = 8
MOST_PANELS: Final = 6
MOST_CELLS: Final = 24


def default_figures(
    fields: Mapping[str, Sequence[Any]],
    *,
    cells: int,
    outcomes: Sequence[str],
    main: Sequence[str] = (),
    metrics: Collection[str] = (),
    boundaries: Sequence[str] = (),
    boards: bool = False,
) -> tuple[FigureSpec, ...]:
    """The figures of a study.

    Args:
        fields: The distinct values of every swept field, numbers rising.
        cells: Number of cells.
        outcomes: Names of the outcomes.
        main: Those that a reader wants first.
        metrics: Columns of the table of rounds.
        boundaries: Boundaries of the theory that the game has.
        boards: Whether boards of cells can be drawn.

    Returns:
        Of no swept field: the distribution over the seeds and the course of the training. Of one: line or points, the
        distribution, the courses. Of two: heat map, phase diagram, lines. Of three or four: the same in small
        multiples. Of more: heat map and lines with the other fields averaged. Of a random sample: points over each
        field, and the map of the first two.
    """
    varied = [name for name, values in fields.items() if len(values) > 1]
    chosen = main_outcomes(outcomes, main)
    if not chosen:
        return ()
    sampled = [name for name in varied if len(fields[name]) == cells and _numeric(fields[name])]
    if len(sampled) > 1:
        return _of_sample(sampled, chosen)
    ordered = _ordered(fields, varied)
    figures = [figure for metric in chosen for figure in _of_grid(fields, ordered, metric, cells, boundaries)]
    figures += _courses(fields, ordered, [name for name in chosen if name in metrics])
    if boards and cells <= MOST_PANELS:
        figures.append(FigureSpec(kind="occupancy"))
    return tuple(figures)


def main_outcomes(outcomes: Sequence[str], main: Sequence[str]) -> list[str]:
    """At most two outcomes: those that a reader wants first, or else the first ones."""
    known = [name for name in main if name in outcomes]
    return (known or list(outcomes))[:2]


def _ordered(fields: Mapping[str, Sequence[Any]], varied: list[str]) -> list[str]:
    """Numbers before categories, many values before few: the first ones become the axes."""
    return sorted(varied, key=lambda name: (not _numeric(fields[name]), -len(fields[name]), varied.index(name)))


def _of_grid(
    fields: Mapping[str, Sequence[Any]], ordered: list[str], metric: str, cells: int, boundaries: Sequence[str]
) -> list[FigureSpec]:
    if not ordered:
        return [FigureSpec(kind="seeds", metric=metric)]
    x, *others = ordered
    if not others:
        figures = [FigureSpec(kind="line", metric=metric, x=x)]
        return figures + ([FigureSpec(kind="seeds", metric=metric, x=x)] if len(fields[x]) <= MOST_CELLS else [])
    y, *rest = others
    panels, average = _panels(fields, rest)
    shared = {"metric": metric, "x": x, **panels}
    lines = [FigureSpec(kind="line", by=y, average=average, **shared)] if len(fields[y]) <= MOST_CURVES else []
    maps = [FigureSpec(kind="heat", y=y, average=average, **shared)]
    theory = _theory(x, y, fields, average, boundaries)
    if theory or (_numeric(fields[x]) and _numeric(fields[y])):
        maps.append(FigureSpec(kind="phase", y=y, average=average, theory=theory, **shared))
    return maps + lines


def _panels(fields: Mapping[str, Sequence[Any]], rest: list[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Fields of columns and rows where there are at most two more, each of few values; others are averaged."""
    places = dict(zip(("columns", "rows"), rest, strict=False))
    if len(rest) <= 2 and all(len(fields[name]) <= MOST_PANELS for name in rest):
        return places, ()
    return {}, tuple(rest)


def _theory(
    x: str, y: str, fields: Mapping[str, Sequence[Any]], average: Collection[str], boundaries: Sequence[str]
) -> tuple[str, ...]:
    """The game's boundaries, where an axis is a number of the game, and every point is one game."""
    numeric = any(name.startswith("game.") and _numeric(fields[name]) for name in (x, y))
    return tuple(boundaries) if numeric and not any(name.startswith("game.") for name in average) else ()


def _courses(fields: Mapping[str, Sequence[Any]], ordered: list[str], metrics: list[str]) -> list[FigureSpec]:
    """Metrics over the rounds, a curve per value of the first field that has few values."""
    by = next((name for name in ordered if len(fields[name]) <= MOST_CURVES), None)
    average = tuple(name for name in ordered if name != by)
    if "run.rounds" in ordered and by != "run.rounds":
        return []  # cells end at different rounds, and have no common course
    return [FigureSpec(kind="time", metric=metric, by=by, average=average) for metric in metrics[:1]]


def _of_sample(sampled: list[str], metrics: list[str]) -> tuple[FigureSpec, ...]:
    x, y = sampled[:2]
    maps = [FigureSpec(kind="phase", metric=metric, x=x, y=y) for metric in metrics]
    return (*maps, *(FigureSpec(kind="seeds", metric=metrics[0], x=name) for name in sampled))


def _numeric(values: Sequence[Any]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
