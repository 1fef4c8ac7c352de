"""The formulas of Nash Q-learning. Each stands here once."""

from typing import Final

from mpgg_env.core.compiled import compiled
from mpgg_env.core.types import FloatArray

ACT: Final = 0  # purpose of the random words of one agent in one step: word 0 whether to explore, word 1 the action


def updated_value(value: float, alpha: float, discount: float, reward: float, next_value: float) -> float:
    """Q^j(s, a) after one update: (1 - alpha) Q^j + alpha (r^j + discount NashQ^j(s')) ([Hu2003] section 3.2)."""
    return (1.0 - alpha) * value + alpha * (reward + discount * next_value)


def learning_rate(alpha: float | None, power: float, visit: int) -> float:
    """alpha if it is constant, else k^-power at the k-th visit of state and joint action ([Hu2003] section 4)."""
    return alpha if alpha is not None else float(visit) ** -power


@compiled
def drawn_action(strategy: FloatArray, n_actions: int, word: int) -> int:
    """The action that a random 32-bit word draws from a mixed strategy (>= n_actions,)."""
    left = float(word) / 4294967296.0
    last = 0
    for action in range(n_actions):
        if strategy[action] > 0.0:
            last = action
            if left < strategy[action]:
                return action
            left -= strategy[action]
    return last  # where rounding leaves a little at the end
