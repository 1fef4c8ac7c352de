"""Named settings of the game and of Nash Q-learning."""

from typing import Final

from mpgg_agents.presets import Preset

# Two casinos with gains between 1 and 2: alone it pays to cooperate, together it does not.
_SMALLEST_GAME: Final = {"n_agents": 2, "grid_shape": (1, 2), "gain_range": (1.2, 1.8), "boundary": "mask"}
# The observations say who is where, which is all that future payoffs depend on.
_PAYOFF_RELEVANT: Final = {"state": "observations"}

PRESETS: Final[dict[str, Preset]] = {
    "text": Preset(
        source="[MPGG2025] section 2.1 with two agents and two casinos", game=_SMALLEST_GAME, agent=_PAYOFF_RELEVANT
    ),
    "social": Preset(
        source="as text, and all select the equilibrium with the highest sum of values",
        game=_SMALLEST_GAME,
        agent={**_PAYOFF_RELEVANT, "selection": "social"},
    ),
    "three_agents": Preset(
        source="as text, with three agents; needs the extra mpgg-env[equilibria]",
        game={**_SMALLEST_GAME, "n_agents": 3, "gain_range": (1.2, 2.5)},
        agent=_PAYOFF_RELEVANT,
    ),
}
