"""What Nash Q-learners have learned of the migratory public goods game, as readable arrays and back."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from mpgg_agents.nash_q.config import NashQConfig
from mpgg_agents.nash_q.tables import Legal, Sight
from mpgg_agents.nash_q.training import NashQPopulation
from mpgg_agents.stored import Arrays
from mpgg_env.core.types import BoolArray, FloatArray, UInt8Array
from mpgg_env.games.mpgg.config import MPGGConfig

SLOTS: Final = 8
ROW, COLUMN = 2, 3


def learned_arrays(population: NashQPopulation, game: MPGGConfig) -> Arrays:
    """The tables, one row per state, over all A actions of the environment.

    Returns:
        `observations` (S, N, 8) and `positions` (S, N), the casinos; `values` (S, N, A, ..., A), NaN where illegal,
        and `visits` (S, A, ..., A); of the selected equilibrium the `strategies` (S, N, A), the expected values
        `worth` (S, N) and the `exploitability` (S,). With state "all" also `states` (S, 2 + 2 M) as the
        environment's `state()`, with a finite horizon also `steps` (S,) of the episode.
    """
    stages = population.agents[0].tables.stages
    n_agents, n_actions, n_states = len(population.names), population.n_actions[0], len(stages)
    arrays = _sights(np.frombuffer(b"".join(stages), np.uint8).reshape(n_states, -1), population.config, game)
    cube = (n_actions,) * n_agents
    values, visits = np.full((n_states, n_agents, *cube), np.nan), np.zeros((n_states, *cube), np.int64)
    strategies = np.zeros((n_states, n_agents, n_actions))
    for s, stage in enumerate(stages.values()):
        values[s][(slice(None), *np.ix_(*stage.legal))] = stage.tables
        visits[s][np.ix_(*stage.legal)] = stage.visits.reshape([len(own) for own in stage.legal])
        for i, own in enumerate(stage.legal):
            strategies[s, i, list(own)] = stage.strategies[i, : len(own)]
    arrays |= {"values": values, "visits": visits, "strategies": strategies}
    arrays["worth"] = np.array([stage.worth for stage in stages.values()])
    arrays["exploitability"] = np.array([stage.exploitability for stage in stages.values()])
    return arrays


def restore_learned(population: NashQPopulation, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Gives the learners, who share their tables, those of `learned_arrays`.

    Raises:
        ValueError: The arrays do not fit the game.
        KeyError: One is missing.
    """
    n_agents, n_actions = len(population.names), population.n_actions[0]
    values: FloatArray = np.asarray(arrays["values"], np.float64)
    if values.shape[1:] != (n_agents, *(n_actions,) * n_agents) or arrays["visits"].shape != (
        len(values),
        *values.shape[2:],
    ):
        raise ValueError(f"values must have shape (S, {n_agents}, {n_actions}, ...), got {values.shape}")
    tables = population.agents[0].tables
    parts = [np.ascontiguousarray(arrays[name], dtype) for name, dtype in _key_parts(population.config)]
    for s, known in enumerate(~np.isnan(values)):
        legal = _legal_of(known[0])
        masks = b"".join(bytes(action in own for action in range(n_actions)) for own in legal)
        stage = tables.new_stage(Sight(b"".join(part[s].tobytes() for part in parts) + masks, legal))
        stage.values[:] = values[s][(slice(None), *np.ix_(*legal))].reshape(stage.values.shape)
        stage.visits[:] = arrays["visits"][s][np.ix_(*legal)].ravel()
        if not np.isfinite(stage.values).all():
            raise ValueError("values must be finite for all legal joint actions")


def _sights(keys: UInt8Array, config: NashQConfig, game: MPGGConfig) -> Arrays:
    """The parts of the keys (S, bytes)."""
    arrays: Arrays = {}
    if config.horizon == "finite":
        arrays["steps"] = np.ascontiguousarray(keys[:, :8]).view(np.int64)[:, 0]
        keys = keys[:, 8:]
    if config.state == "all":
        width = 8 * (2 + 2 * game.n_casinos)
        arrays["states"] = _numbers(keys[:, :width]).astype(np.float32)
        keys = keys[:, width:]
    seen = _numbers(keys[:, : 8 * SLOTS * game.n_players]).reshape(len(keys), game.n_players, SLOTS)
    arrays["observations"] = seen.astype(np.float32)
    arrays["positions"] = (seen[:, :, ROW] * game.grid_shape[1] + seen[:, :, COLUMN]).astype(np.int64)
    return arrays


def _key_parts(config: NashQConfig) -> list[tuple[str, type[np.generic]]]:
    """What a key has before the masks, in this order."""
    parts: list[tuple[str, type[np.generic]]] = [("steps", np.int64)] if config.horizon == "finite" else []
    if config.state == "all":
        parts.append(("states", np.float64))
    return [*parts, ("observations", np.float64)]


def _legal_of(known: BoolArray) -> Legal:
    """The legal actions of every agent from the joint actions that have values."""
    n_agents = known.ndim
    axes = [tuple(j for j in range(n_agents) if j != i) for i in range(n_agents)]
    legal = tuple(tuple(np.flatnonzero(known.any(axis=others)).tolist()) for others in axes)
    if not known[np.ix_(*legal)].all() or not known.any():
        raise ValueError("values must be known for all joint actions of legal actions")
    return legal


def _numbers(columns: UInt8Array) -> FloatArray:
    """The numbers whose bytes the rows hold."""
    return np.ascontiguousarray(columns).view(np.float64)
