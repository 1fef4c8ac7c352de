"""Q tables of the compiled trainer: dense ids for casino states, and two layouts of the values behind them.

All agents in a casino see the same state (casino, n, n_C), so that a state gets its id by one look-up per casino.

* grouped: the rows of all agents lie side by side under each state. One look-up serves a whole casino, and the
  memory is visited states x agents: the layout for up to some hundred agents, or for one table shared by all.
* hashed: each agent has an open-addressing table of the states that it visited itself, key and values side by
  side: the layout for many agents, each of whom sees few of the states.

Either grows when it is full. Values, and thus results, do not depend on the layout.
"""

from typing import Final, NamedTuple

import numpy as np

from mpgg_env.core.compiled import compiled, inlined
from mpgg_env.core.types import IntArray, QArray, UInt32Array

U: Final = np.uint64  # unsigned indices throughout: signed ones cost a test for negative values at every access
FIBONACCI: Final = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: spreads consecutive keys
LARGEST_LOAD: Final = 0.8
EMPTY: Final = -1


class StateIndex(NamedTuple):
    """Ids of casino states in the order of their first visit: an open-addressing map of keys to ids."""

    keys: IntArray  # (2**k,), EMPTY where free
    ids: UInt32Array  # (2**k,)
    size: IntArray  # (1,) number of ids given
    by_id: IntArray  # (2**(k-1),) the key of each id


class Table(NamedTuple):
    """The values of one kind of Q table for the agents of one block."""

    values: QArray  # flat; grouped: (states, columns, width), hashed: (columns, slots, 1 + width)
    keys: IntArray  # the same memory as integers; hashed: id + 1 at the head of each slot, 0 where free
    used: IntArray  # hashed: (columns,) slots in use
    fullest: IntArray  # (1,) the largest of them
    columns: int  # agents, or 1 for a shared table
    width: int  # actions
    slots: int  # hashed: slots of each column; grouped: states that fit
    hashed: bool
    initial_value: float


