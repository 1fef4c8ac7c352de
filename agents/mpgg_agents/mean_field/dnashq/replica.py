"""One replica of DNashQ-MFTG."""

import numpy as np

from mpgg_agents.mean_field.dnashq.compiled import begin, play_episodes
from mpgg_agents.mean_field.dnashq.config import DNashQConfig
from mpgg_agents.mean_field.dnashq.tables import beliefs_of, profile_of, workspace_of
from mpgg_agents.mean_field.tabular.dynamics import dynamics_of
from mpgg_agents.mean_field.tabular.replica import TabularReplica
from mpgg_env.analysis.mean_field.tabular_profile import TabularProfile
from mpgg_env.core.types import FloatArray, Int32Array, IntArray, UInt64Array
from mpgg_env.games.mean_field.common.discretised import DiscretisedGame


class DNashQ(TabularReplica):
    """DNashQ-MFTG ([Shao2024] algorithm 1).

    Every player keeps beliefs on the Q values of all. They start equal and are updated by the same numbers, so that
    they stay equal: they are stored once.

    Args:
        game: The discretised game.
        config: Hyper-parameters.
        seed: Seed of all random numbers, in [0, 2**64).
    """

    def __init__(self, game: DiscretisedGame, config: DNashQConfig, seed: int) -> None:
        super().__init__(game, config, seed)
        self._dynamics, self._workspace = dynamics_of(game), workspace_of(game)
        self.beliefs = beliefs_of(game, self.initial)

    @property
    def values(self) -> FloatArray:
        """Q values, (states, m, joint actions)."""
        return self.beliefs.values

    @property
    def visits(self) -> Int32Array:
        """Updates of each entry, (states, joint actions)."""
        return self.beliefs.visits

    @property
    def profile(self) -> TabularProfile:
        """The selected equilibria of the stage games."""
        return profile_of(self.game, self.beliefs, self._workspace)

    @property
    def worth(self) -> FloatArray:
        """NashQ: what the selected equilibria are worth, (m, states)."""
        profile_of(self.game, self.beliefs, self._workspace)
        return self.beliefs.worth.T.copy()

    def play(
        self, starts: IntArray, thresholds: UInt64Array, returns: FloatArray, errors: FloatArray, fresh: IntArray
    ) -> None:
        """See `TabularReplica.play`."""
        play_episodes(
            self._dynamics,
            self.beliefs,
            self._workspace,
            np.uint64(self.seed),
            self.rounds_done,
            starts,
            thresholds,
            self.config.omega,
            returns,
            errors,
            fresh,
        )

    def revalued(self) -> None:
        """All stage games have to be solved anew."""
        begin(self._dynamics, self.beliefs)
