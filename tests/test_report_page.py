"""The page of a run in a real browser: what it shows equals the data, and it can be used with mouse and keyboard."""

import csv
import io
import json
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mpgg_agents.experiments import load_run
from mpgg_agents.experiments.report_page.command import write_report
from mpgg_agents.experiments.report_page.content import (
    Board,
    Column,
    Fact,
    Lattice,
    Page,
    Picture,
    Quantity,
    Scene,
    Setting,
    SettingsGroup,
    Table,
)
from mpgg_agents.experiments.report_page.rendering import page_bytes
from mpgg_agents.experiments.run import new_session
from mpgg_env import DilemmaWarning
from tests.browser import launched, visited
from tests.tiny_run import tiny

pytestmark = pytest.mark.browser

HOSTILE = "<script>alert(1)</script>, \"'&amp;</textarea>--><b onmouseover=alert(2)>Größe 大きさ \u2028\u202eحجم"
FOLDER = "<img src=x onerror=alert(1)>\"'& 日本語"
WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")
# A picture of one red pixel; SVG may hold scripts, which do not run in an image.
SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(3)</script><rect width="9"
height="9" fill="red"/></svg>"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as started:
        yield started


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A run in a folder and by a command whose names are hostile."""
    folder = tmp_path_factory.mktemp("report") / FOLDER
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DilemmaWarning)
        with new_session(tiny(figures=False), folder, command=["mpgg", HOSTILE]) as session:
            session.play()
    return load_run(folder)


@pytest.fixture(scope="module")
def report(run: Any) -> Path:
    return write_report(run.path)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page whose every text is hostile."""
    file = tmp_path_factory.mktemp("hostile") / "page.html"
    file.write_bytes(page_bytes(hostile_page()))
    return file


def hostile_page() -> Page:
    places = np.arange(4, dtype=np.float64)
    scene = Scene(
        cell=HOSTILE,
        phase=HOSTILE,
        lattice=Lattice(shape=(2, 2), terms={HOSTILE: places}, marks={3: HOSTILE}),
        seeds=[HOSTILE, f"other {HOSTILE}"],
        starts=np.array([0, 1]),
        ends=np.array([1, 2]),
        layers={HOSTILE: np.ones((2, 2, 4), np.uint8)},
    )
    scenes = [scene, replace(scene, cell=f"2 {HOSTILE}"), replace(scene, phase=f"2 {HOSTILE}")]
    quantities = [Quantity(name=HOSTILE, over=HOSTILE), Quantity(name="plain", over=HOSTILE)]
    setting = Setting(name=HOSTILE, value={HOSTILE: [HOSTILE]}, default=HOSTILE, mark=HOSTILE, help=HOSTILE)
    return Page(
        name="hostile",
        title=HOSTILE,
        subtitle=HOSTILE,
        description=[HOSTILE],
        facts=[Fact(name=HOSTILE, value=HOSTILE), Fact(name="long", value="w" * 3000)],
        board=Board(title=HOSTILE, time=HOSTILE, scenes=scenes, quantities=quantities, notes=[HOSTILE]),
        pictures=[Picture(file="a.svg", caption=HOSTILE, content=SVG)],
        tables=[
            Table(
                name="hostile",
                title=HOSTILE,
                columns=[Column(name=HOSTILE, help=HOSTILE), Column(name="b")],
                rows=[[HOSTILE, HOSTILE], ["=1+1", 0.1], ["nan", float("nan")], ["inf", float("inf")], ["two", 2]],
                notes=[HOSTILE],
                meanings={HOSTILE: HOSTILE},
            )
        ],
        settings=[SettingsGroup(title=HOSTILE, settings=[setting])],
        files=[Fact(name=HOSTILE, value=HOSTILE)],
    )


def choose(page: Any, name: str, label: str) -> None:
    page.locator(f"[data-choice={name}] select").select_option(label=label)


def move(page: Any, frame: int) -> None:
    """Moves the slider as its arrow keys do."""
    page.locator("#time").press("Home")
    for _ in range(frame):
        page.locator("#time").press("ArrowRight")


