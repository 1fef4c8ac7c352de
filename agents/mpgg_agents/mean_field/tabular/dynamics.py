"""The discretised game as the compiled loops of tabular learners read it."""

import math

import numpy as np

from mpgg_agents.mean_field.tabular.rules import Dynamics
from mpgg_agents.nash_q.solver import strides_of
from mpgg_env.games.mean_field.common.discretised import DiscretisedGame


def dynamics_of(game: DiscretisedGame) -> Dynamics:
    """The discretised game with joint actions as one number."""
    profiles = math.prod(game.n_actions)
    return Dynamics(
        game.next_index.reshape(game.n_states, profiles),
        game.rewards.reshape(game.n_coalitions, game.n_states, profiles),
        np.array(game.n_actions, np.int64),
        strides_of(game.n_actions),
        game.config.discount,
        game.config.max_cycles,
    )
