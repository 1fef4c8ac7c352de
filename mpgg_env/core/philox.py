"""Counter-based random numbers: Philox-4x32-10 ([Salmon2011]).

A draw is a function of its address (seed, agent, round, purpose), never of the order of execution, so that
the plain-Python agent, the compiled trainer on any number of threads and a resumed run draw the same words.
"""

from typing import Final

import numpy as np

from mpgg_env.core.compiled import compiled
from mpgg_env.core.types import UInt32Array

MULTIPLIER_0: Final = np.uint64(0xD2511F53)
MULTIPLIER_1: Final = np.uint64(0xCD9E8D57)
WEYL_0: Final = np.uint64(0x9E3779B9)
WEYL_1: Final = np.uint64(0xBB67AE85)
LOW_WORD: Final = np.uint64(0xFFFFFFFF)
WORD_BITS: Final = np.uint64(32)
ROUNDS: Final = 10

Words = tuple[np.uint64, np.uint64, np.uint64, np.uint64]


@compiled
def philox_4x32(
    counter_0: np.uint64,
    counter_1: np.uint64,
    counter_2: np.uint64,
    counter_3: np.uint64,
    key_0: np.uint64,
    key_1: np.uint64,
) -> Words:
    """Four 32-bit words of the counter and key ([Salmon2011] section 3.3). Every argument is below 2**32."""
    for _ in range(ROUNDS):
        product_0 = MULTIPLIER_0 * counter_0
        product_1 = MULTIPLIER_1 * counter_2
        counter_0 = (product_1 >> WORD_BITS) ^ counter_1 ^ key_0
        counter_1 = product_1 & LOW_WORD
        counter_2 = (product_0 >> WORD_BITS) ^ counter_3 ^ key_1
        counter_3 = product_0 & LOW_WORD
        key_0 = (key_0 + WEYL_0) & LOW_WORD
        key_1 = (key_1 + WEYL_1) & LOW_WORD
    return counter_0, counter_1, counter_2, counter_3


@compiled
def draw_words(seed: int | np.uint64, agent: int, step: int, purpose: int) -> Words:
    """Four 32-bit words for one agent, one round and one purpose.

    Args:
        seed: Seed of the replica, in [0, 2**64).
        agent: Index of the agent, in [0, 2**32).
        step: Round since the beginning of the run, in [0, 2**64).
        purpose: What the words are for, in [0, 2**32); one address is never used for two purposes.
    """
    key = np.uint64(seed)
    time = np.uint64(step)
    return philox_4x32(
        np.uint64(agent), time & LOW_WORD, time >> WORD_BITS, np.uint64(purpose), key & LOW_WORD, key >> WORD_BITS
    )


@compiled
def fill_words(words: UInt32Array, first_agent: int, seed: int | np.uint64, step: int, purpose: int) -> None:
    """Fills `words` (4, n_agents) in place with the words of agents `first_agent`, `first_agent` + 1, ..."""
    for i in range(words.shape[1]):
        word_0, word_1, word_2, word_3 = draw_words(seed, first_agent + i, step, purpose)
        words[0, i] = word_0
        words[1, i] = word_1
        words[2, i] = word_2
        words[3, i] = word_3


@compiled
def below(word: np.uint64, bound: int) -> int:
    """Uniform integer in [0, bound) from a 32-bit word; each value's probability is exact to 2**-32."""
    return np.int64((np.uint64(word) * np.uint64(bound)) >> WORD_BITS)  # type: ignore[return-value]
