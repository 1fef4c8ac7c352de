"""Which values a study gives to which fields: a grid, rows of a list, a random sample, or products of these."""

import hashlib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_flag, check_integer, check_known, check_real

Point = dict[str, Any]  # values by "section.field"

SECTIONS: Final = ("game", "agent", "run")
MAX_CELLS: Final = 10**6

# What decides which game is played by whom, and what changes no result.
_FIXED: Final[dict[str, str]] = {
    "run.env": "a study has one game: write a study for each",
    "run.agent": "a study has one kind of agent: write a study for each",
    "run.seeds": "every cell has the seeds of [run]",
    "run.figures": "cells draw no figures",
    "run.checkpoint_every": "it changes no result",
}


class SweepError(ValueError):
    """A part of the settings of a study is wrong.

    Attributes:
        place: The keys that lead to it in the study's file.
    """

    def __init__(self, place: Sequence[str | int], message: str) -> None:
        super().__init__(message)
        self.place = tuple(place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uniform(Config):
    """Uniform random numbers between two limits.

    Attributes:
        low: Smallest value.
        high: Upper limit; integers reach it, other numbers stay below it.
        log: Uniform in the logarithm; the limits are above 0.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        check_flag("log", self.log)
        low = check_real("low", self.low, 0 if self.log else -math.inf, open_minimum=self.log)
        check_real("high", self.high, low, open_minimum=True)

    def values(self, uniform: Sequence[float]) -> list[float] | list[int]:
        """The values that uniform numbers in [0, 1) stand for; integers where both limits are."""
        whole = isinstance(self.low, int) and isinstance(self.high, int)
        low, high = float(self.low), float(self.high) + whole
        if self.log:
            numbers = [low * (high / low) ** share for share in uniform]
        else:
            numbers = [low + share * (high - low) for share in uniform]
        return [min(math.floor(number), int(self.high)) for number in numbers] if whole else numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample(Config):
    """A random sample over fields. Neither a larger count nor a further field changes the values that there were.

    Attributes:
        count: Number of points.
        seed: Seed of the draws.
        fields: For each field, as `section.field`, an `Uniform` or a list to choose from.
    """

    count: int
    seed: int = 0
    fields: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._set("count", check_integer("count", self.count, 1, MAX_CELLS))
        self._set("seed", check_integer("seed", self.seed, 0, 2**63 - 1))
        if not self.fields:
            raise ValueError("fields must name at least one field to draw, got none")
        self._set("fields", {name: _source(name, given) for name, given in _by_section(self.fields).items()})

    def points(self) -> list[Point]:
        """The points, in the order of their numbers."""
        columns = {name: self._drawn(name, source) for name, source in self.fields.items()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def _drawn(self, name: str, source: Any) -> list[Any]:
        """The values of one field. Its name is part of the key, so that no other field changes them."""
        key = np.frombuffer(hashlib.blake2b(f"{self.seed}/{name}".encode(), digest_size=16).digest(), np.uint64)
        uniform = np.random.Generator(np.random.Philox(key=key)).random(self.count).tolist()
        if isinstance(source, Uniform):
            return list(source.values(uniform))
        return [source[int(share * len(source))] for share in uniform]

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain JSON values, those that are drawn nested by section."""
        plain = {
            name: list(given) if isinstance(given, list) else given.to_dict() for name, given in self.fields.items()
        }
        return {"count": self.count, "seed": self.seed, "fields": nested(plain)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep(Config):
    """What a study varies: the product of a grid, of the rows of a list, and of a random sample.

    Attributes:
        grid: The values of each field, as `section.field`; all combinations are played.
        rows: Points one by one, each with the same fields.
        sample: Random points.
    """

    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    rows: Sequence[Mapping[str, Any]] = ()
    sample: Sample | None = None

    def __post_init__(self) -> None:
        self._set("grid", _by_section(self.grid))
        for name, values in self.grid.items():
            _check_list(("grid", *name.split(".")), name, values)
        self._set("rows", tuple(_by_section(row) for row in self.rows))
        for number, row in enumerate(self.rows):
            if set(row) != set(self.rows[0]):
                raise SweepError(("list", number), "every row of the list must have the same fields as the first one")
            if not row or row in self.rows[:number]:
                raise SweepError(
                    ("list", number), "every row of the list must set fields, and not those of another row"
                )
        self._check_fields()
        if len(self) > MAX_CELLS:
            raise SweepError((), f"a sweep must have at most {MAX_CELLS:,} cells, got {len(self):,}")

    def __len__(self) -> int:
        rows, sample = len(self.rows) or 1, 1 if self.sample is None else self.sample.count
        return rows * sample * math.prod(len(values) for values in self.grid.values())

    @property
    def parts(self) -> dict[str, tuple[str | int, ...]]:
        """Every swept field, in the order of the columns, with the keys that lead to its values in a study's file."""
        places: dict[str, tuple[str | int, ...]] = {}
        for name in self.rows[0] if self.rows else ():
            places[name] = ("list", 0, *name.split("."))
        for name in () if self.sample is None else self.sample.fields:
            places[name] = ("sample", "fields", *name.split("."))
        for name in self.grid:
            places[name] = ("grid", *name.split("."))
        return places

    def points(self) -> Iterator[Point]:
        """The points: the last field of the grid changes fastest, then the sample, then the list."""
        rows = self.rows or ({},)
        drawn = [{}] if self.sample is None else self.sample.points()
        combinations = [dict(zip(self.grid, values, strict=True)) for values in itertools.product(*self.grid.values())]
        for row, sample, combination in itertools.product(rows, drawn, combinations):
            yield {**row, **sample, **combination}

    def place(self, name: str, number: int) -> tuple[str | int, ...]:
        """Where the value of a field at the point of this number stands in a study's file."""
        place = self.parts[name]
        if place[0] == "list":
            return ("list", number // (len(self) // len(self.rows)), *place[2:])
        if place[0] == "grid":
            names = list(self.grid)
            faster = math.prod(len(self.grid[other]) for other in names[names.index(name) + 1 :])
            return (*place, number // faster % len(self.grid[name]))
        return place

    def to_dict(self) -> dict[str, Any]:
        """The inverse of `read_sweep`."""
        values: dict[str, Any] = {}
        if self.grid:
            values["grid"] = nested({name: list(given) for name, given in self.grid.items()})
        if self.rows:
            values["list"] = [nested(row) for row in self.rows]
        if self.sample is not None:
            values["sample"] = self.sample.to_dict()
        return values

    def _check_fields(self) -> None:
        grid, row = set(self.grid), set(self.rows[0]) if self.rows else set()
        sampled = set() if self.sample is None else set(self.sample.fields)
        for name in (grid & row) | (grid & sampled) | (row & sampled):
            raise SweepError(self.parts[name], f"{name} must be swept in one way, got two")
        for name, place in self.parts.items():
            section, _, own = name.partition(".")
            if section not in SECTIONS or not own or "." in own:
                raise SweepError(
                    place, f"a swept field must be section.field with a section of {SECTIONS}, got {name!r}"
                )
            if name in _FIXED:
                raise SweepError(place, f"{name} cannot be swept: {_FIXED[name]}")


def read_sweep(values: Any) -> Sweep:
    """A sweep from the section of a study's file.

    Raises:
        SweepError: A part is unknown or wrong.
    """
    _check_table((), values, ("grid", "list", "sample"))
    rows = values.get("list", [])
    if not isinstance(rows, list):
        raise SweepError(("list",), "list must be rows [[sweep.list]]")
    sample = values.get("sample")
    return Sweep(
        grid=_flat(("grid",), values.get("grid", {})),
        rows=[_flat(("list", number), row) for number, row in enumerate(rows)],
        sample=None if sample is None else _read_sample(sample),
    )


def plain(value: Any) -> Any:
    """A value as a file gives it back; tuples, configurations and numbers of numpy are not what JSON can tell."""
    if isinstance(value, Config):
        value = value.to_dict()
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple | range) else value


def nested(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Values by `section.field` as a mapping of sections."""
    sections: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        section, _, own = name.partition(".")
        sections.setdefault(section, {})[own] = value
    return sections


def _by_section(values: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values in the order in which files have them, section by section: the order decides the cells' numbers."""
    sections = list(dict.fromkeys(name.partition(".")[0] for name in values))
    return {
        name: plain(values[name]) for name in sorted(values, key=lambda name: sections.index(name.partition(".")[0]))
    }


def _read_sample(values: Any) -> Sample:
    _check_table(("sample",), values, Sample.field_names())
    fields = _flat(("sample", "fields"), values.get("fields", {}))
    try:
        return Sample.from_dict({**values, "fields": fields})
    except SweepError:
        raise
    except (TypeError, ValueError) as error:
        raise SweepError(("sample", *_named(str(error), values)), str(error)) from error


def _named(message: str, values: Mapping[str, Any]) -> tuple[str, ...]:
    """The key that a message begins with, if the mapping has it."""
    word = message.partition(" ")[0]
    return (word,) if word in values else ()


def _source(name: str, given: Any) -> Any:
    """What a field is drawn from."""
    place = ("sample", "fields", *name.split("."))
    if not isinstance(given, Mapping):
        _check_list(place, name, given)
        return list(given)
    try:
        return Uniform.from_dict(dict(given))
    except (TypeError, ValueError) as error:
        raise SweepError(place, f"{name}: {error}") from error


def _flat(place: tuple[str | int, ...], values: Any) -> dict[str, Any]:
    """A mapping of sections as values by `section.field`."""
    _check_table(place, values, SECTIONS)
    for section, fields in values.items():
        if not isinstance(fields, Mapping):
            raise SweepError(
                (*place, section), f"{section} must hold fields, such as {section}.{'gamma'}, got {fields!r}"
            )
    return {f"{section}.{name}": value for section, fields in values.items() for name, value in fields.items()}


def _check_table(place: Sequence[str | int], values: Any, known: Sequence[str]) -> None:
    if not isinstance(values, Mapping):
        raise SweepError(place, f"{place[-1] if place else 'sweep'} must be a section, got {values!r}")
    for name in values:
        try:
            check_known([name], known, "part of a sweep" if not place else f"part of sweep.{'.'.join(map(str, place))}")
        except ValueError as error:
            raise SweepError((*place, name), str(error)) from error


def _check_list(place: Sequence[str | int], name: str, values: Any) -> None:
    if isinstance(values, str) or not isinstance(values, Sequence) or not values:
        raise SweepError(place, f"{name} must be a list of at least one value, got {values!r}")
    plain: set[Any] = set()  # thousands of values looked up in a list would take seconds
    for number, value in enumerate(values):
        has_hash = isinstance(value, int | float | str)
        if value in (plain if has_hash else values[:number]):
            raise SweepError(place, f"{name} must be distinct values, got {value!r} twice")
        if has_hash:
            plain.add(value)
