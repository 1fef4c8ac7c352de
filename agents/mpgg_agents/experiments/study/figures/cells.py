"""Which cells of a study a figure shows, and whether the entries of a study's file fit its cells."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mpgg_agents.experiments.study.figures.spec import FigureSpec
from mpgg_agents.experiments.study.sweep import SweepError
from mpgg_env.core.types import IntArray


def read_figures(entries: Sequence[Mapping[str, Any]], points: Sequence[Mapping[str, Any]]) -> tuple[FigureSpec, ...]:
    """The entries `[[figures]]` of a study's file, checked against its cells.

    Args:
        entries: The settings of each figure.
        points: The values of the swept fields, by `section.field`, of each cell.

    Raises:
        SweepError: An entry is wrong; it says which and where.
    """
    fields = distinct_values(points)
    specs: list[FigureSpec] = []
    for number, entry in enumerate(entries):
        try:
            spec = FigureSpec.from_dict(dict(entry))
            spec.check(fields)
            check_single(points, spec)
            if spec.name in [other.name for other in specs]:
                raise ValueError(f"name must be another one for each figure, got {spec.name!r} twice")
        except (TypeError, ValueError) as error:
            word = str(error).partition(" ")[0].partition("[")[0]
            raise SweepError(("figures", number, *([word] if word in entry else [])), str(error)) from error
        specs.append(spec)
    return tuple(specs)


def distinct_values(points: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The values of every swept field, in the order of the cells."""
    return {name: list({level_key(point[name]): point[name] for point in points}.values()) for name in points[0]}


def level_key(value: Any) -> Any:
    """What tells values of a field apart: JSON text for those that have no hash, such as mechanisms.

    1 and 1.0 are one value, 1 and True are not.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return json.dumps(value, sort_keys=True)


def chosen_cells(points: Sequence[Mapping[str, Any]], spec: FigureSpec) -> IntArray:
    """Numbers of the cells that have the values of a figure's `where`.

    Raises:
        ValueError: There are none.
    """
    wanted = {name: level_key(value) for name, value in spec.fixed.items()}
    cells = [
        number
        for number, point in enumerate(points)
        if all(level_key(point[name]) == key for name, key in wanted.items())
    ]
    if not cells:
        raise ValueError(f"where must leave at least one cell, got {spec.fixed!r}")
    return np.array(cells, int)


def check_single(points: Sequence[Mapping[str, Any]], spec: FigureSpec) -> None:
    """Raises ValueError if a point of the figure would be a mean over a field that `average` does not name."""
    if spec.kind in ("against", "occupancy") or (spec.kind == "seeds" and spec.x is None):  # of cells one by one
        return
    cells = chosen_cells(points, spec)
    placed = list(spec.placed.values())
    groups = [tuple(level_key(points[cell][name]) for name in placed) for cell in cells]
    others = [name for name in points[0] if name not in placed and name not in spec.average]
    for name in others:
        with_it = {(group, level_key(points[cell][name])) for group, cell in zip(groups, cells, strict=True)}
        if len(with_it) > len(set(groups)):
            raise ValueError(
                f"figure {spec.name!r} must say what becomes of {name}, which differs within a point of it: "
                f"by, rows or columns, one value in where, or a mean by average = [{name!r}]"
            )
