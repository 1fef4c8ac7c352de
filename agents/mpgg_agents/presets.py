"""What a preset is; every kind of agent has its own."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Fields that differ from the defaults, with their source.

    Attributes:
        source: Where the settings come from.
        game: Fields of the configuration of the game.
        agent: Fields of the agent's configuration.
    """

    source: str
    game: dict[str, Any] = field(default_factory=dict)
    agent: dict[str, Any] = field(default_factory=dict)
