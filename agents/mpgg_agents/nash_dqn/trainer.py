"""The trainer of Nash-DQN on the trading market."""

from mpgg_agents.nash_dqn.config import NashDQNConfig
from mpgg_agents.nash_dqn.learner import Learner
from mpgg_agents.seed_trainer import SeedTrainer
from mpgg_env.games.market.config import MarketConfig


class NashDQNTrainer(SeedTrainer[MarketConfig, NashDQNConfig]):
    """Trains Nash-DQN in B replicas, one per seed; a round is one iteration. See `SeedTrainer` for the arguments."""

    loss_names = ("value_loss", "advantage_loss")

    def make_replica(self, seed: int) -> Learner:
        """The learner of a seed."""
        return Learner(self.game, self.agent, seed)

    @property
    def total_rounds(self) -> int:
        """Iterations of the whole training."""
        return self.agent.iterations
