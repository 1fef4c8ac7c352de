"""What the figures of a study draw: plain numbers per cell and seed, grouped by the fields of a figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mpgg_agents.experiments.study.figures.cells import chosen_cells
from mpgg_agents.experiments.study.figures.levels import Levels, levels_of
from mpgg_agents.experiments.study.figures.spec import FigureSpec
from mpgg_env.core.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A metric of one cell over the rounds.

    Attributes:
        rounds: The rounds, (T,).
        values: The metric, (S, T).
    """

    rounds: FloatArray
    values: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyData:
    """What the figures draw, for C cells and S seeds.

    Attributes:
        points: The values of the swept fields, by `section.field`, of each cell, (C,).
        outcomes: Each outcome, (C, S); NaN where a cell has no such seed or the outcome is undefined.
        theory: Each quantity of the theory, (C,), where a figure asks for it.
        series: The metric over the rounds of the cells that a figure asks for, by the number of the cell.
    """

    points: Sequence[Mapping[str, Any]]
    outcomes: Mapping[str, FloatArray] = field(default_factory=dict)
    theory: Mapping[str, FloatArray] = field(default_factory=dict)
    series: Mapping[int, Series] = field(default_factory=dict)

    def chosen(self, spec: FigureSpec) -> IntArray:
        """Numbers of the cells that a figure shows: those with the values of `where`.

        Raises:
            ValueError: There are none.
        """
        return chosen_cells(self.points, spec)

    def levels(
        self, field_name: str | None, cells: IntArray, *, log: bool | None = None, equal: bool = False
    ) -> Levels:
        """The levels of a field in some cells; of None one level, in which all cells are."""
        if field_name is None:
            return Levels("", (None,), "category")
        return levels_of(field_name, [self.points[cell][field_name] for cell in cells], log=log, equal=equal)

    def within(self, cells: IntArray, levels: Levels, index: int) -> IntArray:
        """Those of the cells that have the value of this index."""
        if not levels.field:
            return cells
        return np.array([cell for cell in cells if levels.index(self.points[cell][levels.field]) == index], int)

    def grouped(self, values: FloatArray, cells: IntArray, axes: Sequence[Levels]) -> FloatArray:
        """Values (C, S) of cells by their levels, (*levels, S): for each seed the mean of a group's cells.

        NaN where a group has no cell, or one of its cells no value of the seed. Cells of one study share the random
        numbers of a seed, so that seeds are averaged one by one.
        """
        shape = tuple(len(levels) for levels in axes)
        places = tuple(
            np.array([levels.index(self.points[cell][levels.field]) if levels.field else 0 for cell in cells], int)
            for levels in axes
        )
        total, count = np.zeros((*shape, values.shape[1])), np.zeros((*shape, 1))
        np.add.at(total, places, values[cells])
        np.add.at(count, places, 1.0)
        return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
