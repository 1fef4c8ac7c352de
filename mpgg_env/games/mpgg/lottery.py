"""Who plays in a casino with fewer seats than members: a uniformly random subset, the same in every door."""

from typing import Final

import numpy as np

from mpgg_env.core.compiled import compiled
from mpgg_env.core.philox import below, draw_words
from mpgg_env.core.types import BoolArray, Int8Array, IntArray, UInt32Array

# What the random words are for (`mpgg_env.core.philox.draw_words`); no agent uses this purpose.
LOTTERY: Final = 2**32 - 1


@compiled
def finds_seat(word: np.uint64, seats_left: int, members_left: int) -> bool:
    """Selection sampling: of the members not asked yet this one gets one of the seats left."""
    return below(word, members_left) < seats_left


@compiled
def open_lottery(occupancy: IntArray, seats: IntArray, members_left: IntArray, seats_left: IntArray) -> None:
    """Before any member is asked: all are left, and as many will play as there are seats for; (M,) each."""
    for m in range(len(occupancy)):
        members_left[m] = occupancy[m]
        seats_left[m] = min(occupancy[m], seats[m])


@compiled
def draw_players(
    positions: IntArray | UInt32Array,
    actions: Int8Array | UInt32Array,
    first: int,
    seed: np.uint64,
    step: int,
    members_left: IntArray,
    seats_left: IntArray,
    cooperators: IntArray,
    plays: BoolArray,
) -> None:
    """Asks the agents `first`, `first` + 1, ... in their order whether they play.

    Args:
        positions: Casino of each of these agents, (n,).
        actions: Their game actions, (n,).
        first: Index of the first of them.
        seed: Seed of the replica.
        step: Games played since that seed was given.
        members_left: Members who have not been asked yet, (M,), modified in place.
        seats_left: Seats that are not taken yet, (M,), modified in place.
        cooperators: Cooperators who play, (M,), counted on.
        plays: Filled with the answers, (n,).
    """
    for i in range(len(positions)):
        m = positions[i]
        seated = True
        # Only who may be left without a seat draws: the draws of the others would be lost time.
        if 0 < seats_left[m] < members_left[m]:
            seated = finds_seat(draw_words(seed, first + i, step, LOTTERY)[0], seats_left[m], members_left[m])
        elif seats_left[m] == 0:
            seated = False
        members_left[m] -= 1
        if seated:
            seats_left[m] -= 1
            cooperators[m] += actions[i]
        plays[i] = seated
