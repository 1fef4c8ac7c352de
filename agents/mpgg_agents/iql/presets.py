"""Published and named settings of the game and of independent Q-learning."""

from typing import Final

from mpgg_agents.presets import Preset

PRESETS: Final[dict[str, Preset]] = {
    "text": Preset(source="[MPGG2025] sections 2.1 and 2.2; the defaults"),
    "author_code": Preset(
        source="[MPGG2025], what the authors' early script meant: payoff without c, one table over casinos for all",
        game={"payoff": "code", "obs_game": "m", "obs_migration": "m"},
        agent={"table": "shared", "gamma": 0.1, "decay": 0.995, "tie": "first"},
    ),
    "corridor_wall": Preset(
        source="[MPGG2025] section 2.1 (no periodic boundary), for the question of the parameter corridor",
        game={"boundary": "wall"},
    ),
    "gamma_0": Preset(
        source="myopic learners, whose benchmark is the symmetric equilibrium of the observe-n game",
        agent={"gamma": 0.0},
    ),
}
