"""The steps of a round that work on casinos: what their members see, what they are paid, who is in them."""

import numpy as np

from mpgg_agents.iql.compiled.arrays import Block, Casinos, Game, Trace
from mpgg_agents.iql.compiled.tables import StateIndex, state_id
from mpgg_env.core.compiled import compiled, inlined
from mpgg_env.core.types import FloatArray, Int32Array, IntArray
from mpgg_env.games.mpgg.lottery import draw_players, open_lottery
from mpgg_env.games.mpgg.rules import COOPERATE, DEFECT
from mpgg_env.games.mpgg.transfers import EXCLUDED, N_ROLES, levy_tolls, settle_casino, sponsor_payment


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
def seat_all(game: Game, casinos: Casinos) -> None:
    """Opens the draw of those who play under a capacity."""
    open_lottery(casinos.occupancy, game.rules.terms.seats, casinos.members_left, casinos.players)
    for m in range(len(casinos.players)):
        casinos.seats_left[m] = casinos.players[m]
        casinos.playing_cooperators[m] = 0


@compiled
def seat_block(casinos: Casinos, block: Block, seed: np.uint64, step: int) -> None:
    """Draws which agents of a block play; the blocks come in their order."""
    draw_players(
        block.positions,
        block.games,
        block.first,
        seed,
        step,
        casinos.members_left,
        casinos.seats_left,
        casinos.playing_cooperators,
        block.plays,
    )
    for i in range(len(block.plays)):
        block.roles[i] = block.games[i] if block.plays[i] else np.uint32(EXCLUDED)


@inlined
def settle_games(game: Game, casinos: Casinos, index: StateIndex, trace: Trace, row: int) -> None:
    """Pays the games, now that every action is in, looks up what the members see, and notes the round's measures."""
    rules, terms, gain = game.rules, game.rules.terms, game.rules.gain
    bins, n_bins, sees, seats = game.bins, game.n_bins, game.migration_sees, game.seats
    occupancy, cooperators = casinos.occupancy, casinos.cooperators
    players = casinos.players if terms.limits else occupancy
    playing = casinos.playing_cooperators if terms.limits else cooperators
    payoffs, states = casinos.payoffs, casinos.move_states
    keys, ids, size, by_id = index
    window = row // trace.window
    occupancy_sums, cooperator_sums = trace.casino_occupancy[window], trace.casino_cooperators[window]
    cooperating = largest = empty = free = free_cooperators = seated = squares = 0
    gross = 0.0
    for m in range(len(gain)):
        n, k = occupancy[m], cooperators[m]
        if n == 0:
            empty += 1
            continue
        gross += settle_casino(m, players[m], playing[m], rules, payoffs)
        states[m] = state_id(keys, ids, size, by_id, _state_key(bins, n_bins, sees, m, n, k))
        occupancy_sums[m] += n
        cooperator_sums[m] += k
        cooperating += k
        largest = max(largest, n)
        seated += min(n, seats[m])
        squares += n * n
        if n < gain[m]:
            free += n
            free_cooperators += k
    if terms.levies:
        levy_tolls(occupancy, terms, casinos.rebates, payoffs)
    trace.cooperators[row] = cooperating
    trace.welfare[row] = _welfare(occupancy, players, playing, payoffs) if terms.active else gross
    trace.gross[row] = gross
    trace.sponsor[row] = sponsor_payment(occupancy, players, playing, rules) if terms.active else 0.0
    trace.largest[row] = largest
    trace.empty[row] = empty
    trace.free[row] = free
    trace.free_cooperators[row] = free_cooperators
    trace.seated[row] = seated
    trace.squares[row] = squares


@compiled
def _welfare(occupancy: IntArray, players: IntArray, playing: IntArray, payoffs: FloatArray) -> float:
    """Sum of all agents' payoffs."""
    welfare = 0.0
    for m in range(len(occupancy)):
        if occupancy[m] > 0:
            n, k, first = players[m], playing[m], N_ROLES * m
            welfare += (n - k) * payoffs[first + DEFECT] + k * payoffs[first + COOPERATE]
            welfare += (occupancy[m] - n) * payoffs[first + EXCLUDED]
    return welfare


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
