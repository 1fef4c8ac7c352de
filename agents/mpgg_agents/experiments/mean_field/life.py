"""What a run in a mean-field-type game does in its own way."""

from collections.abc import Sequence
from typing import Any, Final

from mpgg_agents.experiments.mean_field.evaluation import ProfileJudgement
from mpgg_agents.experiments.policy_life import PolicyLife
from mpgg_agents.stored import Arrays
from mpgg_agents.training_record import LOSS, TrainingRecord


class MeanFieldLife(PolicyLife):
    """The life of a run in a mean-field-type game."""

    def words(self, record: TrainingRecord, trainer: Any) -> str:
        """The mean return over coalitions and the losses."""
        newest = {name: float(values[:, -1].mean()) for name, values in record.measures.items()}
        losses = [f"{name.replace('_', ' ')} {value:.3g}" for name, value in newest.items() if name.endswith(LOSS)]
        return ", ".join([f"return {newest['mean_return']:.3f}", *losses])

    def evaluation(self, trainer: Any, record: TrainingRecord, arrays: Arrays) -> ProfileJudgement:
        """Judging the profiles that were kept."""
        return ProfileJudgement(self.experiment, record.snapshots, arrays)

    @property
    def measure_names(self) -> Sequence[str]:
        """The mean return of a coalition."""
        return ("mean_return",)


LIFE: Final = MeanFieldLife
