"""The trainer of Nash-DQN on the trading market."""

from mpgg_agents.market_trainer import MarketTrainer
from mpgg_agents.nash_dqn.config import NashDQNConfig
from mpgg_agents.nash_dqn.learner import Learner


class NashDQNTrainer(MarketTrainer[NashDQNConfig]):
    """Trains Nash-DQN in B replicas, one per seed; a round is one iteration. See `MarketTrainer` for the arguments."""

    loss_names = ("value_loss", "advantage_loss")

    def make_replica(self, seed: int) -> Learner:
        """The learner of a seed."""
        return Learner(self.game, self.agent, seed)

    @property
    def total_rounds(self) -> int:
        """Iterations of the whole training."""
        return self.agent.iterations
