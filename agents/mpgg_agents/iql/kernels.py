"""The compiled trainer: game, learning and migration fused in one loop over agents.

One round is five steps. Three work on casinos: `open_round` looks up what the members of each casino see,
`settle_games` turns counts into payoffs, `close_round` counts who arrived. Two work on a block of agents:
`play_games` and `play_migrations`. `play_rounds` chains them for a replica of one block; a replica of many
blocks is driven from outside, its blocks on several threads. Integer counts are summed over blocks, and random
words depend on the agent and the round alone, so that blocks and threads change no bit.
"""

from typing import Final, NamedTuple

import numpy as np

from mpgg_agents.iql.choice import LARGEST_SET, best_value, choose
from mpgg_agents.iql.rules import ACT, FLUSH, GAME, MIGRATION, SAMPLE, updated_value
from mpgg_agents.iql.tables import AHEAD, StateIndex, Table, locate_rows, row_of, state_id
from mpgg_env.core.compiled import compiled, inlined
from mpgg_env.core.prefetch import prefetch
from mpgg_env.core.philox import below, draw_words, fill_words
from mpgg_env.core.types import FloatArray, Int32Array, IntArray, UInt8Array, UInt32Array, UInt64Array
from mpgg_env.games.mpgg.rules import COOPERATE, DEFECT, payoff

U: Final = np.uint64


class Game(NamedTuple):
    """The rules, as arrays over casinos."""

    cost: FloatArray  # (M,)
    gain: FloatArray  # (M,)
    destinations: UInt32Array  # (M * n_moves,)
    legal_moves: UInt64Array  # (M,) bit sets
    restricted: bool  # some move is illegal somewhere
    pays_cost: bool
    min_players: int
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
    payoffs: FloatArray  # (2 M,) of a defector and a cooperator
    game_states: UInt32Array
    move_states: UInt32Array


class Trace(NamedTuple):
    """Where one replica's measures go: the rows of a `Record`."""

    cooperators: Int32Array
    welfare: FloatArray
    largest: Int32Array
    empty: Int32Array
    free: Int32Array
    free_cooperators: Int32Array
    casino_occupancy: IntArray
    casino_cooperators: IntArray
    casino_moves: IntArray
    window: int


@compiled
def play_rounds(
    game: Game,
    learning: Learning,
    casinos: Casinos,
    indices: tuple[StateIndex, StateIndex],
    tables: tuple[Table, Table],
    block: Block,
    trace: Trace,
    thresholds: UInt64Array,
    orders: tuple[tuple[int, ...], tuple[int, ...]],
    seed: int,
    first_round: int,
    episode_round: int,
    row: int,
    learns: bool,
    limits: tuple[int, int],
) -> int:
    """Plays up to `len(thresholds)` rounds of a replica of one block.

    Args:
        thresholds: Exploration threshold of each round.
        orders: Tie-breaking orders of game actions and moves.
        seed: Seed of the replica.
        first_round: Index of the first of these rounds since the beginning of the run.
        episode_round: Index of the first of these rounds in its episode.
        row: Where in the trace the first of these rounds goes.
        learns: Whether the tables learn.
        limits: `largest_fill` of the two tables.

    Returns:
        Rounds played: fewer than asked when a table or an index is too full for another one.
    """
    cooperators, flows, move_sums = casinos.cooperators, block.flows, trace.casino_moves
    for t in range(len(thresholds)):
        if not _fits(indices[GAME], tables[GAME], limits[GAME], len(game.cost)):
            return t
        if not _fits(indices[MIGRATION], tables[MIGRATION], limits[MIGRATION], len(game.cost)):
            return t
        pending = episode_round + t > 0
        window = (row + t) // trace.window
        open_round(game, casinos, indices[GAME])
        play_games(
            game, learning, casinos, tables[GAME], block, thresholds[t], orders[GAME], seed, first_round + t, pending, learns
        )
        for m in range(len(cooperators)):
            cooperators[m] = block.cooperators[m]
        settle_games(game, casinos, indices[MIGRATION], trace, row + t)
        play_migrations(
            game,
            learning,
            casinos,
            tables,
            block,
            thresholds[t],
            orders[MIGRATION],
            seed,
            first_round + t,
            episode_round + t,
            learns,
        )
        for edge in range(len(flows)):
            move_sums[window, edge] += flows[edge]
        close_round(game, casinos, flows, block.arrived)
    return len(thresholds)


