"""The page of a study: its numbers are those of its tables and runs, its text is text, and its grid has every cell."""

import base64
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mpgg_agents.cli import main
from mpgg_agents.experiments.folder import write_manifest
from mpgg_agents.experiments.report_page import study_page
from mpgg_agents.experiments.report_page.command import write_report
from mpgg_agents.experiments.statistics import summary
from mpgg_agents.experiments.study.reader import load_study
from mpgg_agents.experiments.study.settings import Stop
from mpgg_agents.experiments.study.sweep import Sweep
from tests.browser import launched, visited
from tests.small_study import BASE, played, small_study

HOSTILE = "<script>alert(1)</script>\"'&amp;--> Größe 大きさ \u202eحجم"
FIGURE = {"kind": "heat", "x": "agent.gamma", "y": "game.boundary", "metric": "efficiency", "caption": HOSTILE}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("study") / "small"
    texts = {"title": f"Corridor {HOSTILE}", "description": f"What? {HOSTILE}\n\nSecond paragraph."}
    played(small_study(**texts, figures=[FIGURE]), out)
    return load_study(out)


@pytest.fixture(scope="module")
def report(study: Any) -> Path:
    return write_report(study.path)


@pytest.fixture(scope="module")
def content(report: Path) -> dict[str, Any]:
    """What the scripts of the page read."""
    text = re.search(r'<script type="application/json" id="content">(.*?)</script>', report.read_text(), re.DOTALL)
    assert text is not None
    found: dict[str, Any] = json.loads(text[1])
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as started:
        yield started


def table_of(content: dict[str, Any], name: str) -> tuple[list[str], list[list[Any]]]:
    table = next(table for table in content["tables"] if table["name"] == name)
    return [column["name"] for column in table["columns"]], table["rows"]


def test_the_table_of_the_cells_sums_up_their_seeds(study: Any, content: dict[str, Any]) -> None:
    head, rows = table_of(content, "cells")
    assert [row[:4] for row in rows] == [
        [0, 0.0, "torus", 3],
        [1, 0.0, "wall", 3],
        [2, 0.5, "torus", 3],
        [3, 0.5, "wall", 3],
    ]
    outcomes = study.outcomes().to_pydict()
    for name in ("cooperation_rate", "efficiency", "mean_payoff"):
        for row in rows:
            seeds = [value for cell, value in zip(outcomes["cell"], outcomes[name], strict=True) if cell == row[0]]
            found = summary(np.array(seeds))
            assert row[head.index(f"{name} mean")] == pytest.approx(sum(seeds) / 3, rel=1e-12)
            assert row[head.index(f"{name} median")] == sorted(seeds)[1]
            for statistic in ("mean_low", "mean_high", "median_low", "median_high", "iqm", "iqm_low", "iqm_high"):
                assert row[head.index(f"{name} {statistic.replace('_', ' ')}")] == getattr(found, statistic)


def test_every_cell_is_compared_with_the_first(study: Any, content: dict[str, Any]) -> None:
    head, rows = table_of(content, "comparison-efficiency")
    values = study.outcome("efficiency")
    assert [row[0] for row in rows] == [1, 2, 3]
    for row in rows:
        assert row[head.index("difference")] == pytest.approx((values[row[0]] - values[0]).mean(), rel=1e-9)
        assert row[head.index("pairs")] == 3
        assert row[head.index("p")] <= row[head.index("corrected p")] <= 1


