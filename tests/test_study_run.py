"""Studies that are played: what their tables hold, that nothing is played twice, and what goes wrong on the way."""

import errno
import itertools
import json
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mpgg_agents.errors import TrainingError
from mpgg_agents.experiments import storage
from mpgg_agents.experiments.folder import RunFolderError
from mpgg_agents.experiments.run import train_run
from mpgg_agents.experiments.session import Session
from mpgg_agents.experiments.settings import Experiment
from mpgg_agents.experiments.study import session
from mpgg_agents.experiments.study.execution import Workers
from mpgg_agents.experiments.study.figures.draw import study_figures
from mpgg_agents.experiments.study.listing import listing
from mpgg_agents.experiments.study.reader import load_study
from mpgg_agents.experiments.study.settings import Stop
from mpgg_agents.experiments.study.store import RESULTS_VERSION, Store, key_of
from mpgg_agents.experiments.study.sweep import Sweep
from small_study import BASE, BOUNDARIES, GAMMAS, played, small_study, table_bytes


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the study, played without any disturbance."""
    out = tmp_path_factory.mktemp("study") / "small"
    outcome = played(small_study(), out)
    assert (outcome.complete, outcome.cells, outcome.failed, outcome.signal) == (4, 4, {}, None)
    return out


def test_the_table_has_what_runs_of_their_own_measure(done: Path, tmp_path: Path) -> None:
    table = pd.read_parquet(done / "table")
    assert len(table) == 4 * 3 * (60 // 20 + 1)
    outcomes = pd.read_parquet(done / "outcomes")
    for number, (gamma, boundary) in enumerate(itertools.product(GAMMAS, BOUNDARIES)):
        changes = {
            "game": {"boundary": boundary},
            "agent": {"gamma": gamma},
            "run": {"figures": False, "panel_rounds": 0},
        }
        alone = train_run(Experiment.build(BASE, changes), tmp_path / str(number)).path
        expected = pd.read_parquet(alone / "metrics.parquet")
        cell = table[table["cell"] == number]
        assert (cell["agent.gamma"] == gamma).all()
        assert (cell["game.boundary"] == boundary).all()
        pd.testing.assert_frame_equal(cell[expected.columns].reset_index(drop=True), expected)
        greedy = expected[expected["phase"] == "greedy"].set_index("seed")["cooperation_rate"]
        found = outcomes[outcomes["cell"] == number].set_index("seed")["cooperation_rate"]
        assert found.to_dict() == pytest.approx(greedy.to_dict())


def test_a_study_reads_back_as_it_was_written(done: Path) -> None:
    study = load_study(done)
    study.verify()
    assert study.study == small_study()
    assert study.status == "complete"
    cells = study.cells().to_pylist()
    assert [(cell["agent.gamma"], cell["game.boundary"]) for cell in cells] == list(
        itertools.product(GAMMAS, BOUNDARIES)
    )
    assert [cell["seeds"] for cell in cells] == [3] * 4
    values = study.outcome("efficiency")
    assert values.shape == (4, 3)
    by_hand = pd.read_parquet(done / "outcomes").sort_values(["cell", "seed"])["efficiency"].to_numpy().reshape(4, 3)
    assert np.array_equal(values, by_hand)
    (run,) = study.runs(2)
    assert run.seeds == (5, 6, 7)
    assert run.config.agent.gamma == GAMMAS[1]
    with pytest.raises(ValueError, match=r"cell must be in \[0, 3\], got 4"):
        study.runs(4)


def test_nothing_is_played_twice_and_studies_share_a_store(
    done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions: list[Path] = []
    play = Session.play
    monkeypatch.setattr(Session, "play", lambda self, stop=None: sessions.append(self.run.path) or play(self, stop))
    store = done.parent / "store"
    played(small_study(), tmp_path / "again", store=store)
    assert sessions == []
    assert table_bytes(tmp_path / "again") == table_bytes(done)
    larger = small_study(name="larger", sweep=Sweep(grid={"game.boundary": BOUNDARIES, "agent.gamma": [*GAMMAS, 0.9]}))
    played(larger, tmp_path / "larger", store=store)
    assert len(sessions) == 2  # gamma = 0.9 at two boundaries


def test_a_complete_study_needs_its_store_no_more(done: Path, tmp_path: Path) -> None:
    out = tmp_path / "moved"
    played(small_study(), out, store=done.parent / "store")
    before = table_bytes(out)
    outcome = played(small_study(), out, store=tmp_path / "empty")
    assert outcome.complete == 4
    assert not (tmp_path / "empty").exists()
    assert table_bytes(out) == before
    # Boards are read from the runs.
    assert "occupancy" not in {figure.kind for figure in study_figures(load_study(out))}
    assert "occupancy" in {figure.kind for figure in study_figures(load_study(done))}


def test_workers_change_nothing(done: Path, tmp_path: Path) -> None:
    outcome = played(small_study(), tmp_path / "two", workers=Workers(jobs=2, threads=1))
    assert outcome.complete == 4
    assert table_bytes(tmp_path / "two") == table_bytes(done)


def test_seeds_come_in_batches_until_the_mean_is_known(tmp_path: Path) -> None:
    seeds = list(range(12))
    base = {**BASE, "run": {**BASE["run"], "seeds": seeds}}
    full = tmp_path / "full"
    played(small_study(base=base), full)
    values = load_study(full).outcome("cooperation_rate")
    widths = [
        [stats.t.ppf(0.975, count - 1) * row[:count].std(ddof=1) / np.sqrt(count) for count in (3, 6, 9, 12)]
        for row in values
    ]
    half = float(np.median([row[1] for row in widths]))  # two cells have enough after six seeds at the latest
    expected = [3 * next((at for at, width in enumerate(row, 1) if width <= half), 4) for row in widths]
    assert len(set(expected)) > 1  # the rule makes a difference
    stop = Stop(metric="cooperation_rate", half_width=half, batch=3)
    played(small_study(base=base, stop=stop), tmp_path / "stopped")
    study = load_study(tmp_path / "stopped")
    assert study.cells()["seeds"].to_pylist() == expected
    stopped = study.outcome("cooperation_rate")
    for number, count in enumerate(expected):
        assert np.array_equal(stopped[number, :count], values[number, :count])
        assert np.isnan(stopped[number, count:]).all()


def test_a_cell_whose_training_fails_is_told_and_the_others_are_played(
    done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = key_of(small_study().cells[1].experiment)
    play = Session.play

    def failing(self: Session, stop: Any = None) -> Any:
        if self.run.path.name == broken:
            raise TrainingError("the numbers are no longer finite")
        return play(self, stop)

    monkeypatch.setattr(Session, "play", failing)
    out = tmp_path / "small"
    outcome = played(small_study(), out)
    assert outcome.complete == 3
    assert outcome.failed == {1: "TrainingError: the numbers are no longer finite"}
    study = load_study(out)
    assert study.status == "failed"
    assert sorted(set(study.outcomes()["cell"].to_pylist())) == [0, 2, 3]
    assert np.isnan(study.outcome("efficiency")[1]).all()
    with pytest.raises(RunFolderError, match=r"cell 1 of .* has no complete run yet"):
        study.runs(1)
    monkeypatch.setattr(Session, "play", play)
    assert played(small_study(), out).complete == 4
    assert table_bytes(out) == table_bytes(done)


def test_a_full_disk_gives_one_error_and_loses_no_finished_cell(
    done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = key_of(small_study().cells[2].experiment)
    write = storage.write_file

    def refusing(path: Path, content: Any) -> None:
        if path.parent.name == full:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write(path, content)

    monkeypatch.setattr(storage, "write_file", refusing)
    out = tmp_path / "small"
    with pytest.raises(OSError, match="No space left on device"):
        played(small_study(), out)
    store = Store(tmp_path / "store")
    complete = [store.status(key_of(cell.experiment)) == "complete" for cell in small_study().cells]
    assert complete == [True, True, False, False]
    monkeypatch.setattr(storage, "write_file", write)
    assert played(small_study(), out).complete == 4
    assert table_bytes(out) == table_bytes(done)


def test_a_cell_that_another_process_plays_is_waited_for(done: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    experiment = small_study().cells[0].experiment
    place = store.place(key_of(experiment))
    place.mkdir(parents=True)
    with storage.locked(place):
        thread = threading.Thread(target=lambda: outcomes.append(played(small_study(), tmp_path / "small")))
        outcomes: list[Any] = []
        thread.start()
        deadline = time.monotonic() + 60
        others = [key_of(cell.experiment) for cell in small_study().cells[1:]]
        while any(store.status(key) != "complete" for key in others) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert store.status(place.name) == "absent"
        assert thread.is_alive()
    thread.join(60)
    assert outcomes[0].complete == 4
    assert table_bytes(tmp_path / "small") == table_bytes(done)


def test_one_process_at_a_time_works_on_a_folder(tmp_path: Path) -> None:
    out = tmp_path / "small"
    out.mkdir()
    with storage.locked(out), pytest.raises(storage.FolderInUseError, match="in use by another process"):
        played(small_study(), out)


def test_another_study_does_not_overwrite_a_folder_unless_asked(done: Path, tmp_path: Path) -> None:
    out, store = tmp_path / "small", done.parent / "store"
    played(small_study(), out, store=store)
    other = small_study(sweep=Sweep(grid={"agent.gamma": GAMMAS}))
    before = table_bytes(out)
    with pytest.raises(ValueError, match="is the folder of another study: sweep differ"):
        played(other, out, store=store)
    assert table_bytes(out) == before
    with pytest.raises(ValueError, match=r"sweep differ \(of sweep the order, too\)"):  # which numbers the cells
        played(small_study(sweep=Sweep(grid={"game.boundary": BOUNDARIES, "agent.gamma": GAMMAS})), out, store=store)
    assert table_bytes(out) == before
    assert played(other, out, store=store, replace=True).cells == 2
    assert len(load_study(out).cells()) == 2
    played(small_study(sweep=other.sweep, title="New title"), out, store=store)  # words may change
    assert load_study(out).study.title == "New title"


def test_an_interrupted_study_shows_what_it_has(done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "small"
    close = session._StudySession._close

    def interrupted(self: Any, *arguments: Any) -> None:
        close(self, *arguments)
        if sum(state.closed for state in self._cells) == 2:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(session._StudySession, "_close", interrupted)
    assert played(small_study(), out).signal == signal.SIGINT
    monkeypatch.undo()
    study = load_study(out)
    assert study.status == "interrupted"
    found = [number for number, cell in enumerate(study.cells()["seeds"].to_pylist()) if cell]
    assert 2 <= len(found) < 4
    np.testing.assert_array_equal(study.outcome("efficiency")[found], load_study(done).outcome("efficiency")[found])
    assert listing(out).splitlines()[-1].split()[0] == str(found[-1])  # the row of the last cell that it has
    assert played(small_study(), out).complete == 4
    assert table_bytes(out) == table_bytes(done)


def test_rows_of_other_rules_are_not_taken_for_those_of_now(
    done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "small"
    played(small_study(), out, store=done.parent / "store")
    monkeypatch.setattr(session, "RESULTS_VERSION", RESULTS_VERSION + 1)
    played(small_study(), out, store=tmp_path / "new")
    assert len(list((tmp_path / "new").glob("*/*/manifest.json"))) == 4
    assert load_study(out).manifest["results"] == RESULTS_VERSION + 1


def test_a_folder_that_is_a_link_or_was_moved_finds_its_store(done: Path, tmp_path: Path) -> None:
    out, store = tmp_path / "link", done.parent / "store"
    (tmp_path / "disk" / "real").mkdir(parents=True)
    out.symlink_to(tmp_path / "disk" / "real")
    played(small_study(), out, store=store)
    assert load_study(out).runs(0)[0].seeds == (5, 6, 7)
    (tmp_path / "deep" / "est").mkdir(parents=True)
    moved = (tmp_path / "disk" / "real").rename(tmp_path / "deep" / "est" / "real")
    with pytest.raises(RunFolderError, match=r"its store was .*; tell where it is now by mpgg sweep"):
        load_study(moved).runs(0)
    played(small_study(), moved, store=store)
    assert load_study(moved).runs(0)[0].seeds == (5, 6, 7)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="has other files"):
        played(small_study(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_changed_table_is_refused(done: Path, tmp_path: Path) -> None:
    out = tmp_path / "small"
    played(small_study(), out, store=done.parent / "store")
    part = out / "table" / "part-00000.parquet"
    part.write_bytes(part.read_bytes() + b" ")
    with pytest.raises(RunFolderError, match=r"part-00000\.parquet has been changed or is damaged"):
        load_study(out).table()
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["complete"] = 3
    (out / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RunFolderError, match="has been changed: it does not have its checksum"):
        load_study(out)
