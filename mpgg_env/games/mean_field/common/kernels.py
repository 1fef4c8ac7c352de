"""Compiled loops over the agents of a finite game; arrays named last are overwritten."""

from typing import Final

import numpy as np

from mpgg_env.core.compiled import compiled
from mpgg_env.core.philox import Words, draw_words
from mpgg_env.core.types import FloatArray, IntArray, UInt64Array

# What the random words of one agent at one step are for (`mpgg_env.core.philox.draw_words`).
START: Final = 0
STEP: Final = 1

FIVE: Final = np.uint64(5)
SIX: Final = np.uint64(6)
TWO_26: Final = 67108864.0
TWO_53: Final = 9007199254740992.0


@compiled
def unit(high: np.uint64, low: np.uint64) -> float:
    """A number in [0, 1) from two words of 32 bits: 53 bits, each equally likely."""
    return (float(high >> FIVE) * TWO_26 + float(low >> SIX)) / TWO_53


@compiled
def two_units(words: Words) -> tuple[float, float]:
    """Two independent numbers in [0, 1) from the four words of an address."""
    return unit(words[0], words[1]), unit(words[2], words[3])


@compiled
def draw(
    places: IntArray,
    thresholds: FloatArray,
    keys: UInt64Array,
    block: tuple[int, int],
    first_agent: int,
    step: int,
    purpose: int,
    counts: IntArray,
    choices: IntArray,
    uniforms: FloatArray,
) -> None:
    """The agents of a block draw one of A choices each by the law of its place, and a number for its rule of motion.

    Args:
        places: Row of `thresholds` that each agent draws by, (B, N).
        thresholds: For each row the probability of a choice up to each but the last one, (B, S, A - 1).
        keys: Seed of each replica, (B,).
        block: The first of the n agents that draw, and the one after the last.
        first_agent: Address of agent 0.
        step: Step of the episode.
        purpose: `START` or `STEP`.
        counts: How many agents of each place took each choice, (B, S, A): those drawn here are added.
        choices: (B, n), or more columns, which are left alone.
        uniforms: In [0, 1), independent of the choices, of the same shape.
    """
    for b in range(places.shape[0]):
        for i in range(block[0], block[1]):
            chooses, moves = two_units(draw_words(keys[b], first_agent + i, step, purpose))
            place = places[b, i]
            choice = 0
            for a in range(thresholds.shape[2]):
                # Adding the comparisons up is faster than leaving the loop: what is drawn cannot be predicted.
                choice += chooses >= thresholds[b, place, a]
            choices[b, i - block[0]], uniforms[b, i - block[0]] = choice, moves
            counts[b, place, choice] += 1


@compiled
def count(places: IntArray, counts: IntArray) -> None:
    """How many of the agents (B, N) are in each state, (B, S)."""
    counts[:] = 0
    for b in range(places.shape[0]):
        for i in range(places.shape[1]):
            counts[b, places[b, i]] += 1
