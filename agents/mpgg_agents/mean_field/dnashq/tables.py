"""The records that the kernels of DNashQ-MFTG work on, made for a discretised game."""

import math

import numpy as np

from mpgg_agents.mean_field.dnashq.compiled import Beliefs, Workspace, begin, settle_all
from mpgg_agents.mean_field.dnashq.stage import MIXED
from mpgg_agents.mean_field.tabular.dynamics import dynamics_of
from mpgg_env.analysis.mean_field.tabular_profile import TabularProfile
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mean_field.common.discretised import DiscretisedGame


def beliefs_of(game: DiscretisedGame, initial: FloatArray) -> Beliefs:
    """Beliefs before any learning: every Q value of coalition i is `initial[i]`, (m,)."""
    states, coalitions, profiles = game.n_states, game.n_coalitions, math.prod(game.n_actions)
    beliefs = Beliefs(
        values=np.tile(np.asarray(initial, np.float64)[:, None], (states, 1, profiles)),
        best=np.full((states, coalitions, profiles // min(game.n_actions)), -math.inf),
        visits=np.zeros((states, profiles), np.int32),
        solved=np.zeros(states, np.uint8),
        profiles=np.zeros(states, np.int64),
        strategies=np.zeros((states, coalitions, max(game.n_actions))),
        worth=np.zeros((states, coalitions)),
    )
    begin(dynamics_of(game), beliefs)
    return beliefs


def workspace_of(game: DiscretisedGame) -> Workspace:
    """Memory for its stage games."""
    coalitions, widest = game.n_coalitions, max(game.n_actions)
    return Workspace(
        normalised=np.empty((coalitions, math.prod(game.n_actions))),
        deviations=np.empty((coalitions, widest)),
        tableaux=np.empty((2, widest, 2 * widest + 1)),
        bases=np.empty((2, widest), np.int64),
        gains=np.empty(coalitions),
    )


def profile_of(game: DiscretisedGame, beliefs: Beliefs, workspace: Workspace) -> TabularProfile:
    """The selected equilibria of all stage games, which are solved where they are not."""
    settle_all(dynamics_of(game), beliefs, workspace)
    mixed = beliefs.profiles == MIXED
    chosen = np.unravel_index(np.where(mixed, 0, beliefs.profiles), game.n_actions)
    strategies = []
    for i, count in enumerate(game.n_actions):
        pure = np.eye(count)[chosen[i]]
        strategies.append(np.where(mixed[:, None], beliefs.strategies[:, i, :count], pure))
    return TabularProfile(game, tuple(strategies))
