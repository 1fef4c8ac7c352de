"""A small experiment for the tests of runs, and helpers that look at run folders."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mpgg_agents.cli import main
from mpgg_agents.experiments import Experiment
from mpgg_env import DilemmaWarning

ROUNDS = 600
FLAGS = [
    *("--n-agents", "14", "--grid-shape", "2", "3", "--rounds", str(ROUNDS), "--seeds", "3", "8", "--window", "50"),
    *("--evaluation-rounds", "120", "--checkpoint-every", "200"),
]


def tiny(**run: Any) -> Experiment:
    """Fourteen agents on a 2 x 3 board, two seeds, 600 rounds; `run` changes the run's settings."""
    settings = {"rounds": ROUNDS, "seeds": [3, 8], "window": 50, "evaluation_rounds": 120, "checkpoint_every": 200}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DilemmaWarning)
        return Experiment.build({"game": {"n_agents": 14, "grid_shape": (2, 3)}, "run": {**settings, **run}})


def train(out: Path, *flags: str) -> int:
    """The exit code of `mpgg train` of the small experiment without figures."""
    return main(["train", *FLAGS, "--quiet", "--no-figures", "--out", str(out), *flags])


def start(words: Sequence[str]) -> subprocess.Popen[str]:
    """The `mpgg` command in a process of its own, which interrupts reach as they reach a user's."""
    return subprocess.Popen(
        [sys.executable, "-m", "mpgg_agents", *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A test run in the background may ignore SIGINT, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def results_checksum(run: Path) -> str:
    """The checksum of the results in a run's manifest."""
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["status"] == "complete"
    return str(manifest["results_checksum"])


def snapshot(folder: Path) -> dict[str, str]:
    """Every path below a folder with the digest of its content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
    }
