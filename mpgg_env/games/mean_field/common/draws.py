"""What the agents of a finite game draw, by address: neither memory nor order changes a draw."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from mpgg_env.core.types import FloatArray, IntArray, UInt64Array

# Agents per block: their places, draws and new places stay in the processor's cache, which saves half of the time.
BLOCK: Final = 2**14


def replica_keys(seed: int, sizes: Sequence[int], replicas: int) -> UInt64Array:
    """Seeds of the replicas, (B,). Those of other sizes have nothing in common with them."""
    keys = [
        np.random.SeedSequence([seed, *sizes], spawn_key=(b,)).generate_state(1, np.uint64) for b in range(replicas)
    ]
    return np.concatenate(keys)


def choice_thresholds(probabilities: FloatArray) -> FloatArray:
    """Below which of these numbers a draw in [0, 1) means choices 0, 0 to 1, ..., from probabilities (..., A).

    Returns:
        (..., A - 1). From the last choice with a probability on they are infinite: sums a little below 1 would give
        a choice of probability 0 to somebody in the end.
    """
    sums = np.cumsum(probabilities, -1)
    rest = np.cumsum(probabilities[..., ::-1], -1)[..., ::-1]
    return np.ascontiguousarray(np.where(rest[..., 1:] > 0, sums[..., :-1], np.inf))


def draw_block(
    places: IntArray,
    thresholds: FloatArray,
    keys: UInt64Array,
    first_agent: int,
    step: int,
    counts: IntArray,
    *,
    first: bool = False,
) -> Iterator[tuple[slice, IntArray, FloatArray]]:
    """Draws of all agents (B, N), in blocks; see `FinitePopulation.drawn` and `kernels.draw`."""
    from mpgg_env.games.mean_field.common.kernels import START, STEP, draw

    replicas, agents = places.shape
    width = min(agents, max(1, BLOCK // replicas))
    choices, uniforms = np.empty((replicas, width), np.int64), np.empty((replicas, width))
    for begin in range(0, agents, width):
        end = min(begin + width, agents)
        purpose = START if first else STEP
        draw(places, thresholds, keys, (begin, end), first_agent, step, purpose, counts, choices, uniforms)
        yield slice(begin, end), choices[:, : end - begin], uniforms[:, : end - begin]


def quota_places(distributions: FloatArray, agents: int) -> IntArray:
    """The states of so many agents, in order, whose numbers are the largest-remainder rounding of a distribution.

    Args:
        distributions: (B, S).
        agents: Number N of agents.

    Returns:
        (B, N).
    """
    from mpgg_env.core.simplex import projected

    counts = projected(distributions, agents)
    states = np.arange(distributions.shape[1])
    return np.stack([np.repeat(states, numbers) for numbers in counts])
