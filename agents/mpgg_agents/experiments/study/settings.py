"""What a study is: a game, an agent, what is varied, how many seeds, and what is kept and drawn."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from mpgg_agents.experiments.settings import Experiment, chosen_kinds, without_notes
from mpgg_agents.experiments.study.sweep import SECTIONS, Point, Sweep, SweepError, nested, plain, read_sweep
from mpgg_agents.experiments.study.toml_file import culprit
from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_choice, check_integer, check_known, check_real

if TYPE_CHECKING:
    from mpgg_agents.experiments.kinds import GameKind

PARTS: Final = ("name", "title", "description", *SECTIONS, "sweep", "stop", "results", "figures")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Config):
    """Seeds come in batches, until the mean of an outcome is known well enough in a cell.

    Attributes:
        metric: The outcome.
        half_width: Half of the width of the 95 % interval of its mean (Student's t) at which a cell has enough seeds.
        batch: Seeds of each batch, at least 2; those of the run in their order, at most all of them.
    """

    metric: str
    half_width: float
    batch: int = 10

    def __post_init__(self) -> None:
        _check_text("metric", self.metric)
        self._set("half_width", check_real("half_width", self.half_width, 0, open_minimum=True))
        self._set("batch", check_integer("batch", self.batch, 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Results(Config):
    """What of the cells goes into the tables of a study; everything stays in the run folders of the cells.

    Attributes:
        metrics: Columns of the table of rounds; default: all that the game has.
    """

    metrics: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.metrics is None:
            return
        if isinstance(self.metrics, str) or not isinstance(self.metrics, Sequence) or not self.metrics:
            raise TypeError(f"metrics must be a list of at least one name, got {self.metrics!r}")
        for name in self.metrics:
            _check_text("metrics", name)
        self._set("metrics", tuple(self.metrics))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One point of a study.

    Attributes:
        number: Place among the cells, from 0.
        values: Value of each swept field, by `section.field`, as the study gives it.
        experiment: The experiment with all seeds of the study.
    """

    number: int
    values: Point
    experiment: Experiment

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds that it has at most."""
        seeds: tuple[int, ...] = self.experiment.run.seeds
        return seeds

    def batch(self, seeds: Sequence[int]) -> Experiment:
        """The experiment with some of the seeds."""
        run = self.experiment.run.replace(seeds=tuple(seeds))
        return type(self.experiment)(game=self.experiment.game, agent=self.experiment.agent, run=run)


@dataclass(frozen=True, kw_only=True)
class Study(Config):
    """A study: one experiment, varied.

    Attributes:
        name: Short name of letters, digits and `.`, `_`, `-`; the default name of its folder.
        title: What stands above its results; default: the name.
        description: What it asks and what it found, as plain text.
        base: The sections game, agent and run that every cell has.
        sweep: What is varied; nothing by default, which makes one cell.
        stop: When a cell has enough seeds; default: it has all of the run's.
        results: What goes into the tables.
        figures: What is drawn, each as `study.figures.FigureSpec` has it; default: as fits the sweep.
    """

    name: str
    title: str = ""
    description: str = ""
    base: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sweep: Sweep = field(default_factory=Sweep)
    stop: Stop | None = None
    results: Results = field(default_factory=Results)
    figures: Sequence[Mapping[str, Any]] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise SweepError(
                ("name",),
                f"name must be 1 to 100 of a to z, A to Z, 0 to 9, '.', '_' and '-', and begin with a letter or digit "
                f"(without one in the file it is the file's), got {self.name!r}",
            )
        for name in ("title", "description"):
            if not isinstance(getattr(self, name), str):
                raise SweepError((name,), f"{name} must be a text, got {getattr(self, name)!r}")
        check_known(self.base, SECTIONS, "section")
        self._set("base", plain(self.base))
        self._set("figures", tuple(plain(figure) for figure in self.figures))

    def check(self) -> None:
        """Makes every cell, and checks what needs them.

        Raises:
            CellError: A cell's settings do not make an experiment.
            SweepError: Another part does not fit them; it says which.
        """
        seeds, stop = len(self.cells[0].seeds), self.stop
        if stop is not None and stop.batch > seeds:
            raise SweepError(("stop", "batch"), f"batch must be at most the number of seeds, {seeds}, got {stop.batch}")
        if stop is not None:
            _in_place(("stop", "metric"), lambda: self._check_outcome(stop.metric))
        for number, name in enumerate(self.results.metrics or ()):
            _in_place(("results", "metrics", number), lambda name=name: self._check_column("metrics", name))
        self._check_figures()

    def _check_outcome(self, metric: str) -> None:
        """Raises ValueError if the game has no such outcome."""
        hooks = self.game_kind.study()
        if not hooks.is_outcome(metric):
            check_choice("metric", metric, sorted(hooks.help))

    def _check_column(self, parameter: str, name: str) -> None:
        """Raises ValueError if the table of rounds has no such column, where they are known before the runs."""
        columns = self.game_kind.study().columns
        if columns is not None:
            check_choice(parameter, name, sorted(columns))

    def _check_figures(self) -> None:
        from mpgg_agents.experiments.study.figures.cells import read_figures  # which imports the sweep

        theory = list(self.game_kind.study().theory_help)
        for number, spec in enumerate(read_figures(self.figures, self.points)):
            place = ("figures", number)
            _in_place(place, lambda spec=spec: spec.check(self.fields, theory=theory))
            if spec.kind == "time":
                _in_place((*place, "metric"), lambda spec=spec: self._check_shown(spec.metric))
            elif spec.metric is not None:
                _in_place((*place, "metric"), lambda spec=spec: self._check_outcome(spec.metric))

    def _check_shown(self, metric: str) -> None:
        """Raises ValueError if the study does not keep a column that a figure shows."""
        self._check_column("metric", metric)
        if self.results.metrics is not None:
            check_choice("metric", metric, sorted(self.results.metrics))

    @property
    def fields(self) -> dict[str, list[Any]]:
        """The distinct values of every swept field, in the order of the cells."""
        from mpgg_agents.experiments.study.figures.cells import distinct_values

        return distinct_values(self.points)

    @property
    def game_kind(self) -> "GameKind":
        """The kind of game."""
        return chosen_kinds(self.base.get("run", {}))[0]

    @cached_property
    def points(self) -> list[Point]:
        """The values of the swept fields of every cell, by `section.field`; much sooner than the cells themselves."""
        return list(self.sweep.points())

    @cached_property
    def cells(self) -> list[Cell]:
        """All cells. Their games give no notes: a sweep goes through games of all kinds.

        Raises:
            CellError: A cell's settings do not make an experiment.
        """
        with without_notes():
            return list(self._cells())

    def to_dict(self) -> dict[str, Any]:
        """The study as plain JSON values, in the form of its file."""
        values: dict[str, Any] = {"name": self.name}
        values |= {name: text for name in ("title", "description") if (text := getattr(self, name))}
        values |= {name: dict(section) for name, section in self.base.items()}
        values |= {"sweep": self.sweep.to_dict()} if len(self.sweep.parts) else {}
        values |= {} if self.stop is None else {"stop": self.stop.to_dict()}
        values |= {} if self.results.metrics is None else {"results": self.results.to_dict()}
        return values | ({"figures": [dict(figure) for figure in self.figures]} if self.figures else {})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Study":
        """A study from the contents of its file.

        Raises:
            SweepError: A part is unknown or wrong; it says which.
        """
        for name in values:
            _in_place((name,), lambda name=name: check_known([name], PARTS, "part of a study"))
        for name in (*SECTIONS, "sweep", "stop", "results"):
            if not isinstance(values.get(name, {}), Mapping):
                raise SweepError((name,), f"{name} must be a section [{name}], got {values[name]!r}")
        texts = {name: values[name] for name in ("title", "description") if name in values}
        return cls(
            name=values.get("name", ""),
            **texts,
            base={name: dict(values[name]) for name in SECTIONS if name in values},
            sweep=_in_place(("sweep",), lambda: read_sweep(values.get("sweep", {}))),
            stop=_section("stop", Stop, values["stop"]) if "stop" in values else None,
            results=_section("results", Results, values.get("results", {})),
            figures=_tables("figures", values.get("figures", [])),
        )

    def _cells(self) -> Iterator[Cell]:
        for number, point in enumerate(self.points):
            try:
                defaults = self.game_kind.study().defaults(_merged(self.base, nested(point)))
                yield Cell(number=number, values=point, experiment=Experiment.build(defaults, self.base, nested(point)))
            except (TypeError, ValueError) as error:
                raise CellError(self, number, point, error) from error


class CellError(ValueError):
    """The settings of a cell do not make an experiment.

    Attributes:
        fields: Where each field stands that the study sets in this cell, in its file, by `section.field`.
        message: What is wrong.
    """

    def __init__(self, study: Study, number: int, point: Point, error: Exception) -> None:
        values = ", ".join(f"{name} = {value!r}" for name, value in point.items())
        self.message = str(error)
        super().__init__(f"{self.message} (cell {number}: {values})" if point else self.message)
        base = {f"{section}.{name}": (section, name) for section, given in study.base.items() for name in given}
        self.fields = {**base, **{name: ("sweep", *study.sweep.place(name, number)) for name in point}}


def _merged(*layers: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    sections: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    for layer in layers:
        for name, values in layer.items():
            sections[name].update(values)
    return sections


def _in_place(place: tuple[str | int, ...], make: Any) -> Any:
    """What `make` makes; its errors say where in the file they come from."""
    try:
        return make()
    except SweepError as error:
        raise SweepError((*place, *error.place), str(error)) from error
    except (TypeError, ValueError) as error:
        raise SweepError(place, str(error)) from error


def _section(name: str, config_class: type[Config], values: Mapping[str, Any]) -> Any:
    """The settings of a section; its errors say which of its fields they speak of."""
    try:
        return config_class.from_dict(dict(values))
    except (TypeError, ValueError) as error:
        raise SweepError(culprit(str(error), [(name, key) for key in values]) or (name,), str(error)) from error


def _tables(name: str, values: Any) -> Sequence[Mapping[str, Any]]:
    if not isinstance(values, list) or not all(isinstance(value, Mapping) for value in values):
        raise SweepError((name,), f"{name} must be tables [[{name}]], got {values!r}")
    return values


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{name} must be a name, got {value!r}")
