"""Snapshots of an episode: what they hold, and the checks of one before it is played on."""

from typing import Any, Final

import numpy as np

from mpgg_env.core.snapshot import check_parts, check_rules
from mpgg_env.core.validation import check_flag, check_integer
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
    check_parts(snapshot, PARTS)
    check_rules(snapshot["config"], config, but=("max_cycles",))
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
