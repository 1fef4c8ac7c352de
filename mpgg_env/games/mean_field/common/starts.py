"""Random and listed initial distributions."""

from collections.abc import Sequence

import numpy as np

from mpgg_env.core.types import BoolArray, FloatArray, IntArray

MOST_CELLS = 4


def dense_distributions(generator: np.random.Generator, size: int, n_states: int) -> FloatArray:
    """Each entry uniform in (0, 1), then divided by the sum, (size, n_states) ([Shao2024] section F.1)."""
    entries = 1.0 - generator.random((size, n_states))  # in (0, 1], so that no sum is 0
    return np.asarray(entries / entries.sum(1, keepdims=True))


def concentrated_distributions(generator: np.random.Generator, size: int, cells: IntArray, n_states: int) -> FloatArray:
    """Mass on 1 to 4 distinct random cells with Dirichlet(1) weights, (size, n_states).

    Args:
        generator: Source of randomness.
        size: Number of distributions.
        cells: The cells to choose from, (size, K): each row its own.
        n_states: Number of states.
    """
    most = min(MOST_CELLS, cells.shape[1])
    counts = generator.integers(1, most + 1, size)
    order = np.argsort(generator.random(cells.shape), axis=1)[:, :most]
    weights = generator.standard_exponential((size, most)) * (np.arange(most) < counts[:, None])
    distributions = np.zeros((size, n_states))
    np.put_along_axis(distributions, np.take_along_axis(cells, order, 1), weights / weights.sum(1, keepdims=True), 1)
    return distributions


def mixed_distributions(generator: np.random.Generator, concentrated: BoolArray, n_states: int) -> FloatArray:
    """Mass on 1 to 4 of all states where `concentrated` (size,), entries uniform in (0, 1), normalised, elsewhere.

    The dense law alone is nearly uniform: learners would never see concentrated mass.
    """
    size = len(concentrated)
    dense = dense_distributions(generator, size, n_states)
    cells = np.tile(np.arange(n_states), (size, 1))
    few = concentrated_distributions(generator, size, cells, n_states)
    return np.where(concentrated[:, None], few, dense)


def uniform_on(cells: Sequence[int], n_states: int) -> FloatArray:
    """The uniform distribution on the listed cells, (n_states,)."""
    distribution = np.zeros(n_states)
    distribution[list(cells)] = 1.0 / len(cells)
    return distribution
