"""The trainer of IL-MFTG."""

from mpgg_agents.mean_field.il.config import ILConfig
from mpgg_agents.mean_field.il.replica import IndependentLearners
from mpgg_agents.mean_field.tabular.trainer import TabularTrainer


class ILTrainer(TabularTrainer[ILConfig]):
    """IL-MFTG in B replicas, one per seed; see `TabularTrainer`."""

    def make_replica(self, seed: int) -> IndependentLearners:
        """The players of a seed."""
        return IndependentLearners(self.discretised, self.agent, seed)