@inlined
def _fits(index: StateIndex, table: Table, largest_fill: int, n_casinos: int) -> bool:
    states = index.size[0] + n_casinos
    if 2 * states > len(index.keys):
        return False
    if table.hashed:
        return bool(table.fullest[0] + 1 <= largest_fill and table.size[0] + table.columns <= table.capacity)
    return bool(states <= table.capacity)


@inlined
def open_round(game: Game, casinos: Casinos, index: StateIndex) -> None:
    """Looks up what the members of each casino see before they play."""
    occupancy, present, states = casinos.occupancy, casinos.present, casinos.game_states
    keys, ids, size, by_id = index
    bins, n_bins, sees = game.bins, game.n_bins, game.game_sees
    for m in range(len(occupancy)):
        if occupancy[m] > 0:
            key = _state_key(bins, n_bins, sees, m, occupancy[m], present[m])
            states[m] = state_id(keys, ids, size, by_id, key)


@inlined
def settle_games(game: Game, casinos: Casinos, index: StateIndex, trace: Trace, row: int) -> None:
    """Pays the games, now that every action is in, looks up what the members see, and notes the round's measures."""
    cost, gain, pays_cost, min_players = game.cost, game.gain, game.pays_cost, game.min_players
    bins, n_bins, sees = game.bins, game.n_bins, game.migration_sees
    occupancy, cooperators, payoffs, states = casinos.occupancy, casinos.cooperators, casinos.payoffs, casinos.move_states
    keys, ids, size, by_id = index
    window = row // trace.window
    occupancy_sums, cooperator_sums = trace.casino_occupancy[window], trace.casino_cooperators[window]
    cooperating = largest = empty = free = free_cooperators = 0
    welfare = 0.0
    for m in range(len(cost)):
        n, k = occupancy[m], cooperators[m]
        if n == 0:
            empty += 1
            continue
        payoffs[2 * m] = payoff(DEFECT, cost[m], gain[m], n, k, pays_cost, min_players)
        payoffs[2 * m + 1] = payoff(COOPERATE, cost[m], gain[m], n, k, pays_cost, min_players)
        states[m] = state_id(keys, ids, size, by_id, _state_key(bins, n_bins, sees, m, n, k))
        occupancy_sums[m] += n
        cooperator_sums[m] += k
        welfare += (n - k) * payoffs[2 * m] + k * payoffs[2 * m + 1]
        cooperating += k
        largest = max(largest, n)
        if n < gain[m]:
            free += n
            free_cooperators += k
    trace.cooperators[row] = cooperating
    trace.welfare[row] = welfare
    trace.largest[row] = largest
    trace.empty[row] = empty
    trace.free[row] = free
    trace.free_cooperators[row] = free_cooperators


@inlined
def close_round(game: Game, casinos: Casinos, flows: IntArray, arrived: IntArray) -> None:
    """Counts the members of each casino after the moves."""
    occupancy, destinations = casinos.occupancy, game.destinations
    occupancy[:] = 0
    for edge in range(len(flows)):
        occupancy[destinations[edge]] += flows[edge]
    present = casinos.present
    for m in range(len(present)):
        present[m] = arrived[m]


@inlined
def _state_key(bins: Int32Array, n_bins: int, sees: int, m: int, n: int, k: int) -> int:
    occupancy = bins[n] if sees >= 2 else 0
    cooperators = bins[k] if sees >= 3 else 0
    return (m * n_bins + occupancy) * n_bins + cooperators


