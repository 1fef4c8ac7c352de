"""The records of arrays that the compiled trainer works on.

A kernel takes the arrays it needs in a loop out of their record first: numba would count a reference at every
access to a field.
"""

from typing import NamedTuple

from mpgg_env.core.types import BoolArray, FloatArray, Int32Array, IntArray, UInt8Array, UInt32Array, UInt64Array
from mpgg_env.games.mpgg.transfers import Rules


class Game(NamedTuple):
    """The rules, as arrays over casinos."""

    rules: Rules  # what decides payoffs
    seats: IntArray  # (M,)
    destinations: UInt32Array  # (M * n_moves,)
    legal_moves: UInt64Array  # (M,) bit sets
    restricted: bool  # some move is illegal somewhere
    bins: Int32Array  # (N + 1,) bin of each count
    n_bins: int
    game_sees: int  # parts of (casino, n, n_C) in the game observation, 1 to 3
    migration_sees: int


class Learning(NamedTuple):
    """The hyper-parameters."""

    eta: float
    gamma: float
    sarsa: bool
    random_ties: bool
    before_act: bool
    online: bool  # every transition is applied once, at once, to a table of the agent's own
    shared: bool
    past_mean: bool
    capacity: int
    batch_size: int
    members: UInt8Array  # members_of_sets()


class Replay(NamedTuple):
    """The last `capacity` transitions of one kind per agent; (n, capacity), and none when learning is online."""

    states: UInt32Array
    actions: UInt32Array
    rewards: FloatArray
    next_states: UInt32Array
    next_legal: UInt64Array
    next_actions: UInt32Array
    stored: IntArray  # (n,) transitions ever stored


class Block(NamedTuple):
    """The agents `first`, `first` + 1, ... of one replica; n of them."""

    first: int
    positions: UInt32Array  # (n,)
    words: UInt32Array  # (4, n) random words of this round
    payoffs: FloatArray  # (n,) of the last game
    plays: BoolArray  # (n,) who found a seat in this round's game, (0,) without a capacity
    roles: UInt32Array  # (n,) the game action, or EXCLUDED, alike
    games: UInt32Array  # (n,) last game action
    game_states: UInt32Array  # (n,) state in which it was chosen, (0,) when learning is online
    game_entries: UInt64Array  # (n,) where its value lies in the table, (0,) unless learning is online
    moves: UInt32Array  # (n,) last move, with state and entry as above; (0,) when learning is online
    move_states: UInt32Array
    move_entries: UInt64Array
    rows: UInt64Array  # (n,) row that each agent looks at in this phase
    history: FloatArray  # (n, window) last payoffs, (n, 0) unless moves earn the mean of past ones
    earned: FloatArray  # (n,) that mean before the last move, (0,) unless moves earn it
    game_replay: Replay
    move_replay: Replay
    cooperators: IntArray  # (M,) of this round's games
    flows: IntArray  # (M * n_moves,) moves of this round
    arrived: IntArray  # (M,) cooperators of this round's games after they moved


class Casinos(NamedTuple):
    """The casinos of one replica in the round under way; (M,) each."""

    occupancy: IntArray
    cooperators: IntArray
    present: IntArray  # members of this round's start who cooperated last round
    payoffs: FloatArray  # (3 M,) of a defector, a cooperator and a member who found no seat
    rebates: FloatArray  # what each member gets from the tolls of the others
    players: IntArray  # members who play, and the cooperators among them; only filled under a capacity
    playing_cooperators: IntArray
    members_left: IntArray  # in the draw of those who play: not asked yet, and seats not taken
    seats_left: IntArray
    game_states: UInt32Array
    move_states: UInt32Array


class Trace(NamedTuple):
    """Where one replica's measures go: the rows of a `Record`."""

    cooperators: Int32Array
    welfare: FloatArray
    gross: FloatArray
    sponsor: FloatArray
    largest: Int32Array
    empty: Int32Array
    free: Int32Array
    free_cooperators: Int32Array
    seated: Int32Array
    squares: IntArray
    casino_occupancy: IntArray
    casino_cooperators: IntArray
    casino_moves: IntArray
    window: int
