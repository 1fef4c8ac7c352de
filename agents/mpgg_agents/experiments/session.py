"""One process's share of a run: train in chunks, checkpoint, evaluate, write the results, draw the figures."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from mpgg_agents.errors import TrainingError
from mpgg_agents.experiments import folder
from mpgg_agents.experiments.checkpoint import CheckpointPlan, write_checkpoint
from mpgg_agents.experiments.events import EventLog
from mpgg_agents.experiments.folder import CHECKPOINT, CONFIG, EVENTS
from mpgg_agents.experiments.interrupts import Interrupts
from mpgg_agents.experiments.manifest import now
from mpgg_agents.experiments.panel import play_greedily
from mpgg_agents.experiments.progress import Display, Progress, make_progress
from mpgg_agents.experiments.reader import Run, load_run
from mpgg_agents.experiments.registry import Trainer
from mpgg_agents.experiments.results import write_results
from mpgg_agents.experiments.settings import Experiment
from mpgg_agents.record import Record
from mpgg_env.core.compiled import is_first_compilation

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


class Session:
    """One process's share of a run. The caller holds the folder's lock."""

    def __init__(
        self, run: Run, trainer: Trainer, display: Display, record: Record | None = None, *, tensorboard: bool = False
    ) -> None:
        self.run = run
        self.trainer = trainer
        self._display = display
        self._tensorboard = tensorboard
        self._records = [] if record is None else [record]
        self._rounds_kept = 0 if record is None else trainer.rounds_done
        self._started = time.monotonic()

    def play(self) -> Outcome:
        """Trains to the end or to a signal, and leaves results and figures or a checkpoint.

        Raises:
            TrainingError: The numbers of the training are no longer finite. The manifest says so, and a checkpoint
                that has been written stays as it is.
        """
        progress = make_progress(self._display, self.trainer.total_rounds, self.trainer.rounds_done)
        with Interrupts(progress.say) as interrupts:
            try:
                self._train_and_keep(progress, interrupts)
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

    def _train_and_keep(self, progress: Progress, interrupts: Interrupts) -> None:
        try:
            if is_first_compilation(self.run.config.kind.kernels):
                progress.say("compiling for the first time, which takes some seconds; later starts are quick")
            self._update_manifest(status="running", error=None, started=[*self.run.manifest["started"], now()])
            with self._event_log() as event_log:
                self._train(progress, interrupts, event_log)
        finally:
            progress.close()
        if interrupts.received is not None:
            self._checkpoint()
            self._update_manifest(status="interrupted", **self._spent())
        else:
            self._finish()

    @contextmanager
    def _event_log(self) -> Iterator[EventLog | None]:
        if not self._tensorboard:
            yield None
            return
        with closing(EventLog(self.run.path / EVENTS, self.run.config, self._record())) as event_log:
            yield event_log

    def _train(self, progress: Progress, interrupts: Interrupts, event_log: EventLog | None) -> None:
        trainer = self.trainer
        plan = CheckpointPlan(self.run.config.run.checkpoint_every, trainer.rounds_done)
        units = 1
        while trainer.rounds_done < trainer.total_rounds and interrupts.received is None:
            limits = [plan.rounds_left(trainer.rounds_done)]
            if event_log is not None:
                limits.append(event_log.rounds_left)
            rounds = self._chunk(units, min(limits))
            before = time.monotonic()
            self._records.append(trainer.advance(rounds))
            progress.update(rounds, self._cooperation_rate(), trainer.epsilon)
            if event_log is not None:
                event_log.add(self._records[-1], trainer.losses)
            units = _next_units(units, rounds / trainer.unit, time.monotonic() - before)
            if plan.is_due(trainer.rounds_done) and trainer.rounds_done < trainer.total_rounds:
                self._checkpoint()
                plan.written(trainer.rounds_done)

    def _chunk(self, units: int, limit: int) -> int:
        """Rounds of the next chunk: as many units, at most to the first possible end after `limit` rounds."""
        unit = self.trainer.unit
        return min(units * unit, -(-limit // unit) * unit, self.trainer.total_rounds - self.trainer.rounds_done)

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
        self._rounds_kept = self.trainer.rounds_done

    def _kept(self) -> str:
        if not self._rounds_kept:
            return "no checkpoint had been written yet"
        return f"the checkpoint after {self._rounds_kept:,} rounds is kept in {self.run.path / CHECKPOINT}"

    def _record(self) -> Record:
        records = [empty_record(self.run.config, 0), *self._records]
        self._records = [Record.concatenate(records, self.run.config.run.window)]
        return self._records[0]

    def _finish(self) -> None:
        positions = np.array(self.trainer.positions)
        greedy, panel = play_greedily(self.trainer, self.run.config, [empty_record(self.run.config, 0)])
        files, checksum = write_results(self.run, self.trainer, positions, self._record(), greedy, panel)
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


def empty_record(config: Experiment, rounds: int) -> Record:
    """A record of zeros of the first rounds of a run."""
    game, run = config.game, config.run
    return Record.allocate(len(run.seeds), rounds, run.window, game.n_casinos, game.n_moves)


def _next_units(units: int, played: float, seconds: float) -> int:
    """Units of the next chunk: long enough to use the cache well, short enough to show progress and to stop soon.

    A chunk grows at most fourfold, since the first one may contain a compilation.
    """
    fitting = played * CHUNK_SECONDS / max(seconds, 1e-6)
    return max(1, min(4 * units, int(fitting)))
