"""Q tables of the compiled trainer: dense ids for casino states, and two layouts of the values behind them.

All agents in a casino see the same state (casino, n, n_C), so that a state gets its id by one look-up per casino.

* grouped: the rows of all agents lie side by side under each state. One look-up serves a whole casino, and the
  memory is visited states x agents: the layout for up to some hundred agents, or for one table shared by all.
* hashed: each agent has an open-addressing index of the states that it visited itself, and the rows lie in one
  list in the order of their first visit: the layout for many agents, each of whom sees few of the states. The
  list wastes no memory, and the newest rows, which are the ones in use, lie together.

Either grows when it is full. A row never moves, and results do not depend on the layout.
"""

from typing import Final, NamedTuple

import numpy as np

from mpgg_env.core.compiled import compiled, inlined
from mpgg_env.core.prefetch import prefetch
from mpgg_env.core.types import IntArray, QArray, UInt32Array, UInt64Array

U: Final = np.uint64  # unsigned indices throughout: signed ones cost a test for negative values at every access
GOLDEN: Final = np.uint64(0x9E3779B9)  # 2**32 / golden ratio: spreads consecutive numbers
LARGEST_LOAD: Final = 0.875
ROW_BITS: Final = np.uint64(32)
ROW_MASK: Final = np.uint64(0xFFFFFFFF)
EMPTY: Final = -1
GAME_LEGAL: Final = np.uint64(3)  # bit set of the game actions
# Memory is asked for this many agents before it is used: about the time of one access.
AHEAD: Final = 24


class StateIndex(NamedTuple):
    """Ids of casino states in the order of their first visit: an open-addressing map of keys to ids."""

    keys: IntArray  # (2**k,), EMPTY where free
    ids: UInt32Array  # (2**k,)
    size: IntArray  # (1,) number of ids given
    by_id: IntArray  # (2**(k-1),) the key of each id


class Table(NamedTuple):
    """The values of one kind of Q table for the agents of one block."""

    values: QArray  # flat; grouped: (states, columns, width), hashed: (rows, width)
    places: UInt64Array  # hashed: (columns, slots), (state id + 1) << 32 | row, 0 where free
    used: IntArray  # hashed: (columns,) slots in use
    fullest: IntArray  # (1,) the largest of them
    size: IntArray  # (1,) hashed: rows in use
    columns: int  # agents, or 1 for a shared table
    width: int  # actions
    capacity: int  # grouped: states that fit, hashed: rows that fit
    slots: int  # hashed: slots of each column
    hashed: bool
    initial_value: float


