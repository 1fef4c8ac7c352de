"""Quantities of the theory over a plane of two fields."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mpgg_agents.experiments.settings import without_notes
from mpgg_agents.experiments.study.figures.boundaries import GAME, Boundary
from mpgg_agents.experiments.study.figures.levels import Levels
from mpgg_env.core.config import Config
from mpgg_env.core.types import FloatArray

Theory = Callable[[Any], Mapping[str, float]]

MOST_GAMES: Final = 600  # nodes of one panel, unless it has more cells


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
            own = {f"{GAME}{name}": float(value) for name, value in values if type(value) in (int, float)}
            self._known[key] = {**own, **self._theory(game)}
        return self._known[key]

    def plane(self, game: Config, across: Levels, up: Levels, boundaries: Sequence[Boundary]) -> Plane:
        """The quantities of some boundaries, of games that differ from `game` in the fields of the two axes.

        Nodes between the levels are analysed where one of the boundaries passes between the levels around them, and
        interpolated elsewhere, where they change nothing of what is drawn: an analysis can take long.
        """
        names = list(dict.fromkeys(name for boundary in boundaries for name in boundary.names))
        sides = [_side(levels, _refinement(levels, other)) for levels, other in ((across, up), (up, across))]
        wide, high = (side.values or (None,) for side in sides)
        found = np.full((len(names), len(high), len(wide)), np.nan)

        def analyse(rows: Iterable[int], columns: Iterable[int]) -> None:
            for row, column in itertools.product(rows, columns):
                found[:, row, column] = self._changed(game, ((across, wide[column]), (up, high[row])), names)

        columns, rows = (_coarse(levels, side) for levels, side in zip((across, up), sides, strict=True))
        analyse(rows, columns)
        coarse = found[:, rows][:, :, columns]
        crossed = _crossed(dict(zip(names, coarse, strict=True)), boundaries)
        found = _between(_between(found, columns, sides[0].places, 2), rows, sides[1].places, 1)
        for row, column in np.argwhere(crossed).tolist():
            analyse(_span(rows, row), _span(columns, column))
        shape = (len(sides[1].places), len(sides[0].places))
        return Plane(
            across=sides[0],
            up=sides[1],
            quantities={name: np.broadcast_to(values, shape) for name, values in zip(names, found, strict=True)},
        )

    def _changed(self, game: Config, changes: Sequence[tuple[Levels, Any]], names: Sequence[str]) -> list[float]:
        fields = {levels.field.removeprefix(GAME): value for levels, value in changes if _is_game(levels)}
        try:
            with without_notes():
                found = self.of(game.replace(**fields))
        except ValueError:  # the axis reaches half a cell beyond the values of the study
            return [np.nan] * len(names)
        return [found[name] for name in names]


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
        low, high = float(levels.edges[0]), float(levels.edges[-1])
        whole = {int(number) for number in np.rint(numbers)}
        return sorted(number for number in whole if levels.scale == "ranks" or low <= number <= high)
    # The levels themselves are exact, so that a boundary through one is there and not a rounding error beside it.
    return sorted({*(float(number) for number in numbers if not np.isclose(values, number).any()), *values.tolist()})


def _coarse(levels: Levels, side: Side) -> list[int]:
    """Indices of the nodes that are levels, and of the ends."""
    if side.values is None or not side.joined:
        return list(range(len(side.values or (None,))))
    known = set(map(float, levels.values))
    last = len(side.values) - 1
    return [k for k, value in enumerate(side.values) if k in (0, last) or float(value) in known]


def _crossed(coarse: Mapping[str, FloatArray], boundaries: Sequence[Boundary]) -> NDArray[np.bool_]:
    """Between which coarse nodes a boundary passes or something is unknown, (rows - 1, columns - 1) or 1."""
    crossed: Any = np.False_
    for boundary in boundaries:
        difference = boundary.difference(coarse)
        corners = sliding_window_view(difference, [min(2, size) for size in difference.shape])
        above, below = (corners > 0).all(axis=(-2, -1)), (corners <= 0).all(axis=(-2, -1))
        crossed = crossed | ~(above | below)
    return np.asarray(crossed)


def _between(values: FloatArray, known: Sequence[int], places: FloatArray, axis: int) -> FloatArray:
    """Values interpolated along an axis between the indices where they are known."""
    if len(known) == values.shape[axis]:
        return values
    return np.apply_along_axis(lambda row: np.interp(places, places[known], row[known]), axis, values)


def _span(coarse: Sequence[int], k: int) -> range:
    """The nodes from one coarse node to the next one."""
    return range(coarse[k], coarse[min(k + 1, len(coarse) - 1)] + 1)


def _side(levels: Levels, extra: int) -> Side:
    if not _is_game(levels):
        return Side(None, levels.edges[[0, -1]], True)
    if not levels.numeric:
        return Side(levels.values, levels.places, False)
    values = nodes(levels, extra)
    places = levels.place(np.array(values, float))
    # Where the axis goes on without a further node, as with whole numbers one apart, the last game stands for its cell.
    if values[0] == levels.values[0]:
        values, places = [values[0], *values], np.append(levels.edges[0], places)
    if values[-1] == levels.values[-1]:
        values, places = [*values, values[-1]], np.append(places, levels.edges[-1])
    return Side(values, places, True)


def _refinement(levels: Levels, other: Levels) -> int:
    """Nodes between two levels, so many that a panel has about `MOST_GAMES`."""
    count, rest = len(levels), len(other) if _is_game(other) else 1
    if not (_is_game(other) and other.numeric):
        return max(0, min(40, MOST_GAMES // (rest * count) - 1))
    return max(0, int(np.sqrt(MOST_GAMES / (count * rest))) - 1)


def _is_game(levels: Levels) -> bool:
    return levels.field.startswith(GAME)
