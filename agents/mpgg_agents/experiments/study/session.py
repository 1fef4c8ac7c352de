"""One process's share of a study: find what is to be played, let it be played, write the tables."""

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mpgg_agents.experiments import storage
from mpgg_agents.experiments.folder import write_manifest
from mpgg_agents.experiments.interrupts import Interrupts
from mpgg_agents.experiments.manifest import now
from mpgg_agents.experiments.progress import Display, Progress, make_progress
from mpgg_agents.experiments.reader import Run, load_run
from mpgg_agents.experiments.settings import Experiment
from mpgg_agents.experiments.study import folder, tables
from mpgg_agents.experiments.study.execution import Workers, play_cells
from mpgg_agents.experiments.study.settings import Cell, Study
from mpgg_agents.experiments.study.store import RESULTS_VERSION, CellEnd, Store, key_of
from mpgg_env.core.validation import check_choice

_TOKEN: Final = ".running-"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyOutcome:
    """How a session of a study ended.

    Attributes:
        path: The folder.
        signal: Number of the signal that stopped it, None if it came to its end.
        cells: Number of cells.
        complete: Cells that have their results.
        failed: The error of each cell whose training failed, by its number.
    """

    path: Path
    signal: int | None
    cells: int
    complete: int
    failed: Mapping[int, str]


@dataclass(slots=True)
class _Progressed:
    """How far a cell is.

    Attributes:
        cell: The cell.
        batches: Its seeds, in batches.
        keys: Runs that are complete, by batch.
        error: Why it failed.
        closed: Whether nothing more is to be played.
    """

    cell: Cell
    batches: Sequence[Sequence[int]]
    keys: list[str] = field(default_factory=list)
    error: str | None = None
    closed: bool = False

    @property
    def next_batch(self) -> Experiment:
        return self.cell.batch(self.batches[len(self.keys)])

    @property
    def seeds(self) -> int:
        return sum(len(batch) for batch in self.batches[: len(self.keys)])


def run_study(
    study: Study,
    out: str | Path,
    *,
    store: str | Path | None = None,
    workers: Workers | None = None,
    display: Display = "none",
    command: Sequence[str] = (),
    replace: bool = False,
) -> StudyOutcome:
    """Plays the cells of a study that are not in the store yet, and writes the study's folder.

    Called again, it goes on where it was stopped or killed, and ends with the same tables.

    Args:
        study: The study.
        out: Its folder: new, empty, or one of this study.
        store: Folder of the runs, which studies share; None for `store` beside `out`.
        workers: Who plays; None for one process for each processor of this machine.
        display: Progress on stderr.
        command: The words that started it, for the manifest.
        replace: Whether a folder of another study may become one of this one.

    Raises:
        ValueError: A cell's settings do not make an experiment, or the folder has something else in it.
        FolderInUseError: Another process is at it.
        OSError: A file could not be written. Runs that are complete stay.
        WorkersDiedError: Worker processes died again and again.
        MissingExtraError: The backend is not installed.
    """
    study.check()
    out = Path(out)
    place = Store(out.parent / folder.STORE if store is None else Path(store))
    with folder.study_folder(out, study, place.path, command, replace=replace) as manifest:
        return _StudySession(study, out, place, workers or Workers(), display, manifest).play()


