"""One process's share of a run: train in chunks, checkpoint, evaluate, write the results, draw the figures."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from mpgg_agents.errors import TrainingError
from mpgg_agents.experiments import folder
from mpgg_agents.experiments.checkpoint import Checkpoint, CheckpointPlan, write_checkpoint
from mpgg_agents.experiments.events import EventLog
from mpgg_agents.experiments.files import CHECKPOINT, CONFIG, EVENTS
from mpgg_agents.experiments.interrupts import Interrupts, StopRequest
from mpgg_agents.experiments.kinds import Trainer
from mpgg_agents.experiments.life import Evaluation
from mpgg_agents.experiments.manifest import now
from mpgg_agents.experiments.progress import Display, Progress, make_progress
from mpgg_agents.experiments.reader import Run, load_run
from mpgg_agents.experiments.results import write_results
from mpgg_env.core.compiled import is_first_compilation

# How long a chunk of rounds takes, about: as long as a bar may stand still or, where nobody looks, a signal may wait.
# Short chunks cost time, since every replica's tables have to come back into the cache in each.
CHUNK_SECONDS: Final = 0.5
UNSEEN_CHUNK_SECONDS: Final = 2.0


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


class Progressed(NamedTuple):
    """What earlier sessions of a run have done.

    Attributes:
        record: The record of all rounds so far.
        evaluation: The evaluation, if the training has reached its end.
    """

    record: Any
    evaluation: Evaluation | None


class Session:
    """One process's share of a run. The caller holds the folder's lock."""

    def __init__(
        self,
        run: Run,
        trainer: Trainer,
        display: Display,
        progressed: Progressed | None = None,
        *,
        tensorboard: bool = False,
    ) -> None:
        self.run = run
        self.trainer = trainer
        self.life = run.config.game_kind.life(run.config)
        self._display = display
        self._tensorboard = tensorboard
        self._records: list[Any] = [] if progressed is None else [progressed.record]
        self._evaluation = None if progressed is None else progressed.evaluation
        self._rounds_kept = 0 if progressed is None else trainer.rounds_done
        self._started = time.monotonic()

    def play(self, stop: StopRequest | None = None) -> Outcome:
        """Trains to the end or to a request to stop, and leaves results and figures or a checkpoint.

        Args:
            stop: Where to look for a request; None for the signals of this process.

        Raises:
            TrainingError: The numbers of the training are no longer finite. The manifest says so, and a checkpoint
                that has been written stays as it is.
        """
        with Interrupts(self._say) if stop is None else nullcontext(stop) as interrupts:
            try:
                self._play_and_keep(interrupts)
            except TrainingError as error:
                self._update_manifest(status="failed", error=str(error), **self._spent())
                raise TrainingError(f"{error}; {self._kept()}") from error
            if self.run.status == "complete":
                self._draw(interrupts)
        return Outcome(
            path=self.run.path,
            signal=interrupts.received,
            rounds_done=self.trainer.rounds_done,
            complete=self.run.status == "complete",
        )

    def _play_and_keep(self, interrupts: StopRequest) -> None:
        self._train_shown(interrupts)
        if interrupts.received is None:
            self._evaluate_shown(interrupts)
        if self._evaluation is not None and self._evaluation.tasks_done == self._evaluation.tasks:
            self._finish()
        else:
            self._checkpoint()
            self._update_manifest(status="interrupted", **self._spent())

    def _train_shown(self, interrupts: StopRequest) -> None:
        with self._shown(self.trainer.total_rounds, self.trainer.rounds_done, "rounds") as progress:
            kernels = self.run.config.kind.kernels
            if kernels is not None and is_first_compilation(kernels):
                progress.say("compiling for the first time, which takes some seconds; later starts are quick")
            self._update_manifest(status="running", error=None, started=[*self.run.manifest["started"], now()])
            with self._event_log() as event_log:
                self._train(progress, interrupts, event_log)

    @contextmanager
    def _shown(self, total: int, done: int, unit: str) -> Iterator[Progress]:
        """The display of a part of the work; what interrupts say goes there too."""
        progress = self._progress = make_progress(self._display, total, done, unit)
        try:
            yield progress
        finally:
            progress.close()

    def _say(self, message: str) -> None:
        self._progress.say(message)

    @contextmanager
    def _event_log(self) -> Iterator[EventLog | None]:
        if not self._tensorboard:
            yield None
            return
        with closing(EventLog(self.run.path / EVENTS, self.life, self._record(), self.trainer)) as event_log:
            yield event_log

    def _train(self, progress: Progress, interrupts: StopRequest, event_log: EventLog | None) -> None:
        trainer = self.trainer
        plan = CheckpointPlan(self.run.config.run.checkpoint_every, trainer.rounds_done)
        seconds = UNSEEN_CHUNK_SECONDS if self._display == "none" else CHUNK_SECONDS
        units = 1
        while trainer.rounds_done < trainer.total_rounds and interrupts.received is None:
            limits = [plan.rounds_left(trainer.rounds_done)]
            if event_log is not None:
                limits.append(event_log.rounds_left)
            rounds = self._chunk(units, min(limits))
            before = time.monotonic()
            self._records.append(trainer.advance(rounds))
            progress.update(rounds, self.life.words(self._records[-1], trainer))
            if event_log is not None:
                event_log.add(self._records[-1], trainer)
            units = _next_units(units, seconds * rounds / trainer.unit, time.monotonic() - before)
            if plan.is_due(trainer.rounds_done) and trainer.rounds_done < trainer.total_rounds:
                self._checkpoint()
                plan.written(trainer.rounds_done)

    def _chunk(self, units: int, limit: int) -> int:
        """Rounds of the next chunk: as many units, at most to the first possible end after `limit` rounds."""
        unit = self.trainer.unit
        return min(units * unit, -(-limit // unit) * unit, self.trainer.total_rounds - self.trainer.rounds_done)

    def _evaluate_shown(self, interrupts: StopRequest) -> None:
        if self._evaluation is None:
            self._evaluation = self.life.evaluation(self.trainer, self._record(), {})
        evaluation = self._evaluation
        if evaluation.tasks == evaluation.steps == 1:  # a task that is done without a stop
            evaluation.advance(lambda steps, words: None)
            return
        if self._rounds_kept < self.trainer.rounds_done:
            self._checkpoint()  # what follows may take longer than the training
        steps = evaluation.steps
        with self._shown(evaluation.tasks * steps, evaluation.tasks_done * steps, "evaluation steps") as progress:
            self._evaluate(evaluation, progress, interrupts)

    def _evaluate(self, evaluation: Evaluation, progress: Progress, interrupts: StopRequest) -> None:
        def tell(steps: int, words: str) -> None:
            progress.update(steps, words)
            if interrupts.received is not None:
                raise _StoppedError

        plan = CheckpointPlan(None, self.trainer.rounds_done)
        while evaluation.tasks_done < evaluation.tasks and interrupts.received is None:
            try:
                evaluation.advance(tell)
            except _StoppedError:
                return
            if evaluation.tasks_done < evaluation.tasks and plan.is_due(self.trainer.rounds_done):
                self._checkpoint()
                plan.written(self.trainer.rounds_done)

    def _checkpoint(self) -> None:
        saved = Checkpoint(
            rounds_done=self.trainer.rounds_done,
            trainer=self.trainer.state_arrays(),
            record=self.life.record_arrays(self._record()),
            evaluation={} if self._evaluation is None else self._evaluation.state_arrays(),
        )
        write_checkpoint(self.run.path / CHECKPOINT, self.run.manifest["files"][CONFIG], saved)
        self._rounds_kept = self.trainer.rounds_done

    def _kept(self) -> str:
        if not self._rounds_kept:
            return "no checkpoint had been written yet"
        return f"the checkpoint after {self._rounds_kept:,} rounds is kept in {self.run.path / CHECKPOINT}"

    def _record(self) -> Any:
        self._records = [self.life.joined(self._records)]
        return self._records[0]

    def _finish(self) -> None:
        results = self.life.results(self.trainer, self._record(), self._evaluation)
        files, checksum = write_results(self.run.path, results, self.life.labels)
        files = {**self.run.manifest["files"], **files}
        self._update_manifest(status="complete", files=files, results_checksum=checksum, ended=now(), **self._spent())
        (self.run.path / CHECKPOINT).unlink(missing_ok=True)

    def _draw(self, interrupts: StopRequest) -> None:
        if self.run.config.run.figures:
            from mpgg_agents.experiments.figures import draw_figures  # loads matplotlib

            draw_figures(load_run(self.run.path), stop=lambda: interrupts.received is not None)

    def _spent(self) -> dict[str, float]:
        seconds, self._started = time.monotonic() - self._started, time.monotonic()
        return {"seconds": round(self.run.manifest["seconds"] + seconds, 3)}

    def _update_manifest(self, **changes: Any) -> None:
        self.run.manifest = {**self.run.manifest, **changes}
        folder.write_manifest(self.run.path, self.run.manifest)


class _StoppedError(Exception):
    """A signal has come in the middle of a task."""


def _next_units(units: int, wanted: float, seconds: float) -> int:
    """Units of the next chunk: long enough to use the cache well, short enough to show progress and to stop soon.

    A chunk grows at most fourfold, since the first one may contain a compilation.

    Args:
        units: Units of the last chunk.
        wanted: These times the seconds that a chunk should take.
        seconds: Seconds that it took.
    """
    return max(1, min(4 * units, int(wanted / max(seconds, 1e-6))))
