"""What a trainer stores of the array environment of one replica between rounds, and how it goes on from there."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mpgg_agents.stored import Arrays, generator_array, stored_generator
from mpgg_env.games.mpgg import kernels
from mpgg_env.games.mpgg.state import check_array
from mpgg_env.games.mpgg.vector import MPGGVectorEnv


def engine_arrays(engine: MPGGVectorEnv) -> Arrays:
    """Generator, positions and last actions of an environment of one replica."""
    return {
        "generator": generator_array(engine.generators[0]),
        "positions": engine.state.positions,
        "last_actions": engine.state.last_actions,
    }


def restore_engine(engine: MPGGVectorEnv, arrays: Mapping[str, np.ndarray[Any, Any]], rounds: int) -> None:
    """The inverse of `engine_arrays`, after `rounds` rounds; the names, types and shapes have been checked.

    Raises:
        ValueError: A number is out of its range.
    """
    state = engine.state.copy()
    state.positions[:], state.last_actions[:] = arrays["positions"], arrays["last_actions"]
    check_array("positions", state.positions, np.int64, state.positions.shape, engine.config.n_casinos - 1)
    check_array("last_actions", state.last_actions, np.int8, state.positions.shape, 1)
    kernels.count(state.positions, state.last_actions, state.occupancy, state.cooperators)
    engine.generators[0] = stored_generator(arrays["generator"])
    engine.restore(state, 0, engine.illegal, ended=False)
    engine.games_played = rounds  # the draws under a capacity go on with it
