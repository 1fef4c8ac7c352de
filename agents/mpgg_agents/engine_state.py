"""What a trainer takes from the array environment of one replica: its state between rounds, and its games."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mpgg_agents.record import Record
from mpgg_agents.stored import Arrays, generator_array, stored_generator
from mpgg_env.core.types import FloatArray
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


def note_game(record: Record, place: tuple[int, int], window: int, engine: MPGGVectorEnv, payoffs: FloatArray) -> None:
    """Notes the game that the environment has just played, with its payoffs (N,); see `Record.note_game`."""
    state, mechanisms = engine.state, engine.config.mechanisms
    record.note_game(
        place,
        window,
        state.occupancy[0],
        state.cooperators[0],
        engine.gain,
        payoffs,
        produced=float(engine.produced[0]) if mechanisms else None,
        sponsor=sum(float(engine.transfers[name].sum()) for name in _of_the_sponsor(engine)),
    )


def _of_the_sponsor(engine: MPGGVectorEnv) -> list[str]:
    """The mechanisms whose transfers come from the sponsor or go to it; others add up to 0, or are burnt."""
    kept = engine.rules.terms.levies and not engine.rules.terms.rebates
    return [name for name in engine.transfers if name == "subsidy" or (name == "toll" and kept)]
