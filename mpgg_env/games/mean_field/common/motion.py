"""The law of motion of every mean-field-type game ([Shao2024] section 2): mu' = mu P(mu, pi)."""

from typing import Final

import numpy as np

from mpgg_env.games.mean_field.common.state import Array

MANY: Final = 64  # games


def flow_of(distribution: Array, action: Array) -> Array:
    """Share of a coalition's agents that are in each state and take each action there, (B, S, A)."""
    if isinstance(distribution, np.ndarray) and len(distribution) >= MANY:
        # Numpy multiplies row by row where it stretches an array, and rows of a few actions are too short for that.
        return (np.repeat(distribution, action.shape[2], 1) * action.reshape(len(action), -1)).reshape(action.shape)
    return distribution[:, :, None] * action


def following_distribution(flow: Array, kernel: Array) -> Array:
    """The distribution after a step: sum over x and a of flow(x, a) p(y | x, a).

    Args:
        flow: Share of the agents in each state and with each action, (B, S, A).
        kernel: Probabilities p(y | x, a), rows in the order of (x, a): (S A, S), or (B, S A, S) where they depend on
            the distributions.

    Returns:
        Distributions (B, S). They are divided by their sums, which would drift away from 1 over long episodes.
    """
    flat = flow.reshape(len(flow), -1)
    following = flat @ kernel if kernel.ndim == 2 else (flat[:, None, :] @ kernel)[:, 0]
    return following / following.sum(-1)[:, None]
