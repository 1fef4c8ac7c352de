"""Reading what the figures of a study draw from its folder."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mpgg_agents.experiments.boards import EndBoard
from mpgg_agents.experiments.study.figures.boundaries import read_boundary
from mpgg_agents.experiments.study.figures.cells import chosen_cells, distinct_values, level_key
from mpgg_agents.experiments.study.figures.data import Series, StudyData
from mpgg_agents.experiments.study.figures.labels import setting_label
from mpgg_agents.experiments.study.figures.levels import Levels
from mpgg_agents.experiments.study.figures.spec import FigureSpec, quantities
from mpgg_agents.experiments.study.figures.theory import GameTheory, Plane
from mpgg_agents.experiments.study.folder import TABLE
from mpgg_agents.experiments.study.reader import StudyRun
from mpgg_agents.experiments.study.tables import CELL, KEYS
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.core.validation import check_choice

Point = Mapping[str, Any]


class Gathering:
    """What the figures of one study need, each part read when a figure asks for it."""

    def __init__(self, run: StudyRun) -> None:
        self.run = run
        self.points: list[Point] = list(run.study.sweep.points())
        self._hooks = run.study.game_kind.study()
        self._theory = None if self._hooks.theory is None else GameTheory(self._hooks.theory)
        self._outcomes: dict[str, FloatArray] = {}

    @property
    def has_boards(self) -> bool:
        """Whether the game has boards, and the store of the runs, of which they are read, is there."""
        return self._hooks.end_board is not None and self.run.store.path.is_dir()

    @property
    def boundaries(self) -> tuple[str, ...]:
        """The boundaries that phase diagrams have by default."""
        return self._hooks.boundaries

    @property
    def main(self) -> tuple[str, ...]:
        """The outcomes that a reader wants first."""
        return self._hooks.main

    @property
    def quantities(self) -> list[str]:
        """Names of the quantities of the theory."""
        return list(self._hooks.theory_help)

    @property
    def fields(self) -> dict[str, list[Any]]:
        """The distinct values of every swept field, in the order of the cells."""
        return distinct_values(self.points)

    @property
    def outcomes(self) -> list[str]:
        """Names of the outcomes."""
        return self.run.outcome_names

    @property
    def metrics(self) -> list[str]:
        """Columns of the table of rounds."""
        return [name for name in self._table_columns if name not in (*KEYS, *self.run.fields)]

    @cached_property
    def _table_columns(self) -> list[str]:
        part = next(name for name in sorted(self.run.manifest["parts"]) if name.startswith(f"{TABLE}/"))
        return list(pq.read_schema(self.run.path / part).names)

    def data(self, spec: FigureSpec) -> StudyData:
        """What one figure draws."""
        cells = chosen_cells(self.points, spec)
        outcomes = {} if spec.kind in ("time", "occupancy") else {str(spec.metric): self._outcome(str(spec.metric))}
        theory = {name: self._of_cells(name, cells) for name in spec.theory} if spec.kind in ("line", "against") else {}
        series = self._series(spec, cells) if spec.kind == "time" else {}
        return StudyData(points=self.points, outcomes=outcomes, theory=theory, series=series)

    def plane(self, spec: FigureSpec, cells: IntArray, across: Levels, up: Levels) -> Plane:
        """The theory over the plane of a panel.

        Raises:
            ValueError: The panel's games differ in more than the fields of its axes.
        """
        own = {levels.field.removeprefix("game.") for levels in (across, up)}
        first = self._game(int(cells[0]))
        fixed = {name: value for name, value in first.to_dict().items() if name not in own}
        for cell in cells[1:].tolist():
            other = self._game(cell).to_dict()
            wrong = [name for name, value in fixed.items() if other[name] != value]
            if wrong:
                raise ValueError(f"theory must be of one game in each panel, but game.{wrong[0]} differs within it")
        return self._known_theory().plane(first, across, up, [read_boundary(text) for text in spec.theory])

    def boards(self, spec: FigureSpec) -> tuple[list[EndBoard], list[str]]:
        """The boards of the chosen cells, and what is above each: the fields in which they differ."""
        end_board = self._hooks.end_board
        if end_board is None:
            raise ValueError("kind must be another one than 'occupancy': this game has no boards")
        cells = chosen_cells(self.points, spec).tolist()
        varied = [name for name in self.run.fields if len({level_key(self.points[cell][name]) for cell in cells}) > 1]
        titles = [", ".join(setting_label(name, self.points[cell][name]) for name in varied) for cell in cells]
        return [end_board(self.run.runs(cell)) for cell in cells], titles

    def _known_theory(self) -> GameTheory:
        if self._theory is None:
            raise ValueError("theory must be left out: this game has none for studies")
        return self._theory

    def _game(self, cell: int) -> Any:
        return self.run.study.cells[cell].experiment.game

    def _outcome(self, name: str) -> FloatArray:
        if name not in self._outcomes:
            self._outcomes[name] = self.run.outcome(name).astype(float)
        return self._outcomes[name]

    def _of_cells(self, text: str, cells: IntArray) -> FloatArray:
        """A quantity of the theory in each of all cells, (C,), NaN where it is not asked for."""
        (name,) = quantities(text)
        values = np.full(len(self.points), np.nan)
        values[cells] = [self._known_theory().of(self._game(cell))[name] for cell in cells.tolist()]
        return values

    def _series(self, spec: FigureSpec, cells: IntArray) -> dict[int, Series]:
        columns = [name for name in (*KEYS, str(spec.metric)) if name in self._table_columns]
        table = self.run.table(columns)
        table = table.filter(pc.is_in(table[CELL], value_set=pa.array(cells, table[CELL].type)))
        if "phase" in columns:
            phases = table["phase"].unique().to_pylist()
            if spec.phase is not None:
                check_choice("phase", spec.phase, phases)
            table = table.filter(pc.equal(table["phase"], spec.phase or phases[0]))
        return series_of(*(table[name].to_numpy() for name in (CELL, "seed", "round", str(spec.metric))))


def series_of(cell: IntArray, seed: IntArray, rounds: IntArray, values: FloatArray) -> dict[int, Series]:
    """The series of each cell from rows in any order.

    Raises:
        ValueError: The seeds of a cell were recorded at different rounds.
    """
    order = np.argsort(cell, kind="stable")  # to look through all rows for each cell would take minutes for thousands
    cells, first = np.unique(cell[order], return_index=True)
    found = {}
    for number, rows in zip(cells.tolist(), np.split(order, first[1:]), strict=True):
        seeds, which = np.unique(seed[rows], return_inverse=True)
        times, when = np.unique(rounds[rows], return_inverse=True)
        if len(rows) != len(seeds) * len(times):
            raise ValueError(f"metric must be recorded at the same rounds for all seeds, but is not in cell {number}")
        matrix = np.full((len(seeds), len(times)), np.nan)
        matrix[which, when] = values[rows]
        found[number] = Series(rounds=times.astype(float), values=matrix)
    return found
