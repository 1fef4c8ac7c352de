"""The steps of a round that work on casinos: what their members see, what they are paid, who is in them."""

from mpgg_agents.iql.compiled.arrays import Casinos, Game, Trace
from mpgg_agents.iql.compiled.tables import StateIndex, state_id
from mpgg_env.core.compiled import inlined
from mpgg_env.core.types import Int32Array, IntArray
from mpgg_env.games.mpgg.rules import COOPERATE, DEFECT, payoff


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
    bins, n_bins, sees, seats = game.bins, game.n_bins, game.migration_sees, game.seats
    occupancy, cooperators = casinos.occupancy, casinos.cooperators
    payoffs, states = casinos.payoffs, casinos.move_states
    keys, ids, size, by_id = index
    window = row // trace.window
    occupancy_sums, cooperator_sums = trace.casino_occupancy[window], trace.casino_cooperators[window]
    cooperating = largest = empty = free = free_cooperators = seated = squares = 0
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
        seated += min(n, seats[m])
        squares += n * n
        if n < gain[m]:
            free += n
            free_cooperators += k
    trace.cooperators[row] = cooperating
    trace.welfare[row] = welfare
    trace.largest[row] = largest
    trace.empty[row] = empty
    trace.free[row] = free
    trace.free_cooperators[row] = free_cooperators
    trace.seated[row] = seated
    trace.squares[row] = squares


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
