"""Quantities of the theory over a plane of two fields, and the boundaries where two of them are equal."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mpgg_agents.experiments.settings import all_notes
from mpgg_agents.experiments.study.figures.labels import field_symbol, number_label, words
from mpgg_agents.experiments.study.figures.levels import Levels
from mpgg_env.core.config import Config
from mpgg_env.core.types import FloatArray

Theory = Callable[[Any], Mapping[str, float]]

MOST_GAMES: Final = 500  # that are analysed for one panel, unless it has more cells
_SECTION: Final = "game."


@dataclass(frozen=True, slots=True)
class Side:
    """The nodes of a plane along one axis.

    Attributes:
        values: Values of the field, (K,); None where the field is none of the game, so that the theory does not change.
        places: Where they are on the axis, (K,), or the two ends of the axis.
        joined: Whether there is something between two of them.
    """

    values: Sequence[Any] | None
    places: FloatArray
    joined: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """Quantities over a plane.

    Attributes:
        across: Nodes of the horizontal axis, (columns,).
        up: Nodes of the vertical axis, (rows,).
        quantities: Each quantity, (rows, columns); NaN where the rules of the game refuse a value.
    """

    across: Side
    up: Side
    quantities: Mapping[str, FloatArray]


class GameTheory:
    """The theory of games, each of which is analysed once."""

    def __init__(self, theory: Theory) -> None:
        self._theory = theory
        self._known: dict[str, Mapping[str, float]] = {}

    def of(self, game: Config) -> Mapping[str, float]:
        """The quantities of a game, and its own fields that are numbers as `game.<field>`."""
        key = repr(game)
        if key not in self._known:
            values = game.to_dict().items()
            own = {f"{_SECTION}{name}": float(value) for name, value in values if type(value) in (int, float)}
            self._known[key] = {**own, **self._theory(game)}
        return self._known[key]

    def plane(self, game: Config, across: Levels, up: Levels, names: Sequence[str]) -> Plane:
        """Some quantities of games that differ from `game` in the fields of the two axes."""
        sides = [_side(levels, _refinement(levels, other)) for levels, other in ((across, up), (up, across))]
        rows = []
        for high in sides[1].values or (None,):
            row = [self._changed(game, ((across, wide), (up, high)), names) for wide in sides[0].values or (None,)]
            rows.append(row)
        found = np.array(rows)
        shape = (len(sides[1].places), len(sides[0].places))
        return Plane(
            across=sides[0],
            up=sides[1],
            quantities={name: np.broadcast_to(found[..., k], shape) for k, name in enumerate(names)},
        )

    def _changed(self, game: Config, changes: Sequence[tuple[Levels, Any]], names: Sequence[str]) -> list[float]:
        fields = {levels.field.removeprefix(_SECTION): value for levels, value in changes if _is_game(levels)}
        try:
            with warnings.catch_warnings():
                for note in all_notes():
                    warnings.simplefilter("ignore", note)
                found = self.of(game.replace(**fields))
        except ValueError:  # the axis reaches half a cell beyond the values of the study
            return [np.nan] * len(names)
        return [found[name] for name in names]


@dataclass(frozen=True, slots=True)
class Boundary:
    """Where a quantity is as large as a number or another quantity.

    Attributes:
        text: The entry of `theory`.
        left: The quantity.
        right: The number or the other quantity.
    """

    text: str
    left: str
    right: float | str

    @property
    def names(self) -> tuple[str, ...]:
        """The quantities."""
        return (self.left, self.right) if isinstance(self.right, str) else (self.left,)

    @property
    def label(self) -> str:
        """The boundary in the legend."""
        right = _name(self.right) if isinstance(self.right, str) else number_label(self.right)
        return f"{_name(self.left)} = {right}"

    def difference(self, plane: Plane) -> FloatArray:
        """Left less right, (rows, columns)."""
        right = plane.quantities[self.right] if isinstance(self.right, str) else self.right
        difference: FloatArray = plane.quantities[self.left] - right
        return difference


def read_boundary(text: str) -> Boundary:
    """A boundary from an entry of `theory`, such as `best_cooperation = 0.5`."""
    left, _, right = (part.strip() for part in text.partition("="))
    try:
        return Boundary(text, left, float(right))
    except ValueError:
        return Boundary(text, left, right)


def nodes(levels: Levels, extra: int) -> list[Any]:
    """The values of numeric levels, `extra` more between any two, and to scale half a cell beyond both ends."""
    values = np.array(levels.values, float)
    scale = np.log(values) if levels.scale == "log" else values
    if levels.scale != "ranks":
        ends = np.log(levels.edges) if levels.scale == "log" else levels.edges
        scale = np.concatenate([ends[:1], scale, ends[-1:]])
    fine = np.interp(np.linspace(0, len(scale) - 1, (len(scale) - 1) * (extra + 1) + 1), np.arange(len(scale)), scale)
    numbers = np.exp(fine) if levels.scale == "log" else fine
    if all(isinstance(value, int) for value in levels.values):
        return sorted({int(number) for number in np.rint(numbers)})
    # The levels themselves are exact, so that a boundary through one is there and not a rounding error beside it.
    return sorted({*(float(number) for number in numbers if not np.isclose(values, number).any()), *values.tolist()})


def _side(levels: Levels, extra: int) -> Side:
    if not _is_game(levels):
        return Side(None, levels.edges[[0, -1]], True)
    if not levels.numeric:
        return Side(levels.values, levels.places, False)
    values = nodes(levels, extra)
    return Side(values, levels.place(np.array(values, float)), True)


def _refinement(levels: Levels, other: Levels) -> int:
    """Nodes between two levels, so many that a panel takes about `MOST_GAMES` games."""
    count, rest = len(levels), len(other) if _is_game(other) else 1
    if not (_is_game(other) and other.numeric):
        return max(0, min(40, MOST_GAMES // (rest * count) - 1))
    return max(0, int(np.sqrt(MOST_GAMES / (count * rest))) - 1)


def _is_game(levels: Levels) -> bool:
    return levels.field.startswith(_SECTION)


def _name(quantity: str) -> str:
    return field_symbol(quantity) if quantity.startswith(_SECTION) else words(quantity)
