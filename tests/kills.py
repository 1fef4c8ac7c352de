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


def after_steps(process: Popen[str], store: Path, steps: int) -> None:
    """Returns when a study's process has done so many steps in a store since this call, or has ended."""
    enough = steps_seen(store)
    awaited(lambda: enough(steps) or process.poll() is not None, f"{steps} steps in {store}")


def steps_seen(store: Path) -> Callable[[int], bool]:
    """Whether so many steps of runs in a store have been seen since this call: checkpoints, changes of manifests."""
    before, seen = _times(store), set[tuple[Path, int]]()

    def enough(steps: int) -> bool:
        seen.update(_times(store).items() - before.items())
        return len(seen) >= steps

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
    for name in ("checkpoint.npz", "manifest.json"):
        for path in store.glob(f"*/*/{name}"):
            with suppress(FileNotFoundError):  # a checkpoint goes when its run is complete
                times[path] = path.stat().st_mtime_ns
    return times
