"""What a page says, as plain data. A run and a study are two ways to fill it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# Of a cell in a table. None and NaN: not known.
Value = str | int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that is known.

    Attributes:
        name: What it is.
        value: What it is known to be, as text.
    """

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One field of a configuration.

    Attributes:
        name: Name of the field.
        value: Its value, as plain JSON.
        default: Its value by default; None for a field that has to be given.
        mark: "changed" where the two differ, "swept" where a study varies it; empty for neither.
        help: What the field means.
    """

    name: str
    value: Any
    default: Any
    mark: str
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsGroup:
    """The fields of one configuration.

    Attributes:
        title: What they are settings of.
        settings: The fields in their order.
    """

    title: str
    settings: Sequence[Setting]

    @property
    def changes(self) -> int:
        """Number of fields that are not at their default."""
        return sum(bool(setting.mark) for setting in self.settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table.

    Attributes:
        name: Its head.
        help: What its numbers mean; empty where that is plain.
    """

    name: str
    help: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that can be sorted and downloaded.

    Attributes:
        name: Name of the file of a download, without its ending.
        title: What stands above it.
        columns: The columns; the first one names the row.
        rows: A value for each column.
        notes: Paragraphs below it.
        meanings: What names in the first column mean.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]]
    notes: Sequence[str] = ()
    meanings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A figure.

    Attributes:
        file: Name of its file.
        caption: What it shows, also for those who do not see it.
        content: The file, SVG or PNG as its name says.
    """

    file: str
    caption: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Lattice:
    """The places of a board, row by row.

    Attributes:
        shape: Rows and columns.
        upward: Whether row 0 is the lowest one, as in the figures, or the one on top.
        terms: Numbers of each place by their name, such as its cost; (M,) each.
        marks: Words at some places, by the number of the place.
    """

    shape: tuple[int, int]
    upward: bool = False
    terms: Mapping[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    marks: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What happened on a board.

    Attributes:
        cell: Label of the cell of a study; empty in a run.
        phase: Part of the run.
        lattice: The places.
        seeds: Labels of the replicas.
        pooled: How many seeds each replica is the sum of.
        starts: First time of each frame, (F,).
        ends: The time after the last one of each frame, (F,).
        layers: Numbers of every replica, frame and place by name, (K, F, M): sums over the times of a frame, integers;
            or floats, of frames of one time.
    """

    cell: str
    phase: str
    lattice: Lattice
    seeds: Sequence[str]
    pooled: int = 1
    starts: np.ndarray[Any, Any]
    ends: np.ndarray[Any, Any]
    layers: Mapping[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """What can be shown of a scene: one layer per time and seed, or per another layer.

    Attributes:
        name: What it is, with its unit.
        over: The layer.
        per: The layer that it is divided by, after both are summed over the seeds shown; None for times and seeds.
        highest: The end of the scale of colours; None for the highest number of the scene.
        digits: Decimals that are shown.
    """

    name: str
    over: str
    per: str | None = None
    highest: float | None = None
    digits: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A grid of places over time, with a choice of what is shown.

    Attributes:
        title: What the section is called.
        time: What a time is called, such as round.
        scenes: What can be looked at.
        quantities: What of it can be shown.
        notes: Paragraphs below it.
    """

    title: str
    time: str
    scenes: Sequence[Scene]
    quantities: Sequence[Quantity]
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page.

    Attributes:
        name: Name of the run or study, also in the names of downloads.
        title: What stands at its top.
        subtitle: The line below.
        description: Paragraphs below that.
        facts: What is known of how the results came about.
        board: The grid over time; None where there is none.
        pictures: The figures.
        tables: The tables.
        settings: Every setting.
        folder: What the folder of the full data is that of: run or study.
        files: Where the full data are: name and content of each file.
    """

    name: str
    title: str
    subtitle: str
    description: Sequence[str] = ()
    facts: Sequence[Fact] = ()
    board: Board | None = None
    pictures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()
    settings: Sequence[SettingsGroup] = ()
    folder: str = "run"
    files: Sequence[Fact] = ()
