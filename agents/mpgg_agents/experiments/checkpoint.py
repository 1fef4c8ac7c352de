"""Checkpoints: one npz file from which a run goes on, refused unless it is whole and belongs to the run."""

from dataclasses import fields
from pathlib import Path
from typing import Final

import numpy as np

from mpgg_agents.experiments import storage
from mpgg_agents.experiments.folder import CONFIG, RunFolderError
from mpgg_agents.experiments.storage import Arrays
from mpgg_agents.iql.record import Record
from mpgg_env.core.types import IntArray

FORMAT: Final = 1
_CHECKSUM: Final = "checksum"
_HEADER: Final = "header"  # format, rounds done
_RUN: Final = "run"  # checksum of the run's config.json
_RECORD: Final = "record/"
_TRAINER: Final = "trainer/"


def write_checkpoint(path: Path, run_checksum: str, rounds_done: int, trainer: Arrays, record: Record) -> None:
    """Replaces the checkpoint at `path`; the old one stays whole until the new one is.

    Args:
        path: The checkpoint file.
        run_checksum: Checksum of the run's config.json, to which the checkpoint then belongs.
        rounds_done: Rounds trained.
        trainer: The trainer's `state_arrays()`.
        record: What has been recorded in these rounds.
    """
    arrays: Arrays = {
        _HEADER: np.array([FORMAT, rounds_done], np.int64),
        _RUN: _text_array(run_checksum),
        **{f"{_RECORD}{field.name}": getattr(record, field.name) for field in fields(Record)},
        **{f"{_TRAINER}{name}": array for name, array in trainer.items()},
    }
    arrays[_CHECKSUM] = _text_array(storage.content_checksum(arrays))
    storage.write_arrays(path, arrays)


def read_checkpoint(path: Path, run_checksum: str) -> tuple[int, Arrays, Record]:
    """Rounds done, the trainer's arrays and the record of the checkpoint at `path`.

    Raises:
        RunFolderError: The file cannot be read, is damaged or changed, or belongs to another run.
    """
    arrays = _read(path)
    checksum = arrays.pop(_CHECKSUM, None)
    if checksum is None or not np.array_equal(checksum, _text_array(storage.content_checksum(arrays))):
        raise RunFolderError(f"{path} has been changed or is damaged: it does not have its checksum")
    if not np.array_equal(arrays[_RUN], _text_array(run_checksum)):
        raise RunFolderError(f"{path} belongs to another run: it does not match {CONFIG}")
    written_as, rounds_done = arrays[_HEADER].tolist()
    if written_as != FORMAT:
        raise RunFolderError(f"{path} has checkpoint format {written_as}; this version reads {FORMAT}")
    return rounds_done, _section(arrays, _TRAINER), Record(**_section(arrays, _RECORD))


def _read(path: Path) -> Arrays:
    try:
        return storage.read_arrays(path)
    except OSError as error:
        raise RunFolderError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:  # bytes that are no archive can make zipfile and numpy raise almost anything
        raise RunFolderError(f"{path} is damaged: it is not a whole checkpoint ({error})") from error


def _section(arrays: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _text_array(text: str) -> "IntArray":
    return np.frombuffer(text.encode(), np.uint8)  # type: ignore[return-value]
