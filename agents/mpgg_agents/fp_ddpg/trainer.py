"""The trainer of fictitious play with DDPG on the trading market."""

from mpgg_agents.fp_ddpg.config import FPDDPGConfig
from mpgg_agents.fp_ddpg.replica import FictitiousPlay
from mpgg_agents.seed_trainer import SeedTrainer
from mpgg_env.games.market.config import MarketConfig


class FPDDPGTrainer(SeedTrainer[MarketConfig, FPDDPGConfig]):
    """Fictitious play in B replicas, one per seed; a round is one of DDPG. See `SeedTrainer` for the arguments."""

    loss_names = ("critic_loss", "actor_value")

    def make_replica(self, seed: int) -> FictitiousPlay:
        """The players of a seed."""
        return FictitiousPlay(self.game, self.agent, seed)

    @property
    def total_rounds(self) -> int:
        """Rounds of the whole training."""
        return self.agent.total_rounds
