"""The trainer of DNashQ-MFTG."""

from mpgg_agents.mean_field.dnashq.config import DNashQConfig
from mpgg_agents.mean_field.dnashq.replica import DNashQ
from mpgg_agents.mean_field.tabular.trainer import TabularTrainer


class DNashQTrainer(TabularTrainer[DNashQConfig]):
    """DNashQ-MFTG in B replicas, one per seed; see `TabularTrainer`."""

    def make_replica(self, seed: int) -> DNashQ:
        """The players of a seed."""
        return DNashQ(self.discretised, self.agent, seed)
