"""Random draws of deep Q-learning, each by its address (seed, agent, step, purpose)."""

from typing import Final

import numpy as np

from mpgg_env.core.compiled import compiled
from mpgg_env.core.philox import below, draw_words
from mpgg_env.core.types import Float32Array, Int8Array, IntArray

# What the random words are for. The step of a choice is the round, that of a batch its number.
ACT: Final = 0  # words 0, 1 choose the game action, words 2, 3 the move
SAMPLE: Final = 1  # + kind + 2 * (j // 4): word j % 4 draws the j-th transition of an agent's batch
INITIALISE: Final = 2**31  # + kind: the seed of the networks' first weights
GAME: Final = 0
MIGRATION: Final = 1


@compiled
def choose(
    values: Float32Array,
    legal: Int8Array,
    threshold: np.uint64,
    seed: np.uint64,
    step: int,
    kind: int,
    actions: IntArray,
) -> None:
    """Epsilon-greedy actions (N,) from values (N, A) and legal (N, A): equal values are chosen at random."""
    for i in range(values.shape[0]):
        words = draw_words(seed, i, step, ACT)
        explore, pick = (words[0], words[1]) if kind == GAME else (words[2], words[3])
        best = -np.inf
        for a in range(values.shape[1]):
            if legal[i, a] and values[i, a] > best:
                best = values[i, a]
        candidates = 0
        for a in range(values.shape[1]):
            if legal[i, a] and (explore < threshold or values[i, a] == best):
                candidates += 1
        rank = below(pick, candidates)
        for a in range(values.shape[1]):
            if legal[i, a] and (explore < threshold or values[i, a] == best):
                if rank == 0:
                    actions[i] = a
                    break
                rank -= 1


@compiled
def draw_batch(seed: np.uint64, step: int, kind: int, rows: IntArray, agents: IntArray, size: int, n: int) -> None:
    """One batch of all agents' transitions: rows in [0, size) and agents in [0, n), each (batch,)."""
    for j in range(len(rows)):
        words = draw_words(seed, j, step, SAMPLE + kind)
        rows[j] = below(words[0], size)
        agents[j] = below(words[1], n)


@compiled
def draw_batches(seed: np.uint64, step: int, kind: int, rows: IntArray, size: int) -> None:
    """One batch per agent: rows (N, batch) in [0, size)."""
    for i in range(rows.shape[0]):
        for first in range(0, rows.shape[1], 4):
            words = draw_words(seed, i, step, SAMPLE + kind + 2 * (first // 4))
            for j in range(first, min(first + 4, rows.shape[1])):
                rows[i, j] = below(words[j - first], size)


@compiled
def take_rows(source: Float32Array, rows: IntArray, out: Float32Array) -> None:
    """Element [i, j] of `out` (N, batch, width) becomes row rows[i, j] of agent i in `source` (T, N, width)."""
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            for k in range(source.shape[2]):
                out[i, j, k] = source[rows[i, j], i, k]
