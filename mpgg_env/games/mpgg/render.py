"""Drawing: functions of the configuration and the state that return a frame, as pixels or as text.

Nothing here opens a window, asks for a display or changes the state.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from mpgg_env.core.types import IntArray, UInt8Array
from mpgg_env.core.validation import check_integer
from mpgg_env.games.mpgg.board import board_frame
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.layout import Axis, axes
from mpgg_env.games.mpgg.rules import casino_costs, casino_gains
from mpgg_env.games.mpgg.state import MPGGState

__all__ = ["ansi_frame", "board_frame", "rgb_frame"]

# A table beyond these is no longer taken in at a glance, nor shown unbroken by a terminal.
LONGEST_LINE: Final = 200
MOST_LINES: Final = 100
LISTED: Final = 10


def rgb_frame(config: MPGGConfig, state: MPGGState, replica: int = 0) -> UInt8Array:
    """The board as `board_frame` draws it, with round, coming phase and cooperation rate in the title.

    Returns:
        Pixels (height, width, 3). Before the first game nobody has acted, and no share of cooperators is shown.

    Raises:
        ValueError: There is no such replica.
    """
    occupancy, cooperators = _counts(state, replica)
    return board_frame(config, occupancy, cooperators, _headline(state, occupancy, cooperators))


def ansi_frame(config: MPGGConfig, state: MPGGState, replica: int = 0) -> str:
    """The board as a table of plain text: `cooperators/agents` of each casino, or `agents` before the first game.

    Rows are costs, the highest on top, columns are gain factors, the highest on the right. A board too large for
    a table is summarised by its most crowded casinos.

    Raises:
        ValueError: There is no such replica.
    """
    occupancy, cooperators = _counts(state, replica)
    headline = _headline(state, occupancy, cooperators)
    meaning = "agents" if cooperators is None else "cooperators/agents"
    digits = len(str(config.n_players))
    width = digits if cooperators is None else 2 * digits + 1
    table = _table(config, _entries(occupancy, cooperators), width)
    if len(table) > MOST_LINES or len(table[0]) > LONGEST_LINE:
        return "\n".join([headline, *_summary(config, occupancy, cooperators, meaning)])
    return "\n".join([headline, f"{meaning} in each casino, '.' is empty", *table])


def _counts(state: MPGGState, replica: int) -> tuple[IntArray, IntArray | None]:
    """Occupancy and cooperators of one replica, (n_casinos,) each; no cooperators before the first game."""
    check_integer("replica", replica, 0, len(state.occupancy) - 1)
    played = state.round > 0 or state.phase == "migration"
    return state.occupancy[replica], state.cooperators[replica] if played else None


def _headline(state: MPGGState, occupancy: IntArray, cooperators: IntArray | None) -> str:
    n_agents = int(occupancy.sum())
    moment = f"Round {state.round}, {state.phase} phase"
    if cooperators is None:
        return f"{moment}: {n_agents:,} agents, no game played yet"
    cooperating = int(cooperators.sum())
    return f"{moment}: {cooperating:,} of {n_agents:,} agents cooperated ({cooperating / n_agents:.1%})"


def _entries(occupancy: IntArray, cooperators: IntArray | None) -> list[str]:
    if cooperators is None:
        return [str(n) if n else "." for n in occupancy]
    return [f"{k}/{n}" if n else "." for k, n in zip(cooperators, occupancy, strict=True)]


def _table(config: MPGGConfig, entries: Sequence[str], width: int) -> list[str]:
    """The lines of the table of one entry per casino, with the axes; the highest cost comes first."""
    vertical, horizontal = axes(config)
    width = max(width, *map(len, horizontal.labels))
    margin = max(map(len, vertical.labels))
    columns = config.grid_shape[1]
    lines = [
        _line(label.rjust(margin) + " |", entries[row * columns : (row + 1) * columns], width)
        for row, label in enumerate(vertical.labels)
    ]
    rule = " " * margin + " +" + "-" * (columns * (width + 1))
    return [*reversed(lines), rule, _line(" " * (margin + 2), horizontal.labels, width), _names(vertical, horizontal)]


def _line(head: str, entries: Sequence[str], width: int) -> str:
    return head + "".join(f" {entry:>{width}}" for entry in entries)


def _names(vertical: Axis, horizontal: Axis) -> str:
    return f"up: {vertical.name}, right: {horizontal.name}"


def _summary(config: MPGGConfig, occupancy: IntArray, cooperators: IntArray | None, meaning: str) -> list[str]:
    """The most crowded casinos, a line each; of equally crowded ones the first."""
    costs, gains = casino_costs(config), casino_gains(config)
    crowded = np.argsort(-occupancy, kind="stable")[:LISTED]
    entries = _entries(occupancy[crowded], None if cooperators is None else cooperators[crowded])
    rows, columns = config.grid_shape
    head = f"{rows} x {columns} casinos, {np.count_nonzero(occupancy == 0)} empty; {meaning} in the most crowded:"
    places = (
        f"casino {m} (row {m // columns}, column {m % columns}, cost {costs[m]:.3g}, gain factor {gains[m]:.3g})"
        for m in crowded
    )
    return [head, *(f"{place}: {entry}" for place, entry in zip(places, entries, strict=True))]
