"""Exploration over time."""


def exponential_decay(eps_0: float, decay: float, eps_min: float, step: int) -> float:
    """Exploration rate max(eps_min, eps_0 decay^t) of round t = `step` ([MPGG2025] section 2.2.3)."""
    return max(eps_min, eps_0 * decay**step)


def exploration_threshold(epsilon: float) -> int:
    """The 32-bit words below this number explore: epsilon as a fraction of 2**32, in [0, 2**32]."""
    return int(epsilon * 2**32)
