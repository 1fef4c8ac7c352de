"""Learning from buffers: replay of past transitions, and one table that all agents share.

All agents see, then (by the order of updates) all learn and all choose, as in the plain agents' rounds.
"""

import numpy as np

from mpgg_agents.iql.compiled.arrays import Block, Casinos, Game, Learning, Replay
from mpgg_agents.iql.compiled.choice import best_value, choose
from mpgg_agents.iql.compiled.online import remember_payoff
from mpgg_agents.iql.compiled.tables import GAME_LEGAL, Table, U, row_of
from mpgg_agents.iql.rules import updated_value
from mpgg_env.core.compiled import compiled, inlined
from mpgg_env.core.philox import below, draw_words
from mpgg_env.games.mpgg.transfers import N_ROLES


@compiled
def see_games(casinos: Casinos, block: Block, pending: bool) -> None:
    """Every agent sees its casino; with `pending` that completes the transition of its last game."""
    replay = block.game_replay
    for i in range(len(block.positions)):
        seen = casinos.game_states[block.positions[i]]
        if pending:
            _store(replay, i, block.game_states[i], block.games[i], block.payoffs[i], seen, GAME_LEGAL)
        block.game_states[i] = seen


@compiled
def choose_games(
    learning: Learning, table: Table, block: Block, threshold: np.uint64, order: tuple[int, ...], pending: bool
) -> None:
    """Every agent chooses its game action in the state that it saw."""
    for j in range(len(block.positions)):
        i = U(j)
        row = row_of(table, U(block.game_states[i]), _column(learning, i))
        best = best_value(table.values, row, len(order), GAME_LEGAL, False)
        explores, pick = bool(U(block.words[U(0), i]) < threshold), U(block.words[U(1), i])
        action = choose(
            table.values, row, best, order, GAME_LEGAL, explores, pick, learning.random_ties, learning.members
        )
        if pending:
            _note_next_action(block.game_replay, j, action)
        block.games[i] = action
        block.cooperators[block.positions[i]] += np.int64(action)


@compiled
def see_migrations(game: Game, learning: Learning, casinos: Casinos, block: Block, episode_round: int) -> None:
    """Every agent is paid and sees how many cooperated, which completes the transition of its last move."""
    replay, roles = block.move_replay, block.roles if game.rules.terms.limits else block.games
    for i in range(len(block.positions)):
        m = block.positions[i]
        seen = casinos.move_states[m]
        block.payoffs[i] = casinos.payoffs[U(N_ROLES) * U(m) + U(roles[i])]
        if episode_round > 0:
            reward = block.earned[i] if learning.past_mean else block.payoffs[i]
            _store(replay, i, block.move_states[i], block.moves[i], reward, seen, game.legal_moves[m])
        block.move_states[i] = seen
        if learning.past_mean:
            remember_payoff(block, i, episode_round)


@compiled
def choose_migrations(
    game: Game,
    learning: Learning,
    table: Table,
    block: Block,
    threshold: np.uint64,
    order: tuple[int, ...],
    pending: bool,
) -> None:
    """Every agent chooses its move in the state that it saw, and moves."""
    for j in range(len(block.positions)):
        i = U(j)
        m = U(block.positions[i])
        legal = game.legal_moves[m]
        row = row_of(table, U(block.move_states[i]), _column(learning, i))
        best = best_value(table.values, row, len(order), legal, game.restricted)
        explores, pick = bool(U(block.words[U(2), i]) < threshold), U(block.words[U(3), i])
        action = choose(table.values, row, best, order, legal, explores, pick, learning.random_ties, learning.members)
        if pending:
            _note_next_action(block.move_replay, j, action)
        edge = m * U(len(order)) + action
        destination = game.destinations[edge]
        block.moves[i] = action
        block.flows[edge] += 1
        block.positions[i] = destination
        block.arrived[destination] += np.int64(block.games[i])


@compiled
def learn_batches(
    learning: Learning,
    table: Table,
    replay: Replay,
    first: int,
    restricted: bool,
    seed: np.uint64,
    step: int,
    purpose: int,
    stride: int,
) -> None:
    """One batch per agent, in the order of their index, drawn from its buffer and applied.

    Word j % 4 of the address `purpose` + `stride` * (j // 4) draws the j-th transition, the oldest being 0.
    """
    capacity = replay.states.shape[1]
    for i in range(len(replay.stored)):
        stored = replay.stored[i]
        size = min(stored, capacity)
        if size == 0:
            continue
        words = draw_words(seed, first + i, step, purpose)
        for j in range(learning.batch_size):
            if j > 0 and j % 4 == 0:
                words = draw_words(seed, first + i, step, purpose + stride * (j // 4))
            place = (stored - size + below(words[j % 4], size)) % capacity
            _learn(learning, table, replay, i, place, restricted)


@compiled
def _learn(learning: Learning, table: Table, replay: Replay, i: int, place: int, restricted: bool) -> None:
    column, values = _column(learning, U(i)), table.values
    row = row_of(table, U(replay.next_states[i, place]), column)
    if learning.sarsa:
        next_value = np.float64(values[row + U(replay.next_actions[i, place])])
    else:
        next_value = np.float64(best_value(values, row, table.width, replay.next_legal[i, place], restricted))
    entry = row_of(table, U(replay.states[i, place]), column) + U(replay.actions[i, place])
    reward = replay.rewards[i, place]
    values[entry] = updated_value(np.float64(values[entry]), learning.eta, learning.gamma, reward, next_value)


@inlined
def _column(learning: Learning, i: np.uint64) -> np.uint64:
    return U(0) if learning.shared else i


@inlined
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


@inlined
def _note_next_action(replay: Replay, i: int, action: np.uint64) -> None:
    replay.next_actions[i, (replay.stored[i] - 1) % replay.states.shape[1]] = action
