"""The folder of a study: what is in it, and how it comes into being and is continued.

Files:
    study.json: The study, in the form of its TOML file.
    manifest.json: Versions, command, times, status, what failed, and the checksums of the other files.
    cells.parquet: One row per cell.
    table/part-*.parquet: One row per cell, seed and recorded round.
    outcomes/part-*.parquet: One row per cell and seed.
    figures/, report.html: What the other files show.

The runs themselves are in a store, which studies share.
"""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from mpgg_agents.experiments import storage
from mpgg_agents.experiments.files import MANIFEST
from mpgg_agents.experiments.folder import RunFolderError, names, read_signed
from mpgg_agents.experiments.manifest import new_manifest
from mpgg_agents.experiments.study.settings import Study

FORMAT: Final = 1
STUDY: Final = "study.json"
CELLS: Final = "cells.parquet"
TABLE: Final = "table"
OUTCOMES: Final = "outcomes"
STORE: Final = "store"
PART_CELLS: Final = 64

# Parts of a study that say how it is told, not what is played.
_WORDS: Final = ("title", "description", "figures")
_ENTRIES: Final[dict[str, type | tuple[type, ...]]] = {
    **dict.fromkeys(("version", "status", "store"), str),
    **dict.fromkeys(("command", "started"), list),
    **dict.fromkeys(("parts", "failed"), dict),
    "ended": (str, type(None)),
    "seconds": (int, float),
}


def is_study(path: Path) -> bool:
    """Whether a folder is one of a study."""
    return (path / STUDY).is_file()


def part_name(kind: str, number: int) -> str:
    """Name of a part of the table or of the outcomes, of `PART_CELLS` cells."""
    return f"{kind}/part-{number:05d}.parquet"


@contextmanager
def study_folder(
    out: Path, study: Study, store: Path, command: Sequence[str], *, replace: bool
) -> Iterator[dict[str, Any]]:
    """Creates the folder of a study, or goes on with it, and holds its lock.

    Args:
        out: The folder.
        study: The study.
        store: The store of its runs.
        command: The words that started it.
        replace: Whether a folder of another study may become one of this one; the runs stay in their store.

    Yields:
        Its manifest.

    Raises:
        ValueError: The folder has something else in it.
        FolderInUseError: Another process is at it.
    """
    _check_place(out)
    out.mkdir(parents=True, exist_ok=True)
    with storage.locked(out):
        storage.remove_leftovers(out)
        manifest = _continued(out, study, replace)
        if manifest is None:
            _empty(out)
            manifest = _new_manifest(study, command)
        storage.write_bytes(out / STUDY, study_text(study).encode())
        # Of real paths: where the folder is a link, what is beside it is not what ".." leads to.
        manifest |= {"store": os.path.relpath(store.resolve(), out.resolve()), "command": list(command)}
        yield manifest


def study_text(study: Study) -> str:
    """A study as its folder has it."""
    return json.dumps(study.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read_study(path: Path) -> Study:
    """The study of a folder.

    Raises:
        RunFolderError: It cannot be read, or is no study.
    """
    try:
        return Study.from_dict(json.loads((path / STUDY).read_bytes()))
    except OSError as error:
        raise RunFolderError(f"{path} is not the folder of a study: cannot read {STUDY}: {error.strerror}") from error
    except (RecursionError, TypeError, ValueError) as error:
        raise RunFolderError(f"{path / STUDY} is damaged: {error}") from error


def read_study_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a study's folder.

    Raises:
        RunFolderError: There is none, or it is damaged, has been changed, or is of another format.
    """
    return read_signed(path, FORMAT, _ENTRIES)


def _check_place(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise ValueError(f"out must be a new or empty folder or one of this study, got the file {out}")
    if out.is_dir() and not is_study(out) and names(out) - {storage.LOCK_NAME, STUDY + storage.TEMPORARY_SUFFIX}:
        raise ValueError(f"out must be a new or empty folder or one of this study, but {out} has other files")


def _continued(out: Path, study: Study, replace: bool) -> dict[str, Any] | None:
    """The manifest of the folder if it is one of this study; None for a new one."""
    if not (out / MANIFEST).exists():
        return None
    there, asked = _decisive(read_study(out)), _decisive(study)
    differing = [name for name in {**there, **asked} if there.get(name) != asked.get(name)]
    if not differing:
        return read_study_manifest(out)
    if not replace:
        raise ValueError(
            f"{out} is the folder of another study: {', '.join(differing)} differ (of sweep the order, too); give "
            f"another --out, or --replace to make it one of this study (its runs stay in their store)"
        )
    return None


def _decisive(study: Study) -> dict[str, str]:
    """What decides the tables of a study, as texts. The order in which fields are swept numbers the cells."""
    parts = {name: value for name, value in study.to_dict().items() if name not in _WORDS}
    return {name: json.dumps(value, sort_keys=name != "sweep") for name, value in parts.items()}


def _empty(out: Path) -> None:
    for name in (TABLE, OUTCOMES, "figures"):
        shutil.rmtree(out / name, ignore_errors=True)
    for name in (CELLS, MANIFEST, "report.html"):
        (out / name).unlink(missing_ok=True)


def _new_manifest(study: Study, command: Sequence[str]) -> dict[str, Any]:
    manifest = new_manifest(study.game_kind.env, command, (), None)
    for name in ("seeds", "threads", "error", "files"):
        del manifest[name]
    return {**manifest, "format": FORMAT, "cells": len(study.cells), "complete": 0, "failed": {}, "parts": {}}
