"""The trainer of the model-gradient solver on mean-field-type games."""

from mpgg_agents.mean_field.model_gradient.config import ModelGradientConfig
from mpgg_agents.mean_field.model_gradient.replica import ModelGradient
from mpgg_agents.seed_trainer import SeedTrainer
from mpgg_env.games.mean_field.common.config import Episodic


class ModelGradientTrainer(SeedTrainer[Episodic, ModelGradientConfig]):
    """The solver in B replicas, one per seed; a round is one gradient step. See `SeedTrainer` for the arguments."""

    loss_names = ()

    def make_replica(self, seed: int) -> ModelGradient:
        """The players of a seed."""
        return ModelGradient(self.game, self.agent, seed)

    @property
    def total_rounds(self) -> int:
        """Gradient steps of the whole training."""
        return self.agent.total_rounds
