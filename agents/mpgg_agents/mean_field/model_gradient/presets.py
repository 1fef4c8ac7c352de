"""Named settings of the model-gradient solver: one for each game, and wider networks."""

from typing import Any, Final

from mpgg_agents.mean_field.architecture import ARCHITECTURES
from mpgg_agents.presets import Preset

# What is special to a game besides the form of its networks.
_FIELDS: Final[dict[str, dict[str, Any]]] = {
    "population_matching": {},
    "four_rooms": {},
    "predator_prey": {"entropy": 10.0, "final_entropy": 10.0},
    "distribution_planning": {},
    "cyber_security": {},
    "mpgg": {},
}
PRESETS: Final[dict[str, Preset]] = {
    game: Preset(
        source="the actors of [Shao2024] sections F.2 to F.5 where it has any; the numbers are what worked best here",
        agent={**ARCHITECTURES[game], **fields},
    )
    for game, fields in _FIELDS.items()
}
