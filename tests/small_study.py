"""A study that takes a second, for the tests of what surrounds it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mpgg_agents.experiments.study.execution import Workers
from mpgg_agents.experiments.study.session import StudyOutcome, run_study
from mpgg_agents.experiments.study.settings import Study
from mpgg_agents.experiments.study.sweep import Sweep

GAMMAS = [0.0, 0.5]
BOUNDARIES = ["torus", "wall"]
BASE: Mapping[str, Mapping[str, Any]] = {
    "game": {"n_agents": 12, "grid_shape": [2, 2]},
    "run": {"rounds": 60, "evaluation_rounds": 10, "window": 20, "record_every": 20, "seeds": [5, 6, 7]},
}


def small_study(**changes: Any) -> Study:
    """Four cells of three seeds."""
    sweep = Sweep(grid={"agent.gamma": GAMMAS, "game.boundary": BOUNDARIES})
    return Study(**{"name": "small", "base": BASE, "sweep": sweep, **changes})


def played(study: Study, out: Path, **settings: Any) -> StudyOutcome:
    """Plays it in this process."""
    return run_study(study, out, **{"workers": Workers(jobs=1), **settings})


def table_bytes(out: Path) -> dict[str, bytes]:
    """Everything in a study's folder that has to be equal after equal studies."""
    names = sorted(str(path.relative_to(out)) for path in out.rglob("*.parquet"))
    return {name: (out / name).read_bytes() for name in ["study.json", *names]}
