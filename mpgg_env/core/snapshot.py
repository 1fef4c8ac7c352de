"""Snapshots of an episode in any game: a plain dict of parts, checked before it is played on."""

import copy
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_known


def check_parts(snapshot: Any, parts: Sequence[str]) -> None:
    """Checks that a snapshot is a dict with exactly these parts.

    Raises:
        ValueError: A part is unknown or missing.
        TypeError: The snapshot is no dict.
    """
    if not isinstance(snapshot, Mapping):
        raise TypeError(f"the snapshot must be a dict from get_state(), got {type(snapshot).__name__}")
    check_known(snapshot.keys(), parts, "part of a snapshot")
    missing = [part for part in parts if part not in snapshot]
    if missing:
        raise ValueError(f"the snapshot lacks {', '.join(missing)}")


def check_rules(given: Any, config: Config, but: Collection[str] = ()) -> None:
    """Checks that a snapshot's configuration, a dict, is that of the game here.

    Args:
        given: The `to_dict()` of the other game's configuration.
        config: The configuration here.
        but: Fields that may differ.

    Raises:
        ValueError: Another field differs, or the dict is not of this kind.
    """
    here = config.to_dict()
    if not isinstance(given, Mapping) or given.keys() != here.keys():
        raise ValueError(f"config must have the fields of {type(config).__name__}, got {given!r}")
    for field, value in here.items():
        if field not in but and given[field] != value:
            raise ValueError(f"the snapshot is of another game: its {field} is {given[field]!r}, here it is {value!r}")


def generator_of(snapshot: Mapping[str, Any]) -> np.random.Generator:
    """A generator in the state that the snapshot holds.

    Raises:
        ValueError: The state is not that of numpy's PCG64.
    """
    bits = np.random.PCG64()
    try:
        bits.state = copy.deepcopy(snapshot["generator"])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise ValueError(f"generator must be the state of a PCG64, got {snapshot['generator']!r}") from None
    return np.random.Generator(bits)
