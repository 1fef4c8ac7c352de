"""Studies of very many cells stay usable: what is done for each cell is counted, since times tell little in a test."""

import itertools
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mpgg_agents.experiments import folder as run_folder
from mpgg_agents.experiments.settings import Experiment
from mpgg_agents.experiments.study import folder, reader, session, tables
from mpgg_agents.experiments.study.figures.gathering import Gathering
from mpgg_agents.experiments.study.listing import listing
from mpgg_agents.experiments.study.session import run_study
from mpgg_agents.experiments.study.settings import Study
from mpgg_agents.experiments.study.store import Store, play_cell
from mpgg_agents.experiments.study.sweep import Sweep, SweepError
from small_study import BASE, small_study, table_bytes

Count = Callable[[Any, str], Counter[str]]


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Count:
    """Counts the calls of a function by the text of their first argument."""

    def counted(owner: Any, name: str) -> Counter[str]:
        calls: Counter[str] = Counter()
        original = getattr(owner, name)

        def call(*arguments: Any, **named: Any) -> Any:
            calls[str(arguments[0])] += 1
            return original(*arguments, **named)

        monkeypatch.setattr(owner, name, call)
        return calls

    return counted


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the runs of the small study, which were played in this process."""
    path = tmp_path_factory.mktemp("large")
    token = path / "token"
    token.touch()
    for cell in small_study().cells:
        assert play_cell(path / "store", cell.experiment.to_dict(), 1, token).end == "complete"
    return path / "store"


@pytest.fixture(scope="module")
def done(store: Path) -> Path:
    """The folder of the small study."""
    assert run_study(small_study(), store.parent / "done", store=store).complete == 4
    return store.parent / "done"


def test_the_tables_open_every_run_once(
    store: Path, tmp_path: Path, count: Count, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "PART_CELLS", 2)  # so that there are parts to be opened again
    opened, keys = count(session, "load_run"), count(session, "key_of")
    run_study(small_study(), tmp_path / "study", store=store)
    assert sorted(opened.values()) == [1] * 4
    assert len(keys) == keys.total() == 4


def test_a_complete_study_goes_on_without_opening_a_run_or_starting_a_worker(
    done: Path, tmp_path: Path, count: Count
) -> None:
    out = Path(shutil.copytree(done, tmp_path / "study"))
    before = table_bytes(out)
    calls = [
        count(session, "load_run"),
        count(session, "play_cells"),
        count(Store, "status"),
        count(tables, "outcomes_of"),
        count(tables, "records_of"),
    ]
    # Not even the store is needed.
    assert run_study(small_study(), out, store=tmp_path / "nowhere").complete == 4
    assert [counted.total() for counted in calls] == [0] * 5
    assert table_bytes(out) == before


def test_reading_a_study_makes_no_experiment_and_checks_every_file_once(done: Path, count: Count) -> None:
    made, checked = count(Experiment, "build"), count(reader, "check_file")
    assert "4 of 4 cells complete" in listing(done)
    assert set(checked.values()) == {1}
    study = reader.load_study(done)
    checked.clear()
    for _ in range(2):
        assert len(study.cells()) == 4
        assert study.outcomes().num_rows == study.outcome("efficiency").size == 4 * 3
        assert study.table(["cell"]).num_rows == 4 * 3 * 4
        assert Gathering(study).outcomes == study.outcome_names
    study.verify()
    assert checked == dict.fromkeys((str(done / name) for name in study.manifest["parts"]), 1)
    assert made.total() == 0
    assert [run.seeds for run in study.runs(0)] == [(5, 6, 7)]
    assert made.total() == 1  # of the run that is opened, none of the cells


def test_what_is_done_for_a_cell_does_not_grow_with_their_number(
    tmp_path: Path, count: Count, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A study whose runs all seem to be there already; no tables are made of them."""
    looks: Counter[str] = Counter()

    class Watched(session._Progressed):
        def __getattribute__(self, name: str) -> Any:
            looks[name] += 1
            return super().__getattribute__(name)

    monkeypatch.setattr(session, "_Progressed", Watched)
    monkeypatch.setattr(Store, "status", lambda self, key: "complete")
    monkeypatch.setattr(session._StudySession, "_write_part", lambda self, number: None)
    monkeypatch.setattr(folder, "PART_CELLS", 8)
    saved = count(run_folder.storage, "write_bytes")
    cells = 400
    sweep = Sweep(grid={"agent.gamma": [cell / cells for cell in range(cells)]})
    assert run_study(Study(name="many", base=BASE, sweep=sweep), tmp_path / "study").complete == cells
    assert max(looks.values()) < 30 * cells
    assert saved.total() < 10  # the manifest is not written for each cell


def test_thousands_of_values_are_compared_by_their_hashes() -> None:
    compared = itertools.count()

    class Word(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            next(compared)
            return str.__eq__(self, other)

    words = [Word(number) for number in range(3000)]
    assert len(Sweep(grid={"agent.words": words})) == 3000
    assert next(compared) < 3000
    with pytest.raises(SweepError, match=r"agent\.words must be distinct values, got '7' twice"):
        Sweep(grid={"agent.words": [*words, Word(7)]})
    with pytest.raises(SweepError, match=r"agent\.layers must be distinct values, got \[2\] twice"):
        Sweep(grid={"agent.layers": [[1], 1, [2], [2]]})
    with pytest.raises(SweepError, match=r"agent\.number must be distinct values, got 1\.0 twice"):
        Sweep(grid={"agent.number": [1, 2, 1.0]})
