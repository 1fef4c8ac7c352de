"""Named settings of the model-gradient solver: one for each game, and wider networks."""

from typing import Any, Final

from mpgg_agents.mean_field.architecture import ARCHITECTURES
from mpgg_agents.presets import Preset

# What is special to a game besides the form of its networks.
_FIELDS: Final[dict[str, dict[str, Any]]] = {
    "population_matching": {},
    "four_rooms": {},
    "predator_prey": {"entropy_bonus": 10.0, "final_entropy_bonus": 10.0},
    "distribution_planning": {},
    "cyber_security": {"opponents": "react"},
    "mpgg": {},
}
_SOURCE: Final = "the actors of [Shao2024] sections F.2 to F.5 where it has any; the numbers are what worked best here"
# By game, then by name.
PRESETS: Final[dict[str, dict[str, Preset]]] = {
    game: {"default": Preset(source=_SOURCE, agent={**ARCHITECTURES[game], **fields})}
    for game, fields in _FIELDS.items()
}
