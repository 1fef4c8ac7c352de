"""Reading the folders of runs that keep policies."""

from typing import Any, Final

import numpy as np

from mpgg_agents.experiments import storage
from mpgg_agents.experiments.files import EVALUATION, FINAL_STATE, METRICS, SNAPSHOTS
from mpgg_agents.experiments.folder import RunFolderError
from mpgg_agents.experiments.reader import Run
from mpgg_agents.experiments.storage import Arrays
from mpgg_agents.training_record import SNAPSHOT_ROUNDS
from mpgg_env.core.types import FloatArray
from mpgg_env.core.validation import check_choice

_KEYS: Final = ("seed", "round")
LAST_SHARE: Final = "mean over the last tenth of the rounds of the training"


class PolicyRun(Run):
    """A run folder with policies."""

    def metrics(self) -> Arrays:
        """What the trainer measured: seed (B,), round (rounds,), and each measure (B, rounds).

        Raises:
            RunFolderError: The run is not complete, or the file has been changed.
        """
        from mpgg_agents.experiments.table import read_metrics  # loads pyarrow

        table, shape = read_metrics(self.file(METRICS)), (len(self.seeds), self.config.total_rounds)
        names = [name for name in table.column_names if name not in _KEYS]
        measures = {name: table[name].to_numpy().reshape(shape) for name in names}
        return {"seed": np.array(self.seeds), "round": np.arange(shape[1]), **measures}

    def snapshots(self) -> Arrays:
        """The policies that were kept: seeds (B,), snapshot_rounds (B, kept), and weights by name (B, kept, ...).

        Raises:
            RunFolderError: The run is not complete, or the file has been changed.
        """
        return storage.read_arrays(self.file(SNAPSHOTS))

    def evaluation(self) -> Arrays:
        """How the kept policies were judged: seeds (B,), snapshot_rounds (kept,), and each judgement (B, kept, ...).

        Raises:
            RunFolderError: The run is not complete, or the file has been changed.
        """
        return storage.read_arrays(self.file(EVALUATION))

    def policy(self, seed: int, rounds: int | None = None) -> Any:
        """The policy that a replica learned, as its kind of game has policies.

        Args:
            seed: Seed of the replica.
            rounds: Of the policy that was kept after so many rounds; None for the one that came out.

        Raises:
            RunFolderError: The run is not complete, its file has been changed, or its weights do not fit.
            ValueError: The run does not have the seed, or kept no policy then.
            MissingExtraError: A library is not installed.
        """
        weights = self.learned(seed) if rounds is None else self._kept(seed, rounds)
        try:
            return self.config.kind.load_policy(self.config.game, self.config.agent, weights)
        except (KeyError, ValueError) as error:
            name = FINAL_STATE if rounds is None else SNAPSHOTS
            raise RunFolderError(f"{self.path / name} does not fit the run: {error}") from error

    def _kept(self, seed: int, rounds: int) -> Arrays:
        replica, arrays = self.replica(seed), self.snapshots()
        kept = arrays[SNAPSHOT_ROUNDS][replica].tolist()
        check_choice("rounds", str(rounds), [str(number) for number in kept])
        at = kept.index(rounds)
        return {name: array[replica, at] for name, array in arrays.items() if name not in ("seeds", SNAPSHOT_ROUNDS)}


def last_measured(run: PolicyRun, name: str) -> dict[str, FloatArray]:
    """`train_<name>`: the mean of a measure over the last tenth of the rounds, at least one, (B,)."""
    values = run.metrics()[name]
    return {f"train_{name}": values[:, -max(1, values.shape[1] // 10) :].mean(axis=1)}
