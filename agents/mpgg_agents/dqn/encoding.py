"""What the networks see: the environment's observations, normalised, with what the configuration adds."""

import math
from typing import Final

import numpy as np

from mpgg_agents.dqn.config import DQNConfig
from mpgg_env.core.compiled import compiled
from mpgg_env.core.types import BoolArray, Float32Array, FloatArray, IntArray

SLOTS: Final = 8  # of one observation of the environment
COST, GAIN, N, N_C = 4, 5, 6, 7  # its slots that are used here by name
N_GAME_ACTIONS: Final = 2


class Encoder:
    """Turns the observations of all agents of one environment into the inputs of the networks.

    Input of an agent: the observation (or `frames` of them) with every slot in [0, 1]; then, as far as the
    configuration asks for them, its last game action and its last move, one-hot, and its last payoff.

    Args:
        config: Hyper-parameters.
        high: Upper bounds of an observation, natural or scaled, (8 f,) with f frames that a wrapper has stacked.
        n_agents: Agents N.
        n_moves: Migration actions.
        payoff_unit: The payoff that counts as 1; None for the highest cost x gain by the bounds, if they are natural.

    Raises:
        ValueError: The observation is not made of the slots of the game.
    """

    def __init__(
        self, config: DQNConfig, high: Float32Array, n_agents: int, n_moves: int, payoff_unit: float | None = None
    ) -> None:
        if high.ndim != 1 or not len(high) or len(high) % SLOTS:
            raise ValueError(f"observations must be vectors of {SLOTS} slots or stacks of them, got shape {high.shape}")
        self.config = config
        slots = np.arange(len(high)) % SLOTS
        self._is_logarithmic = ((slots == N) | (slots == N_C)) & (config.counts == "log")
        # A slot may always be 0, such as the row on a board of one row.
        self._bounds = np.where(high > 0, high, 1).astype(np.float64)
        self._payoff_unit = highest_product(high) if payoff_unit is None else payoff_unit
        self._frames = np.zeros((n_agents, config.frames * len(high)), np.float32)
        self._game_actions = np.zeros((n_agents, N_GAME_ACTIONS), np.float32)
        self._moves = np.zeros((n_agents, n_moves), np.float32)
        self._payoffs = np.zeros((n_agents, 1), np.float32)
        self._extras: list[Float32Array] = []
        if config.previous_action:
            self._extras += [self._game_actions, self._moves]
        if config.previous_payoff:
            self._extras += [self._payoffs]
        self.width = self._frames.shape[1] + sum(extra.shape[1] for extra in self._extras)

    def __call__(self, observations: Float32Array) -> Float32Array:
        """The inputs (N, width) after the next observations, (N, 8 f), in a new array."""
        slots = observations.shape[1]
        self._frames[:, :-slots] = self._frames[:, slots:]
        _scale(observations, self._bounds, self._is_logarithmic, self._frames[:, -slots:])
        return np.concatenate([self._frames, *self._extras], axis=1)

    def note_games(self, actions: IntArray) -> None:
        """Notes the game actions (N,) for later inputs."""
        if self.config.previous_action:
            _one_hot(actions, self._game_actions)

    def note_moves(self, moves: IntArray) -> None:
        """Notes the moves (N,) for later inputs."""
        if self.config.previous_action:
            _one_hot(moves, self._moves)

    def note_payoffs(self, payoffs: FloatArray) -> None:
        """Notes the payoffs (N,) for later inputs."""
        self._payoffs[:, 0] = payoffs / self._payoff_unit

    def forget(self) -> None:
        """Begins a new episode: nothing has been seen or done yet."""
        for array in self.arrays().values():
            array[:] = 0

    def arrays(self) -> dict[str, Float32Array]:
        """The live arrays that later inputs depend on, by name."""
        return {
            "frames": self._frames,
            "game_actions": self._game_actions,
            "moves": self._moves,
            "payoffs": self._payoffs,
        }


def highest_product(high: Float32Array) -> float:
    """The highest cost times the highest gain factor by the upper bounds of an observation, 1 if that is 0."""
    return float(high[COST] * high[GAIN]) or 1.0


@compiled
def _scale(observations: Float32Array, bounds: FloatArray, is_logarithmic: BoolArray, inputs: Float32Array) -> None:
    """Fills `inputs` (N, slots) with the observations in [0, 1], counts on a logarithmic scale where so told."""
    agents = observations.shape[0]
    for i in range(agents):
        for slot in range(observations.shape[1]):
            share = observations[i, slot] / bounds[slot]
            if is_logarithmic[slot]:
                share = math.log1p(share * agents) / math.log1p(float(agents))
            inputs[i, slot] = share


def _one_hot(indices: IntArray, rows: Float32Array) -> None:
    rows[:] = 0
    rows[np.arange(len(rows)), indices] = 1
