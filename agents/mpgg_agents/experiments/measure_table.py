"""Measures of a run in a table: what `mpgg info` writes and what its page shows."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mpgg_agents.experiments.columns import aligned
from mpgg_env.core.types import FloatArray

WIDTH: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One row of a table.

    Attributes:
        values: One number per seed, (B,), for each column.
        form: How they are written in text.
        help: What the measure means; empty where the table's notes say it.
    """

    values: Sequence[FloatArray]
    form: Callable[[FloatArray], str]
    help: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureTable:
    """Measures by name, a column for each time.

    Attributes:
        title: What the numbers are.
        corner: Head of the column of names.
        columns: Heads of the columns.
        rows: The measures by name.
        notes: Paragraphs below the table.
    """

    title: str
    corner: str
    columns: Sequence[str]
    rows: Mapping[str, Measure]
    notes: Sequence[str] = ()

    def lines(self) -> list[str]:
        """The table as text, with an empty line before it and between it and the notes."""
        columns = [[self.corner, *self.rows]]
        for at, head in enumerate(self.columns):
            columns.append([head, *(row.form(row.values[at]) for row in self.rows.values())])
        notes = [line for note in self.notes for line in textwrap.wrap(note, WIDTH)]
        return ["", f"{self.title}:", *aligned(columns), *(["", *notes] if notes else [])]
