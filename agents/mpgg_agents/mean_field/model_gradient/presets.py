"""Named settings of the model-gradient solver: one for each game, and wider networks."""

from typing import Any, Final

from mpgg_agents.mean_field.architecture import ARCHITECTURES
from mpgg_agents.presets import Preset

# What is special to a game besides the form of its networks: found by short trials, for at most 3 minutes on one core.
_FIELDS: Final[dict[str, dict[str, Any]]] = {
    "population_matching": {"iterations": 800, "learning_rate": 3e-3},
    "four_rooms": {"iterations": 800, "episodes": 32, "learning_rate": 2e-3},
    "predator_prey": {"iterations": 800, "episodes": 32, "entropy_bonus": 10.0, "final_entropy_bonus": 10.0},
    "distribution_planning": {"iterations": 2400, "learning_rate": 2e-3},
    "cyber_security": {"iterations": 600, "learning_rate": 3e-3, "opponents": "react"},
    "mpgg": {"iterations": 300, "episodes": 32, "learning_rate": 3e-3, "entropy_bonus": 0.1},
}
_SOURCE: Final = "the actors of [Shao2024] sections F.2 to F.5 where it has any; the numbers are what worked best here"
_WIDE: Final = "the same with twice as many units in every layer, for more time"


def _wide(game: str) -> dict[str, Any]:
    own = ARCHITECTURES[game]
    branch, layers = own.get("branch", 200), own.get("layers", (200,))
    units = {"branch": 2 * branch, "layers": tuple(2 * width for width in layers)}
    return {**own, **units, **_FIELDS[game], "iterations": 2 * _FIELDS[game]["iterations"]}


# By game, then by name.
PRESETS: Final[dict[str, dict[str, Preset]]] = {
    game: {
        "default": Preset(source=_SOURCE, agent={**ARCHITECTURES[game], **fields}),
        "wide": Preset(source=_WIDE, agent=_wide(game)),
    }
    for game, fields in _FIELDS.items()
}
