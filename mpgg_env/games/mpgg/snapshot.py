"""Snapshots of an episode: what they hold, and the checks of one before it is played on."""

import copy
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from mpgg_env.core.validation import check_flag, check_integer, check_known
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.state import MPGGState, check_array

PARTS: Final = ("config", "state", "cycle", "max_cycles", "illegal", "live", "generator", "seed", "games_played")


def check_snapshot(snapshot: Any, config: MPGGConfig) -> None:
    """Checks every part of a snapshot, its generator excepted, so that a wrong one is refused before anything changes.

    Raises:
        ValueError: A part is unknown, missing or out of range, or the snapshot is of a game with other rules. The
            length of the episode is no rule: it comes with the snapshot.
        TypeError: A part has the wrong type.
    """
    if not isinstance(snapshot, Mapping):
        raise TypeError(f"the snapshot must be a dict from get_state(), got {type(snapshot).__name__}")
    check_known(snapshot.keys(), PARTS, "part of a snapshot")
    missing = [part for part in PARTS if part not in snapshot]
    if missing:
        raise ValueError(f"the snapshot lacks {', '.join(missing)}")
    _check_rules(snapshot["config"], config)
    state = snapshot["state"]
    if not isinstance(state, MPGGState):
        raise TypeError(f"state must be an MPGGState, got {type(state).__name__}")
    state.check((1, config.n_players), config.n_casinos)
    check_integer("cycle", snapshot["cycle"], 0)
    check_integer("max_cycles", snapshot["max_cycles"], 1)
    check_array("illegal", snapshot["illegal"], np.int64, (1, config.n_players))
    check_flag("live", snapshot["live"])
    check_integer("seed", snapshot["seed"], 0, 2**64 - 1)
    check_integer("games_played", snapshot["games_played"], 0, 2**63 - 1)


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


def _check_rules(given: Any, config: MPGGConfig) -> None:
    here = config.to_dict()
    if not isinstance(given, Mapping) or given.keys() != here.keys():
        raise ValueError(f"config must have the fields of an MPGGConfig, got {given!r}")
    for field, value in here.items():
        if field != "max_cycles" and given[field] != value:
            raise ValueError(f"the snapshot is of another game: its {field} is {given[field]!r}, here it is {value!r}")
