"""Runs benchmarks, prints their tables and writes the figures to `benchmarks/results/`."""

import argparse
import json
import os
import sys
import warnings
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.measure import table
from mpgg_env import DilemmaWarning

NAMES = (
    "trainer",
    "dqn",
    "nash_q",
    "dnashq",
    "nash_dqn",
    "equilibrium",
    "learning",
    "large",
    "facade",
    "sb3",
    "market",
    "mean_field",
    "startup",
    "sweep",
)
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Exit code 0, or 1 when a bar was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones: {', '.join(NAMES)}; default all")
    parser.add_argument("--quick", action="store_true", help="less work and fewer repetitions, for a first look")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in NAMES]
    if unknown:
        parser.error(f"unknown benchmark {unknown[0]!r}, known: {', '.join(NAMES)}")
    # The default game sits on the edge of the dilemma by specification and says so.
    warnings.simplefilter("ignore", DilemmaWarning)

    started = datetime.now(UTC)
    results = {"started": started.isoformat(timespec="seconds"), "quick": arguments.quick, **describe()}
    results["benchmarks"] = {}
    missed = 0
    for name in arguments.names or NAMES:
        benchmark = import_module(f"benchmarks.{name}")
        figures = benchmark.run(quick=arguments.quick)
        summary = (benchmark.__doc__ or "").partition("\n")[0]
        print(table(f"{name}: {summary}", figures), end="\n\n", flush=True)
        results["benchmarks"][name] = [figure.to_dict() for figure in figures]
        missed += sum(figure.keeps_bar is False for figure in figures)
    path = RESULTS / f"{started:%Y-%m-%dT%H%M%SZ}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")
    print(f"{'all bars kept' if not missed else f'{missed} bars missed'}; figures in {os.path.relpath(path)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