def amounts(page: Any) -> list[str]:
    """What the places show, by their number; the lowest row is the last one of the table."""
    rows = page.evaluate(
        "[...document.querySelectorAll('#places tr')].map((row) =>"
        " [...row.querySelectorAll('.amount')].map((amount) => amount.textContent))"
    )
    return [text for row in reversed(rows) for text in row]


def assert_shown(page: Any, expected: Any, digits: int) -> None:
    shown = amounts(page)
    assert len(shown) == len(expected)
    for text, value in zip(shown, np.asarray(expected, np.float64).tolist(), strict=True):
        if np.isnan(value):
            assert text == "–"  # noqa: RUF001 - an en dash
        else:
            assert len(text.partition(".")[2]) == digits
            assert abs(float(text) - value) <= 0.5 * 10**-digits + 1e-6


@pytest.mark.parametrize(("phase", "label"), [("train", "training"), ("greedy", "greedy rounds")])
def test_the_grid_shows_the_casinos_of_the_run(browser: Any, run: Any, report: Path, phase: Any, label: str) -> None:
    series = run.casinos(phase)
    frames = len(series["round"])
    assert frames == {"train": 12, "greedy": 3}[phase]
    with visited(browser, report) as page:
        choose(page, "phase", label)
        assert page.locator("#time").get_attribute("max") == str(frames - 1)
        for replica, seed in enumerate(run.seeds):
            choose(page, "seed", f"seed {seed}")
            for frame in {0, 1, frames - 1}:
                move(page, frame)
                occupancy, cooperators = (series[name][replica, frame] for name in ("occupancy", "cooperators"))
                for name, values, digits in (
                    ("agents", occupancy, 2),
                    ("cooperators", cooperators, 2),
                    ("share of cooperators", cooperators / np.where(occupancy > 0, occupancy, np.nan), 3),
                ):
                    choose(page, "quantity", name)
                    assert_shown(page, values, digits)


def test_the_grid_shows_means_over_the_seeds(browser: Any, run: Any, report: Path) -> None:
    series = run.casinos()
    with visited(browser, report) as page:
        move(page, 4)
        occupancy, cooperators = (series[name][:, 4].astype(np.float64) for name in ("occupancy", "cooperators"))
        assert_shown(page, occupancy.mean(axis=0), 2)
        choose(page, "quantity", "share of cooperators")
        assert_shown(page, cooperators.sum(axis=0) / occupancy.sum(axis=0), 3)
        assert "rounds 200 to 249" in page.locator("#now").inner_text()
        assert page.locator("#time").get_attribute("aria-valuetext") == "rounds 200 to 249"


def test_every_place_has_its_cost_and_gain_and_darker_is_more(browser: Any, run: Any, report: Path) -> None:
    with visited(browser, report) as page:
        texts = page.locator("#places td").all_inner_texts()
        lines = [text.split("\n")[1:] for text in texts]
        order = np.arange(6).reshape(2, 3)[::-1].reshape(-1)  # the row of the highest cost is on top
        assert lines == [[f"cost {run.cost[m]:.3g}", f"gain {run.gain[m]:.3g}"] for m in order]
        levels = page.evaluate(
            "[...document.querySelectorAll('#places td')].map((cell) => Number(cell.style.getPropertyValue('--level')))"
        )
        occupancy = run.casinos()["occupancy"].mean(axis=0)
        np.testing.assert_allclose(levels, occupancy[0, order] / occupancy.max(), atol=1e-6)


def test_play_advances_and_stops_at_the_end(browser: Any, report: Path) -> None:
    with visited(browser, report) as page:
        page.clock.install()
        play, time = page.locator("#play"), page.locator("#time")
        play.click()
        assert (play.inner_text(), play.get_attribute("aria-pressed"), time.input_value()) == ("Pause", "true", "0")
        page.clock.run_for(2 * 800)  # twelve windows in more than 8 seconds: each 0.8 seconds
        assert time.input_value() == "2"
        assert "rounds 100 to 149" in page.locator("#now").inner_text()
        play.click()
        page.clock.run_for(8000)
        assert (play.inner_text(), time.input_value()) == ("Play", "2")
        play.click()
        page.clock.run_for(20_000)
        assert (play.inner_text(), play.get_attribute("aria-pressed"), time.input_value()) == ("Play", "false", "11")
        play.click()
        assert time.input_value() == "0"


