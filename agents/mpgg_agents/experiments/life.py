"""What a run of one kind of game does in its own way; `Session` does the rest, which is the same for all."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from mpgg_agents.experiments.settings import Experiment
from mpgg_agents.experiments.storage import Arrays
from mpgg_env.core.types import FloatArray

R = TypeVar("R")
Tell = Callable[[int, str], None]


class Evaluation(ABC):
    """What is computed after the training, in tasks. A run that is stopped goes on with the task that it was in.

    Attributes:
        tasks: Number of tasks.
        tasks_done: Tasks that have been done.
        steps: Steps of one task, by which progress is told.
    """

    tasks: int = 1
    tasks_done: int = 0
    steps: int = 1

    @abstractmethod
    def advance(self, tell: Tell) -> None:
        """Does the next task.

        Args:
            tell: To be called with the number of steps done since the last call, and a few words. It may raise an
                exception, after which the task has not been done.
        """

    def state_arrays(self) -> Arrays:
        """The results of the tasks done, from which `Life.evaluation` goes on."""
        return {}


class Life(ABC, Generic[R]):
    """What a run does in the way of its kind of game, with records of the type R.

    Args:
        experiment: The game, the agent and the run.

    Attributes:
        labels: Columns of the metrics whose numbers stand for words.
    """

    labels: ClassVar[Mapping[str, Sequence[str]]] = {}

    def __init__(self, experiment: Experiment) -> None:
        self.experiment: Any = experiment

    @abstractmethod
    def joined(self, records: Sequence[R]) -> R:
        """Successive records from the first round on as one; of none, the record of no rounds."""

    @abstractmethod
    def record_arrays(self, record: R) -> Arrays:
        """A record as arrays by name."""

    @abstractmethod
    def record_of(self, arrays: Arrays, trainer: Any) -> R:
        """The inverse of `record_arrays`, for a trainer that has been restored.

        Raises:
            ValueError: The arrays are not of the trainer's rounds; or another error of `checkpoint.REFUSALS`.
        """

    @abstractmethod
    def words(self, record: R, trainer: Any) -> str:
        """How it goes, in a few words, from the newest record."""

    @property
    @abstractmethod
    def event_window(self) -> int:
        """Rounds of each point of the TensorBoard files."""

    @abstractmethod
    def series(self, record: R, first: int) -> dict[str, FloatArray]:
        """What TensorBoard shows of a record from the round `first` on: means over the seeds, (rounds,)."""

    @abstractmethod
    def evaluation(self, trainer: Any, record: R, arrays: Arrays) -> Evaluation:
        """The evaluation after the training.

        Args:
            trainer: A trainer that has reached its end.
            record: The record of all rounds.
            arrays: `state_arrays` of an evaluation that was stopped; empty for none.

        Raises:
            ValueError: The arrays do not fit; or another error of `checkpoint.REFUSALS`.
        """

    @abstractmethod
    def results(self, trainer: Any, record: R, evaluation: Any) -> dict[str, Arrays]:
        """The content of every result file by its name; that of the metrics has columns of equal length."""
