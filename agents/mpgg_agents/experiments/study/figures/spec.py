"""What a figure of a study shows. An entry `[[figures]]` of a study's file holds these settings."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_choice, check_flag

KINDS: Final = ("line", "time", "heat", "phase", "seeds", "against", "occupancy")
# Fields that spread the cells over a figure, and which of them each kind needs and may have.
PLACES: Final = ("x", "y", "by", "rows", "columns")
_NEEDED: Final = {"line": ("x",), "heat": ("x", "y"), "phase": ("x", "y")}
_ALLOWED: Final = {
    "line": ("x", "by", "rows", "columns"),
    "time": ("by", "rows", "columns"),
    "heat": ("x", "y", "rows", "columns"),
    "phase": ("x", "y", "rows", "columns"),
    "seeds": ("x", "by", "rows", "columns"),
    "against": ("by",),
    "occupancy": (),
}
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureSpec(Config):
    """One figure of a study. Swept fields are named `section.field`.

    Attributes:
        kind: line: an outcome over x. time: a metric over the rounds. heat: an outcome over x and y, cells of equal
            size. phase: the same to scale, with boundaries of the theory. seeds: the values of all seeds over x, or
            of each cell. against: an outcome over a quantity of the theory. occupancy: boards of cells side by side.
        metric: The outcome, or for time the column of the rounds; not for occupancy.
        x: Field of the horizontal axis.
        y: Field of the vertical axis of heat and phase.
        by: Field with a colour for each value.
        rows: Field with a row of panels for each value.
        columns: Field with a column of panels for each value.
        average: Further fields over which each seed is averaged; otherwise every point is one cell.
        where: Values of fields that the shown cells have.
        theory: For phase boundaries such as `best_cooperation = 0.5`, with a quantity of the theory on the left and a
            number or another quantity on the right; for line quantities drawn beside, for against the one quantity.
        phase: For time the phase of the run; default: its first.
        contours: Phase diagrams as filled contours between the cells, instead of a coloured cell each.
        log_x: Logarithmic x axis; default: if the values are geometric.
        log_y: Logarithmic y axis of phase; default: if the values are geometric.
        log_metric: Logarithmic axis or colours of the outcome; means are then geometric in line and time.
        wide: Two columns wide; default: if one column is too narrow for the panels.
        name: Name of the files; default: made of kind, metric and fields.
        title: What stands above the figure; default: nothing.
        caption: What it shows, as plain text, for its files and the report; default: made of the settings.
    """

    kind: Literal["line", "time", "heat", "phase", "seeds", "against", "occupancy"]
    metric: str | None = None
    x: str | None = None
    y: str | None = None
    by: str | None = None
    rows: str | None = None
    columns: str | None = None
    average: tuple[str, ...] = ()
    where: Mapping[str, Any] | tuple[tuple[str, Any], ...] = ()
    theory: tuple[str, ...] = ()
    phase: str | None = None
    contours: bool = False
    log_x: bool | None = None
    log_y: bool | None = None
    log_metric: bool = False
    wide: bool | None = None
    name: str = ""
    title: str = ""
    caption: str = ""

    def __post_init__(self) -> None:
        check_choice("kind", self.kind, KINDS)
        for field in ("metric", *PLACES, "phase"):
            if getattr(self, field) is not None:
                _check_text(field, getattr(self, field))
        for field in ("name", "title", "caption"):
            if not isinstance(getattr(self, field), str):
                raise TypeError(f"{field} must be a text, got {getattr(self, field)!r}")
        for field in ("average", "theory"):
            self._set(field, _texts(field, getattr(self, field)))
        self._set("where", _pairs(self.where))
        for field in ("contours", "log_metric"):
            check_flag(field, getattr(self, field))
        for field in ("log_x", "log_y", "wide"):
            if getattr(self, field) is not None:
                check_flag(field, getattr(self, field))
        self._check_places()
        self._check_kind()
        self._set("name", self.name or self._made_name())
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name must be 1 to 100 letters, digits, '.', '_' or '-', got {self.name!r}")

    @property
    def fixed(self) -> dict[str, Any]:
        """The values of `where` by field."""
        return dict(self.where)

    @property
    def placed(self) -> dict[str, str]:
        """The fields that spread the cells over the figure, by the place they have."""
        return {place: field for place in PLACES if (field := getattr(self, place)) is not None}

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain JSON values, `where` as a mapping."""
        values = Config.to_dict(self)
        return {**values, "where": {field: _plain(value) for field, value in self.fixed.items()}}

    def check(
        self,
        fields: Mapping[str, Sequence[Any]],
        *,
        outcomes: Collection[str] | None = None,
        metrics: Collection[str] | None = None,
        theory: Collection[str] | None = None,
    ) -> None:
        """Checks that a study has what the figure shows.

        Args:
            fields: The values of every swept field.
            outcomes: Names of the outcomes; None where they are not known yet.
            metrics: Columns of the table of rounds; None where they are not known yet.
            theory: Names of the quantities of the theory; None where they are not known yet.

        Raises:
            ValueError: A field is not swept or has no such value, or there is no such outcome, metric or quantity.
        """
        named = {**self.placed, **{f"average[{k}]": field for k, field in enumerate(self.average)}}
        for name, field in (*named.items(), *(("where", field) for field in self.fixed)):
            _check_swept(name, field, fields)
        for field, value in self.fixed.items():
            if value not in fields[field]:
                shown = ", ".join(map(repr, fields[field][:10])) + (", ..." if len(fields[field]) > 10 else "")
                raise ValueError(f"where must have a value of {field} that is swept, {shown}, got {value!r}")
        measures = metrics if self.kind == "time" else outcomes
        if self.metric is not None and measures is not None:
            check_choice("metric", self.metric, sorted(measures))
        for text in self.theory if theory is not None else ():
            for quantity in quantities(text):
                if not theory:
                    raise ValueError(f"theory must be left out: this game has none for studies, got {text!r}")
                if not quantity.startswith("game."):
                    check_choice("theory", quantity, sorted(theory))

    def _check_places(self) -> None:
        needed, allowed = _NEEDED.get(self.kind, ()), _ALLOWED[self.kind]
        for place in needed:
            if getattr(self, place) is None:
                raise ValueError(f"{place} must be a swept field in a figure of kind {self.kind!r}, got none")
        for place in self.placed:
            if place not in allowed:
                raise ValueError(
                    f"{place} must be left out in a figure of kind {self.kind!r}, which has "
                    f"{', '.join(allowed) or 'no such field'}, "
                    f"got {getattr(self, place)!r}"
                )
        used = [*self.placed.values(), *self.average, *self.fixed]
        twice = [field for field in used if used.count(field) > 1]
        if twice:
            raise ValueError(f"x, y, by, rows, columns, average and where must be distinct, got {twice[0]!r} twice")

    def _check_kind(self) -> None:
        if (self.metric is None) != (self.kind == "occupancy"):
            demand = "left out" if self.kind == "occupancy" else "an outcome" if self.kind != "time" else "a column"
            raise ValueError(f"metric must be {demand} in a figure of kind {self.kind!r}, got {self.metric!r}")
        if self.phase is not None and self.kind != "time":
            raise ValueError(f"phase must be left out in a figure of kind {self.kind!r}, got {self.phase!r}")
        if self.average and self.kind == "occupancy":
            raise ValueError(f"average must be left out in a figure of kind 'occupancy', got {list(self.average)!r}")
        if self.contours and self.kind != "phase":
            raise ValueError(f"contours must be False in a figure of kind {self.kind!r}, got True")
        if self.kind == "against" and len(self.theory) != 1:
            raise ValueError(f"theory must be one quantity in a figure of kind 'against', got {list(self.theory)!r}")
        if self.theory and self.kind not in ("line", "phase", "against"):
            raise ValueError(f"theory must be left out in a figure of kind {self.kind!r}, got {list(self.theory)!r}")
        for text in self.theory:
            if ("=" in text) != (self.kind == "phase"):
                form = "a boundary 'quantity = value'" if self.kind == "phase" else "the name of a quantity"
                raise ValueError(f"theory must be {form} in a figure of kind {self.kind!r}, got {text!r}")
            quantities(text)

    def _made_name(self) -> str:
        fields = [field.rpartition(".")[2] for field in (*self.placed.values(), *self.fixed)]
        values = ["" for _ in self.placed] + [f"-{value}" for value in self.fixed.values()]
        words = [self.kind, *([self.metric] if self.metric else [])]
        words += [f"{field}{value}" for field, value in zip(fields, values, strict=True)]
        return "_".join(re.sub(r"[^A-Za-z0-9._]+", "-", word).strip("-") for word in words)[:100]


