"""The life of a run: start or resume, train in chunks, checkpoint, evaluate, write the results, draw the figures."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np

from mpgg_agents.experiments import folder, storage
from mpgg_agents.experiments.checkpoint import CheckpointPlan, read_checkpoint, write_checkpoint
from mpgg_agents.experiments.folder import CHECKPOINT, CONFIG, Run, RunFolderError, load_run
from mpgg_agents.experiments.interrupts import Interrupts
from mpgg_agents.experiments.manifest import new_manifest, now
from mpgg_agents.experiments.progress import Display, Progress, make_progress
from mpgg_agents.experiments.registry import Trainer
from mpgg_agents.experiments.results import write_results
from mpgg_agents.experiments.settings import Experiment
from mpgg_agents.experiments.start import check_vacant, new_folder, remove_abandoned_folders
from mpgg_agents.record import Record
from mpgg_env.core.compiled import is_first_compilation
from mpgg_env.core.validation import check_integer

CHUNK_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a session ended.

    Attributes:
        path: The run folder.
        signal: Number of the signal that stopped it, None if it came to its end.
        rounds_done: Training rounds done.
        complete: Whether the results have been written.
    """

    path: Path
    signal: int | None
    rounds_done: int
    complete: bool


def train_run(
    experiment: Experiment, out: str | Path, *, threads: int | None = None, display: Display = "none"
) -> Outcome:
    """Runs an experiment and writes its run folder.

    Args:
        experiment: The game, the agent and the run.
        out: A new or empty folder.
        threads: Threads over the replicas; None for one per processor. The results do not depend on it.
        display: Progress on stderr.

    Raises:
        ValueError: The folder is not vacant, or the settings do not fit together.
    """
    with new_session(experiment, Path(out), threads=threads, display=display) as session:
        return session.play()


def resume_run(path: str | Path, *, threads: int | None = None, display: Display = "none") -> Outcome:
    """Goes on with a run that was interrupted or killed, and ends with the same results as without the break.

    Args:
        path: The run folder.
        threads: Threads over the replicas; None for one per processor. The results do not depend on it.
        display: Progress on stderr.

    Raises:
        RunFolderError: The folder or its checkpoint is missing, damaged or changed, or the run is complete.
    """
    with resumed_session(Path(path), threads=threads, display=display) as session:
        return session.play()


@contextmanager
def new_session(
    experiment: Experiment,
    out: Path,
    *,
    threads: int | None = None,
    display: Display = "none",
    command: Sequence[str] = (),
) -> Iterator["Session"]:
    """The session of a new run; nothing is created unless the settings are good."""
    out = out.resolve()
    check_vacant(out)
    trainer = _make_trainer(experiment, threads)
    manifest = new_manifest(command, experiment.run.seeds, threads)
    with new_folder(out, experiment, manifest):
        yield Session(load_run(out), trainer, display)


@contextmanager
def resumed_session(path: Path, *, threads: int | None = None, display: Display = "none") -> Iterator["Session"]:
    """The session that goes on with an unfinished run from its checkpoint, or from the start if it has none."""
    load_run(path)  # refuses what is no run folder before the lock creates a file in it
    with storage.locked(path):
        run = load_run(path)
        if run.status == "complete":
            raise RunFolderError(f"{path} is complete: there is nothing to resume")
        saved = None
        if (path / CHECKPOINT).exists():
            saved = read_checkpoint(path / CHECKPOINT, run.manifest["files"][CONFIG])
        trainer = _make_trainer(run.config, threads)
        record = None
        if saved is not None:
            record = _restore(trainer, run, *saved)
        storage.remove_leftovers(path)
        remove_abandoned_folders(path.resolve())
        yield Session(run, trainer, display, record)


