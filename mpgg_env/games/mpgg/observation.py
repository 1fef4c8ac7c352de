"""What an agent sees: the layout, bounds and scaling of the observation vector and of the global state."""

from typing import Final

import numpy as np

from mpgg_env.core.types import Float32Array
from mpgg_env.games.mpgg import kernels
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.rules import casino_costs, casino_gains
from mpgg_env.games.mpgg.state import MPGGState, Phase

SLOTS: Final = ("game phase", "migration phase", "row", "column", "cost", "gain", "n", "n_C")
OBSERVATION_SCALES: Final = ("natural", "unit")
PHASES: Final[tuple[Phase, Phase]] = ("game", "migration")


def upper_bounds(config: MPGGConfig) -> Float32Array:
    """Largest value of each slot in natural units, (8,); the smallest is 0."""
    rows, columns = config.grid_shape
    cost, gain = casino_costs(config).max(), casino_gains(config).max()
    players = config.n_players
    return np.array([1, 1, rows - 1, columns - 1, cost, gain, players, players], np.float32)


class Observer:
    """Writes the observations of all agents: `[game phase, migration phase, row, column, cost, gain, n, n_C]`.

    The counts that the configuration hides in a phase are 0. With `scale="unit"` every slot is divided by its
    upper bound (a bound of 0 leaves the slot at 0).
    """

    def __init__(self, config: MPGGConfig, scale: str) -> None:
        bounds = upper_bounds(config)
        unit = np.where(bounds > 0, bounds, 1) if scale == "unit" else np.ones_like(bounds)
        self.high: Float32Array = (bounds / unit).astype(np.float32)
        seen = {"game": config.obs_game, "migration": config.obs_migration}
        self._features = {phase: (_casino_features(config, phase) / unit[:6]).astype(np.float32) for phase in PHASES}
        self._occupancy_scale = {phase: (seen[phase] != "m") / float(unit[6]) for phase in PHASES}
        self._cooperator_scale = {phase: (seen[phase] == "m_n_nC") / float(unit[7]) for phase in PHASES}

    def observe(self, state: MPGGState) -> Float32Array:
        """Observations of every agent before the coming phase, (B, N, 8), in a new array."""
        observations = np.empty((*state.positions.shape, len(SLOTS)), np.float32)
        kernels.observe(
            state.positions,
            state.occupancy,
            state.cooperators,
            self._features[state.phase],
            self._occupancy_scale[state.phase],
            self._cooperator_scale[state.phase],
            observations,
        )
        return observations


def _casino_features(config: MPGGConfig, phase: Phase) -> Float32Array:
    casinos = np.arange(config.n_casinos)
    columns = config.grid_shape[1]
    features = np.zeros((config.n_casinos, 6), np.float32)
    features[:, PHASES.index(phase)] = 1
    features[:, 2] = casinos // columns
    features[:, 3] = casinos % columns
    features[:, 4] = casino_costs(config)
    features[:, 5] = casino_gains(config)
    return features
