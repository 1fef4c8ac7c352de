"""The hot loops of online learning: every transition is applied once, as soon as it is complete.

Choice and update share one visit of the row: between the two nobody else reads an agent's own table.
"""

import numpy as np

from mpgg_agents.iql.compiled.arrays import Block, Casinos, Game, Learning
from mpgg_agents.iql.compiled.choice import best_value, choose
from mpgg_agents.iql.compiled.tables import AHEAD, GAME_LEGAL, Table, U, locate_rows
from mpgg_agents.iql.rules import updated_value
from mpgg_env.core.compiled import compiled, inlined
from mpgg_env.core.prefetch import prefetch
from mpgg_env.games.mpgg.transfers import N_ROLES


@inlined
def play_games_online(
    learning: Learning,
    casinos: Casinos,
    table: Table,
    block: Block,
    threshold: np.uint64,
    order: tuple[int, ...],
    learns: bool,
) -> None:
    """The game phase: every agent sees, chooses and, if it `learns`, updates the value of its last game."""
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
        best = best_value(values, row, len(order), GAME_LEGAL, False)
        if learns and before_act:
            values[entry] = updated_value(np.float64(values[entry]), eta, gamma, payoffs[i], best)
            best = best_value(values, row, len(order), GAME_LEGAL, False)
        explores = bool(U(words[U(0), i]) < threshold)
        action = choose(values, row, best, order, GAME_LEGAL, explores, U(words[U(1), i]), random_ties, members)
        if learns and not before_act:
            next_value = np.float64(values[row + action]) if sarsa else best
            values[entry] = updated_value(np.float64(values[entry]), eta, gamma, payoffs[i], next_value)
        entries[i] = row + action
        games[i] = action
        cooperators[positions[i]] += np.int64(action)


@inlined
def play_migrations_online(
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
    """The migration phase: every agent is paid, sees, chooses, updates the value of its last move, and moves."""
    eta, gamma, sarsa, before_act = learning.eta, learning.gamma, learning.sarsa, learning.before_act
    random_ties, members, past_mean, values = learning.random_ties, learning.members, learning.past_mean, table.values
    casino_payoffs, legal_moves, restricted = casinos.payoffs, game.legal_moves, game.restricted
    # Chosen here, not agent by agent: a branch in the loop costs every game without a capacity.
    roles = block.roles if game.rules.terms.limits else block.games
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
        payoffs[i] = casino_payoffs[U(N_ROLES) * m + U(roles[i])]
        reward = earned[i] if past_mean else payoffs[i]
        best = best_value(values, row, len(order), legal, restricted)
        if learns and before_act:
            values[entry] = updated_value(np.float64(values[entry]), eta, gamma, reward, best)
            best = best_value(values, row, len(order), legal, restricted)
        explores = bool(U(words[U(2), i]) < threshold)
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
            remember_payoff(block, j, episode_round)


@compiled
def remember_payoff(block: Block, i: int, episode_round: int) -> None:
    """Under past_mean: what the coming move earns, the mean of the episode's last payoffs from the oldest on."""
    window = block.history.shape[1]
    block.history[i, episode_round % window] = block.payoffs[i]
    count = min(episode_round + 1, window)
    total = 0.0
    for age in range(count - 1, -1, -1):
        total += block.history[i, (episode_round - age) % window]
    block.earned[i] = total / count
