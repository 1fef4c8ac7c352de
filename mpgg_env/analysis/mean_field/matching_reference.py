"""Population matching in closed form.

On a ring of three states every distribution can be reached by moving once. Noise comes after the moves and is the same
for both coalitions: equal distributions after the moves stay equal. Hence

* nothing coalition 0 does is worth more than staying, which costs nothing: E^0 = c1 sum_{t < T} gamma^t moved_t;
* whatever coalition 0 does, coalition 1 can move onto the same distribution at once and from then on pay nothing, and
  pays c2 ||mu_0 - mu_1||_1 at time 0 in any case: E^1 = c2 sum_{1 <= t < T} gamma^t ||mu_0,t - mu_1,t||_1,

for any costs, any noise and any profile, also one that reacts to the distributions. The last actions, at T - 1, move
coalition 1 nowhere that still counts, and cost coalition 0 what they cost.
"""

import numpy as np

from mpgg_env.analysis.mean_field.open_loop import OpenLoop, as_numpy, check_length, numpy_state
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mean_field.common.rollout import Policy, Rollout
from mpgg_env.games.mean_field.common.state import MeanFieldState
from mpgg_env.games.mean_field.population_matching.config import PopulationMatchingConfig
from mpgg_env.games.mean_field.population_matching.rules import N_STATES, SHIFTS, STAY

# Element [x, a] is where action a leads from x, before the noise.
DESTINATIONS = (np.arange(N_STATES)[:, None] + np.array(SHIFTS)) % N_STATES


def matching_exploitability(config: PopulationMatchingConfig, played: Rollout) -> FloatArray:
    """What each coalition could still gain, from what happened, (B, 2).

    Args:
        config: Parameters of the game.
        played: An episode of any profile.

    Raises:
        TypeError: It is another game.
        ValueError: The episode is not a whole one.
    """
    if not isinstance(config, PopulationMatchingConfig):
        raise TypeError(f"config must be a PopulationMatchingConfig, got {config!r}")
    check_length(config, played)
    weights = config.discount ** np.arange(config.max_cycles)
    first, second = (
        np.stack([numpy_state(state).distributions[i] for state in played.states[:-1]], 1) for i in range(2)
    )
    staying = np.stack([as_numpy(actions[0])[:, :, STAY] for actions in played.actions], 1)
    moved = (first * (1 - staying)).sum(-1)
    distance = np.abs(first - second).sum(-1)
    distance[:, 0] = 0.0  # that of the start, which nobody can change
    return np.stack([config.move_cost * (moved @ weights), config.distance_cost * (distance @ weights)], 1)


def matching_response(config: PopulationMatchingConfig, played: Rollout, coalition: int) -> tuple[OpenLoop, FloatArray]:
    """A best response to a replay of the other coalition, and its return, (B,), without playing it: exact.

    Args:
        config: Parameters of the game.
        played: A whole episode.
        coalition: Who responds.
    """
    states = [numpy_state(state) for state in played.states[:-1]]
    if coalition == 0:
        return OpenLoop(np.stack([_stay(state) for state in states])), np.zeros(len(states[0].distributions[0]))
    moves = [as_numpy(actions[0]) for actions in played.actions]
    following = [_after_moves(state.distributions[0], move) for state, move in zip(states, moves, strict=True)]
    first, second = states[0].distributions
    paid = config.distance_cost * np.abs(first - second).sum(-1)
    return OpenLoop(np.stack([_towards(distribution) for distribution in following])), -paid


def matching_equilibrium() -> tuple[Policy, Policy]:
    """Coalition 0 stays; coalition 1 takes the distribution that coalition 0 has, as it will after the noise.

    For arrays of numpy. These are policies of the joint state, an equilibrium of the game at every state.
    """
    return _stay, _copy


def _stay(state: MeanFieldState) -> FloatArray:
    action = np.zeros((len(state.distributions[0]), N_STATES, len(SHIFTS)))
    action[:, :, STAY] = 1.0
    return action


def _copy(state: MeanFieldState) -> FloatArray:
    return _towards(state.distributions[0])


def _towards(distribution: FloatArray) -> FloatArray:
    """Actions after which, before the noise, the agents have this distribution (B, 3) wherever they were."""
    return np.asarray(distribution[:, DESTINATIONS])


def _after_moves(distribution: FloatArray, action: FloatArray) -> FloatArray:
    """Where agents are after their moves, before the noise, (B, 3)."""
    flow = distribution[:, :, None] * action
    return np.stack([flow[:, place == DESTINATIONS].sum(-1) for place in range(N_STATES)], 1)
