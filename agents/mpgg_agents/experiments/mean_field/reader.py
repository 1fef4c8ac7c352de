"""Reading runs in mean-field-type games."""

from typing import ClassVar, Final

import numpy as np

from mpgg_agents.experiments.mean_field.settings import MeanFieldExperiment
from mpgg_agents.experiments.policy_reader import PolicyRun
from mpgg_agents.experiments.storage import Arrays
from mpgg_env.core.validation import check_integer


class MeanFieldRun(PolicyRun):
    """A run folder of a mean-field-type game.

    Its policies are profiles: one function per coalition from states to actions (B, S_i, A_i).

    Attributes:
        config: The experiment: `config.game`, `config.agent`, `config.run`.
    """

    env: ClassVar[str] = "mftg/..."
    config: MeanFieldExperiment

    def evolution(self, seed: int, test: int = 0, rounds: int | None = None) -> Arrays:
        """How the distributions move in one episode of the testing set.

        Args:
            seed: Seed of the replica whose profile is played.
            test: Number of the start in the testing set.
            rounds: Of the profile that was kept after so many rounds; None for the one that came out.

        Returns:
            `coalition_<i>`, (T + 1, S_i), of each coalition, and rewards (T, m).

        Raises:
            RunFolderError: The run is not complete, its file has been changed, or its weights do not fit.
            ValueError: The run does not have the seed, or kept no profile then, or there is no such test.
            MissingExtraError: A library is not installed.
        """
        from mpgg_agents.experiments.mean_field.episodes import evaluated_episodes

        played = evaluated_episodes(self.config.game, self.policy(seed, rounds))
        check_integer("test", test, 0, len(played.rewards) - 1)
        paths = {
            f"coalition_{i}": np.array([state.distributions[i][test] for state in played.states])
            for i in range(len(played.states[0].distributions))
        }
        return {**paths, "rewards": np.asarray(played.rewards[test])}


RUN: Final = MeanFieldRun
