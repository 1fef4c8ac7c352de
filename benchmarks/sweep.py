"""Studies: their wall time against the compiled trainer's own for the same rounds, and reading one of 10,000 cells.

A cell is the default game with 20 seeds. The study's time goes from the call of `run_study` to its end, with the start
of its worker processes and all that is written to disk. The trainer's is that of `IQLTrainer(...)`, `advance` and
`evaluate`, one cell after the other, with a thread for every processor.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.measure import Figure, in_turn, ratios, require, seconds
from benchmarks.startup import MPGG, python
from mpgg_agents.experiments import storage
from mpgg_agents.experiments.folder import write_manifest
from mpgg_agents.experiments.mpgg.measures import MEASURES
from mpgg_agents.experiments.study import folder, tables
from mpgg_agents.experiments.study.reader import load_study
from mpgg_agents.experiments.study.session import run_study
from mpgg_agents.experiments.study.settings import Study
from mpgg_agents.experiments.study.sweep import Sweep
from mpgg_agents.iql import IQLConfig, IQLTrainer
from mpgg_env import MPGGConfig

ROUNDS, EVALUATION_ROUNDS, SEEDS = 20_000, 2_000, range(20)
ISSUE_CELLS = 400  # of the study that the bar is for; here there are fewer
BAR = 1.15
MANY_CELLS = 10_000
LISTING_BAR_S = 2.0


class Contest:
    """Both sides on the same cells, with the check that they found the same."""

    def __init__(self, cells: int, place: Path) -> None:
        self.gammas = [round(0.5 + 0.4 * cell / cells, 6) for cell in range(cells)]
        self.place = place
        self.studies = 0
        self.cooperation: dict[str, list[list[float]]] = {}
        self.training: list[float] = []

    def study(self, gammas: Sequence[float] | None = None, rounds: int = ROUNDS) -> float:
        """Seconds of a study, in a folder and a store of its own."""
        self.studies += 1
        out = self.place / str(self.studies) / "study"
        sweep = Sweep(grid={"agent.gamma": self.gammas if gammas is None else gammas})
        run = {"rounds": rounds, "evaluation_rounds": EVALUATION_ROUNDS, "seeds": list(SEEDS)}
        study = Study(name="speed", base={"run": run}, sweep=sweep)
        elapsed = seconds(lambda: run_study(study, out))
        found = load_study(out)
        require(found.status == "complete", f"the study is complete, not {found.status}: {found.failed}")
        if gammas is None:
            self._keep("study", found.outcome("cooperation_rate").tolist())
        return elapsed

    def start(self) -> float:
        """Seconds of a study in which there is next to nothing to play, with as many workers as in the others."""
        return self.study(gammas=self.gammas[:2], rounds=50)

    def trainer(self) -> float:
        """Seconds of the compiled trainer for the rounds of the study."""
        window = -(-ROUNDS // 40)  # as cells have it
        training, rates = 0.0, []

        def work() -> None:
            nonlocal training
            for gamma in self.gammas:
                trainer = IQLTrainer(MPGGConfig(), IQLConfig(gamma=gamma), SEEDS, ROUNDS, window=window)
                training += seconds(lambda trainer=trainer: trainer.advance(ROUNDS))
                record = trainer.evaluate(EVALUATION_ROUNDS)
                rates.append((record.cooperators.mean(axis=1) / trainer.config.n_agents).tolist())

        elapsed = seconds(work)
        self.training.append(training)
        self._keep("trainer", rates)
        return elapsed

    def _keep(self, side: str, rates: list[list[float]]) -> None:
        self.cooperation[side] = rates
        both = list(self.cooperation.values())
        require(bool(np.allclose(both[0], both[-1], rtol=0, atol=1e-6)), "both sides cooperate alike in every seed")


def run(quick: bool) -> list[Figure]:
    """Times of both sides, their ratio, and how long a large study takes to read."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        return [*_speed(place, quick), *_large(place, 3 if quick else 5)]


def _speed(place: Path, quick: bool) -> list[Figure]:
    cells, repetitions = (6, 3) if quick else (40, 2)
    contest = Contest(cells, place)
    contest.start()  # compiles, if need be
    times = in_turn(
        {"start": contest.start, "study": contest.study, "trainer": contest.trainer}, repetitions, warm_up=False
    )
    require(set(contest.cooperation) == {"study", "trainer"}, "both sides have run")
    rest = [(study - start) / cells for study, start in zip(times["study"], times["start"], strict=True)]
    amortised = [each + start / ISSUE_CELLS for each, start in zip(rest, times["start"], strict=True)]
    per_cell = tuple(trainer / cells for trainer in times["trainer"])
    rounds = f"{ROUNDS:,} rounds, {EVALUATION_ROUNDS:,} greedy ones, {len(SEEDS)} seeds"
    return [
        Figure(name=f"study of {cells} cells", values=times["study"], unit="s", note=f"cells of {rounds}"),
        Figure(name="trainer, the same rounds", values=times["trainer"], unit="s"),
        Figure(name="of which training", values=tuple(contest.training), unit="s"),
        Figure(name="study of 2 cells of 50 rounds", values=times["start"], unit="s", note="start and end of workers"),
        Figure(
            name="study / trainer",
            values=ratios(times["study"], times["trainer"]),
            unit="x",
            bar=None if quick else BAR,  # so few cells are played in little more time than the workers need to start
        ),
        Figure(
            name=f"study / trainer at {ISSUE_CELLS} cells",
            values=ratios(amortised, per_cell),
            unit="x",
            bar=BAR,
            note=f"with the start shared by {ISSUE_CELLS} cells in place of {cells}",
        ),
    ]


