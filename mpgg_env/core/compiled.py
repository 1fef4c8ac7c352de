"""The one decorator of compiled functions, and the directory that keeps their machine code."""

import functools
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., object])

_PACKAGE_ROOT = Path(__file__).resolve().parents[1]


def compiled(function: Function) -> Function:
    """Compiles `function` with numba on its first call, without the GIL, and caches the machine code.

    Floating-point rules stay strict (no fused or reordered operations), so that the compiled function and
    its plain-Python form give the same bits. Division by zero gives inf or NaN as in numpy.
    """
    return _compiled(function, forceinline=False)


def inlined(function: Function) -> Function:
    """As `compiled`, and the code goes into every compiled caller: for short functions in the hottest loops.

    A call hands over seven words for each array and hides a loop's constants from the compiler.
    """
    return _compiled(function, forceinline=True)


def _compiled(function: Function, *, forceinline: bool) -> Function:
    directory = cache_directory()
    # Without numba's reference counts (_nrt=False): a record of arrays is counted field by field at every access and
    # call, which took half of the trainer's time. In exchange a compiled function cannot create arrays.
    # numba reads the directory while it decorates, so that other packages' caches stay where they are.
    previous = numba.config.CACHE_DIR
    if directory is not None:
        numba.config.CACHE_DIR = str(directory)
    try:
        decorate = numba.njit(
            nogil=True, error_model="numpy", forceinline=forceinline, _nrt=False, cache=directory is not None
        )
        return decorate(function)  # type: ignore[no-any-return]
    finally:
        numba.config.CACHE_DIR = previous


@functools.cache
def cache_directory() -> Path | None:
    """Directory of the machine code of exactly these sources; None when no directory can be written.

    numba itself notices a change only in the file that holds the function, not in the functions that it
    calls: a kernel would go on with the old rules. Hence one directory per content of the package.
    """
    base = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    directory = Path(base).expanduser() / "mpgg-env" / _source_digest()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return directory
    except (OSError, RuntimeError):
        return None


def is_first_compilation(module: str) -> bool:
    """Whether no compiled function of this module is cached yet, so that its first call will take several seconds.

    The game's own loops compile in no time and say nothing about a trainer's.
    """
    if numba.config.DISABLE_JIT:
        return False
    directory = cache_directory()
    if directory is None:
        return True
    # numba names the folder after that of the source file, and begins the file's name with that of the source file.
    *_, package, name = module.split(".")
    return not any(directory.glob(f"{package}_*/{name}.*.nbi"))


def _source_digest() -> str:
    digest = hashlib.blake2b(digest_size=8)
    agents = _PACKAGE_ROOT.parent / "mpgg_agents"
    if not agents.is_dir():  # an editable installation keeps the two packages in two folders
        agents = _PACKAGE_ROOT.parent / "agents" / "mpgg_agents"
    for package in (_PACKAGE_ROOT, agents):
        for path in sorted(package.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
