"""What every trainer does with arrays that are read from a checkpoint."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from mpgg_env.core.snapshot import generator_of
from mpgg_env.core.types import UInt8Array
from mpgg_env.core.validation import check_integer

Arrays = dict[str, np.ndarray[Any, Any]]


def check_like(arrays: Mapping[str, Any], own: Arrays, grows: Callable[[str], bool]) -> None:
    """Raises ValueError unless names, element types and shapes agree with those of this training.

    Args:
        arrays: The arrays that were read.
        own: Those of this training.
        grows: Whether the array of this name may have any length.
    """
    if set(arrays) != set(own):
        raise ValueError(f"the arrays are of another training: {', '.join(sorted(set(arrays) ^ set(own))[:3])} ...")
    for name, array in own.items():
        given = np.asarray(arrays[name])
        first = 1 if grows(name) and given.ndim == array.ndim else 0
        if given.dtype != array.dtype or given.shape[first:] != array.shape[first:]:
            raise ValueError(
                f"{name} must be {array.dtype} {array.shape}, got {given.dtype} {given.shape}: of another training"
            )


def joined_arrays(rounds_done: int, replicas: Iterable[Mapping[str, Any]]) -> Arrays:
    """The state of a training: the rounds done, and the arrays of each replica, not copied, as `replica<b>.<name>`."""
    arrays: Arrays = {"rounds_done": np.array(rounds_done, np.int64)}
    for b, replica in enumerate(replicas):
        arrays |= {f"replica{b}.{name}": array for name, array in replica.items()}
    return arrays


def check_joined(arrays: Mapping[str, Any], own: Arrays, grows: Callable[[str], bool], total_rounds: int) -> int:
    """The rounds done of stored `joined_arrays`, after `check_like`.

    Raises:
        ValueError: The arrays are of another training, or the rounds are out of range.
    """
    check_like(arrays, own, grows)
    return check_integer("rounds_done", int(arrays["rounds_done"]), 0, total_rounds)


def check_actions(actions: np.ndarray[Any, Any], n_actions: int) -> None:
    """Raises ValueError unless all actions are in [0, n_actions): they are used as indices."""
    if actions.size and not 0 <= actions.min() <= actions.max() < n_actions:
        raise ValueError(f"actions must be in [0, {n_actions - 1}], got {actions.min()} to {actions.max()}")


def generator_array(generator: np.random.Generator) -> UInt8Array:
    """The state of a generator as bytes of JSON."""
    return np.frombuffer(json.dumps(generator.bit_generator.state).encode(), np.uint8)


def stored_generator(stored: UInt8Array) -> np.random.Generator:
    """The inverse of `generator_array`.

    Raises:
        ValueError: The bytes are not the state of numpy's PCG64.
    """
    try:
        state = json.loads(bytes(stored))
    except (ValueError, RecursionError):
        raise ValueError("generator must be the JSON state of a PCG64, got other bytes") from None
    return generator_of({"generator": state})


def section(arrays: Mapping[str, np.ndarray[Any, Any]], prefix: str) -> Arrays:
    """The arrays whose names begin with the prefix and a dot, without both."""
    start = f"{prefix}."
    return {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