def _large(place: Path, repetitions: int) -> list[Figure]:
    path = place / "large"
    rows = write_study(path)
    tasks = {
        "info": lambda: python("-c", MPGG, "info", str(path)),
        "cells": lambda: seconds(lambda: _has(len(load_study(path).cells()), MANY_CELLS)),
        "outcomes": lambda: seconds(lambda: _has(len(load_study(path).outcomes()), MANY_CELLS * len(SEEDS))),
        "pandas": lambda: seconds(lambda: _has(len(pd.read_parquet(path / folder.OUTCOMES)), MANY_CELLS * len(SEEDS))),
        "table": lambda: seconds(lambda: _has(len(load_study(path).table(["cell", "efficiency"])), rows)),
    }
    times = in_turn(tasks, repetitions)
    names = {
        "info": f"mpgg info, {MANY_CELLS:,} cells",
        "cells": "load_study(...).cells()",
        "outcomes": "load_study(...).outcomes()",
        "pandas": "pandas.read_parquet, outcomes",
        "table": "load_study(...).table, 2 columns",
    }
    size = sum(file.stat().st_size for file in path.rglob("*.parquet")) / 1e6
    notes = {"info": f"in a process of its own; all files are checked, {size:,.0f} MB", "table": f"{rows:,} rows"}
    return [
        Figure(
            name=name,
            values=times[task],
            unit="s",
            bar=LISTING_BAR_S if task in ("info", "cells") else None,
            note=notes.get(task, ""),
        )
        for task, name in names.items()
    ]


def write_study(path: Path) -> int:
    """Writes the folder of a complete study of 10,000 cells with random numbers as results.

    Returns:
        Rows of its table of rounds.
    """
    side = round(MANY_CELLS**0.5)
    values = np.linspace(0.01, 0.99, side).tolist()
    study = Study(
        name="large",
        base={"run": {"seeds": list(SEEDS)}},
        sweep=Sweep(grid={"agent.gamma": values, "agent.eta": values}),
    )
    columns, names, rows = tables.SweptColumns(study), [], 0
    with folder.study_folder(path, study, path.parent / folder.STORE, [], replace=False) as manifest:
        for number in range(-(-MANY_CELLS // folder.PART_CELLS)):
            cells = range(number * folder.PART_CELLS, min(MANY_CELLS, (number + 1) * folder.PART_CELLS))
            for kind, rounds in ((folder.OUTCOMES, 1), (folder.TABLE, 41)):
                names.append(folder.part_name(kind, number))
                (path / names[-1]).parent.mkdir(exist_ok=True)
                tables.write_table(path / names[-1], _part(study, columns, cells, rounds))
            rows += len(cells) * len(SEEDS) * 41
        names.append(folder.CELLS)
        keys = {cell: [f"{cell:032x}"] for cell in range(MANY_CELLS)}
        seeds = dict.fromkeys(range(MANY_CELLS), len(SEEDS))
        tables.write_table(path / folder.CELLS, tables.cells_of(study, columns, keys, seeds))
        parts = {name: storage.file_checksum(path / name) for name in names}
        write_manifest(path, {**manifest, "status": "complete", "complete": MANY_CELLS, "parts": parts})
    return rows


def _part(study: Study, columns: tables.SweptColumns, cells: Sequence[int], rounds: int) -> pa.Table:
    """Random rows for some cells: one per seed, or one per seed and round."""
    rng = np.random.default_rng(cells[0])
    count = len(cells) * len(SEEDS) * rounds
    names = study.game_kind.study().help if rounds == 1 else MEASURES
    dtype = np.float64 if rounds == 1 else np.float32
    found = {
        **columns.columns(cells, [len(SEEDS) * rounds] * len(cells)),
        "seed": np.tile(np.repeat(np.array(SEEDS), rounds), len(cells)),
        "round": np.tile(np.arange(rounds), len(cells) * len(SEEDS)),
        **{name: rng.random(count, dtype) for name in names},
    }
    return pa.table(found if rounds > 1 else {name: found[name] for name in found if name != "round"})


def _has(found: int, expected: int) -> None:
    require(found == expected, f"there are {expected:,} rows, got {found:,}")
