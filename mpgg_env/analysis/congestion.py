"""Singleton congestion games: every agent chooses one casino, whose members then all get a payoff that depends on n.

With payoffs that never rise with n, the pure equilibria are known in full [Rosenthal1973]. Read the payoff of the
j-th member of a casino as the worth of its j-th place: an allocation is an equilibrium iff the N agents hold N places
of the highest worth, those of the lowest worth among them (the level) being interchangeable. Everything here follows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from mpgg_env.core.types import FloatArray, IntArray

# Payoffs that differ by less, relative to the largest, are ties: they come from different roundings of one number.
RELATIVE_TOLERANCE: Final = 1e-12
MOST_COVER_CELLS: Final = 100_000_000
MOST_MOVES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Places:
    """What all pure equilibria have in common.

    Attributes:
        level: Worth of the last place that is taken: no agent gets less.
        certain: Places of each casino that are worth more than the level, (M,): taken in every equilibrium.
        level_places: Places of each casino that are worth the level, (M,).
        certain_payoff: What a member gets while exactly the certain places are taken, (M,); 0 without such places.
    """

    level: float
    certain: IntArray
    level_places: IntArray
    certain_payoff: FloatArray

    @property
    def losses(self) -> FloatArray:
        """What the holders of the certain places lose together when the first level place is taken, (M,)."""
        return self.certain * (self.certain_payoff - self.level)


def places_of_seats(value: FloatArray, seats: IntArray, n_agents: int) -> Places:
    """The places when casino m pays its `value` >= 0 up to so many `seats` and 0 beyond, both (M,)."""
    tolerance = RELATIVE_TOLERANCE * max(1.0, float(value.max()))
    seats = np.where(value > tolerance, np.minimum(seats, n_agents), 0)
    order = np.argsort(-value, kind="stable")
    filled = int(np.searchsorted(np.cumsum(seats[order]), n_agents))
    if filled < value.size:
        level = float(value[order[filled]])
        certain = np.where(value > level + tolerance, seats, 0)
        level_places = np.where(np.abs(value - level) <= tolerance, seats, 0)
    else:
        level, certain, level_places = 0.0, seats, n_agents - seats
    return Places(level, certain, level_places, np.where(certain > 0, value, 0.0))


def places_of_table(table: FloatArray, n_agents: int) -> Places:
    """The places when a member of casino m among n gets `table[m, n]`, (M, N + 1), never rising with n >= 1."""
    worth = table[:, 1:]
    tolerance = table_tolerance(table)
    level = float(np.partition(worth, worth.size - n_agents, axis=None)[worth.size - n_agents])
    certain = (worth > level + tolerance).sum(axis=1)
    level_places = (worth >= level - tolerance).sum(axis=1) - certain
    certain_payoff = np.where(certain > 0, table[np.arange(len(table)), certain], 0.0)
    return Places(level, certain, level_places, certain_payoff)


def table_tolerance(table: FloatArray) -> float:
    """The difference below which two payoffs of the table are ties."""
    return RELATIVE_TOLERANCE * max(1.0, float(np.abs(table).max()))


def never_rises(table: FloatArray) -> bool:
    """Whether no payoff of the table (M, N + 1) rises with n >= 1, by more than a tie."""
    return bool((np.diff(table[:, 1:], axis=1) <= table_tolerance(table)).all())


def worst_allocation(places: Places, n_agents: int) -> IntArray:
    """Occupancy (M,) of an equilibrium of lowest total payoff: level places where they do the most harm."""
    remaining = n_agents - int(places.certain.sum())
    candidates = np.flatnonzero(places.level_places)
    harmful = candidates[np.argsort(-places.losses[candidates], kind="stable")][:remaining]
    occupancy = places.certain.copy()
    occupancy[harmful] += 1
    return _fill(occupancy, harmful, places.level_places[harmful] - 1, remaining - len(harmful))


def best_allocation(places: Places, n_agents: int) -> IntArray:
    """Occupancy (M,) of an equilibrium of highest total payoff: level places where they do the least harm."""
    remaining = n_agents - int(places.certain.sum())
    candidates = np.flatnonzero(places.level_places)
    chosen = candidates[_cheapest_cover(places.losses[candidates], places.level_places[candidates], remaining)]
    return _fill(places.certain.copy(), chosen, places.level_places[chosen], remaining)


def _fill(occupancy: IntArray, casinos: IntArray, room: IntArray, agents: int) -> IntArray:
    """Puts the agents into the casinos in their order, as long as there is room."""
    before = np.concatenate([[0], np.cumsum(room)[:-1]]) if len(room) else np.zeros(0, dtype=np.int64)
    occupancy[casinos] += np.clip(agents - before, 0, room)
    return occupancy


def _cheapest_cover(costs: FloatArray, sizes: IntArray, needed: int) -> IntArray:
    """Indices of the items of least total cost whose sizes sum to `needed` or more."""
    free = np.flatnonzero(costs <= 0)
    needed -= int(sizes[free].sum())
    if needed <= 0:
        return free
    priced = np.flatnonzero(costs > 0)
    if sizes[priced].min() >= needed:  # each of them suffices, as every full casino does when N exceeds all seats
        return np.append(free, priced[np.argmin(costs[priced])])
    return np.concatenate([free, priced[_knapsack_cover(costs[priced], sizes[priced], needed)]])


def _knapsack_cover(costs: FloatArray, sizes: IntArray, needed: int) -> IntArray:
    """The same by dynamic programming: least cost that covers 0..needed with the first items."""
    if costs.size * (needed + 1) > MOST_COVER_CELLS:
        raise ValueError(
            f"the best equilibrium must be found among at most {MOST_COVER_CELLS} combinations of ties, "
            f"got {costs.size} casinos x {needed} agents"
        )
    least = np.full(needed + 1, np.inf)
    least[0] = 0.0
    takes = np.zeros((costs.size, needed + 1), dtype=np.bool_)
    for item, (cost, size) in enumerate(zip(costs, sizes, strict=True)):
        with_item = cost + least[np.maximum(np.arange(needed + 1) - size, 0)]
        takes[item] = with_item < least
        least = np.minimum(least, with_item)
    chosen = []
    for item in range(costs.size - 1, -1, -1):
        if takes[item, needed]:
            chosen.append(item)
            needed = max(needed - int(sizes[item]), 0)
    return np.array(chosen, dtype=np.int64)


def largest_gain(payoffs: FloatArray, entries: FloatArray, occupancy: IntArray) -> FloatArray:
    """Largest gain of any single move to another casino, (...,), >= 0.

    Args:
        payoffs: What a member of each casino gets, (..., M).
        entries: What a member would get with one member more, (..., M).
        occupancy: Agents in each casino, (..., M).
    """
    if payoffs.shape[-1] == 1:
        return np.zeros(payoffs.shape[:-1])
    best = entries.argmax(axis=-1)[..., None]
    highest = np.take_along_axis(entries, best, axis=-1)
    others = entries.copy()
    np.put_along_axis(others, best, -np.inf, axis=-1)
    elsewhere = np.where(np.arange(payoffs.shape[-1]) == best, others.max(axis=-1, keepdims=True), highest)
    gains: FloatArray = np.where(occupancy > 0, elsewhere - payoffs, 0.0).max(axis=-1)
    return np.maximum(gains, 0.0)


def best_response_path(
    gains: Callable[[IntArray], FloatArray], start: IntArray, *, tolerance: float, most_moves: int = MOST_MOVES
) -> IntArray | None:
    """Lets one agent at a time make the best move, from `start` (M,), until nobody gains more than `tolerance`.

    Args:
        gains: Gain (M, M) of moving from casino a (row) to casino b (column) at an occupancy; -inf from empty casinos.
        start: Occupancy at the start, (M,).
        tolerance: Gains up to it count as none.
        most_moves: Moves after which the search gives up.

    Returns:
        The occupancy at which the path ended, (M,), or None if it did not end.
    """
    occupancy = start.copy()
    for _ in range(most_moves):
        gain = gains(occupancy)
        source, target = np.unravel_index(int(gain.argmax()), gain.shape)
        if gain[source, target] <= tolerance:
            return occupancy
        occupancy[source] -= 1
        occupancy[target] += 1
    return None
