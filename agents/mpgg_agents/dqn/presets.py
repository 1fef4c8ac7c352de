"""Named settings of the game and of deep Q-learning."""

from typing import Final

from mpgg_agents.presets import Preset

PRESETS: Final[dict[str, Preset]] = {
    "text": Preset(source="[MPGG2025] section 2 with networks in the place of the tables; the defaults"),
    "independent": Preset(
        source="[MPGG2025] section 2.2, where every agent learns from its own transitions alone: 2 N networks",
        agent={"sharing": "independent"},
    ),
    "gamma_0": Preset(
        source="myopic learners, whose benchmark is the symmetric equilibrium of the observe-n game",
        agent={"gamma": 0.0},
    ),
}
