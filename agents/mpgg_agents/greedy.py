"""Which actions are chosen for their values, as probabilities."""

import numpy as np

from mpgg_env.core.types import BoolArray, FloatArray


def epsilon_greedy(
    values: FloatArray, legal: BoolArray, epsilon: float, order: tuple[int, ...] | None = None
) -> FloatArray:
    """Probability of every action.

    Args:
        values: Value of every action, (..., n_actions).
        legal: Whether it may be taken, same shape; at least one of each row.
        epsilon: Probability of drawing from the legal actions alike instead of taking a best one.
        order: Of several best actions the first one in this order is taken; None draws from them alike.
    """
    best = np.where(legal, values, -np.inf)
    ties = best == best.max(axis=-1, keepdims=True)
    if order is not None:
        first = np.array(order)[ties[..., order].argmax(axis=-1)]
        ties = np.arange(values.shape[-1]) == first[..., None]
    greedy: FloatArray = ties / ties.sum(axis=-1, keepdims=True)
    mixed: FloatArray = (1 - epsilon) * greedy + epsilon * legal / legal.sum(axis=-1, keepdims=True)
    return mixed
