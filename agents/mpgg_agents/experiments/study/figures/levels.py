"""The values of a swept field as places on an axis."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from mpgg_agents.experiments.study.figures.cells import level_key
from mpgg_agents.experiments.study.figures.labels import field_label, label_inches, number_label, value_label
from mpgg_env.core.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# On an axis of "ranks" the values of a number stand at equal distances, since to scale most would run together.
Scale = Literal["linear", "log", "ranks", "category"]

CROWDED: Final = 4.0  # ratio of the widest to the narrowest gap above which an axis to scale is unreadable
MOST_TICKS: Final = 8


@dataclass(frozen=True)
class Levels:
    """The distinct values of a field: numbers rising, others in the order of the study.

    Attributes:
        field: The field.
        values: Its values, (K,).
        scale: How the axis shows them.
    """

    field: str
    values: tuple[Any, ...]
    scale: Scale

    def __len__(self) -> int:
        return len(self.values)

    @property
    def numeric(self) -> bool:
        """Whether all values are numbers."""
        return self.scale != "category"

    @cached_property
    def places(self) -> FloatArray:
        """Where the values are on the axis, (K,)."""
        if self.scale in ("ranks", "category"):
            return np.arange(float(len(self.values)))
        return np.array(self.values, dtype=float)

    @cached_property
    def edges(self) -> FloatArray:
        """Limits between the values' parts of the axis, (K + 1,): half-way, on a logarithmic axis in the logarithm."""
        places = np.log(self.places) if self.scale == "log" else self.places
        if len(places) == 1:
            edges = np.array([places[0] - 0.5, places[0] + 0.5])
        else:
            middle = (places[1:] + places[:-1]) / 2
            edges = np.concatenate([[2 * places[0] - middle[0]], middle, [2 * places[-1] - middle[-1]]])
        return np.exp(edges) if self.scale == "log" else edges

    def place(self, values: FloatArray) -> FloatArray:
        """Where further numbers are on the axis; between two values in proportion, NaN outside of them on "ranks"."""
        if self.scale != "ranks":
            return values
        return np.interp(values, np.array(self.values, float), self.places, left=np.nan, right=np.nan)

    @cached_property
    def labels(self) -> list[str]:
        """What stands on the ticks, (K,): of numbers three digits, or as many as keep them apart."""
        if not self.numeric:
            return [value_label(value) for value in self.values]
        numbers = np.array(self.values, float)
        gaps = np.diff(numbers, prepend=-np.inf, append=np.inf)
        room = 0.25 * np.minimum(gaps[1:], gaps[:-1]) if len(numbers) > 1 else 1e-3 * np.abs(numbers)
        rounded = {d: np.array([float(f"{number:.{d}g}") for number in numbers]) for d in range(3, 18)}
        digits = next((d for d, near in rounded.items() if (np.abs(near - numbers) <= room).all()), 17)
        return [number_label(number, digits) for number in numbers]

    def index(self, value: Any) -> int:
        """The place of a value among the levels."""
        return self._indices[level_key(value)]

    def show(self, axes: "Axes", side: Literal["x", "y"], *, inches: float, cells: bool) -> None:
        """Gives an axis of a length in inches its scale, ticks and limits; with `cells` the limits are the outer edges.

        Values are ticks where they are categories, at equal distances, or few. Those that would run into the one before
        are left out, but of categories none.
        """
        axis = axes.xaxis if side == "x" else axes.yaxis
        if self.scale == "log":
            axes.set(**{f"{side}scale": "log"})
            decades = float(np.log10(self.places[-1] / self.places[0]))
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if decades < 2.5 else (1.0,)))
            axis.set_major_formatter(FuncFormatter(lambda value, _: value_label(float(value))))
            axis.set_minor_locator(NullLocator())
            axis.set_minor_formatter(NullFormatter())
        if self.scale in ("category", "ranks") or len(self) <= MOST_TICKS:
            shown = self._apart(side, inches)
            axis.set_ticks(self.places[shown].tolist(), [self.labels[k] for k in shown])
        if cells or self.scale in ("category", "ranks"):
            limits = (float(self.edges[0]), float(self.edges[-1]))
            axes.set(**{f"{side}lim": limits})

    @property
    def label(self) -> str:
        """The field on an axis."""
        return field_label(self.field)

    def _apart(self, side: Literal["x", "y"], inches: float) -> list[int]:
        """Indices of the values whose labels have room beside those before."""
        if self.scale == "category":
            return list(range(len(self)))
        places = np.log(self.places) if self.scale == "log" else self.places
        ends = np.log(self.edges[[0, -1]]) if self.scale == "log" else self.edges[[0, -1]]
        at = inches * (places - ends[0]) / (ends[1] - ends[0])
        halves = [label_inches(label) / 2 + 0.03 if side == "x" else 0.07 for label in self.labels]
        if self.scale == "ranks":  # at equal distances every second or third value looks better than any others
            step = max(1, int(np.ceil(2 * max(halves) / (inches / len(self)))))
            return list(range(0, len(self), step))
        shown = [0]
        for k in range(1, len(self)):
            if at[k] - at[shown[-1]] > halves[k] + halves[shown[-1]]:
                shown.append(k)
        return shown

    @cached_property
    def _indices(self) -> dict[Any, int]:
        return {level_key(value): k for k, value in enumerate(self.values)}


def levels_of(field: str, column: Sequence[Any], *, log: bool | None = None, equal: bool = False) -> Levels:
    """The levels of a field from its values in the cells.

    Args:
        field: The field.
        column: Its value in each cell, with repetitions.
        log: Whether the axis is logarithmic; None if the values tell.
        equal: Whether numbers stand at equal distances in any case.

    Raises:
        ValueError: A logarithmic axis is asked for, but a value is no number above 0.
    """
    distinct = list({level_key(value): value for value in column}.values())
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in distinct)
    if log and (not numeric or min(distinct) <= 0):
        wrong = next(value for value in distinct if not isinstance(value, int | float) or value <= 0)
        raise ValueError(f"a logarithmic axis must have numbers > 0, got {wrong!r} of {field}")
    if not numeric:
        return Levels(field, tuple(distinct), "category")
    values = tuple(sorted(distinct))
    return Levels(field, values, "ranks" if equal else _scale(np.array(values, float), log))


def _scale(values: FloatArray, log: bool | None) -> Scale:
    if log is not None:
        return "log" if log else "linear"
    if len(values) < 3:
        return "linear"
    if values[0] > 0 and values[-1] / values[0] >= 5 and _unevenness(np.log(values)) < _unevenness(values) / 1.5:
        return "log"
    gaps = np.diff(values)
    return "ranks" if gaps.max() / gaps.min() > CROWDED and len(values) <= 2 * MOST_TICKS else "linear"


def _unevenness(places: FloatArray) -> float:
    """How far the places are from equal distances at most, as a share of their range."""
    even = np.linspace(places[0], places[-1], len(places))
    return float(np.abs(places - even).max() / (places[-1] - places[0]))
