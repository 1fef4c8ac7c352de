"""The manifest of a run: where, when, by whom and with what it was made."""

import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from typing import Any, Final

import mpgg_env
from mpgg_agents.experiments.folder import FORMAT

LIBRARIES: Final = (
    *("numpy", "numba", "scipy", "pyarrow", "matplotlib", "pillow", "gymnasium", "pettingzoo"),
    *("torch", "stable-baselines3"),
)


def new_manifest(env: str, command: Sequence[str], seeds: Sequence[int], threads: int | None) -> dict[str, Any]:
    """The manifest of a run in a game that has not started yet."""
    return {
        "format": FORMAT,
        "package": "mpgg-env",
        "version": mpgg_env.__version__,
        "libraries": {name: _version(name) for name in LIBRARIES},
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "threads": threads,
        "env": env,
        "command": list(command),
        "seeds": list(seeds),
        "status": "running",
        "error": None,
        "started": [],
        "ended": None,
        "seconds": 0.0,
        "results_checksum": None,
        "files": {},
    }


def now() -> str:
    """The time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@cache  # to find one out takes a millisecond, and the cells of a study that one process plays have the same
def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
