"""A round of the compiled trainer: game, learning and migration fused in loops over agents.

A round is five steps. Three work on casinos: `open_round` looks up what the members of each casino see,
`settle_games` turns counts into payoffs, `close_round` counts who arrived. Two work on a block of agents:
`play_games` and `play_migrations`. `play_rounds` chains them for a replica of one block; a replica of many
blocks is driven from outside, its blocks on several threads. Integer counts are summed over blocks, and random
words depend on the agent and the round alone, so that blocks and threads change no bit. Under a capacity a step
between games and payoffs draws who plays, block after block: `seat_all`, `seat_block`.
"""

import numpy as np

from mpgg_agents.iql.compiled.arrays import Block, Casinos, Game, Learning, Trace
from mpgg_agents.iql.compiled.buffered import (
    choose_games,
    choose_migrations,
    learn_batches,
    see_games,
    see_migrations,
)
from mpgg_agents.iql.compiled.casinos import close_round, open_round, seat_all, seat_block, settle_games
from mpgg_agents.iql.compiled.choice import best_value
from mpgg_agents.iql.compiled.online import play_games_online, play_migrations_online
from mpgg_agents.iql.compiled.tables import GAME_LEGAL, StateIndex, Table, U, row_of
from mpgg_agents.iql.rules import ACT, FLUSH, GAME, MIGRATION, SAMPLE, updated_value
from mpgg_env.core.compiled import compiled, inlined
from mpgg_env.core.philox import fill_words
from mpgg_env.core.types import UInt64Array

__all__ = [
    "close_round",
    "flush_games",
    "open_round",
    "play_games",
    "play_migrations",
    "play_rounds",
    "seat_all",
    "seat_block",
    "settle_games",
]


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
    seed: np.uint64,
    first_round: int,
    episode_round: int,
    row: int,
    learns: bool,
    largest_fills: tuple[int, int],
) -> int:
    """Plays up to `len(thresholds)` rounds of a replica of one block.

    Args:
        game: The rules.
        learning: The hyper-parameters.
        casinos: State of the casinos, modified in place.
        indices: Ids of the states of games and migrations, modified in place.
        tables: Tables of games and migrations, modified in place.
        block: State of the agents, modified in place.
        trace: Where the measures go.
        thresholds: Exploration threshold of each round.
        orders: Tie-breaking orders of game actions and moves.
        seed: Seed of the replica.
        first_round: Index of the first of these rounds since the beginning of the run.
        episode_round: Index of the first of these rounds in its episode.
        row: Where in the trace the first of these rounds goes.
        learns: Whether the tables learn.
        largest_fills: `largest_fill` of the two tables.

    Returns:
        Rounds played: fewer than asked when a table or an index is too full for another one.
    """
    cooperators, flows, move_sums = casinos.cooperators, block.flows, trace.casino_moves
    for t in range(len(thresholds)):
        if not _fits(indices[GAME], tables[GAME], largest_fills[GAME], len(cooperators)):
            return t
        if not _fits(indices[MIGRATION], tables[MIGRATION], largest_fills[MIGRATION], len(cooperators)):
            return t
        step, since, threshold = first_round + t, episode_round + t, thresholds[t]
        open_round(game, casinos, indices[GAME])
        play_games(learning, casinos, tables[GAME], block, threshold, orders[GAME], seed, step, since, learns)
        for m in range(len(cooperators)):
            cooperators[m] = block.cooperators[m]
        if game.rules.terms.limits:
            seat_all(game, casinos)
            seat_block(casinos, block, seed, step)
        settle_games(game, casinos, indices[MIGRATION], trace, row + t)
        play_migrations(game, learning, casinos, tables, block, threshold, orders[MIGRATION], seed, step, since, learns)
        window = (row + t) // trace.window
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
def play_games(
    learning: Learning,
    casinos: Casinos,
    table: Table,
    block: Block,
    threshold: np.uint64,
    order: tuple[int, ...],
    seed: np.uint64,
    step: int,
    episode_round: int,
    learns: bool,
) -> None:
    """The game phase of a block: every agent sees, learns from its last game and chooses."""
    fill_words(block.words, block.first, seed, step, ACT)
    cooperators, pending = block.cooperators, episode_round > 0
    for m in range(len(cooperators)):
        cooperators[m] = 0
    if learning.online:
        play_games_online(learning, casinos, table, block, threshold, order, pending and learns)
        return
    see_games(casinos, block, pending)
    if learning.before_act and learns and _has_batch(learning, pending):
        learn_batches(learning, table, block.game_replay, block.first, False, seed, step, SAMPLE + GAME, 2)
    choose_games(learning, table, block, threshold, order, pending)


@inlined
def play_migrations(
    game: Game,
    learning: Learning,
    casinos: Casinos,
    tables: tuple[Table, Table],
    block: Block,
    threshold: np.uint64,
    order: tuple[int, ...],
    seed: np.uint64,
    step: int,
    episode_round: int,
    learns: bool,
) -> None:
    """The migration phase of a block: every agent is paid, sees, learns from its last move, chooses and moves."""
    flows, arrived, table, replay = block.flows, block.arrived, tables[MIGRATION], block.move_replay
    for edge in range(len(flows)):
        flows[edge] = 0
    for m in range(len(arrived)):
        arrived[m] = 0
    if learning.online:
        play_migrations_online(game, learning, casinos, table, block, threshold, order, episode_round, learns)
        return
    first, pending = block.first, episode_round > 0
    learns = learns and _has_batch(learning, pending)
    see_migrations(game, learning, casinos, block, episode_round)
    if learns and learning.before_act:
        learn_batches(learning, table, replay, first, game.restricted, seed, step, SAMPLE + MIGRATION, 2)
    choose_migrations(game, learning, table, block, threshold, order, pending)
    if learns and not learning.before_act:
        learn_batches(learning, tables[GAME], block.game_replay, first, False, seed, step, SAMPLE + GAME, 2)
        learn_batches(learning, table, replay, first, game.restricted, seed, step, SAMPLE + MIGRATION, 2)


@inlined
def _has_batch(learning: Learning, pending: bool) -> bool:
    """A buffer of one transition has been cleared at the start of an episode; larger ones go on over episodes."""
    return pending or learning.capacity > 1


@compiled
def flush_games(learning: Learning, casinos: Casinos, table: Table, block: Block, seed: np.uint64, step: int) -> None:
    """Applies the last game of an episode, whose next observation the last move has brought."""
    if not learning.online:
        see_games(casinos, block, True)
        learn_batches(learning, table, block.game_replay, block.first, False, seed, step, FLUSH, 1)
        return
    values = table.values
    for i in range(len(block.positions)):
        row = row_of(table, U(casinos.game_states[block.positions[i]]), U(i))
        best = np.float64(best_value(values, row, table.width, GAME_LEGAL, False))
        entry, reward = block.game_entries[i], block.payoffs[i]
        values[entry] = updated_value(np.float64(values[entry]), learning.eta, learning.gamma, reward, best)
