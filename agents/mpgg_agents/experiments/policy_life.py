"""The life of runs that keep policies on the way and judge them after the training."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from mpgg_agents.experiments.files import EVALUATION, FINAL_STATE, METRICS, SNAPSHOTS, learned_name
from mpgg_agents.experiments.judgement import PolicyJudgement
from mpgg_agents.experiments.life import Life
from mpgg_agents.stored import Arrays, section
from mpgg_agents.training_record import LOSS, SNAPSHOT_ROUNDS, TrainingRecord, snapshot_rounds
from mpgg_env.core.types import FloatArray, IntArray

_MEASURES: Final = "measures"
_SNAPSHOTS: Final = "snapshots"


class PolicyLife(Life[TrainingRecord]):
    """What is the same for all games in which trainers keep policies."""

    def joined(self, records: Sequence[TrainingRecord]) -> TrainingRecord:
        """Successive records as one; of none, one without names, since only the trainer knows these."""
        made = [record for record in records if record.measures]
        return TrainingRecord.concatenate(made) if made else TrainingRecord({}, {})

    def record_arrays(self, record: TrainingRecord) -> Arrays:
        """A record as arrays by name."""
        parts = {_MEASURES: record.measures, _SNAPSHOTS: record.snapshots}
        return {f"{part}.{name}": array for part, arrays in parts.items() for name, array in arrays.items()}

    def record_of(self, arrays: Arrays, trainer: Any) -> TrainingRecord:
        """The inverse of `record_arrays`."""
        record = TrainingRecord(section(arrays, _MEASURES), section(arrays, _SNAPSHOTS))
        if len(record.measures) + len(record.snapshots) != len(arrays):
            raise ValueError("its record has parts of another game")
        if trainer.rounds_done == 0:
            if arrays:
                raise ValueError("its record is of other rounds")
            return record
        self._check_measures(record.measures, trainer.rounds_done)
        self._check_snapshots(record.snapshots, trainer)
        return record

    @property
    def event_window(self) -> int:
        """As the run says."""
        return int(self.experiment.run.window)

    def series(self, record: TrainingRecord, first: int) -> dict[str, FloatArray]:
        """All measures but the losses, of which the newest ones are shown."""
        return {name: values.mean(axis=0) for name, values in record.measures.items() if not name.endswith(LOSS)}

    def results(self, trainer: Any, record: TrainingRecord, evaluation: PolicyJudgement) -> dict[str, Arrays]:
        """Metrics, snapshots, judgements and the policies that came out."""
        seeds = np.array(self.experiment.run.seeds, np.int64)
        learned = {
            learned_name(seed, name): array
            for replica, seed in enumerate(self.experiment.run.seeds)
            for name, array in trainer.learned(replica).items()
        }
        rounds = record.snapshots[SNAPSHOT_ROUNDS][0]
        return {
            METRICS: _columns(seeds, record.measures),
            SNAPSHOTS: {"seeds": seeds, **record.snapshots},
            EVALUATION: {"seeds": seeds, SNAPSHOT_ROUNDS: rounds, **evaluation.values},
            FINAL_STATE: {"seeds": seeds, **learned},
        }

    @property
    def measure_names(self) -> Sequence[str]:
        """Measures that every trainer of the game has."""
        return ()

    def _check_measures(self, measures: Arrays, rounds: int) -> None:
        forms = {(array.dtype.str, array.shape) for array in measures.values()}
        expected = {(np.dtype(np.float64).str, (len(self.experiment.run.seeds), rounds))}
        if forms != expected or not set(self.measure_names) <= measures.keys():
            raise ValueError("its measures are of other rounds")

    def _check_snapshots(self, snapshots: Arrays, trainer: Any) -> None:
        run, rounds = self.experiment.run, trainer.rounds_done
        kept = [at for at in snapshot_rounds(trainer.total_rounds, run.snapshots) if at <= rounds]
        if snapshots[SNAPSHOT_ROUNDS].tolist() != [kept] * len(run.seeds):
            raise ValueError("its snapshots are of other rounds")
        weights = {name: array for name, array in snapshots.items() if name != SNAPSHOT_ROUNDS}
        shape = (len(run.seeds), len(kept))
        expected = {name: (array.dtype, (*shape, *array.shape)) for name, array in trainer.learned(0).items()}
        if {name: (array.dtype, array.shape) for name, array in weights.items()} != expected:
            raise ValueError("its snapshots are of other policies")


def _columns(seeds: IntArray, measures: Arrays) -> Arrays:
    """The columns of the metrics, (B rounds,)."""
    rounds = next(iter(measures.values())).shape[1]
    return {
        "seed": np.repeat(seeds, rounds),
        "round": np.tile(np.arange(rounds, dtype=np.int32), len(seeds)),
        **{name: values.reshape(-1) for name, values in measures.items()},
    }
