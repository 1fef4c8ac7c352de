"""The trainer of DDPG-MFTG."""

from mpgg_agents.mean_field.ddpg.config import DDPGConfig
from mpgg_agents.mean_field.ddpg.replica import MeanFieldDDPG
from mpgg_agents.seed_trainer import SeedTrainer
from mpgg_env.games.mean_field.common.config import Episodic


class DDPGTrainer(SeedTrainer[Episodic, DDPGConfig]):
    """DDPG-MFTG in B replicas, one per seed; a round is a batch of parallel episodes. See `SeedTrainer`."""

    loss_names = ("critic_loss",)
    parallel = True

    def make_replica(self, seed: int) -> MeanFieldDDPG:
        """The players of a seed."""
        return MeanFieldDDPG(self.game, self.agent, seed)

    @property
    def total_rounds(self) -> int:
        """Rounds of the whole training."""
        return self.agent.total_rounds
