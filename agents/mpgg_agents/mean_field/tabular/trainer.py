"""What the trainers of tabular learners share."""

from functools import cached_property
from typing import TypeVar

from mpgg_agents.mean_field.tabular.config import TabularConfig
from mpgg_agents.seed_trainer import SeedTrainer
from mpgg_env.games.mean_field.common.config import Episodic
from mpgg_env.games.mean_field.common.discretised import DiscretisedGame

C = TypeVar("C", bound=TabularConfig)


class TabularTrainer(SeedTrainer[Episodic, C]):
    """Tabular learners in B replicas, one per seed; a round is an episode. See `SeedTrainer` for the arguments.

    Raises:
        ValueError: An argument is out of range, or the discretised game is too large.
    """

    loss_names = ()
    parallel = True

    @cached_property
    def discretised(self) -> DiscretisedGame:
        """The discretised game, of which all replicas read the same tables."""
        return DiscretisedGame(self.game, self.agent.n_states_grid, self.agent.n_actions_grid)

    @property
    def total_rounds(self) -> int:
        """Episodes of the whole training."""
        return self.agent.total_rounds
