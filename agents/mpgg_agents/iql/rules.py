"""The formulas of Q-learning. Each stands here once, for the plain agent and for the compiled trainer."""

from typing import Final

from mpgg_env.core.compiled import inlined

# What the random words of one agent in one round are for (`mpgg_env.core.philox.draw_words`).
ACT: Final = 0  # words 0, 1 choose the game action, words 2, 3 the move
SAMPLE: Final = 1  # + kind + 2 * (j // 4): word j % 4 draws the j-th transition of a batch
GAME: Final = 0
MIGRATION: Final = 1
FLUSH: Final = 2**31  # + j // 4: the batch of the last game of an episode

OBSERVED_PARTS: Final = {"m": 1, "m_n": 2, "m_n_nC": 3}  # how many of (casino, n, n_C) an observation shows


@inlined
def updated_value(value: float, eta: float, gamma: float, reward: float, next_value: float) -> float:
    """Q(o, a) after one update: (1 - eta) Q(o, a) + eta (R + gamma Q(o', a')) ([MPGG2025] section 2.2.3)."""
    return (1.0 - eta) * value + eta * (reward + gamma * next_value)


def tie_order(order: tuple[int, ...] | None, n_actions: int, tie: str) -> tuple[int, ...]:
    """The actions in the order in which `tie` "first" or "last" goes through them; natural unless `order` is given.

    Raises:
        ValueError: `order` does not have all actions.
    """
    if order is not None and len(order) != n_actions:
        raise ValueError(f"an action order must have all {n_actions} actions, got {order}")
    natural = tuple(range(n_actions)) if order is None else order
    return natural[::-1] if tie == "last" else natural


def bin_edges(count_bins: int | None, bin_ratio: float, largest: int) -> list[int]:
    """Smallest count of each bin, ascending from 0: every count up to `count_bins`, then geometric steps.

    Args:
        count_bins: Largest count that has a bin of its own; None for all.
        bin_ratio: Ratio of successive edges above it.
        largest: Largest count that occurs.
    """
    exact = largest if count_bins is None else min(count_bins, largest)
    edges = list(range(min(exact + 1, largest) + 1))  # the first bin above the limit starts right after it
    while (following := max(edges[-1] + 1, int(edges[-1] * bin_ratio))) <= largest:
        edges.append(following)
    return edges
