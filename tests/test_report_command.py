"""`mpgg report` without a browser: the file that it writes, what of a run goes into it, and what it refuses."""

import base64
import hashlib
import json
import re
import shutil
import warnings
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mpgg_agents.cli import main
from mpgg_agents.experiments import load_run
from mpgg_agents.experiments.mpgg.measures import group_windows
from mpgg_agents.experiments.report_page.command import write_report
from mpgg_agents.experiments.report_page.content import Board, Lattice, Page, Picture, Quantity, Scene
from mpgg_agents.experiments.report_page.frames import fitted
from mpgg_agents.experiments.report_page.rendering import json_text, page_bytes
from mpgg_agents.experiments.report_page.text import number_text, setting_text
from mpgg_agents.experiments.run import new_session
from mpgg_env import DilemmaWarning
from tests import market_run, mean_field_run
from tests.tiny_run import snapshot, tiny


class Reader(HTMLParser):
    """The elements of a page with their attributes, and the text in each script and style."""

    def __init__(self, content: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[tuple[str, str]] = []
        self._open: str | None = None
        self.feed(content.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag if tag in ("script", "style") else None

    def handle_endtag(self, tag: str) -> None:
        self._open = None

    def handle_data(self, data: str) -> None:
        if self._open:
            self.inside.append((self._open, data))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("command") / "run"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DilemmaWarning)
        with new_session(tiny(figures=False), folder) as session:
            session.play()
    write_report(folder)
    return load_run(folder)


def content_of(file: Path) -> dict[str, Any]:
    """What the page's scripts read."""
    found: dict[str, Any] = json.loads(next(text for tag, text in Reader(file.read_bytes()).inside if text[0] == "{"))
    return found


def test_the_page_is_written_into_the_folder_or_elsewhere(run: Any, tmp_path: Path, capsys: Any) -> None:
    before = snapshot(run.path)
    assert main(["report", str(run.path), "--out", str(tmp_path / "a.html")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'a.html'}\n"
    assert snapshot(run.path) == before
    assert main(["report", str(run.path)]) == 0
    assert capsys.readouterr().out == f"{run.path / 'report.html'}\n"
    assert snapshot(run.path) == before  # with the same bytes again
    assert (tmp_path / "a.html").read_bytes() == (run.path / "report.html").read_bytes()


def test_missing_figures_are_drawn_and_others_are_left(run: Any, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run.path, copy)
    (copy / "figures" / "board.svg").unlink()
    (copy / "figures" / "payoff.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    write_report(copy, tmp_path / "page.html")
    assert (copy / "figures" / "board.svg").read_bytes() == (run.path / "figures" / "board.svg").read_bytes()
    pictures = {
        attributes["data-file"]: base64.b64decode(str(attributes["src"]).partition(",")[2])
        for tag, attributes in Reader((tmp_path / "page.html").read_bytes()).elements
        if tag == "img"
    }
    assert pictures == {path.name: path.read_bytes() for path in (copy / "figures").glob("*.svg")}
    assert len(pictures["payoff.svg"]) < 100


def test_the_page_is_one_file_whose_policy_names_its_own_script(run: Any) -> None:
    reader = Reader((run.path / "report.html").read_bytes())
    policy = next(
        str(attributes["content"])
        for tag, attributes in reader.elements
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    data, script = (text for tag, text in reader.inside if tag == "script")
    (style,) = (text for tag, text in reader.inside if tag == "style")
    hashes = {
        name: "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for name, text in (("script", script), ("style", style))
    }
    assert policy == (
        f"default-src 'none'; script-src '{hashes['script']}'; style-src '{hashes['style']}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    assert json.loads(data)["name"] == "run"
    for tag, attributes in reader.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        for name in ("src", "href"):
            assert str(attributes.get(name) or "#").startswith(("#", "data:")), tag


def test_every_setting_has_its_meaning_and_changed_ones_a_mark(run: Any) -> None:
    text = (run.path / "report.html").read_text()
    marked = re.findall(r"<code>(\w+)</code> <span class=\"value\">[^<]*</span> <mark>changed</mark>", text)
    assert marked == [
        "n_agents",
        "grid_shape",
        "seeds",
        "checkpoint_every",
        "figures",
        "rounds",
        "window",
        "evaluation_rounds",
    ]
    for section in (run.config.game, run.config.agent, run.config.run):
        for name, meaning in section.field_help().items():
            assert f"<code>{name}</code>" in text
            assert meaning.split("'")[0].split(">")[0].split("<")[0].split("&")[0] in text


def test_the_tables_are_those_of_info_and_the_outcomes_of_the_seeds(run: Any) -> None:
    content = content_of(run.path / "report.html")
    tables = run.config.game_kind.report().tables(run)
    for table, shown in zip(tables, content["tables"], strict=False):
        assert [row[0] for row in shown["rows"]] == list(table.rows)
        for row, measure in zip(shown["rows"], table.rows.values(), strict=True):
            for mean, deviation, values in zip(row[1::2], row[2::2], measure.values, strict=True):
                known = values[~np.isnan(values)]
                assert mean == (float(known.mean()) if len(known) else None)
                assert deviation == (float(known.std(ddof=1)) if len(known) > 1 else None)
    outcomes = content["tables"][len(tables)]
    assert [row[0] for row in outcomes["rows"]] == list(run.seeds)
    names = [column["name"] for column in outcomes["columns"]]
    greedy = run.last_rounds(run.config.run.evaluation_rounds, "greedy")
    assert [row[names.index("cooperation_rate")] for row in outcomes["rows"]] == pytest.approx(
        greedy["cooperation_rate"][:, 0].tolist(), nan_ok=True
    )


def test_a_run_that_is_not_complete_says_how_it_goes_on(tmp_path: Path) -> None:
    with new_session(tiny(), tmp_path / "run") as session:
        session._records.append(session.trainer.advance(200))
        session._checkpoint()
    write_report(tmp_path / "run")
    text = (tmp_path / "run" / "report.html").read_text()
    assert "200 of 600 rounds" in text
    assert "go on with: mpgg train --resume" in text
    assert content_of(tmp_path / "run" / "report.html")["tables"] == []


def test_a_mean_field_game_on_a_board_shows_its_agents(tmp_path: Path) -> None:
    run = session_of(mean_field_run.tiny("mpgg", "dnashq", {"grid_shape": (2, 1)}, response_iterations=0), tmp_path)
    board = run.config.game_kind.page().board({"": [run]})
    evolution = run.evolution(run.seeds[0])
    (scene,) = board.scenes
    assert (board.time, scene.starts.tolist(), scene.lattice.upward) == ("step", [0, 1, 2], True)
    assert [quantity.over for quantity in board.quantities] == list(scene.layers) == ["coalition 0", "coalition 1"]
    for coalition in range(2):
        np.testing.assert_array_equal(
            scene.layers[f"coalition {coalition}"][0], evolution[f"coalition_{coalition}"].astype(np.float32)
        )
    assert list(scene.lattice.terms) == ["cost", "gain"]
    assert list(scene.lattice.marks.values()) == ["best"]
    (best,) = scene.lattice.marks
    cost, gain = scene.lattice.terms.values()
    assert best == np.argmax(cost * (gain - 1))


@pytest.mark.parametrize(
    "experiment",
    [market_run.tiny(response_iterations=0), mean_field_run.tiny("cyber_security", "dnashq", response_iterations=0)],
    ids=["market", "cyber_security"],
)
def test_games_without_a_grid_have_a_page_without_one(tmp_path: Path, experiment: Any) -> None:
    run = session_of(experiment, tmp_path)
    content = content_of(write_report(run.path))
    assert content["board"] is None
    tables = run.config.game_kind.report().tables(run)
    assert [table["title"] for table in content["tables"]] == [*(each.title for each in tables), "Outcome of each seed"]
    for table, shown in zip(tables, content["tables"], strict=False):
        assert [row[:2] for row in shown["rows"]] == [
            [name, pytest.approx(float(measure.values[0].mean()), rel=1e-12)] for name, measure in table.rows.items()
        ]
    assert len(list((run.path / "figures").glob("*.svg"))) == len(run.config.game_kind.figure_set(run).drawers)


def session_of(experiment: Any, tmp_path: Path) -> Any:
    with new_session(experiment, tmp_path / "run") as session:
        session.play()
    return load_run(tmp_path / "run")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing"], "nothing is not a run folder: there is no such folder"),
        (["run", "--out", "run"], "run is a folder, not a file"),
        (["run", "--out", "no/page.html"], "cannot write no/page.html: no is no folder"),
        (["changed"], "casinos.npz has been changed"),
    ],
)
def test_what_cannot_be_done_is_refused(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("run", "changed"):
        shutil.copytree(run.path, tmp_path / name)
    with (tmp_path / "changed" / "casinos.npz").open("ab") as file:
        file.write(b"more")
    before = snapshot(tmp_path)
    assert main(["report", *words]) == 2
    assert message in capsys.readouterr().err
    assert snapshot(tmp_path) == before


def scene_of(windows: int, seeds: int = 20, places: int = 25, agents: int = 150) -> Scene:
    """Agents spread at random over the places, summed over windows of 100 rounds; half of them cooperate."""
    generator = np.random.default_rng(5)
    occupancy = generator.multinomial(100 * agents, [1 / places] * places, size=(seeds, windows)).astype(np.int64)
    starts = 100 * np.arange(windows)
    return Scene(
        cell="",
        phase="training",
        lattice=Lattice(shape=(places // 5, 5)),
        seeds=[f"seed {seed}" for seed in range(seeds)],
        starts=starts,
        ends=starts + 100,
        layers={"occupancy": occupancy, "cooperators": occupancy // 2},
    )


def test_a_default_run_goes_into_five_megabytes_whole() -> None:
    """A training of 100,000 rounds and 2,000 greedy ones of 20 seeds, in windows of 100 rounds; six large figures."""
    whole = [scene_of(1000), replace(scene_of(20), phase="greedy rounds")]
    scenes, notes = fitted(whole)
    assert not notes
    for scene, given in zip(scenes, whole, strict=True):
        for name, values in given.layers.items():
            np.testing.assert_array_equal(scene.layers[name], values)
    board = Board(title="board", time="round", scenes=scenes, quantities=[Quantity(name="a", over="occupancy")])
    pictures = [Picture(file=f"{k}.svg", caption="", content=b"x" * 200_000) for k in range(6)]
    page = Page(name="run", title="run", subtitle="", board=board, pictures=pictures)
    assert 2_700_000 < len(page_bytes(page)) < 5_000_000


def test_more_than_fits_is_shown_as_means_over_more_rounds() -> None:
    given = scene_of(103, seeds=3)
    (scene,), notes = fitted([given], 2 * 2 * 3 * 26 * 25)  # two layers of two bytes; room for 26 frames
    assert notes == ["To keep the page small, 4 successive windows are shown as one, by their mean."]
    assert (scene.starts.tolist(), scene.ends[-1]) == ([400 * k for k in range(26)], 10_300)
    for name, values in given.layers.items():
        lengths = np.full(103, 100)
        expected = group_windows(values / 100, lengths, 4)
        np.testing.assert_allclose(scene.layers[name] / (scene.ends - scene.starts)[:, None], expected, rtol=1e-12)


def test_much_more_is_shown_as_means_over_the_seeds() -> None:
    given = scene_of(103, seeds=30)
    (scene,), notes = fitted([given], 2 * 2 * 60 * 25)  # two layers of two bytes; room for 60 frames
    assert notes[-1] == "To keep the page small, the means over the seeds are shown, not single seeds."
    assert (scene.seeds, scene.pooled) == (["mean over 30 seeds"], 30)
    assert len(scene.starts) == 52
    assert scene.layers["occupancy"].sum() == given.layers["occupancy"].sum()


def test_a_board_without_room_is_left_out_in_words() -> None:
    scenes, notes = fitted([scene_of(10)], 10)
    assert scenes == []
    assert len(notes) == 1
    page = Page(
        name="run", title="run", subtitle="", board=Board(title="B", time="t", scenes=[], quantities=[], notes=notes)
    )
    assert notes[0] in page_bytes(page).decode()
    assert b'id="play"' not in page_bytes(page)


def test_json_in_a_script_ends_nothing() -> None:
    text = "</script><!--&\u2028\u2029\ud800é"
    written = json_text({text: [text, 0.1]})
    assert written.isascii()
    assert not set("<>&") & set(written)
    assert json.loads(written) == {text: [text, 0.1]}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"),
        (True, "yes"),
        (0.1, "0.1"),
        (1e-7, "1e-07"),
        ([0, 1, 2, 5, 7, 8, 9, 10], "0:3 5 7:11"),
        ([5, 5], "5 5"),
        ([1.5, 6.0], "1.5 6.0"),
        ([], "none"),
        ([{"name": "fine", "amount": 0.5}, {"name": "capacity"}], "name = fine, amount = 0.5; name = capacity"),
        ("<b>", "<b>"),
    ],
)
def test_settings_are_written_in_words(value: Any, text: str) -> None:
    assert setting_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.123456, "0.1235"), (None, "–"), (float("nan"), "–"), (12345.6, "12,346"), (1234, "1,234"), ("a", "a")],  # noqa: RUF001
)
def test_numbers_are_written_with_four_digits(value: Any, text: str) -> None:
    assert number_text(value) == text