@inlined
def play_games(
    game: Game,
    learning: Learning,
    casinos: Casinos,
    table: Table,
    block: Block,
    threshold: np.uint64,
    order: tuple[int, ...],
    seed: int,
    step: int,
    pending: bool,
    learns: bool,
) -> None:
    """The game phase of a block: every agent sees, learns from its last game and chooses. `pending`: there was one."""
    fill_words(block.words, block.first, seed, step, ACT)
    block.cooperators[:] = 0
    if learning.online:
        _play_games_online(learning, casinos, table, block, threshold, order, pending and learns)
        return
    replay = block.game_replay
    if pending:
        for i in range(len(block.positions)):
            seen = casinos.game_states[block.positions[i]]
            _store(replay, i, block.game_states[i], block.games[i], block.payoffs[i], seen, U(3))
    # A buffer of one transition has been cleared; larger ones go on over episodes.
    learns = learns and (pending or learning.capacity > 1)
    if learns and learning.before_act:
        _learn_batches(learning, table, replay, block.first, order, False, seed, step, SAMPLE + GAME, 2)
    for j in range(len(block.positions)):
        i = U(j)
        m = block.positions[i]
        row = row_of(table, U(casinos.game_states[m]), _column(learning, i))
        best = best_value(table.values, row, len(order), U(3), False)
        explores = U(block.words[U(0), i]) < threshold
        pick = U(block.words[U(1), i])
        action = choose(table.values, row, best, order, U(3), explores, pick, learning.random_ties, learning.members)
        if pending:
            _note_next_action(replay, j, action)
        block.game_states[i] = casinos.game_states[m]
        block.games[i] = action
        block.cooperators[m] += np.int64(action)


@inlined
def _play_games_online(
    learning: Learning,
    casinos: Casinos,
    table: Table,
    block: Block,
    threshold: np.uint64,
    order: tuple[int, ...],
    learns: bool,
) -> None:
    """Choice and update in one visit of the row: between the two nobody else reads an agent's own table.

    The arrays are local names, since numba counts a reference at every access to a field inside a loop.
    """
    eta, gamma, sarsa, before_act = learning.eta, learning.gamma, learning.sarsa, learning.before_act
    random_ties, members, values = learning.random_ties, learning.members, table.values
    positions, words, payoffs, games = block.positions, block.words, block.payoffs, block.games
    rows, entries, cooperators = block.rows, block.game_entries, block.cooperators
    locate_rows(table, casinos.game_states, positions, rows)
    last = len(positions) - 1
    for j in range(len(positions)):
        i, later = U(j), U(min(j + AHEAD, last))
        prefetch(values, rows[later])
        prefetch(values, entries[later])
        row, entry = rows[i], entries[i]
        best = best_value(values, row, len(order), U(3), False)
        if learns and before_act:
            values[entry] = updated_value(np.float64(values[entry]), eta, gamma, payoffs[i], best)
            best = best_value(values, row, len(order), U(3), False)
        explores = U(words[U(0), i]) < threshold
        action = choose(values, row, best, order, U(3), explores, U(words[U(1), i]), random_ties, members)
        if learns and not before_act:
            next_value = np.float64(values[row + action]) if sarsa else best
            values[entry] = updated_value(np.float64(values[entry]), eta, gamma, payoffs[i], next_value)
        entries[i] = row + action
        games[i] = action
        cooperators[positions[i]] += np.int64(action)


