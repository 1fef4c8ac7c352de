"""How long a user waits before something happens: imports, help, the first compilation, later starts."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.measure import Figure, in_turn, require, seconds

MPGG = "from mpgg_agents.cli import main; raise SystemExit(main())"  # what the console script does
START_BAR_S = 0.5
COMPILE_BAR_S = 20.0
LATER_BAR_S = 3.0


def python(*arguments: str, environment: Mapping[str, str] | None = None) -> float:
    """Wall time of a fresh interpreter with these arguments, which must succeed."""
    command = [sys.executable, *arguments]
    return seconds(lambda: subprocess.run(command, check=True, capture_output=True, env=environment))


class ShortTraining:
    """`mpgg train` over few rounds without figures, with a cache of compiled code of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache-0")}
        self.runs = 0

    def first(self) -> float:
        """Seconds with an empty cache."""
        self.environment["NUMBA_CACHE_DIR"] = str(self.folder / f"cache-{self.runs}")
        return self.later()

    def later(self) -> float:
        """Seconds with the cache of the last `first`."""
        self.runs += 1
        out = self.folder / f"run-{self.runs}"
        flags = ["--preset", "text", "--rounds", "100", "--seeds", "0", "--no-figures", "--quiet", "--out", str(out)]
        elapsed = python("-c", MPGG, "train", *flags, environment=self.environment)
        require((out / "manifest.json").is_file(), "the training wrote its run folder")
        return elapsed


def run(quick: bool) -> list[Figure]:
    """Times of fresh processes, in turn."""
    starts = in_turn(
        {
            "python": lambda: python("-c", "pass"),
            "import": lambda: python("-c", "import mpgg_env"),
            "help": lambda: python("-c", MPGG, "--help"),
        },
        3 if quick else 9,
    )
    with tempfile.TemporaryDirectory() as folder:
        training = ShortTraining(Path(folder))
        waits = in_turn({"first": training.first, "later": training.later}, 1 if quick else 3, warm_up=False)
    return [
        Figure(name="python alone", values=starts["python"], unit="s"),
        Figure(name="import mpgg_env", values=starts["import"], unit="s", bar=START_BAR_S),
        Figure(name="mpgg --help", values=starts["help"], unit="s", bar=START_BAR_S),
        Figure(name="mpgg train, first", values=waits["first"], unit="s", bar=COMPILE_BAR_S, note="an empty cache"),
        Figure(name="mpgg train, later", values=waits["later"], unit="s", bar=LATER_BAR_S, note="100 rounds, one seed"),
    ]
