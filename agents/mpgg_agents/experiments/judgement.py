"""Judging the policies that a training kept, one after the other, in any kind of game."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from mpgg_agents.experiments.life import Evaluation, Tell
from mpgg_agents.stored import Arrays
from mpgg_agents.threads import limited_threads
from mpgg_agents.training_record import SNAPSHOT_ROUNDS
from mpgg_env.core.validation import check_integer

_DONE: Final = "tasks_done"


class PolicyJudgement(Evaluation):
    """One task per seed and kept policy.

    Args:
        experiment: What is run.
        snapshots: The policies kept, as in `TrainingRecord.snapshots`.
        arrays: `state_arrays` of an evaluation that was stopped; empty for none.

    Attributes:
        values: What is judged, by name: (B, kept, ...) each, NaN where it was not asked for or does not exist.

    Raises:
        ValueError: The arrays do not fit.
    """

    def __init__(self, experiment: Any, snapshots: Arrays, arrays: Arrays) -> None:
        self._experiment, self._snapshots = experiment, snapshots
        shape = snapshots[SNAPSHOT_ROUNDS].shape
        self.tasks, self.steps = int(np.prod(shape)), self.steps_per_policy
        self.values: Arrays = {name: np.full((*shape, *more), np.nan) for name, more in self.shapes.items()}
        if arrays:
            self._restore(arrays)

    @property
    @abstractmethod
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """What is judged, with the shape of one policy's numbers."""

    @property
    @abstractmethod
    def steps_per_policy(self) -> int:
        """Steps by which progress is told of one policy, at least 1."""

    @abstractmethod
    def judge(self, policy: Any, seed: int, tell: Any) -> Mapping[str, Any]:
        """The numbers of one policy; `tell` is to be called with a number of steps done, which may be stopped there."""

    def advance(self, tell: Tell) -> None:
        """Judges the next policy."""
        replica, kept = divmod(self.tasks_done, self._snapshots[SNAPSHOT_ROUNDS].shape[1])
        experiment, seed = self._experiment, self._experiment.run.seeds[replica]
        weights = {name: array[replica, kept] for name, array in self._snapshots.items() if name != SNAPSHOT_ROUNDS}
        words = f"seed {seed}, the policy after {self._snapshots[SNAPSHOT_ROUNDS][replica, kept]:,} rounds"
        with limited_threads():
            policy = experiment.kind.load_policy(experiment.game, experiment.agent, weights)
            found = self.judge(policy, seed, lambda steps: tell(steps, words))
        for name, numbers in found.items():
            self.values[name][replica, kept] = numbers
        self.tasks_done += 1

    def state_arrays(self) -> Arrays:
        """The numbers so far."""
        return {_DONE: np.array(self.tasks_done, np.int64), **self.values}

    def _restore(self, arrays: Arrays) -> None:
        if _forms(arrays) != _forms(self.state_arrays()):
            raise ValueError("its evaluation is of another run")
        self.tasks_done = check_integer(_DONE, int(arrays[_DONE]), 0, self.tasks)
        self.values = {name: np.array(arrays[name]) for name in self.values}


def _forms(arrays: Arrays) -> dict[str, Any]:
    return {name: (array.dtype, array.shape) for name, array in arrays.items()}
