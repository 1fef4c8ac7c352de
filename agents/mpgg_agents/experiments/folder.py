"""A run folder: what is in it, its manifest, and the checks of its files. `reader` reads their contents.

Files:
    config.json: The experiment: sections game, agent and run, every field.
    manifest.json: Versions, machine, command, times, status, and the checksums of the other files.
    metrics.parquet: What was measured, a row per seed and round.
    final_state.npz: How the training ended, with what was learned.
    checkpoint.npz: From where an unfinished run goes on.
    Further result files: as the kind of game has them, in the module `files` of its package.
    figures/: What the other files show.
    tensorboard/: Event files of TensorBoard, if asked for; nothing reads them back.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from mpgg_agents.experiments import storage
from mpgg_agents.experiments.files import CONFIG, MANIFEST
from mpgg_agents.experiments.registry import GAMES
from mpgg_agents.experiments.settings import Experiment

FORMAT: Final = 5
STATUSES: Final = ("running", "interrupted", "failed", "complete")

# Entries of the manifest that a reader relies on.
_ENTRIES: Final[dict[str, type | tuple[type, ...]]] = {
    **dict.fromkeys(("version", "python", "platform", "status", "env"), str),
    **dict.fromkeys(("command", "started"), list),
    **dict.fromkeys(("ended", "results_checksum", "error"), (str, type(None))),
    "seconds": (int, float),
    "files": dict,
}

# All that a run has written before its manifest, which makes it a run that can be resumed.
BEFORE_MANIFEST: Final = frozenset(
    (storage.LOCK_NAME, CONFIG, CONFIG + storage.TEMPORARY_SUFFIX, MANIFEST + storage.TEMPORARY_SUFFIX)
)


class RunFolderError(ValueError):
    """A run folder is missing, incomplete, damaged or has been changed."""


def is_killed_start(path: Path) -> bool:
    """Whether a run was killed in this folder before it had a manifest, so that nothing can resume it."""
    return storage.LOCK_NAME in names(path) <= BEFORE_MANIFEST


def names(path: Path) -> set[str]:
    """Names of all entries of a folder."""
    return {entry.name for entry in path.iterdir()}


def write_manifest(path: Path, manifest: dict[str, Any]) -> None:
    """Writes the manifest with its own checksum."""
    content = {key: value for key, value in manifest.items() if key != "checksum"}
    signed = {**content, "checksum": _manifest_checksum(content)}
    storage.write_bytes(path / MANIFEST, (json.dumps(signed, indent=2, allow_nan=False) + "\n").encode())


def _manifest_checksum(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True)
    return storage.content_checksum({"manifest": np.frombuffer(text.encode(), np.uint8)})


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise RunFolderError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RunFolderError(f"{path} is damaged: it is not valid JSON") from error


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a run folder.

    Raises:
        RunFolderError: There is none, or it is damaged, has been changed, or is of another format.
    """
    if path.is_dir() and not (path / MANIFEST).is_file() and is_killed_start(path):
        raise RunFolderError(
            f"{path} is not a run folder: it has no {MANIFEST}; its run was killed before it began, start it again "
            f"with --out"
        )
    manifest = read_signed(path, FORMAT, _ENTRIES)
    if not _is_manifest(manifest):
        raise RunFolderError(f"{path / MANIFEST} is damaged: entries are missing or wrong")
    return manifest


def read_signed(path: Path, demanded: int, entries: Mapping[str, type | tuple[type, ...]]) -> dict[str, Any]:
    """A manifest with the checksum that it says it has, and with these entries.

    Raises:
        RunFolderError: There is none, or it is damaged, has been changed, or is of another format.
    """
    if not path.is_dir():
        raise RunFolderError(f"{path} is not a run folder: there is no such folder")
    if not (path / MANIFEST).is_file():
        raise RunFolderError(f"{path} is not a run folder: it has no {MANIFEST}")
    manifest = _read_json(path / MANIFEST)
    if not isinstance(manifest, dict):
        raise RunFolderError(f"{path / MANIFEST} is damaged: it is not a JSON object")
    if manifest.get("format", demanded) != demanded:
        raise RunFolderError(f"{path} has run folder format {manifest['format']!r}; this version reads {demanded}")
    content = {key: value for key, value in manifest.items() if key != "checksum"}
    if manifest.get("checksum") != _manifest_checksum(content):
        raise RunFolderError(f"{path / MANIFEST} has been changed: it does not have its checksum")
    if not all(name in content and isinstance(content[name], kind) for name, kind in entries.items()):
        raise RunFolderError(f"{path / MANIFEST} is damaged: entries are missing or wrong")
    return manifest


def _is_manifest(content: dict[str, Any]) -> bool:
    return (
        all(isinstance(text, str) for name in ("command", "started") for text in content[name])
        and content["env"] in GAMES
        and CONFIG in content["files"]
        and set(content["files"]) <= {CONFIG, *GAMES[content["env"]].results}
        and content["status"] in STATUSES
    )


def read_config(path: Path, manifest: dict[str, Any]) -> Experiment:
    """The settings of the run.

    Raises:
        RunFolderError: They do not have their checksum, or are no settings.
    """
    check_file(path / CONFIG, manifest["files"][CONFIG])
    values = _read_json(path / CONFIG)
    try:
        experiment = Experiment.from_dict(values)
    except (TypeError, ValueError) as error:
        raise RunFolderError(f"{path / CONFIG}: {error}") from error
    if experiment.run.env != manifest["env"]:
        raise RunFolderError(f"{path / CONFIG} does not fit {MANIFEST}: they are of different games")
    return experiment


def check_file(path: Path, checksum: str) -> None:
    """Checks a file against its checksum.

    Raises:
        RunFolderError: It cannot be read, or has been changed.
    """
    try:
        actual = storage.file_checksum(path)
    except OSError as error:
        raise RunFolderError(f"cannot read {path}: {error.strerror}") from error
    if actual != checksum:
        raise RunFolderError(f"{path} has been changed or is damaged: it does not have the checksum in {MANIFEST}")