def quantities(text: str) -> tuple[str, ...]:
    """The names of the quantities in an entry of `theory`.

    Raises:
        ValueError: It is no name, and no equation of a name with a number or a name.
    """
    left, equals, right = (part.strip() for part in text.partition("="))
    if not left or "=" in right or (equals and not right):
        raise ValueError(f"theory must be names or equations such as 'best_cooperation = 0.5', got {text!r}")
    return (left,) if not equals or _is_number(right) else (left, right)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check_swept(name: str, field: str, fields: Mapping[str, Sequence[Any]]) -> None:
    if not fields:
        raise ValueError(f"{name} must be left out, since the study sweeps no field, got {field!r}")
    check_choice(name, field, list(fields))


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{name} must be a name, got {value!r}")


def _texts(name: str, values: Any) -> tuple[str, ...]:
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise TypeError(f"{name} must be a list of names, got {values!r}")
    for value in values:
        _check_text(name, value)
    return tuple(values)


def _pairs(values: Any) -> tuple[tuple[str, Any], ...]:
    if isinstance(values, Mapping):
        values = _flat(values)
    elif isinstance(values, str) or not isinstance(values, Sequence):
        raise TypeError(f"where must give values to fields, got {values!r}")
    for pair in values:
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
            raise TypeError(f"where must give values to fields, got {pair!r}")
        _check_text("where", pair[0])
    return tuple((str(field), value) for field, value in values)


def _flat(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Pairs of `section.field` and value; TOML makes sections of unquoted keys with a dot."""
    pairs: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, Mapping) and "." not in name:
            pairs += [(f"{name}.{field}", inner) for field, inner in value.items()]
        else:
            pairs.append((name, value))
    return pairs


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
