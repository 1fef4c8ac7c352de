"""Boundaries where two quantities of the theory are equal."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mpgg_agents.experiments.study.figures.labels import field_symbol, number_label, theory_label
from mpgg_env.core.types import FloatArray

GAME: Final = "game."  # begins the names of the game's own fields


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

    def difference(self, values: Mapping[str, FloatArray]) -> FloatArray:
        """Left less right, of the quantities by name."""
        right = values[self.right] if isinstance(self.right, str) else self.right
        difference: FloatArray = values[self.left] - right
        return difference


def read_boundary(text: str) -> Boundary:
    """A boundary from an entry of `theory`, such as `best_cooperation = 0.5`."""
    left, _, right = (part.strip() for part in text.partition("="))
    try:
        return Boundary(text, left, float(right))
    except ValueError:
        return Boundary(text, left, right)


def _name(quantity: str) -> str:
    return field_symbol(quantity) if quantity.startswith(GAME) else theory_label(quantity)
