"""Epsilon-greedy choice without branches that the processor cannot predict."""

from typing import Final

import numpy as np

from mpgg_env.core.compiled import compiled, inlined
from mpgg_env.core.philox import WORD_BITS
from mpgg_env.core.types import QArray, UInt8Array

U: Final = np.uint64
LARGEST_SET: Final = 9  # actions that a bit set may hold
RANK_BITS: Final = np.uint64(4)
EVERYBODY: Final = np.uint64(2**LARGEST_SET - 1)


def members_of_sets() -> UInt8Array:
    """Element [s * 16 + j] is the j-th member of the bit set s, element [s * 16 + 15] is the size of s; (8192,)."""
    table = np.zeros((2**LARGEST_SET, 16), np.uint8)
    for bits in range(2**LARGEST_SET):
        members = [action for action in range(LARGEST_SET) if bits >> action & 1]
        table[bits, : len(members)] = members
        table[bits, 15] = len(members)
    return table.reshape(-1)


@inlined
def best_value(values: QArray, row: np.uint64, n_actions: int, legal: np.uint64, restricted: bool) -> float:
    """max over the legal actions of Q(o, a)."""
    if not restricted:
        best = values[row]
        for a in range(1, n_actions):
            value = values[row + U(a)]
            best = value if value > best else best
        return np.float64(best)
    best_legal = -np.inf
    for a in range(n_actions):
        if (legal >> U(a)) & U(1) and values[row + U(a)] > best_legal:
            best_legal = np.float64(values[row + U(a)])
    return best_legal


@inlined
def choose(
    values: QArray,
    row: np.uint64,
    best: float,
    order: tuple[int, ...],
    legal: np.uint64,
    explore: bool,
    pick: np.uint64,
    random_ties: bool,
    members: UInt8Array,
) -> np.uint64:
    """An epsilon-greedy action.

    Args:
        values: Flat table.
        row: Index of the row's first value.
        best: `best_value` of the row.
        order: Actions in the order that breaks ties, unless `random_ties`; as a tuple its length is known to the
            compiler, which then unrolls the loops. More than `LARGEST_SET` actions come as an array.
        legal: Bit set of the legal actions; not read for more than `LARGEST_SET` actions, which are all legal.
        explore: Take a random legal action instead of a best one.
        pick: 32-bit word that picks among the candidates.
        random_ties: Pick at random among the best actions.
        members: `members_of_sets()`.
    """
    if len(order) > LARGEST_SET:
        return _choose_of_many(values, row, best, order, explore, pick, random_ties)
    candidates = U(0)
    for a in range(len(order)):
        candidates |= U(values[row + U(a)] == best) << U(a)
    if not random_ties and not explore:
        candidates &= legal
        for j in range(len(order)):
            if (candidates >> U(order[j])) & U(1):
                return U(order[j])
    # By arithmetic and a table: at a high exploration rate a branch on `explore` is mispredicted half the time.
    everybody = U(explore) * EVERYBODY
    candidates = ((candidates | everybody) & legal) << RANK_BITS
    rank = (pick * U(members[candidates | U(15)])) >> WORD_BITS
    return U(members[candidates | rank])


@compiled
def _choose_of_many(
    values: QArray,
    row: np.uint64,
    best: float,
    order: tuple[int, ...],
    explore: bool,
    pick: np.uint64,
    random_ties: bool,
) -> np.uint64:
    if not random_ties and not explore:
        for j in range(len(order)):
            if values[row + U(order[j])] == best:
                return U(order[j])
    count = 0
    for a in range(len(order)):
        count += explore or values[row + U(a)] == best
    rank = np.int64((pick * U(count)) >> WORD_BITS)
    for a in range(len(order)):
        if explore or values[row + U(a)] == best:
            if rank == 0:
                return U(a)
            rank -= 1
    return U(0)
