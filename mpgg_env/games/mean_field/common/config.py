"""What the configurations of all mean-field-type games share."""

from dataclasses import dataclass
from typing import Any, Protocol

from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_integer, check_real


class Episodic(Protocol):
    """Length and discount of the episodes of a game."""

    @property
    def max_cycles(self) -> int:
        """Length T of an episode in steps."""

    @property
    def discount(self) -> float:
        """Discount gamma per step."""

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain JSON values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanFieldConfig(Config):
    """Length and discount of the episodes of a mean-field-type game ([Shao2024] section 2).

    Attributes:
        max_cycles: Length T of an episode in steps, at least 1. It is a truncation of a game without end.
        discount: Discount gamma per step, in [0, 1).
    """

    max_cycles: int = 20
    discount: float = 0.9

    def __post_init__(self) -> None:
        self._set("max_cycles", check_integer("max_cycles", self.max_cycles, 1))
        self._set("discount", check_real("discount", self.discount, 0, 1, open_maximum=True))

    def _check_reals(self, *names: str, maximum: float = float("inf")) -> None:
        """Stores the named fields as floats in [0, maximum]."""
        for name in names:
            self._set(name, check_real(name, getattr(self, name), 0, maximum))