def test_the_grid_is_used_with_the_keyboard(browser: Any, report: Path) -> None:
    with visited(browser, report) as page:
        page.clock.install()
        order = []
        for _ in range(12):
            page.keyboard.press("Tab")
            order.append(
                page.evaluate(
                    "(({ id, closest }, one) => one.id || one.closest('[data-choice]')?.dataset.choice || one.className"
                    " || one.textContent)({}, document.activeElement)"
                )
            )
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        assert order[:5] == ["Casinos over time", "Figures", "Tables", "Settings", "Data"]
        assert order[5:11] == ["phase", "seed", "quantity", "play", "time", "scroll"]
        page.locator("#play").focus()
        page.keyboard.press("Space")
        assert page.locator("#play").inner_text() == "Pause"
        page.keyboard.press("Tab")
        page.keyboard.press("Space")  # on the slider too
        assert page.locator("#play").inner_text() == "Play"
        for key, value in (("End", "11"), ("ArrowLeft", "10"), ("Home", "0"), ("ArrowRight", "1"), ("ArrowUp", "2")):
            page.keyboard.press(key)
            assert page.locator("#time").input_value() == value
        assert "rounds 100 to 149" in page.locator("#now").inner_text()


def test_what_moves_moves_less_where_that_is_asked_for(browser: Any, report: Path, hostile: Path) -> None:
    with visited(browser, hostile) as page:
        assert page.evaluate("getComputedStyle(document.querySelector('#places td')).transitionDuration") == "0.08s"
    with visited(browser, report, reduced_motion="reduce") as page:
        assert page.evaluate("getComputedStyle(document.querySelector('#places td')).transitionDuration") == "0s"


def column_texts(page: Any, table: Any, column: int) -> list[str]:
    texts: list[str] = table.locator(f"tbody tr > :nth-child({column + 1})").all_inner_texts()
    return texts


def test_tables_are_sorted_by_mouse_and_keyboard(browser: Any, hostile: Path) -> None:
    with visited(browser, hostile) as page:
        table = page.locator("table.sortable")
        head = table.locator("th[scope=col]").nth(1)
        names = [HOSTILE, "=1+1", "nan", "inf", "two"]
        assert head.get_attribute("aria-sort") == "none"
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == "ascending"
        # Numbers, then words, then what is not known, which comes last in both orders.
        assert data_order(page) == [1, 4, 3, 0, 2]
        head.locator("button").focus()
        page.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == "descending"
        assert data_order(page) == [0, 3, 4, 1, 2]
        table.locator("th[scope=col]").nth(0).locator("button").press("Space")
        assert head.get_attribute("aria-sort") == "none"
        assert column_texts(page, table, 0)[-1] == "two"
        assert sorted(data_order(page)) == list(range(len(names)))


def data_order(page: Any) -> list[int]:
    """Where the rows of the hostile table stand in its data."""
    shown = column_texts(page, page.locator("table.sortable"), 0)
    rows = [str(row[0]) for row in hostile_page().tables[0].rows]
    found = page.evaluate("content.tables[0].rows.map((row) => row[0])")
    assert found == rows
    return [
        next(k for k, text in enumerate(rows) if text.split("\u2028")[0] == one.split("\u2028")[0]) for one in shown
    ]


def test_a_sorted_table_is_in_the_order_of_its_numbers(browser: Any, run: Any, report: Path) -> None:
    measures = run.config.game_kind.report().tables(run)[0]
    means = {name: float(np.mean(row.values[0])) for name, row in measures.rows.items()}
    with visited(browser, report) as page:
        table = page.locator("table.sortable").first
        assert column_texts(page, table, 0) == list(means)
        for order in (1, -1):
            table.locator("th[scope=col] button").nth(1).click()
            assert column_texts(page, table, 0) == sorted(means, key=lambda name: order * means[name])
        for name, text in zip(column_texts(page, table, 0), column_texts(page, table, 1), strict=True):
            assert text == f"{means[name]:.4g}"


