"""Named settings of the game and of Nash Q-learning."""

from typing import Final

from mpgg_agents.presets import Preset

# Two casinos with gains between 1 and 2: alone it pays to cooperate, together it does not.
_SMALLEST_GAME: Final = {"n_agents": 2, "grid_shape": (1, 2), "gain_range": (1.2, 1.8), "boundary": "mask"}

PRESETS: Final[dict[str, Preset]] = {
    "text": Preset(source="[MPGG2025] section 2.1 with two agents and two casinos", game=_SMALLEST_GAME),
    "social": Preset(
        source="as text, and all select the equilibrium with the highest sum of values",
        game=_SMALLEST_GAME,
        agent={"selection": "social"},
    ),
    "three_agents": Preset(
        source="as text, with three agents; needs the extra mpgg-env[equilibria]",
        game={**_SMALLEST_GAME, "n_agents": 3, "gain_range": (1.2, 2.5)},
    ),
}