@inlined
def play_migrations(
    game: Game,
    learning: Learning,
    casinos: Casinos,
    tables: tuple[Table, Table],
    block: Block,
    threshold: np.uint64,
    order: tuple[int, ...],
    seed: int,
    step: int,
    episode_round: int,
    learns: bool,
) -> None:
    """The migration phase of a block: every agent is paid, sees, learns from its last move, chooses and moves."""
    block.flows[:] = 0
    block.arrived[:] = 0
    pending = episode_round > 0
    table, replay = tables[MIGRATION], block.move_replay
    if learning.online:
        _play_migrations_online(game, learning, casinos, table, block, threshold, order, episode_round, learns)
        return
    for i in range(len(block.positions)):
        m = block.positions[i]
        block.payoffs[i] = casinos.payoffs[U(2) * U(m) + U(block.games[i])]
        if pending:
            reward = block.earned[i] if learning.past_mean else block.payoffs[i]
            seen, legal = casinos.move_states[m], game.legal_moves[m]
            _store(replay, i, block.move_states[i], block.moves[i], reward, seen, legal)
        if learning.past_mean:
            _remember_payoff(block, i, episode_round)
    learns = learns and (pending or learning.capacity > 1)
    if learns and learning.before_act:
        _learn_batches(
            learning, table, replay, block.first, order, game.restricted, seed, step, SAMPLE + MIGRATION, 2
        )
    for j in range(len(block.positions)):
        i = U(j)
        m = U(block.positions[i])
        row = row_of(table, U(casinos.move_states[m]), _column(learning, i))
        best = best_value(table.values, row, len(order), game.legal_moves[m], game.restricted)
        explores = U(block.words[U(2), i]) < threshold
        pick = U(block.words[U(3), i])
        action = choose(
            table.values, row, best, order, game.legal_moves[m], explores, pick, learning.random_ties, learning.members
        )
        if pending:
            _note_next_action(replay, j, action)
        _move(game, casinos, block, i, m, action, len(order))
    if learns and not learning.before_act:
        first = block.first
        _learn_batches(learning, tables[GAME], block.game_replay, first, (0, 1), False, seed, step, SAMPLE + GAME, 2)
        _learn_batches(learning, table, replay, first, order, game.restricted, seed, step, SAMPLE + MIGRATION, 2)


@inlined
def _play_migrations_online(
    game: Game,
    learning: Learning,
    casinos: Casinos,
    table: Table,
    block: Block,
    threshold: np.uint64,
    order: tuple[int, ...],
    episode_round: int,
    learns: bool,
) -> None:
    """As `_play_games_online`, with the payoff of the game just played as the reward of the last move."""
    eta, gamma, sarsa, before_act = learning.eta, learning.gamma, learning.sarsa, learning.before_act
    random_ties, members, past_mean, values = learning.random_ties, learning.members, learning.past_mean, table.values
    casino_payoffs, legal_moves, restricted = casinos.payoffs, game.legal_moves, game.restricted
    destinations, flows, arrived, counts_arrivals = game.destinations, block.flows, block.arrived, game.game_sees == 3
    positions, words, payoffs, games = block.positions, block.words, block.payoffs, block.games
    rows, entries, earned = block.rows, block.move_entries, block.earned
    learns = learns and episode_round > 0
    locate_rows(table, casinos.move_states, positions, rows)
    last, row_end = len(positions) - 1, U(table.width - 1)
    for j in range(len(positions)):
        i, later = U(j), U(min(j + AHEAD, last))
        prefetch(values, rows[later])
        prefetch(values, rows[later] + row_end)
        prefetch(values, entries[later])
        m, row, entry = U(positions[i]), rows[i], entries[i]
        legal = legal_moves[m]
        payoffs[i] = casino_payoffs[U(2) * m + U(games[i])]
        reward = earned[i] if past_mean else payoffs[i]
        best = best_value(values, row, len(order), legal, restricted)
        if learns and before_act:
            values[entry] = updated_value(np.float64(values[entry]), eta, gamma, reward, best)
            best = best_value(values, row, len(order), legal, restricted)
        explores = U(words[U(2), i]) < threshold
        action = choose(values, row, best, order, legal, explores, U(words[U(3), i]), random_ties, members)
        if learns and not before_act:
            next_value = np.float64(values[row + action]) if sarsa else best
            values[entry] = updated_value(np.float64(values[entry]), eta, gamma, reward, next_value)
        entries[i] = row + action
        edge = m * U(len(order)) + action
        destination = destinations[edge]
        flows[edge] += 1
        positions[i] = destination
        if counts_arrivals:
            arrived[destination] += np.int64(games[i])
    if past_mean:
        for j in range(len(positions)):
            _remember_payoff(block, j, episode_round)