def new_index(exponent: int) -> StateIndex:
    """An empty index of 2**exponent slots."""
    slots = 2**exponent
    keys, by_id = np.full(slots, EMPTY, np.int64), np.zeros(slots // 2, np.int64)
    return StateIndex(keys, np.zeros(slots, np.uint32), np.zeros(1, np.int64), by_id)


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
    mixed = ((U(key) ^ (U(key) >> ROW_BITS)) & ROW_MASK) * GOLDEN
    slot = (mixed ^ (mixed >> U(15))) & last
    while keys[slot] != key:
        if keys[slot] == EMPTY:
            given = size[0]
            keys[slot] = key
            ids[slot] = given
            by_id[given] = key
            size[0] = given + 1
            break
        slot = (slot + U(1)) & last
    return np.uint32(ids[slot])


def new_table(
    columns: int, width: int, capacity: int, slots: int, hashed: bool, dtype: str, initial_value: float
) -> Table:
    """A table of initial values. Zeros that are never touched cost no memory."""
    values = np.zeros((capacity if hashed else capacity * columns) * width, np.dtype(dtype))
    if initial_value and not hashed:
        values[:] = initial_value
    places = np.zeros(columns * slots if hashed else 0, np.uint64)
    used = np.zeros(columns if hashed else 0, np.int64)
    one, size = np.zeros(1, np.int64), np.zeros(1, np.int64)
    return Table(values, places, used, one, size, columns, width, capacity, slots, hashed, initial_value)


def largest_fill(table: Table) -> int:
    """How many slots of a column may be in use."""
    return int(LARGEST_LOAD * table.slots)


def with_room(table: Table, states: int, new_states: int) -> Table:
    """The table, or a larger one with the same rows, in which every row fits that one round may add.

    Under grouped these are `new_states` beside the known `states`, under hashed one for each agent.
    """
    if not table.hashed:
        needed = states + new_states
        return table if needed <= table.capacity else _with_capacity(table, max(2 * table.capacity, needed), states)
    needed = int(table.size[0]) + table.columns
    if needed > table.capacity:
        table = _with_capacity(table, max(2 * table.capacity, needed), int(table.size[0]))
    return table if table.fullest[0] + 1 <= largest_fill(table) else _with_slots(table, 2 * table.slots)


def _with_capacity(table: Table, capacity: int, filled: int) -> Table:
    larger = new_table(
        table.columns, table.width, capacity, 0, table.hashed, table.values.dtype.name, table.initial_value
    )
    kept = filled * (1 if table.hashed else table.columns) * table.width
    larger.values[:kept] = table.values[:kept]
    return table._replace(values=larger.values, capacity=capacity)


def _with_slots(table: Table, slots: int) -> Table:
    places = np.zeros(table.columns * slots, np.uint64)
    _reindex(table.places, table.slots, places, slots, table.columns)
    return table._replace(places=places, slots=slots)


@compiled
def _reindex(places: UInt64Array, slots: int, larger: UInt64Array, larger_slots: int, columns: int) -> None:
    for column in range(columns):
        for old in range(slots):
            found = places[column * slots + old]
            if found != U(0):
                slot = home_slot((found >> ROW_BITS) - U(1), U(larger_slots))
                base = U(column) * U(larger_slots)
                while larger[base + slot] != U(0):
                    slot = slot + U(1) if slot + U(1) < U(larger_slots) else U(0)
                larger[base + slot] = found


@compiled
def row_of(table: Table, state: np.uint64, column: np.uint64) -> np.uint64:
    """Flat index of the first value of a row; under hashed a new row is made if there is none."""
    if not table.hashed:
        return grouped_row(state, column, U(table.columns), U(table.width))
    return hashed_row(
        table.values,
        table.places,
        table.used,
        table.fullest,
        table.size,
        state,
        column,
        table.width,
        table.slots,
        table.initial_value,
    )


@inlined
def grouped_row(state: np.uint64, column: np.uint64, columns: np.uint64, width: np.uint64) -> np.uint64:
    """Flat index of the first value of a row under the grouped layout."""
    return (state * columns + column) * width


@inlined
def hashed_row(
    values: QArray,
    places: UInt64Array,
    used: IntArray,
    fullest: IntArray,
    size: IntArray,
    state: np.uint64,
    column: np.uint64,
    width: int,
    slots: int,
    initial_value: float,
) -> np.uint64:
    """Flat index of the first value of a row under the hashed layout, which is made if there is none."""
    base = column * U(slots)
    slot = home_slot(state, U(slots))
    while True:
        found = places[base + slot]
        if (found >> ROW_BITS) == state + U(1):
            return np.uint64((found & ROW_MASK) * U(width))
        if found == U(0):
            break
        slot = slot + U(1) if slot + U(1) < U(slots) else U(0)
    new = U(size[0])
    places[base + slot] = ((state + U(1)) << ROW_BITS) | new
    size[0] += 1
    used[column] += 1
    fullest[0] = max(fullest[0], used[column])
    if initial_value != 0.0:
        for action in range(width):
            values[new * U(width) + U(action)] = initial_value
    return new * U(width)


@inlined
def home_slot(state: np.uint64, slots: np.uint64) -> np.uint64:
    """Slot in [0, slots) where the search for a state begins."""
    return np.uint64((((state * GOLDEN) & ROW_MASK) * slots) >> U(32))


@inlined
def locate_rows(table: Table, states: UInt32Array, positions: UInt32Array, rows: UInt64Array) -> None:
    """The row of every agent, (n,), in the state of its casino: `states` (M,), `positions` (n,).

    A pass of its own: the loop that uses the rows can then ask for them early.
    """
    columns, width = U(table.columns), U(table.width)
    if not table.hashed:
        for i in range(len(positions)):
            rows[i] = grouped_row(U(states[positions[i]]), U(i), columns, width)
        return
    values, places, used, fullest, size = table.values, table.places, table.used, table.fullest, table.size
    slots, initial_value, last = table.slots, table.initial_value, len(positions) - 1
    for j in range(len(positions)):
        later = U(min(j + AHEAD, last))
        prefetch(places, later * U(slots) + home_slot(U(states[positions[later]]), U(slots)))
        state = U(states[positions[j]])
        rows[j] = hashed_row(values, places, used, fullest, size, state, U(j), table.width, slots, initial_value)


def learned_rows(table: Table, states: int) -> tuple[IntArray, IntArray, QArray]:
    """The rows with an entry other than the initial value: agents (S,), state ids (S,), values (S, width), in order."""
    initial = table.values.dtype.type(table.initial_value)
    if table.hashed:
        entries = table.places.reshape(table.columns, table.slots)
        agents, places = np.nonzero(entries)
        found = entries[agents, places]
        ids = (found >> ROW_BITS).astype(np.int64) - 1
        rows = table.values.reshape(-1, table.width)[(found & ROW_MASK).astype(np.int64)]
        learned = (rows != initial).any(axis=1)
        agents, ids, rows = agents[learned], ids[learned], rows[learned]
    else:
        grouped = table.values[: states * table.columns * table.width].reshape(states, table.columns, table.width)
        ids, agents = np.nonzero((grouped != initial).any(axis=2))
        rows = grouped[ids, agents]
    order = np.lexsort((ids, agents))
    return agents[order], ids[order], rows[order]


def table_arrays(table: Table, states: int) -> dict[str, QArray | UInt64Array]:
    """What `restored_table` needs: the rows in use and the index."""
    rows = int(table.size[0]) if table.hashed else states * table.columns
    return {"values": table.values[: rows * table.width], "places": table.places}


def restored_table(like: Table, values: QArray, places: UInt64Array) -> Table:
    """A table with the columns, width, layout and precision of `like` and the given `table_arrays`."""
    rows = len(values) // like.width
    capacity = rows if like.hashed else rows // like.columns
    slots = len(places) // like.columns
    restored = new_table(
        like.columns, like.width, max(capacity, 1), slots, like.hashed, values.dtype.name, like.initial_value
    )
    restored.values[: len(values)] = values
    if like.hashed:
        restored.places[:] = places
        restored.used[:] = (places.reshape(like.columns, slots) != 0).sum(axis=1)
        restored.fullest[0] = restored.used.max()
        restored.size[0] = rows
    return restored
