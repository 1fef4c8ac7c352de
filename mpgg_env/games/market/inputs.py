"""Checks of what comes into an episode from outside: the options of a reset and the rates of the traders."""

import math
import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np

from mpgg_env.core.types import FloatArray
from mpgg_env.games.market.config import MarketConfig


def checked_options(options: Mapping[str, Any], config: MarketConfig) -> dict[str, FloatArray]:
    """The options of a reset that are known, as new float64 arrays; other keys are left out.

    Args:
        options: `inventory` (N,), `price` and `impact` (), `noise` (M,): those that are given.
        config: Rules, which say what N and M are.

    Raises:
        ValueError: An option has the wrong shape or is not finite.
        TypeError: An option is not of real numbers.
    """
    shapes = {"inventory": (config.n_agents,), "price": (), "impact": (), "noise": (config.n_steps,)}
    return {name: _numbers(name, options[name], shape) for name, shape in shapes.items() if name in options}


def rate_of(agent: str, action: Any) -> float:
    """The action of an agent as a rate, infinite or NaN ones included.

    Raises:
        ValueError: It has another shape than () or (1,).
        TypeError: It is not a real number.
    """
    if isinstance(action, numbers.Real) and not isinstance(action, bool):
        return _as_float(action)
    array = np.asarray(action)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"the action of {agent} must be a real number, got {action!r}")
    if array.shape not in ((), (1,)):
        raise ValueError(f"the action of {agent} must have shape (1,) or (), got {array.shape}")
    return float(array.reshape(()))


def _as_float(value: numbers.Real) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer beyond the largest float: refused with the other infinite ones
        return math.inf


def _numbers(name: str, value: Any, shape: tuple[int, ...]) -> FloatArray:
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be of real numbers, got an array of {array.dtype}")
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {array[~np.isfinite(array)][0]}")
    return np.array(array, np.float64)
