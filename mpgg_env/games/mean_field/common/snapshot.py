"""Snapshots of an episode of a mean-field-type game: what they hold, and the checks before one is played on."""

from typing import Any, Final

import numpy as np

from mpgg_env.core.config import Config
from mpgg_env.core.snapshot import check_parts, check_rules
from mpgg_env.core.types import FloatArray
from mpgg_env.core.validation import check_flag, check_integer
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.state import MeanFieldState

PARTS: Final = (
    *("config", "step", "distributions", "context", "discounted_return"),
    *("measures", "max_cycles", "live", "generator"),
)


def check_snapshot(snapshot: Any, batch: MeanFieldBatch) -> None:
    """Checks every part of a snapshot, its generator excepted, so that a wrong one is refused before anything changes.

    Raises:
        ValueError: A part is unknown, missing or out of range, or the snapshot is of a game with other rules.
        TypeError: A part has the wrong type.
    """
    check_parts(snapshot, PARTS)
    assert isinstance(batch.config, Config)
    check_rules(snapshot["config"], batch.config)
    check_integer("step", snapshot["step"], 0)
    check_integer("max_cycles", snapshot["max_cycles"], 1)
    if check_flag("live", snapshot["live"]) and snapshot["step"] >= snapshot["max_cycles"]:
        raise ValueError(f"live must be False after the last of the {snapshot['max_cycles']} steps, got True")
    _check_distributions(snapshot["distributions"], batch)
    _check_context(snapshot["context"], batch)
    for name in ("discounted_return", "measures"):
        rows = (len(batch.rules.measures),) if name == "measures" else ()
        _check_numbers(name, snapshot[name], (*rows, batch.n_coalitions))


def state_in(snapshot: Any) -> MeanFieldState:
    """The state that a checked snapshot holds, as arrays of its own."""
    context = snapshot["context"]
    distributions = tuple(mu.copy()[None] for mu in snapshot["distributions"])
    return MeanFieldState(snapshot["step"], distributions, None if context is None else np.array([context]))


def _check_distributions(distributions: Any, batch: MeanFieldBatch) -> None:
    if not isinstance(distributions, tuple):
        raise TypeError(f"distributions must be a tuple, got {type(distributions).__name__}")
    if len(distributions) != batch.n_coalitions:
        raise ValueError(f"distributions must be {batch.n_coalitions}, one per coalition, got {len(distributions)}")
    for k, (mu, (states, _)) in enumerate(zip(distributions, batch.shapes, strict=True)):
        _check_numbers(f"distributions[{k}]", mu, (states,))
        batch.checked_distribution(k, mu[None], f"distributions[{k}]")


def _check_context(context: Any, batch: MeanFieldBatch) -> None:
    if batch.rules.n_contexts:
        check_integer("context", context, 0, batch.rules.n_contexts - 1)
    elif context is not None:
        raise ValueError(f"context must be None in this game, got {context!r}")


def _check_numbers(name: str, array: Any, shape: tuple[int, ...]) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != np.float64:
        kind = f"an array of {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
        raise TypeError(f"{name} must be an array of float64, got {kind}")
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    _check_finite(name, array)


def _check_finite(name: str, array: FloatArray) -> None:
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {array[~np.isfinite(array)][0]}")