@compiled
def _move(
    game: Game, casinos: Casinos, block: Block, i: np.uint64, m: np.uint64, action: np.uint64, n_moves: int
) -> None:
    edge = m * U(n_moves) + action
    destination = game.destinations[edge]
    block.move_states[i] = casinos.move_states[m]
    block.moves[i] = action
    block.flows[edge] += 1
    block.positions[i] = destination
    if game.game_sees == 3:
        block.arrived[destination] += np.int64(block.games[i])


@compiled
def _remember_payoff(block: Block, i: int, episode_round: int) -> None:
    """Under past_mean: what the coming move earns, the mean of the episode's last payoffs from the oldest on."""
    window = block.history.shape[1]
    block.history[i, episode_round % window] = block.payoffs[i]
    count = min(episode_round + 1, window)
    total = 0.0
    for age in range(count - 1, -1, -1):
        total += block.history[i, (episode_round - age) % window]
    block.earned[i] = total / count


@compiled
def _column(learning: Learning, i: np.uint64) -> np.uint64:
    return U(0) if learning.shared else i


@compiled
def _update(learning: Learning, table: Table, entry: np.uint64, reward: float, next_value: float) -> None:
    table.values[entry] = updated_value(
        np.float64(table.values[entry]), learning.eta, learning.gamma, reward, np.float64(next_value)
    )


@compiled
def _store(
    replay: Replay, i: int, state: int, action: int, reward: float, next_state: int, next_legal: np.uint64
) -> None:
    place = replay.stored[i] % replay.states.shape[1]
    replay.states[i, place] = state
    replay.actions[i, place] = action
    replay.rewards[i, place] = reward
    replay.next_states[i, place] = next_state
    replay.next_legal[i, place] = next_legal
    replay.stored[i] += 1


@compiled
def _note_next_action(replay: Replay, i: int, action: np.uint64) -> None:
    replay.next_actions[i, (replay.stored[i] - 1) % replay.states.shape[1]] = action


@compiled
def _learn_batches(
    learning: Learning,
    table: Table,
    replay: Replay,
    first: int,
    order: tuple[int, ...],
    restricted: bool,
    seed: int,
    step: int,
    purpose: int,
    stride: int,
) -> None:
    """One batch per agent, in the order of their index: draws from its buffer, oldest transition first, and applies."""
    capacity = replay.states.shape[1]
    for i in range(len(replay.stored)):
        stored = replay.stored[i]
        size = min(stored, capacity)
        if size == 0:
            continue
        column = _column(learning, U(i))
        words = draw_words(seed, first + i, step, purpose)
        for j in range(learning.batch_size):
            if j > 0 and j % 4 == 0:
                words = draw_words(seed, first + i, step, purpose + stride * (j // 4))
            place = (stored - size + below(words[j % 4], size)) % capacity
            row = row_of(table, U(replay.next_states[i, place]), column)
            if learning.sarsa:
                next_value = np.float64(table.values[row + U(replay.next_actions[i, place])])
            else:
                next_value = best_value(table.values, row, len(order), replay.next_legal[i, place], restricted)
            entry = row_of(table, U(replay.states[i, place]), column) + U(replay.actions[i, place])
            _update(learning, table, entry, replay.rewards[i, place], next_value)


@compiled
def flush_games(
    learning: Learning, casinos: Casinos, table: Table, block: Block, seed: int, step: int
) -> None:
    """Applies the last game of an episode, whose next observation the last move has brought."""
    replay = block.game_replay
    for i in range(len(block.positions)):
        seen = casinos.game_states[block.positions[i]]
        if learning.online:
            row = row_of(table, U(seen), U(i))
            best = best_value(table.values, row, 2, U(3), False)
            _update(learning, table, block.game_entries[i], block.payoffs[i], best)
        else:
            _store(replay, i, block.game_states[i], block.games[i], block.payoffs[i], seen, U(3))
    if not learning.online:
        _learn_batches(learning, table, replay, block.first, (0, 1), False, seed, step, FLUSH, 1)