def downloaded(page: Any, button: Any) -> tuple[str, bytes]:
    with page.expect_download() as download:
        button.click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


def test_a_table_is_downloaded_with_all_its_digits(browser: Any, run: Any, report: Path) -> None:
    measures = run.config.game_kind.report().tables(run)[0]
    with visited(browser, report) as page:
        _, content = downloaded(page, page.locator("[data-download=table]").first)
    head, *rows = rows_of(content)
    assert head == ["measure", *(f"{name}{spread}" for name in measures.columns for spread in ("", " SD"))]
    assert [row[0] for row in rows] == list(measures.rows)
    for row, measure in zip(rows, measures.rows.values(), strict=True):
        expected = [number for values in measure.values for number in (values.mean(), values.std(ddof=1))]
        assert [float(text) for text in row[1:]] == [float(number) for number in expected]


def test_the_numbers_of_the_grid_are_downloaded(browser: Any, run: Any, report: Path) -> None:
    with visited(browser, report) as page:
        _, content = downloaded(page, page.locator("[data-download=board]"))
        _, whole = downloaded(page, page.locator("[data-download=page]"))
    head, *rows = rows_of(content)
    assert head[:9] == ["cell", "phase", "seed", "first round", "last round", "row", "column", "cost", "gain"]
    assert head[9:] == ["agents", "share of cooperators", "cooperators"]
    at, scenes = 0, json.loads(whole)["board"]["scenes"]
    for phase, label, scene in zip(("train", "greedy"), ("training", "greedy rounds"), scenes, strict=True):
        series = run.casinos(phase)
        shape = series["occupancy"].shape
        part = rows[at : at + int(np.prod(shape))]
        at += len(part)
        assert {row[1] for row in part} == {label} == {scene["phase"]}
        assert [row[2] for row in part[:: shape[1] * shape[2]]] == [f"seed {seed}" for seed in run.seeds]
        assert [int(row[3]) for row in part[: shape[1] * shape[2] : shape[2]]] == series["round"].tolist()
        for name, column in (("occupancy", 9), ("cooperators", 11)):
            numbers = np.array([float(row[column]) for row in part], np.float32).reshape(shape)
            np.testing.assert_array_equal(numbers, series[name])
            np.testing.assert_array_equal(np.array(scene["numbers"][head[column]], np.float32), series[name])
        np.testing.assert_array_equal([float(row[7]) for row in part[: shape[2]]], run.cost)
        np.testing.assert_array_equal([float(row[8]) for row in part[: shape[2]]], run.gain)
    assert at == len(rows)


def test_the_page_is_downloaded_and_so_are_its_figures(browser: Any, run: Any, report: Path) -> None:
    with visited(browser, report) as page:
        _, content = downloaded(page, page.locator("[data-download=page]"))
        links = page.locator("figure a.save")
        names = [image.get_attribute("data-file") for image in page.locator("figure img").all()]
        assert len(names) == links.count() > 4
        _, figure = downloaded(page, links.nth(2))
        sizes = page.evaluate("[...document.querySelectorAll('figure img')].map((image) => image.naturalWidth)")
        assert all(sizes)
        assert all(image.get_attribute("alt") for image in page.locator("figure img").all())
    assert figure == (run.path / "figures" / str(names[2])).read_bytes()
    whole = json.loads(content)
    assert whole["name"] == run.path.name
    settings = run.config.to_dict()
    assert whole["settings"] == {name.capitalize(): settings[name] for name in ("game", "agent", "run")}
    assert whole["facts"]["Checksum of the results"] == run.manifest["results_checksum"]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_is_as_wide_as_the_window(browser: Any, report: Path, hostile: Path, width: int, scheme: Any) -> None:
    for file in (report, hostile):
        with visited(browser, file, width, color_scheme=scheme) as page:
            assert page.evaluate("document.documentElement.scrollWidth") == width
            for image in page.locator("figure img").all():
                assert image.bounding_box()["width"] <= width
            assert page.evaluate("parseFloat(getComputedStyle(document.querySelector('td')).fontSize)") >= 11