def test_the_grid_has_the_casinos_of_every_cell(study: Any, content: dict[str, Any]) -> None:
    scenes = content["board"]["scenes"]
    cells = [f"{k}: gamma {gamma}, boundary {side}" for k, (gamma, side) in enumerate(study_points())]
    assert [(scene["cell"], scene["phase"]) for scene in scenes] == [
        (cell, phase) for cell in cells for phase in ("training", "greedy rounds")
    ]
    for number, scene in enumerate(scenes):
        (run,) = study.runs(number // 2)
        series = run.casinos(("train", "greedy")[number % 2])
        lengths = np.array(scene["ends"]) - scene["starts"]
        assert scene["pooled"] == 3
        for name in ("occupancy", "cooperators"):
            layer = scene["layers"][name]
            sums = np.frombuffer(base64.b64decode(layer["base64"]), f"<{layer['type']}").reshape(-1, 4)
            np.testing.assert_allclose(sums / (3 * lengths[:, None]), series[name].mean(axis=0), atol=1e-5)


def study_points() -> list[tuple[str, str]]:
    return [(gamma, side) for gamma in ("0", "0.5") for side in ("torus", "wall")]


def test_swept_fields_and_settings_are_told(content: dict[str, Any], report: Path) -> None:
    _, rows = table_of(content, "sweep")
    assert rows == [["agent.gamma", "grid", 2, "0.0; 0.5"], ["game.boundary", "grid", 2, "torus; wall"]]
    text = report.read_text()
    assert re.findall(r"<code>(\w+)</code> <span class=\"value\">([^<]*)</span> <mark>swept</mark>", text) == [
        ("boundary", "torus wall"),
        ("gamma", "0.0 0.5"),
    ]
    assert content["settings"]["Game"]["n_agents"] == BASE["game"]["n_agents"]


def test_equal_studies_have_equal_pages(study: Any, report: Path, tmp_path: Path) -> None:
    """Played later, by another command, with its figures drawn anew."""
    out = tmp_path / "small"
    texts = {"title": study.study.title, "description": study.study.description}
    played(small_study(**texts, figures=[FIGURE]), out, command=["mpgg", "sweep", "other.toml"])
    assert main(["report", str(out)]) == 0
    assert (out / "report.html").read_bytes() == report.read_bytes()


def test_what_a_page_has_no_room_for_is_told(study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_page, "MOST_ROWS", 3)
    monkeypatch.setattr(study_page, "MOST_BOARDS", 2)
    page = study_page.study_page(study)
    assert page.board is not None
    assert page.board.notes[-1] == "To keep the page small, the grid has the first 2 of 4 cells."
    assert len({scene.cell for scene in page.board.scenes}) == 2
    cells = next(table for table in page.tables if table.name == "cells")
    assert (len(cells.rows), list(cells.notes)) == (
        3,
        ["To keep the page small, 1 more are not shown; the files named below have all."],
    )


def test_a_cell_of_several_runs_is_shown_as_one(tmp_path: Path) -> None:
    stop = Stop(metric="efficiency", half_width=1e-9, batch=2)
    played(
        small_study(sweep=Sweep(), stop=stop, base={**BASE, "run": {**BASE["run"], "seeds": [5, 6, 7, 8]}}),
        tmp_path / "small",
    )
    study = load_study(tmp_path / "small")
    first, second = study.runs(0)
    board = study.study.game_kind.page().board({"0": [first, second]})
    assert board is not None
    scene = board.scenes[0]
    assert (list(scene.seeds), scene.pooled) == (["mean over 4 seeds"], 4)
    expected = np.concatenate([run.casinos()["occupancy"] for run in (first, second)]).mean(axis=0)
    shown = scene.layers["occupancy"][0] / (4 * (scene.ends - scene.starts)[:, None])
    np.testing.assert_allclose(shown, expected, atol=1e-5)


def test_a_study_without_its_store_has_a_page_without_a_grid(study: Any, tmp_path: Path) -> None:
    shutil.copytree(study.path, tmp_path / "alone" / "small")
    text = write_report(tmp_path / "alone" / "small").read_text()
    assert "The store of the runs, ../store, is not there" in text
    assert 'id="play"' not in text
    assert "Outcomes of the cells" in text


def test_a_study_without_results_has_a_page_of_its_settings(study: Any, tmp_path: Path) -> None:
    shutil.copytree(study.path, tmp_path / "small")
    write_manifest(tmp_path / "small", {**study.manifest, "status": "running", "complete": 0, "parts": {}})
    page = study_page.study_page(load_study(tmp_path / "small"))
    assert (page.board, list(page.pictures)) == (None, [])
    assert [table.name for table in page.tables] == ["sweep"]
    assert {fact.name: fact.value for fact in page.facts}["Cells with results"] == "0 of 4"


@pytest.mark.browser
def test_the_grid_shows_the_cell_that_is_chosen(browser: Any, study: Any, report: Path) -> None:
    with visited(browser, report) as page:
        cell = page.locator("[data-choice=cell] select")
        cell.select_option(label="3: gamma 0.5, boundary wall")
        page.locator("#time").press("End")
        (run,) = study.runs(3)
        expected = run.casinos()["occupancy"][:, -1].mean(axis=0).reshape(2, 2)[::-1].reshape(-1)
        shown = [float(text) for text in page.locator("#places .amount").all_inner_texts()]
        np.testing.assert_allclose(shown, expected, atol=0.005 + 1e-6)
        assert page.locator("#now").inner_text().startswith("3: gamma 0.5, boundary wall, training, mean over 3 seeds")


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_the_text_of_a_study_shows_as_text(browser: Any, study: Any, report: Path, width: int) -> None:
    with visited(browser, report, width) as page:
        assert page.locator("h1").text_content() == study.study.title
        assert page.locator(".description").all_text_contents() == [f"What? {HOSTILE}", "Second paragraph."]
        assert HOSTILE in page.locator("figcaption").text_content()
        assert page.locator("figure img").get_attribute("alt") == HOSTILE
        assert page.evaluate("document.documentElement.scrollWidth") == width
