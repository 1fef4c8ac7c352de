"""Compiled loops over B replicas and N agents. They only loop and call `rules`; arrays named last are overwritten."""

from mpgg_env.core.compiled import compiled
from mpgg_env.core.types import Float32Array, FloatArray, Int8Array, IntArray
from mpgg_env.games.mpgg.rules import payoff


@compiled
def count(positions: IntArray, last_actions: Int8Array, occupancy: IntArray, cooperators: IntArray) -> None:
    """Counts agents and cooperators per casino: `occupancy` and `cooperators` (B, M) from (B, N) arrays."""
    occupancy[:] = 0
    cooperators[:] = 0
    for b in range(positions.shape[0]):
        for i in range(positions.shape[1]):
            casino = positions[b, i]
            occupancy[b, casino] += 1
            cooperators[b, casino] += last_actions[b, i]


@compiled
def pay(
    positions: IntArray,
    actions: Int8Array,
    occupancy: IntArray,
    cooperators: IntArray,
    cost: FloatArray,
    gain: FloatArray,
    pays_cost: bool,
    min_players: int,
    rewards: FloatArray,
) -> None:
    """Payoffs (B, N) of a game in which every action is in: `cooperators` (B, M) already counts `actions`."""
    for b in range(positions.shape[0]):
        for i in range(positions.shape[1]):
            m = positions[b, i]
            rewards[b, i] = payoff(
                actions[b, i], cost[m], gain[m], occupancy[b, m], cooperators[b, m], pays_cost, min_players
            )


@compiled
def relocate(moves: IntArray, destinations: IntArray, positions: IntArray) -> None:
    """Moves every agent, (B, N): `destinations` (M, n_moves) is the casino reached from m by each move."""
    for b in range(positions.shape[0]):
        for i in range(positions.shape[1]):
            positions[b, i] = destinations[positions[b, i], moves[b, i]]


@compiled
def observe(
    positions: IntArray,
    occupancy: IntArray,
    cooperators: IntArray,
    casino_features: Float32Array,
    occupancy_scale: float,
    cooperator_scale: float,
    observations: Float32Array,
) -> None:
    """Observations (B, N, 8) of one phase.

    `casino_features` (M, 6) holds the slots that depend on phase and casino alone; a scale of 0 hides a count.
    """
    for b in range(positions.shape[0]):
        for i in range(positions.shape[1]):
            m = positions[b, i]
            for slot in range(6):
                observations[b, i, slot] = casino_features[m, slot]
            observations[b, i, 6] = occupancy[b, m] * occupancy_scale
            observations[b, i, 7] = cooperators[b, m] * cooperator_scale
