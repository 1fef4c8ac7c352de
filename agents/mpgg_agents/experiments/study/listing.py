"""A study as text for a terminal."""

import json
import shlex
from pathlib import Path
from typing import Any, Final

import numpy as np

from mpgg_agents.experiments.columns import aligned
from mpgg_agents.experiments.statistics import mean_interval
from mpgg_agents.experiments.study.reader import StudyRun, load_study
from mpgg_agents.experiments.study.tables import CELL
from mpgg_env.core.types import FloatArray

CELLS_SHOWN: Final = 100


def listing(path: Path) -> str:
    """The folder of a study in text, after its files have been checked.

    Raises:
        RunFolderError: A file is missing or has been changed.
    """
    study = load_study(path)
    study.verify()
    return "\n".join([*_head(study), *_state(study), *_cells(study)])


def _head(study: StudyRun) -> list[str]:
    manifest, settings = study.manifest, study.study
    return [
        f"study      {study.path}: {settings.title or settings.name}",
        f"status     {study.status}, {manifest['complete']:,} of {len(settings.sweep):,} cells complete",
        f"made with  mpgg-env {manifest['version']}, Python {manifest['python']}, {manifest['platform']}",
        f"command    {shlex.join(manifest['command']) or '(from Python)'}",
        f"started    {', '.join(manifest['started'])}",
        f"ended      {manifest['ended'] or '-'} ({manifest['seconds']:.1f} s)",
        f"store      {study.store.path}",
        f"env        {settings.game_kind.env}",
        f"base       {_settings(settings.base)}",
        f"swept      {', '.join(study.fields) or 'nothing'}",
    ]


def _state(study: StudyRun) -> list[str]:
    lines = [f"cell {number} failed: {words}" for number, words in sorted(study.failed.items())]
    if study.status not in ("complete", "failed"):
        lines.append("The study is not complete; go on with the command above.")
    return lines


def _cells(study: StudyRun) -> list[str]:
    """A row for each cell that has results: its fields, seeds, and the means of the main outcomes with intervals."""
    if not study.manifest["complete"]:
        return []
    names = [name for name in study.study.game_kind.study().main if name in study.outcome_names]
    outcomes = study.outcomes([CELL, *names])
    numbers = outcomes[CELL].to_numpy()
    cells = np.unique(numbers)
    first, last = np.searchsorted(numbers, cells), np.searchsorted(numbers, cells, side="right")
    shown = range(min(len(cells), CELLS_SHOWN))
    columns = [["cell", *(str(cells[at]) for at in shown)]]
    for field in study.fields:
        columns.append([field, *(_word(study.study.points[cells[at]][field]) for at in shown)])
    columns.append(["seeds", *(str(last[at] - first[at]) for at in shown)])
    for name in names:
        values = outcomes[name].to_numpy()
        columns.append([name, *(_interval(values[first[at] : last[at]]) for at in shown)])
    left = len(cells) - len(shown)
    more = [f"... and {left:,} cells more; all are in {study.path / 'outcomes'}"] if left else []
    return ["", "Means over the seeds with 95 % intervals (Student's t):", *aligned(columns), *more]


def _interval(values: FloatArray) -> str:
    mean, low, high = mean_interval(values.astype(np.float64))
    if np.isnan(mean):
        return "-"
    return f"{mean:.4g}" if np.isnan(low) else f"{mean:.4g} [{low:.4g}, {high:.4g}]"


def _settings(base: Any) -> str:
    fields = [f"{section}.{name} = {_word(value)}" for section, given in base.items() for name, value in given.items()]
    return ", ".join(fields) or "all defaults"


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
