"""Checks of the numbers in a replica's stored arrays: the compiled loops use them as addresses without looking."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mpgg_agents.iql.compiled.program import Program
from mpgg_agents.iql.compiled.tables import ROW_MASK
from mpgg_agents.iql.rules import GAME, MIGRATION


def check_stored(arrays: Mapping[str, Any], program: Program, n_blocks: int) -> None:
    """Checks the arrays of one replica, whose names, types and fixed shapes are right already.

    Raises:
        ValueError: A number is out of its range, or a table's size does not fit.
    """
    for kind in (GAME, MIGRATION):
        keys = arrays[f"states.{kind}"]
        if (keys < 0).any() or len(np.unique(keys)) < len(keys):
            raise ValueError(f"states.{kind} must be distinct keys >= 0")
    for b in range(n_blocks):
        _check_below(arrays, f"block{b}.positions", program.config.n_casinos)
        for kind, (what, actions) in enumerate((("game", "games"), ("move", "moves"))):
            states, width = len(arrays[f"states.{kind}"]), program.widths[kind]
            _check_table(arrays, f"block{b}.table{kind}", program, len(arrays[f"block{b}.positions"]), width, states)
            _check_below(arrays, f"block{b}.{actions}", width)
            _check_below(arrays, f"block{b}.{what}_states", states)
            _check_below(arrays, f"block{b}.{what}_entries", len(arrays[f"block{b}.table{kind}.values"]))
            for name, bound in (
                ("states", states),
                ("next_states", states),
                ("actions", width),
                ("next_actions", width),
            ):
                _check_below(arrays, f"block{b}.replay{kind}.{name}", bound)
            if (arrays[f"block{b}.replay{kind}.stored"] < 0).any():
                raise ValueError(f"block{b}.replay{kind}.stored must be >= 0")


def _check_table(
    arrays: Mapping[str, Any], name: str, program: Program, n_agents: int, width: int, states: int
) -> None:
    values, places = arrays[f"{name}.values"], arrays[f"{name}.places"]
    if not program.hashed:
        columns = 1 if program.learning.shared else n_agents
        if len(values) != states * columns * width or len(places):
            raise ValueError(f"{name} must have {states * columns * width} values, got {len(values)}")
        return
    if len(values) % width or len(places) % n_agents or not len(places):
        raise ValueError(f"{name} must have rows of {width} values and slots for {n_agents} agents")
    used = places.reshape(n_agents, -1)
    if (used != 0).all(axis=1).any():  # the search for a state ends at a free slot
        raise ValueError(f"{name}.places must have a free slot for every agent")
    if ((places & ROW_MASK)[places != 0] >= len(values) // width).any():
        raise ValueError(f"{name}.places must name rows below {len(values) // width}")


def _check_below(arrays: Mapping[str, Any], name: str, bound: int) -> None:
    array = arrays[name]
    # Before the first round nothing has been seen, and zeros stand for it.
    if array.size and int(array.max()) >= max(bound, 1):
        raise ValueError(f"{name} must be below {bound}, got {array.max()}")