class Session:
    """One process's share of a run. The caller holds the folder's lock."""

    def __init__(self, run: Run, trainer: Trainer, display: Display, record: Record | None = None) -> None:
        self.run = run
        self.trainer = trainer
        self._display = display
        self._records = [] if record is None else [record]
        self._started = time.monotonic()

    def play(self) -> Outcome:
        """Trains to the end or to a signal, and leaves results and figures or a checkpoint."""
        progress = make_progress(self._display, self.trainer.total_rounds, self.trainer.rounds_done)
        with Interrupts(progress.say) as interrupts:
            try:
                if is_first_compilation(self.run.config.kind.kernels):
                    progress.say("compiling for the first time, which takes some seconds; later starts are quick")
                self._update_manifest(status="running", started=[*self.run.manifest["started"], now()])
                self._train(progress, interrupts)
            finally:
                progress.close()
            if interrupts.received is not None:
                self._checkpoint()
                self._update_manifest(status="interrupted", **self._spent())
            else:
                self._finish()
                self._draw(interrupts)
        return Outcome(
            path=self.run.path,
            signal=interrupts.received,
            rounds_done=self.trainer.rounds_done,
            complete=self.run.status == "complete",
        )

    def _train(self, progress: Progress, interrupts: Interrupts) -> None:
        trainer, window = self.trainer, self.run.config.run.window
        plan = CheckpointPlan(self.run.config.run.checkpoint_every, trainer.rounds_done)
        windows = 1
        while trainer.rounds_done < trainer.total_rounds and interrupts.received is None:
            until_due = -(-plan.rounds_left(trainer.rounds_done) // window) * window
            rounds = min(windows * window, until_due, trainer.total_rounds - trainer.rounds_done)
            before = time.monotonic()
            self._records.append(trainer.advance(rounds))
            progress.update(rounds, self._cooperation_rate(), trainer.epsilon)
            windows = _next_windows(windows, rounds / window, time.monotonic() - before)
            if plan.is_due(trainer.rounds_done) and trainer.rounds_done < trainer.total_rounds:
                self._checkpoint()
                plan.written(trainer.rounds_done)

    def _cooperation_rate(self) -> float:
        return float(self._records[-1].cooperators.mean() / self.run.config.game.n_players)

    def _checkpoint(self) -> None:
        write_checkpoint(
            self.run.path / CHECKPOINT,
            self.run.manifest["files"][CONFIG],
            self.trainer.rounds_done,
            self.trainer.state_arrays(),
            self._record(),
        )

    def _record(self) -> Record:
        self._records = [Record.concatenate([_empty_record(self.run.config, 0), *self._records])]
        return self._records[0]

    def _finish(self) -> None:
        positions = np.array(self.trainer.positions)
        rounds = self.run.config.run.evaluation_rounds
        greedy = self.trainer.evaluate(rounds) if rounds else _empty_record(self.run.config, 0)
        files, checksum = write_results(self.run, self.trainer, positions, self._record(), greedy)
        files = {**self.run.manifest["files"], **files}
        self._update_manifest(status="complete", files=files, results_checksum=checksum, ended=now(), **self._spent())
        (self.run.path / CHECKPOINT).unlink(missing_ok=True)

    def _draw(self, interrupts: Interrupts) -> None:
        if self.run.config.run.figures:
            from mpgg_agents.experiments.figures import draw_figures  # loads matplotlib

            draw_figures(load_run(self.run.path), stop=lambda: interrupts.received is not None)

    def _spent(self) -> dict[str, float]:
        seconds, self._started = time.monotonic() - self._started, time.monotonic()
        return {"seconds": round(self.run.manifest["seconds"] + seconds, 3)}

    def _update_manifest(self, **changes: Any) -> None:
        self.run.manifest = {**self.run.manifest, **changes}
        folder.write_manifest(self.run.path, self.run.manifest)


def _make_trainer(experiment: Experiment, threads: int | None) -> Trainer:
    if threads is not None:
        check_integer("threads", threads, 1)
    run = experiment.run
    return experiment.kind.make_trainer(experiment.game, experiment.agent, run.seeds, run.rounds, run.window, threads)


def _restore(trainer: Trainer, run: Run, rounds_done: int, arrays: storage.Arrays, record: Record) -> Record:
    try:
        trainer.restore(arrays)
    except (ValueError, KeyError) as error:
        raise RunFolderError(f"{run.path / CHECKPOINT} does not fit the run: {error}") from error
    if trainer.rounds_done != rounds_done or _forms(record) != _forms(_empty_record(run.config, rounds_done)):
        raise RunFolderError(f"{run.path / CHECKPOINT} is inconsistent: its parts are from different rounds")
    return record


def _forms(record: Record) -> list[tuple[str, tuple[int, ...]]]:
    arrays = [getattr(record, field.name) for field in fields(Record)]
    return [(array.dtype.str, array.shape) for array in arrays]


def _empty_record(config: Experiment, rounds: int) -> Record:
    game, run = config.game, config.run
    return Record.allocate(len(run.seeds), rounds, run.window, game.n_casinos, game.n_moves)


def _next_windows(windows: int, played: float, seconds: float) -> int:
    """Windows of the next chunk: long enough to use the cache well, short enough to show progress and to stop soon.

    A chunk grows at most fourfold, since the first one may contain a compilation.
    """
    fitting = played * CHUNK_SECONDS / max(seconds, 1e-6)
    return max(1, min(4 * windows, int(fitting)))
