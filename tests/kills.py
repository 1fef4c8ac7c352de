"""A study of some seconds that can be disturbed, and the moments for it: by what it has done, not by the clock."""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from subprocess import Popen
from typing import Final

# Four cells of twelve checkpoints each.
STUDY: Final = """
[game]
n_agents = 60

[run]
rounds = 3_000
evaluation_rounds = 100
window = 500
record_every = 500
checkpoint_every = 250
seeds = ["0:4"]

[sweep.grid]
agent.gamma = [0.0, 0.9]
game.boundary = ["torus", "wall"]

[[figures]]
kind = "line"
x = "agent.gamma"
by = "game.boundary"
metric = "efficiency"
"""

PATIENCE: Final = 300.0  # seconds: compiling on a busy machine takes minutes
_PAUSE: Final = 0.01


def awaited(condition: Callable[[], bool], what: str) -> None:
    """Returns when the condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"nothing seen of: {what}"
        time.sleep(_PAUSE)


def after_checkpoints(process: Popen[str], store: Path, count: int) -> None:
    """Returns when a study's process has written so many checkpoints in a store since this call, or has ended."""
    enough = checkpoints_seen(store)
    awaited(lambda: enough(count) or process.poll() is not None, f"{count} checkpoints in {store}")


def checkpoints_seen(store: Path) -> Callable[[int], bool]:
    """Whether so many checkpoints of runs in a store have been seen since this call."""
    before, seen = _times(store), set[tuple[Path, int]]()

    def enough(count: int) -> bool:
        seen.update(_times(store).items() - before.items())
        return len(seen) >= count

    return enough


def players(store: Path) -> list[int]:
    """Processes of this machine that play runs of a store just now: those that have their locks open."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):  # the process has ended or is not ours
            file = os.readlink(link)
            if file.startswith(f"{store}/") and file.endswith("/.lock"):
                found.add(int(link.parts[2]))
    return sorted(found)


def _times(store: Path) -> Mapping[Path, int]:
    times = {}
    for path in store.glob("*/*/checkpoint.npz"):
        with suppress(FileNotFoundError):  # it goes when its run is complete
            times[path] = path.stat().st_mtime_ns
    return times
