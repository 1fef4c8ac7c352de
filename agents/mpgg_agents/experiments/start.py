"""How a run folder comes into being: at once with settings and manifest, or not at all."""

import glob
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from mpgg_agents.experiments import storage
from mpgg_agents.experiments.files import CONFIG, MANIFEST
from mpgg_agents.experiments.folder import BEFORE_MANIFEST, is_killed_start, names, write_manifest
from mpgg_agents.experiments.settings import Experiment

_MKDTEMP_LETTERS: Final = 8


def check_vacant(path: Path) -> None:
    """Raises ValueError unless a new run can be put at `path`: nothing is there, or an empty folder.

    A folder in which a run was killed before it had a manifest counts as empty.
    """
    if path.is_symlink() and not path.exists():
        raise ValueError(f"out must be a new or empty folder, got the broken link {path}")
    if not path.exists():
        above = next(folder for folder in path.absolute().parents if folder.exists())
        if not above.is_dir():
            raise ValueError(f"out must be a new or empty folder, but {above} is a file")
        return
    if not path.is_dir():
        raise ValueError(f"out must be a new or empty folder, got the file {path}")
    if names(path) and not is_killed_start(path):
        hint = "; continue the run in it with --resume" if (path / MANIFEST).exists() else ""
        raise ValueError(f"out must be a new or empty folder, but {path} is not empty{hint}")


@contextmanager
def new_folder(out: Path, experiment: Experiment, manifest: dict[str, Any]) -> Iterator[None]:
    """Creates the run folder, or fills an empty one, and holds its lock; if that fails, all is as before."""
    remove_abandoned_folders(out)
    existed = out.exists()
    with ExitStack() as stack:
        place = out if existed else _locked_temporary_folder(out, stack)
        if existed:
            stack.enter_context(storage.locked(out))
            check_vacant(out)  # again: another process may have filled it before we had the lock
        try:
            _fill(place, experiment, manifest)
            if not existed:
                place.rename(out)
                storage.sync_directory(out.parent)  # or a power cut could lose a run that is complete by then
        except BaseException:
            _take_back(place, existed)
            raise
        yield


def remove_abandoned_folders(path: Path) -> None:
    """Removes the temporary folders of killed starts at `path`; those of living processes are locked."""
    pattern = f".{glob.escape(path.name)}-{'?' * _MKDTEMP_LETTERS}{storage.TEMPORARY_SUFFIX}"
    for folder in path.parent.glob(pattern):
        # Not found: a living process has renamed it since.
        with suppress(storage.FolderInUseError, FileNotFoundError):
            if folder.is_dir() and names(folder) <= {*BEFORE_MANIFEST, MANIFEST}:
                with storage.locked(folder):
                    shutil.rmtree(folder, ignore_errors=True)


def _locked_temporary_folder(path: Path, stack: ExitStack) -> Path:
    """A temporary folder with its lock, which `stack` holds.

    Before it is locked another process, at the same start, may take it for an abandoned one and remove it.
    """
    while True:
        folder = _temporary_folder(path)
        with suppress(storage.FolderInUseError, FileNotFoundError):
            stack.enter_context(storage.locked(folder))
            if (folder / storage.LOCK_NAME).exists():
                return folder


def _temporary_folder(path: Path) -> Path:
    """A folder beside `path`, to be filled and then renamed to it.

    A run folder appears under its own name only with settings and manifest in it, so that a run killed at any
    moment either can be resumed or has left `path` untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", suffix=storage.TEMPORARY_SUFFIX, dir=path.parent))
    temporary.chmod(0o755)  # mkdtemp's folders are closed to everybody else
    return temporary


def _fill(path: Path, experiment: Experiment, manifest: dict[str, Any]) -> None:
    content = json.dumps(experiment.to_dict(), indent=2, allow_nan=False) + "\n"
    storage.write_bytes(path / CONFIG, content.encode())
    write_manifest(path, {**manifest, "files": {CONFIG: storage.file_checksum(path / CONFIG)}})


def _take_back(place: Path, existed: bool) -> None:
    """A folder that was there before may have its own permissions, or be a mount point: only our files go."""
    if not existed:
        shutil.rmtree(place, ignore_errors=True)
        return
    for name in (MANIFEST, *BEFORE_MANIFEST):
        (place / name).unlink(missing_ok=True)