class _StudySession:
    """The work on a study. The caller holds its folder's lock."""

    def __init__(
        self, study: Study, out: Path, store: Store, workers: Workers, display: Display, manifest: dict[str, Any]
    ) -> None:
        self.study, self.out, self.store, self.workers = study, out, store, workers
        self.manifest = manifest
        self._display = display
        self._columns = tables.SweptColumns(study)
        self._cells = [_Progressed(cell, _batches(study, cell)) for cell in study.cells]
        self._open: dict[str, list[_Progressed]] = {}
        self._failed = 0
        self._started = time.monotonic()

    def play(self) -> StudyOutcome:
        """Plays what is left, to the end or to a signal, and writes the tables."""
        self._recall()
        done = sum(state.closed for state in self._cells)
        with (
            _token(self.out) as token,
            closing(make_progress(self._display, len(self._cells), done, "cells")) as progress,
        ):

            def stop(message: str) -> None:
                token.unlink(missing_ok=True)
                progress.say(message)

            with Interrupts(stop) as interrupts:
                self._save(status="running", failed={}, started=[*self.manifest["started"], now()])
                self._play(token, progress)
                self._finish()
        return self._outcome(interrupts.received)

    def _play(self, token: Path, progress: Progress) -> None:
        while token.exists() and (experiments := self._wanted(progress)):
            play_cells(
                self.store.path,
                experiments,
                self.workers,
                token,
                lambda end: self._note(end, progress),
            )

    def _wanted(self, progress: Progress) -> dict[str, Experiment]:
        """The next run of every cell that needs one, by keys, but those that the store has already."""
        wanted: dict[str, Experiment] = {}
        self._open = {}
        for state in self._cells:
            while not state.closed:
                experiment = state.next_batch
                key = key_of(experiment)
                if self.store.status(key) != "complete":
                    self._open.setdefault(key, []).append(state)
                    wanted[key] = experiment
                    break
                self._played(state, key, progress)
        return wanted

    def _note(self, end: CellEnd, progress: Progress) -> None:
        for state in self._open[end.key]:
            if end.end == "failed":
                state.error = end.words
                self._close(state, progress)
            else:
                self._played(state, end.key, progress)

    def _played(self, state: _Progressed, key: str, progress: Progress) -> None:
        """Notes a run that is complete, and whether the cell needs another one."""
        state.keys.append(key)
        if len(state.keys) == len(state.batches) or self._known(state):
            self._close(state, progress)

    def _known(self, state: _Progressed) -> bool:
        """Whether the cell's mean is known well enough."""
        from mpgg_agents.experiments.statistics import enough  # loads scipy

        stop = self.study.stop
        assert stop is not None
        outcomes = tables.outcomes_of(self.study, self._columns, {state.cell.number: self._runs(state)})
        check_choice("metric of [stop]", stop.metric, outcomes.column_names)  # only now are coalitions counted
        return enough(outcomes[stop.metric].to_numpy(), stop.half_width)

    def _close(self, state: _Progressed, progress: Progress) -> None:
        state.closed = True
        self._failed += state.error is not None  # counted anew at each cell, very many cells would take minutes
        progress.update(1, f"{self._failed} failed" if self._failed else "none failed")
        number = state.cell.number // folder.PART_CELLS
        part = self._part(number)
        if all(other.closed for other in part) and not any(other.error for other in part):
            self._write_part(number)

    def _part(self, number: int) -> list[_Progressed]:
        return self._cells[number * folder.PART_CELLS : (number + 1) * folder.PART_CELLS]

    @property
    def _part_numbers(self) -> range:
        return range(-(-len(self._cells) // folder.PART_CELLS))

    def _runs(self, state: _Progressed) -> list[Run]:
        return [load_run(self.store.place(key)) for key in state.keys]

    def _recall(self) -> None:
        """Closes the cells whose rows an earlier session wrote, so that their runs need not be there any more."""
        if self.manifest.get("results") != RESULTS_VERSION:  # rows of other rules than those that are to be played
            self.manifest |= {"results": RESULTS_VERSION, "parts": {}}
        for number in self._part_numbers:
            names, part = _part_names(number), self._part(number)
            is_whole = all(self._is_whole(name) for name in names)
            seeds = tables.seeds_by_cell(self.out / names[1]) if is_whole else {}
            if all(state.cell.number in seeds for state in part):  # not so after cells that failed, or an interruption
                for state in part:
                    while state.seeds < seeds[state.cell.number]:
                        state.keys.append(key_of(state.next_batch))
                    state.closed = True
            else:
                for name in names:
                    self.manifest["parts"].pop(name, None)

    def _is_whole(self, name: str) -> bool:
        """Whether a part is there as the manifest has it. A kill can come between the two."""
        path = self.out / name
        return path.is_file() and storage.file_checksum(path) == self.manifest["parts"].get(name)

    def _write_part(self, number: int) -> None:
        """Writes the rows of the cells of a part, of which those that failed or are not complete have none."""
        names = _part_names(number)
        if names[0] in self.manifest["parts"]:
            return
        closed = [state for state in self._part(number) if state.closed and not state.error]
        runs = {state.cell.number: self._runs(state) for state in closed}
        if not runs:
            return
        for name, make in zip(names, (tables.records_of, tables.outcomes_of), strict=True):
            (self.out / name).parent.mkdir(exist_ok=True)
            tables.write_table(self.out / name, make(self.study, self._columns, runs))
        self._save(parts={**self.manifest["parts"], **{name: storage.file_checksum(self.out / name) for name in names}})

    def _finish(self) -> None:
        """Writes what the folder has of the study so far."""
        done = all(state.closed for state in self._cells)
        for number in self._part_numbers:
            self._write_part(number)
        # Not those of an unfinished study: the order of the columns would depend on where it was interrupted.
        files = tables.unified([self.out / name for name in sorted(self.manifest["parts"])]) if done else []
        files += [self._write_cells()]
        checksums = {str(path.relative_to(self.out)): storage.file_checksum(path) for path in files}
        failed = {str(state.cell.number): state.error for state in self._cells if state.error is not None}
        self._save(
            parts={**self.manifest["parts"], **checksums},
            failed=failed,
            complete=sum(state.closed and state.error is None for state in self._cells),
            status="interrupted" if not done else "failed" if failed else "complete",
            ended=now() if done else None,
            seconds=round(self.manifest["seconds"] + time.monotonic() - self._started, 3),
        )

    def _write_cells(self) -> Path:
        closed = [state for state in self._cells if state.closed and state.error is None]
        keys = {state.cell.number: state.keys for state in closed}
        seeds = {state.cell.number: state.seeds for state in closed}
        tables.write_table(self.out / folder.CELLS, tables.cells_of(self.study, self._columns, keys, seeds))
        return self.out / folder.CELLS

    def _outcome(self, signal: int | None) -> StudyOutcome:
        return StudyOutcome(
            path=self.out,
            signal=signal,
            cells=len(self._cells),
            complete=self.manifest["complete"],
            failed={int(number): words for number, words in self.manifest["failed"].items()},
        )

    def _save(self, **changes: Any) -> None:
        self.manifest |= changes
        write_manifest(self.out, self.manifest)


def _batches(study: Study, cell: Cell) -> list[Sequence[int]]:
    """The seeds of a cell in the batches in which they are played."""
    size = len(cell.seeds) if study.stop is None else study.stop.batch
    return [cell.seeds[first : first + size] for first in range(0, len(cell.seeds), size)]


def _part_names(number: int) -> tuple[str, str]:
    return folder.part_name(folder.TABLE, number), folder.part_name(folder.OUTCOMES, number)


@contextmanager
def _token(out: Path) -> Iterator[Path]:
    """A file that is there as long as work may go on; work of a driver that was killed stops, since its file goes."""
    for old in out.glob(f"{_TOKEN}*"):
        old.unlink(missing_ok=True)
    token = out / f"{_TOKEN}{secrets.token_hex(8)}"
    token.touch()
    try:
        yield token
    finally:
        token.unlink(missing_ok=True)
