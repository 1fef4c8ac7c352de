"""What the compiled loops of tabular learners of mean-field games share. Each formula stands here once."""

from typing import Final, NamedTuple

import numpy as np

from mpgg_agents.nash_q.rules import updated_value
from mpgg_agents.schedules import exploration_threshold
from mpgg_env.core.compiled import compiled, inlined
from mpgg_env.core.philox import below, draw_words
from mpgg_env.core.types import FloatArray, Int32Array, IntArray, UInt64Array

ACT: Final = 0  # purpose of the random words of one coalition in one step: word 0 whether to explore, word 1 the action
blended = inlined(updated_value)


class Dynamics(NamedTuple):
    """The discretised game."""

    next_index: Int32Array  # (states, P)
    rewards: FloatArray  # (m, states, P)
    counts: IntArray  # (m,) central actions of each coalition
    strides: IntArray  # (m,)
    discount: float
    steps: int  # of an episode


@inlined
def visit_rate(visit: int, omega: float) -> float:
    """Learning rate N^-omega at the N-th visit of an entry ([EvenDar2003] section 3); 1 with omega = 0."""
    return float(float(visit) ** -omega)


@compiled
def falling_epsilon(eps_0: float, eps_end: float, share: float, episode: int, episodes: int) -> float:
    """Exploration rate of episode k = 1, ..., K: from eps_0 to eps_end along a line, which ends after share K."""
    return eps_end + (eps_0 - eps_end) * max(0.0, 1.0 - episode / (share * episodes))


@compiled
def fill_thresholds(
    eps_0: float, eps_end: float, share: float, first: int, episodes: int, thresholds: UInt64Array
) -> None:
    """Fills `thresholds` in place with those of episodes `first`, `first` + 1, ...; see `exploration_threshold`."""
    for e in range(len(thresholds)):
        thresholds[e] = exploration_threshold(falling_epsilon(eps_0, eps_end, share, first + e, episodes))


@compiled
def explored_action(
    seed: np.uint64, coalition: int, step: int, threshold: np.uint64, n_actions: int
) -> tuple[int, np.uint64]:
    """A uniform action if the coalition explores in this step of its training, else -1; and the word that draws one."""
    explore, draw, _, _ = draw_words(seed, coalition, step, ACT)
    return (below(draw, n_actions) if explore < threshold else -1), draw
