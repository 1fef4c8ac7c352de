"""One replica of IL-MFTG."""

import numpy as np

from mpgg_agents.mean_field.il.compiled import Tables, fill_actions, play_episodes
from mpgg_agents.mean_field.il.config import ILConfig
from mpgg_agents.mean_field.tabular.dynamics import dynamics_of
from mpgg_agents.mean_field.tabular.replica import TabularReplica
from mpgg_agents.nash_q.solver import strides_of
from mpgg_env.analysis.mean_field.tabular_profile import TabularProfile
from mpgg_env.core.types import FloatArray, Int32Array, IntArray, UInt64Array
from mpgg_env.games.mean_field.common.discretised import DiscretisedGame


class IndependentLearners(TabularReplica):
    """IL-MFTG: every coalition keeps Q^i(mu^i, a^i) and takes all others for a part of its world.

    Args:
        game: The discretised game.
        config: Hyper-parameters.
        seed: Seed of all random numbers, in [0, 2**64).
    """

    def __init__(self, game: DiscretisedGame, config: ILConfig, seed: int) -> None:
        super().__init__(game, config, seed)
        self._dynamics = dynamics_of(game)
        sizes = np.array(game.n_points) * np.array(game.n_actions)
        self.tables = Tables(
            values=np.repeat(self.initial, sizes),
            visits=np.zeros(int(sizes.sum()), np.int32),
            offsets=np.cumsum(sizes) - sizes,
            counts=np.array(game.n_actions, np.int64),
            points=np.array(game.n_points, np.int64),
            strides=strides_of(game.n_points),
        )

    @property
    def values(self) -> FloatArray:
        """Q values of all coalitions, one table after the other, (entries,)."""
        return self.tables.values

    @property
    def visits(self) -> Int32Array:
        """Updates of each entry, (entries,)."""
        return self.tables.visits

    @property
    def profile(self) -> TabularProfile:
        """Each coalition's best action by its own table, the first one of equals."""
        actions: IntArray = np.empty((self.game.n_coalitions, self.game.n_states), np.int64)
        fill_actions(self.tables, actions)
        return TabularProfile.pure(self.game, list(actions))

    def play(
        self, starts: IntArray, thresholds: UInt64Array, returns: FloatArray, errors: FloatArray, fresh: IntArray
    ) -> None:
        """See `TabularReplica.play`."""
        play_episodes(
            self._dynamics,
            self.tables,
            np.uint64(self.seed),
            self.rounds_done,
            starts,
            thresholds,
            self.config.omega,
            np.empty(self.game.n_coalitions, np.int64),
            returns,
            errors,
            fresh,
        )
