"""Files that are whole or absent: written under another name, synced, renamed. And their checksums."""

import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

Arrays = dict[str, np.ndarray[Any, Any]]

TEMPORARY_SUFFIX: Final = ".part"
LOCK_NAME: Final = ".lock"
DIGEST_BYTES: Final = 32
_BLOCK: Final = 2**22


class FolderInUseError(ValueError):
    """Another process writes to the folder."""


def check_writable(path: Path) -> None:
    """Raises ValueError, before any work is done, if no file can be written at `path`."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder, not a file")
    if not path.parent.is_dir():
        raise ValueError(f"cannot write {path}: {path.parent} is no folder")
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"cannot write {path}: no permission to write in {path.parent}")


def write_file(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Puts what `write` writes at `path`, or nothing: a kill leaves the old file or the new one."""
    temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
    try:
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None and error.filename is None:
            error.filename = str(path)  # nothing else says which disk it is that is full
        raise
    sync_directory(path.parent)


def write_bytes(path: Path, content: bytes) -> None:
    """`write_file` for bytes at hand."""

    def write(file: BinaryIO) -> None:
        file.write(content)

    write_file(path, write)


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """`write_file` for named numeric arrays in an npz file; numpy would pickle anything else."""
    wrong = [name for name, array in arrays.items() if array.dtype.kind not in "biuf"]
    if wrong:
        raise TypeError(f"arrays must be numeric, got {arrays[wrong[0]].dtype} for {wrong[0]!r}")

    def write(file: BinaryIO) -> None:
        np.savez(file, **arrays)  # type: ignore[arg-type]

    write_file(path, write)


def read_arrays(path: Path) -> Arrays:
    """The arrays of an npz file; a pickle inside is refused, so that reading cannot run code."""
    # Opened here, since numpy leaves a damaged file open.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def sync_directory(directory: Path) -> None:
    """Makes renames in `directory` survive a power cut."""
    if sys.platform == "win32":  # directories cannot be opened there
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_leftovers(folder: Path) -> None:
    """Removes what a killed writer left half written; the caller holds the folder's lock."""
    for path in folder.rglob(f"*{TEMPORARY_SUFFIX}"):
        path.unlink(missing_ok=True)


def file_checksum(path: Path) -> str:
    """BLAKE2b of a file's bytes, in hexadecimal."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def content_checksum(arrays: Mapping[str, np.ndarray[Any, Any]]) -> str:
    """BLAKE2b of names, types, shapes and values in hexadecimal; the order and the file format play no part."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape};".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the folder for this process; the operating system gives it back even after a kill.

    Raises:
        FolderInUseError: Another process holds it.
    """
    with (folder / LOCK_NAME).open("ab") as file:
        if sys.platform != "win32":
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise FolderInUseError(f"{folder} is in use by another process") from None
        yield
