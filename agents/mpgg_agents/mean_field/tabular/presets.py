"""Named settings of the tabular learners for each game that has few enough states."""

from typing import Any, Final

from mpgg_agents.presets import Preset

# Two casinos in a row: with more the central actions are too many for stage games.
_CASINOS: Final = {"grid_shape": (1, 2), "gain_range": (1.2, 2.8)}
_GAMES: Final[dict[str, dict[str, dict[str, Any]]]] = {
    "population_matching": {
        "default": {"agent": {"omega": 0.0}},
        "averaging": {"agent": {"omega": 1.0}},
        "quick": {"agent": {"omega": 0.0, "n_states_grid": 3}},
    },
    "cyber_security": {"default": {"agent": {"omega": 0.0, "n_states_grid": 5}}},
    "mpgg": {"default": {"game": _CASINOS, "agent": {"omega": 0.0, "n_states_grid": 10}}},
}


def tabular_presets() -> dict[str, dict[str, Preset]]:
    """Presets by game, then by name."""
    return {
        game: {name: Preset(source="our choice", **settings) for name, settings in presets.items()}
        for game, presets in _GAMES.items()
    }
