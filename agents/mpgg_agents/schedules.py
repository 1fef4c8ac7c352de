"""Exploration over time."""

import numpy as np

from mpgg_env.core.compiled import compiled
from mpgg_env.core.types import UInt64Array


@compiled
def exponential_decay(eps_0: float, decay: float, eps_min: float, step: int) -> float:
    """Exploration rate max(eps_min, eps_0 decay^t) of round t = `step` ([MPGG2025] section 2.2.3)."""
    return max(eps_min, eps_0 * float(decay ** float(step)))


@compiled
def exploration_threshold(epsilon: float) -> np.uint64:
    """The 32-bit words below this number explore: epsilon as a fraction of 2**32, in [0, 2**32]."""
    return np.uint64(epsilon * 4294967296.0)


@compiled
def fill_thresholds(eps_0: float, decay: float, eps_min: float, first: int, thresholds: UInt64Array) -> None:
    """Fills `thresholds` (rounds,) in place with the exploration thresholds of rounds `first`, `first` + 1, ..."""
    for t in range(len(thresholds)):
        thresholds[t] = exploration_threshold(exponential_decay(eps_0, decay, eps_min, first + t))
