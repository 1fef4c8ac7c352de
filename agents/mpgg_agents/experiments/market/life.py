"""What a run in the trading market does in its own way."""

from collections.abc import Sequence
from typing import Final

from mpgg_agents.experiments.market.agents import TradersTrainer
from mpgg_agents.experiments.market.evaluation import TradersJudgement
from mpgg_agents.experiments.policy_life import PolicyLife
from mpgg_agents.stored import Arrays
from mpgg_agents.training_record import LOSS, TrainingRecord


class MarketLife(PolicyLife):
    """The life of a run in the market."""

    def words(self, record: TrainingRecord, trainer: TradersTrainer) -> str:
        """The losses and the mean return."""
        newest = {name: float(values[:, -1].mean()) for name, values in record.measures.items()}
        losses = [f"{name.replace('_', ' ')} {value:.3g}" for name, value in newest.items() if name.endswith(LOSS)]
        return ", ".join([*losses, f"return {newest['mean_return']:.3f}"])

    def evaluation(self, trainer: TradersTrainer, record: TrainingRecord, arrays: Arrays) -> TradersJudgement:
        """Judging the policies that were kept."""
        return TradersJudgement(self.experiment, record.snapshots, arrays)

    @property
    def measure_names(self) -> Sequence[str]:
        """The mean return of a trader."""
        return ("mean_return",)


LIFE: Final = MarketLife