def new_index(exponent: int) -> StateIndex:
    """An empty index of 2**exponent slots."""
    slots = 2**exponent
    return StateIndex(
        np.full(slots, EMPTY, np.int64), np.zeros(slots, np.uint32), np.zeros(1, np.int64), np.zeros(slots // 2, np.int64)
    )


def index_of(keys: IntArray, room: int) -> StateIndex:
    """The index that gives `keys[i]` the id i and has room for `room` more before it is half full."""
    index = new_index(max(6, (2 * (len(keys) + room)).bit_length()))
    _insert_all(index, keys)
    return index


@compiled
def _insert_all(index: StateIndex, given: IntArray) -> None:
    keys, ids, size, by_id = index
    for i in range(len(given)):
        state_id(keys, ids, size, by_id, given[i])


@inlined
def state_id(keys: IntArray, ids: UInt32Array, size: IntArray, by_id: IntArray, key: int) -> np.uint32:
    """Id of a state in the index of these arrays, given now if it has none. The caller keeps the index half empty."""
    last = U(len(keys) - 1)
    slot = ((U(key) * FIBONACCI) >> U(20)) & last
    while keys[slot] != key:
        if keys[slot] == EMPTY:
            given = size[0]
            keys[slot] = key
            ids[slot] = given
            by_id[given] = key
            size[0] = given + 1
            break
        slot = (slot + U(1)) & last
    return ids[slot]


def new_table(columns: int, width: int, slots: int, hashed: bool, dtype: str, initial_value: float) -> Table:
    """A table of initial values."""
    size = columns * slots * (width + 1 if hashed else width)
    values = np.zeros(size, np.dtype(dtype))  # untouched pages of zeros cost no memory
    if initial_value and not hashed:
        values[:] = initial_value
    keys = values.view(np.int64 if values.itemsize == 8 else np.int32)
    used = np.zeros(columns if hashed else 0, np.int64)
    return Table(values, keys, used, np.zeros(1, np.int64), columns, width, slots, hashed, initial_value)


def has_room(table: Table, states: int, new_states: int) -> bool:
    """Whether the table takes every row that a round may add: `new_states` under grouped, one per agent under hashed."""
    if table.hashed:
        return bool(table.fullest[0] + 1 <= int(LARGEST_LOAD * table.slots))
    return states + new_states <= table.slots


def grown(table: Table, states: int, new_states: int) -> Table:
    """A larger table with the same rows."""
    dtype = table.values.dtype.name
    if table.hashed:
        # Half as much again, since memory is what limits this layout.
        larger = new_table(table.columns, table.width, table.slots * 3 // 2 + 1, True, dtype, table.initial_value)
        _rehash(table, larger)
        return larger
    slots = max(2 * table.slots, states + new_states)
    larger = new_table(table.columns, table.width, slots, False, dtype, table.initial_value)
    kept = states * table.columns * table.width
    larger.values[:kept] = table.values[:kept]
    return larger


@compiled
def _rehash(table: Table, larger: Table) -> None:
    lane = table.width + 1
    for column in range(table.columns):
        for slot in range(table.slots):
            old = (column * table.slots + slot) * lane
            if table.keys[old] != 0:
                new = row_of(larger, U(table.keys[old] - 1), U(column))
                for action in range(table.width):
                    larger.values[new + U(action)] = table.values[old + 1 + action]


@compiled
def row_of(table: Table, state: np.uint64, column: np.uint64) -> np.uint64:
    """Flat index of the first value of a row; under hashed a new row is made if there is none."""
    if not table.hashed:
        return grouped_row(state, column, U(table.columns), U(table.width))
    return hashed_row(
        table.values, table.keys, table.used, table.fullest, state, column, table.width, table.slots, table.initial_value
    )


@inlined
def grouped_row(state: np.uint64, column: np.uint64, columns: np.uint64, width: np.uint64) -> np.uint64:
    """Flat index of the first value of a row under the grouped layout."""
    return (state * columns + column) * width


@compiled
def hashed_row(
    values: QArray,
    keys: IntArray,
    used: IntArray,
    fullest: IntArray,
    state: np.uint64,
    column: np.uint64,
    width: int,
    slots: int,
    initial_value: float,
) -> np.uint64:
    """Flat index of the first value of a row under the hashed layout, which is made if there is none."""
    lane = U(width + 1)
    slot = home_slot(state, U(slots))
    key = np.int64(state) + 1
    base = column * U(slots)
    while True:
        index = (base + slot) * lane
        if keys[index] == key:
            return index + U(1)
        if keys[index] == 0:
            keys[index] = key
            used[column] += 1
            fullest[0] = max(fullest[0], used[column])
            if initial_value != 0.0:
                for action in range(width):
                    values[index + U(1 + action)] = initial_value
            return index + U(1)
        slot = slot + U(1) if slot + U(1) < U(slots) else U(0)


@inlined
def home_slot(state: np.uint64, slots: np.uint64) -> np.uint64:
    """Slot in [0, slots) where the search for a state begins."""
    return (((state * FIBONACCI) >> U(32)) * slots) >> U(32)


def learned_rows(table: Table, states: int) -> tuple[IntArray, IntArray, QArray]:
    """The rows that have an entry other than the initial value: agents (S,), state ids (S,), values (S, width), by agent, then by id."""
    initial = table.values.dtype.type(table.initial_value)
    if table.hashed:
        slots = table.values.reshape(table.columns, table.slots, table.width + 1)
        heads = table.keys.reshape(slots.shape)[:, :, 0]
        agents, places = np.nonzero((heads != 0) & (slots[:, :, 1:] != initial).any(axis=2))
        ids, rows = heads[agents, places].astype(np.int64) - 1, slots[agents, places, 1:]
    else:
        grouped = table.values[: states * table.columns * table.width].reshape(states, table.columns, table.width)
        ids, agents = np.nonzero((grouped != initial).any(axis=2))
        rows = grouped[ids, agents]
    order = np.lexsort((ids, agents))
    return agents[order], ids[order], rows[order]


def stored_values(table: Table, states: int) -> QArray:
    """What `restored_table` needs: the flat values, those of the visited states alone under grouped."""
    return table.values if table.hashed else table.values[: states * table.columns * table.width]


def restored_table(like: Table, values: QArray) -> Table:
    """A table with the columns, width, layout and precision of `like` and the given `stored_values`."""
    slots = len(values) // (like.columns * (like.width + like.hashed))
    restored = new_table(like.columns, like.width, max(slots, 1), like.hashed, values.dtype.name, like.initial_value)
    restored.values[: len(values)] = values
    if like.hashed:
        heads = restored.keys.reshape(like.columns, restored.slots, like.width + 1)[:, :, 0]
        restored.used[:] = (heads != 0).sum(axis=1)
        restored.fullest[0] = restored.used.max()
    return restored