@pytest.mark.parametrize("scheme", SCHEMES)
def test_letters_stand_out_on_every_colour(browser: Any, report: Path, scheme: Any) -> None:
    """A contrast of 4.5, as WCAG 2.2 demands in 1.4.3; its formula of the relative luminance."""
    with visited(browser, report, color_scheme=scheme) as page:
        colours = page.evaluate(CONTRASTS)
        assert len(colours) == 201
        for ground, letters in colours:
            assert contrast(ground, letters) >= 4.5
        (ground, ink), (_, muted) = page.evaluate("shades(['body', '.note'])")
        assert contrast(ground, ink) >= 7
        assert contrast(ground, muted) >= 4.5


CONTRASTS = """
(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgb = (colour) => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  window.shades = (names) => names.map((name) => [
    rgb(getComputedStyle(document.body).backgroundColor), rgb(getComputedStyle(document.querySelector(name)).color),
  ]);
  const cell = document.querySelector("#places td");
  cell.style.transition = "none";
  const crossover = Number(getComputedStyle(cell).getPropertyValue("--crossover"));
  return Array.from({ length: 201 }, (_, step) => {
    cell.style.setProperty("--level", step / 200);
    cell.classList.toggle("strong", step / 200 > crossover);
    const style = getComputedStyle(cell);
    return [rgb(style.backgroundColor), rgb(style.color)];
  });
})()
"""


def contrast(one: list[int], other: list[int]) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: list[int]) -> float:
    parts = [value / 255 for value in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_hostile_text_shows_as_text(browser: Any, run: Any, report: Path, hostile: Path) -> None:
    with visited(browser, report) as page:
        assert page.locator("h1").text_content() == f"Run {run.path.name}"
        assert run.path.name == FOLDER
        command = page.locator(".facts div", has_text="Command").locator("dd").text_content()
        assert command == "mpgg '" + HOSTILE.replace("'", "'\"'\"'") + "'"
        assert page.title() == f"Run {FOLDER}"
    with visited(browser, hostile) as page:
        for place in ("h1", "h2 >> nth=0", "h3 >> nth=0", "figcaption", ".facts dt >> nth=0", ".facts dd >> nth=0"):
            assert HOSTILE in (page.locator(place).text_content() or "")
        for place in (
            "#now",
            "#highest",
            "#places td >> nth=0",
            "#places td >> nth=3",
            ".settings summary",
            "#data dl",
        ):
            assert HOSTILE in (page.locator(place).text_content() or "")
        for name in ("cell", "phase", "seed", "quantity"):
            assert HOSTILE in page.locator(f"[data-choice={name}] option").all_text_contents()[-2]
        table = page.locator("table.sortable")
        assert table.locator("tbody td").first.text_content() == HOSTILE
        assert table.locator("thead th").first.text_content().strip() == HOSTILE.strip()
        assert page.locator("figure img").get_attribute("alt") == HOSTILE
        assert page.locator("script").count() == 2  # its data and its own
        _, content = downloaded(page, page.locator("[data-download=table]"))
        assert rows_of(content)[1] == [HOSTILE, HOSTILE]
        assert page.evaluate("content.description[0]") == HOSTILE


def test_a_script_in_the_page_does_not_run(browser: Any, hostile: Path, tmp_path: Path) -> None:
    """If something were not escaped after all, the page's policy would stop it."""
    file = tmp_path / "changed.html"
    file.write_text(
        hostile.read_text().replace(
            "<main>", "<main><script>window.ran = 1</script><img src=x onerror='window.ran = 2'>"
        )
    )
    with pytest.raises(AssertionError, match="policy: script-src"), visited(browser, file) as page:
        assert page.evaluate("window.ran") is None


def test_a_page_prints_without_its_controls(browser: Any, report: Path) -> None:
    with visited(browser, report) as page:
        page.emulate_media(media="print")
        for place in ("nav", ".controls", ".player", "[data-download]", "a.save"):
            assert not page.locator(place).first.is_visible()
        for place in ("h1", "#places", "figure img", "table.sortable", ".settings summary"):
            assert page.locator(place).first.is_visible()
        assert page.pdf(format="A4").startswith(b"%PDF")
