"""Snapshots of an episode of the market: what they hold, and the checks of one before it is played on."""

from dataclasses import replace
from typing import Any, Final

import numpy as np

from mpgg_env.core.snapshot import check_parts, check_rules
from mpgg_env.core.validation import check_flag, check_integer
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.state import MarketState

PARTS: Final = ("config", "state", "noise", "running_cost", "max_cycles", "live", "generator")
_PER_TRADER: Final = ("inventory", "initial_inventory", "cash")


def check_snapshot(snapshot: Any, config: MarketConfig) -> None:
    """Checks every part of a snapshot, its generator excepted, so that a wrong one is refused before anything changes.

    Raises:
        ValueError: A part is unknown, missing or out of range, or the snapshot is of a market with other rules.
        TypeError: A part has the wrong type.
    """
    check_parts(snapshot, PARTS)
    check_rules(snapshot["config"], config)
    _check_state(snapshot["state"], config)
    _check_numbers("noise", snapshot["noise"], (config.n_steps,))
    _check_numbers("running_cost", snapshot["running_cost"], (1, config.n_agents))
    check_integer("max_cycles", snapshot["max_cycles"], 1)
    if check_flag("live", snapshot["live"]) and snapshot["state"].step == config.n_steps:
        raise ValueError(f"live must be False after the last of the {config.n_steps} steps, got True")


def copied(state: MarketState) -> MarketState:
    """A state that shares no memory with this one."""
    arrays: dict[str, Any] = {name: np.array(getattr(state, name)) for name in ("price", "impact", *_PER_TRADER)}
    return replace(state, **arrays)


def _check_state(state: Any, config: MarketConfig) -> None:
    if not isinstance(state, MarketState):
        raise TypeError(f"state must be a MarketState, got {type(state).__name__}")
    check_integer("step", state.step, 0, config.n_steps)
    for name in ("price", "impact"):
        _check_numbers(name, getattr(state, name), (1,))
    for name in _PER_TRADER:
        _check_numbers(name, getattr(state, name), (1, config.n_agents))


def _check_numbers(name: str, array: Any, shape: tuple[int, ...]) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != np.float64:
        kind = f"an array of {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
        raise TypeError(f"{name} must be an array of float64, got {kind}")
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {array[~np.isfinite(array)][0]}")
