"""What the figures of a run in a mean-field-type game draw, read once."""

from dataclasses import dataclass
from typing import Any

from mpgg_agents.experiments.mean_field.reader import MeanFieldRun
from mpgg_agents.experiments.storage import Arrays


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanFieldFigureData:
    """What the figures draw, read once.

    Attributes:
        game: Parameters of the game.
        metrics: As `MeanFieldRun.metrics` gives them.
        evaluation: As `MeanFieldRun.evaluation`.
        evolution: As `MeanFieldRun.evolution`, of the first seed and the first start of the testing set.
    """

    game: Any
    metrics: Arrays
    evaluation: Arrays
    evolution: Arrays

    @classmethod
    def read(cls, run: MeanFieldRun) -> "MeanFieldFigureData":
        """Reads and checks the result files of a complete run."""
        return cls(
            game=run.config.game,
            metrics=run.metrics(),
            evaluation=run.evaluation(),
            evolution=run.evolution(run.seeds[0]),
        )
