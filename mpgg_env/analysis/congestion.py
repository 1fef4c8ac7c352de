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

MOST_TIES: Final = 100_000_000


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


def places_of_seats(value: FloatArray, seats: IntArray, n_agents: int, *, tolerance: float) -> Places:
    """The places when casino m pays its `value` >= 0 up to so many `seats` and 0 beyond, both (M,).

    Payoffs that differ by no more than the `tolerance` are ties: they come from different roundings of one number.
    """
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


def places_of_table(table: FloatArray, n_agents: int, *, tolerance: float) -> Places:
    """The places when a member of casino m among n gets `table[m, n]`, (M, N + 1), never rising with n >= 1.

    Payoffs that differ by no more than the `tolerance` are ties.
    """
    worth = table[:, 1:]
    level = float(np.partition(worth, worth.size - n_agents, axis=None)[worth.size - n_agents])
    certain = (worth > level + tolerance).sum(axis=1)
    level_places = (worth >= level - tolerance).sum(axis=1) - certain
    certain_payoff = np.where(certain > 0, table[np.arange(len(table)), certain], 0.0)
    return Places(level, certain, level_places, certain_payoff)


def never_rises(table: FloatArray, *, tolerance: float) -> bool:
    """Whether no payoff of the table (M, N + 1) rises with n >= 1 by more than the `tolerance`."""
    return bool((np.diff(table[:, 1:], axis=1) <= tolerance).all())


def worst_seating(places: Places, n_agents: int) -> IntArray:
    """Occupancy (M,) of an equilibrium of lowest total payoff under `places_of_seats`.

    Whoever takes a level place of a full casino spoils it: there, where the most is lost, one agent each.
    """
    remaining = n_agents - int(places.certain.sum())
    candidates = np.flatnonzero(places.level_places)
    spoilt = candidates[np.argsort(-places.losses[candidates], kind="stable")][:remaining]
    occupancy = places.certain.copy()
    occupancy[spoilt] += 1
    return _fill(occupancy, spoilt, places.level_places[spoilt] - 1, remaining - len(spoilt))


def best_seating(places: Places, n_agents: int) -> IntArray:
    """Occupancy (M,) of an equilibrium of highest total payoff under `places_of_seats`.

    Level places that cost nobody anything come first; if they do not suffice, all are in full casinos, each of which
    can take all who are left, and the cheapest one is spoilt.
    """
    remaining = n_agents - int(places.certain.sum())
    candidates = np.flatnonzero(places.level_places)
    chosen = candidates[np.argsort(places.losses[candidates], kind="stable")]
    return _fill(places.certain.copy(), chosen, places.level_places[chosen], remaining)


def _fill(occupancy: IntArray, casinos: IntArray, room: IntArray, agents: int) -> IntArray:
    """Puts the agents into the casinos in their order, as long as there is room."""
    before = np.cumsum(room) - room
    occupancy[casinos] += np.clip(agents - before, 0, room)
    return occupancy


def extreme_allocation(places: Places, totals: FloatArray, n_agents: int, *, best: bool) -> IntArray | None:
    """Occupancy (M,) of the equilibrium of highest or lowest total, by dynamic programming over the level places.

    Args:
        places: What the equilibria have in common.
        totals: What a casino with n members adds to the total, (M, N + 1).
        n_agents: Number of agents N.
        best: Whether the total is to be the highest.

    Returns:
        The occupancy, or None if there are too many ties to be tried.
    """
    sign = 1.0 if best else -1.0
    remaining = n_agents - int(places.certain.sum())
    candidates = np.flatnonzero(places.level_places)
    room = np.minimum(places.level_places[candidates], remaining)
    if int((room + 1).sum()) * (remaining + 1) > MOST_TIES:
        return None
    most = np.full(remaining + 1, -np.inf)  # highest total with so many level places taken in the casinos seen so far
    most[0] = 0.0
    taken = np.zeros((len(candidates), remaining + 1), dtype=np.int64)
    for item, m in enumerate(candidates):
        before, most = most, np.full(remaining + 1, -np.inf)
        for places_taken in range(int(room[item]) + 1):
            with_item = before[: remaining + 1 - places_taken] + sign * totals[m, places.certain[m] + places_taken]
            better = with_item > most[places_taken:]
            most[places_taken:][better] = with_item[better]
            taken[item, places_taken:][better] = places_taken
    occupancy = places.certain.copy()
    for item in range(len(candidates) - 1, -1, -1):
        occupancy[candidates[item]] += taken[item, remaining]
        remaining -= int(taken[item, remaining])
    return occupancy


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
    payoffs: Callable[[IntArray], FloatArray],
    entries: Callable[[IntArray], FloatArray],
    start: IntArray,
    *,
    tolerance: float,
) -> IntArray:
    """Lets one agent at a time make the move that gains most, until nobody gains more than `tolerance`.

    The potential rises with every move, so that this ends.

    Args:
        payoffs: What a member of each casino gets, (M,), at an occupancy (M,).
        entries: What a member would get with one member more, likewise.
        start: Occupancy at the start, (M,).
        tolerance: Gains up to it count as none.

    Returns:
        The occupancy at which the path ended, (M,).
    """
    occupancy = start.copy()
    while occupancy.size > 1:
        own, entry = np.where(occupancy > 0, payoffs(occupancy), np.inf), entries(occupancy)
        # The best pair of different casinos has one of the two worst sources and one of the two best targets.
        sources, targets = np.argpartition(own, 1)[:2], np.argpartition(-entry, 1)[:2]
        pairs = [(source, target) for source in sources for target in targets if source != target]
        source, target = max(pairs, key=lambda pair: float(entry[pair[1]] - own[pair[0]]))
        if entry[target] - own[source] <= tolerance:
            break
        occupancy[source] -= 1
        occupancy[target] += 1
    return occupancy
