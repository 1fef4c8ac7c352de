"""Checkpoints: one npz file from which a run goes on, refused unless it is whole and belongs to the run."""

import operator
import time
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mpgg_agents.experiments import storage
from mpgg_agents.experiments.files import CONFIG
from mpgg_agents.experiments.folder import RunFolderError
from mpgg_agents.experiments.storage import Arrays

FORMAT: Final = 3
FIRST_SECONDS: Final = 15.0
PAUSE_FACTOR: Final = 20
NEVER: Final = 2**62

# What arrays of a wrong form, of a wrong number or with a wrong number in them make their readers raise.
REFUSALS: Final = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)

_CHECKSUM: Final = "checksum"
_HEADER: Final = "header"  # format, rounds done
_RUN: Final = "run"  # checksum of the run's config.json
_RECORD: Final = "record/"
_TRAINER: Final = "trainer/"
_EVALUATION: Final = "evaluation/"


class Checkpoint(NamedTuple):
    """From where a run goes on.

    Attributes:
        rounds_done: Rounds trained.
        trainer: The trainer's `state_arrays()`.
        record: What has been recorded in these rounds.
        evaluation: What has been found in an evaluation after the training; empty before it.
    """

    rounds_done: int
    trainer: Arrays
    record: Arrays
    evaluation: Arrays


class CheckpointPlan:
    """When the next checkpoint is due: after a number of rounds, or by the time that checkpoints take.

    Args:
        every: Rounds between checkpoints; None for by time.
        rounds_done: Rounds at the start of this session.
    """

    def __init__(self, every: int | None, rounds_done: int) -> None:
        self._every = every
        self._last_round = rounds_done
        self._last_time = time.monotonic()
        self._pause = FIRST_SECONDS
        self._due_since = 0.0

    def rounds_left(self, rounds_done: int) -> int:
        """Rounds until the next checkpoint; very many when the time decides."""
        if self._every is None:
            return NEVER
        return (self._last_round // self._every + 1) * self._every - rounds_done

    def is_due(self, rounds_done: int) -> bool:
        """Whether a checkpoint should be written now."""
        self._due_since = time.monotonic()
        if self._every is not None:
            return self.rounds_left(rounds_done) <= 0
        return self._due_since - self._last_time >= self._pause

    def written(self, rounds_done: int) -> None:
        """Tells that the checkpoint that was due has been written."""
        self._last_round, self._last_time = rounds_done, time.monotonic()
        self._pause = max(FIRST_SECONDS, PAUSE_FACTOR * (self._last_time - self._due_since))


def write_checkpoint(path: Path, run_checksum: str, checkpoint: Checkpoint) -> None:
    """Replaces the checkpoint at `path`; the old one stays whole until the new one is.

    Args:
        path: The checkpoint file.
        run_checksum: Checksum of the run's config.json, to which the checkpoint then belongs.
        checkpoint: From where the run goes on.
    """
    sections = {_RECORD: checkpoint.record, _TRAINER: checkpoint.trainer, _EVALUATION: checkpoint.evaluation}
    arrays: Arrays = {
        _HEADER: np.array([FORMAT, checkpoint.rounds_done], np.int64),
        _RUN: _text_array(run_checksum),
        **{f"{prefix}{name}": array for prefix, part in sections.items() for name, array in part.items()},
    }
    arrays[_CHECKSUM] = _text_array(storage.content_checksum(arrays))
    storage.write_arrays(path, arrays)


def read_checkpoint(path: Path, run_checksum: str) -> Checkpoint:
    """The checkpoint at `path`.

    Raises:
        RunFolderError: The file cannot be read, is damaged or changed, or belongs to another run.
    """
    arrays = _read(path)
    try:
        return _parts(path, arrays, run_checksum)
    except RunFolderError:
        raise
    except REFUSALS as error:  # who changes the file can give it the checksum that it then has
        raise RunFolderError(f"{path} is damaged: parts are missing or wrong ({error})") from error


def _parts(path: Path, arrays: Arrays, run_checksum: str) -> Checkpoint:
    checksum = arrays.pop(_CHECKSUM, None)
    if checksum is None or not np.array_equal(checksum, _text_array(storage.content_checksum(arrays))):
        raise RunFolderError(f"{path} has been changed or is damaged: it does not have its checksum")
    if not np.array_equal(arrays[_RUN], _text_array(run_checksum)):
        raise RunFolderError(f"{path} belongs to another run: it does not match {CONFIG}")
    written_as, rounds_done = map(operator.index, arrays[_HEADER].tolist())
    if written_as != FORMAT:
        raise RunFolderError(f"{path} has checkpoint format {written_as}; this version reads {FORMAT}")
    parts = (_section(arrays, prefix) for prefix in (_TRAINER, _RECORD, _EVALUATION))
    return Checkpoint(rounds_done, *parts)


def _read(path: Path) -> Arrays:
    try:
        return storage.read_arrays(path)
    except OSError as error:
        raise RunFolderError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:  # bytes that are no archive can make zipfile and numpy raise almost anything
        raise RunFolderError(f"{path} is damaged: it is not a whole checkpoint ({error})") from error


def _section(arrays: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _text_array(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode(), np.uint8)
