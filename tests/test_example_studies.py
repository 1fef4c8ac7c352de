"""The studies that ship: files are right, a tiny version of each runs to its figures, and pages show what exists."""

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from mpgg_agents.experiments.settings import all_notes
from mpgg_agents.experiments.study.figures.draw import study_figure_set
from mpgg_agents.experiments.study.figures.spec import FigureSpec
from mpgg_agents.experiments.study.file import read_study_file
from mpgg_agents.experiments.study.reader import load_study
from mpgg_agents.experiments.study.settings import Study
from mpgg_env import DilemmaWarning
from small_study import played

ROOT = Path(__file__).resolve().parents[1]
STUDIES = ROOT / "examples" / "studies"
FILES = sorted(STUDIES.glob("*.toml"))
PAGES = sorted(STUDIES.glob("*.md"))
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
TINY = {"rounds": 12, "evaluation_rounds": 4, "window": 6, "record_every": 6, "seeds": [0, 1]}

pytestmark = pytest.mark.skipif(not FILES, reason="the tests of the wheel do not have the examples")


def read(path: Path) -> Study:
    with warnings.catch_warnings():
        for note in all_notes():
            warnings.simplefilter("ignore", note)
        return read_study_file(path)


def shown(study: Study) -> dict[str, list[Any]]:
    """The values that figures ask for, of each field."""
    values: dict[str, list[Any]] = {}
    for figure in study.figures:
        for name, value in FigureSpec.from_dict(figure).fixed.items():
            values.setdefault(name, []).append(value)
    return values


def tiny(study: Study) -> Study:
    """The same study with a few rounds, two seeds, and one value of each field but those that figures ask for."""
    values, wanted = study.to_dict(), shown(study)
    panel = {"panel_rounds": 4} if "panel_rounds" in values["run"] else {}
    sweep: dict[str, Any] = values["sweep"]
    grid = {name: wanted.get(name) or list(given[:1]) for name, given in study.sweep.grid.items()}
    rows = [row for row in study.sweep.rows if all(row[name] in wanted.get(name, [row[name]]) for name in row)][:2]
    cut = sweep | ({"grid": nested(grid)} if grid else {}) | ({"list": [nested(row) for row in rows]} if rows else {})
    if "sample" in sweep:
        cut["sample"] = sweep["sample"] | {"count": 2}
    return Study.from_dict(values | {"run": values["run"] | TINY | panel, "sweep": cut})


def nested(fields: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    sections: dict[str, dict[str, Any]] = {}
    for name, value in fields.items():
        section, _, own = name.partition(".")
        sections.setdefault(section, {})[own] = value
    return sections


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_tiny_version_of_each_study_runs_to_its_figures(path, tmp_path):
    study = read(path)
    assert study.title
    assert study.description
    assert study.figures
    assert len(study.cells[0].seeds) == 20
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DilemmaWarning)
        small = tiny(study)
        outcome = played(small, tmp_path / "study", store=tmp_path / "store")
        assert (outcome.complete, outcome.failed) == (outcome.cells, {})
        figures = study_figure_set(load_study(tmp_path / "study"))
        assert sorted(figures.drawers) == sorted(FigureSpec.from_dict(figure).name for figure in study.figures)
        found = figures.read()
        for draw in figures.drawers.values():
            assert isinstance(draw(found), Figure)


def test_every_study_is_in_the_index_and_has_its_command_on_a_page():
    index = (STUDIES / "README.md").read_text()
    pages = "".join(path.read_text() for path in PAGES if path.name != "README.md")
    for path in FILES:
        assert f"| [{path.stem}](" in index
        assert f"mpgg sweep examples/studies/{path.name} --out runs/{path.stem}\n" in pages
        assert f"]({path.name})" in pages


@pytest.mark.skipif(
    not (STUDIES.parents[1] / "docs").is_dir(), reason="the tests of the wheel have only some of the repository's files"
)
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_what_the_pages_show_and_point_to_exists(path):
    for link in LINK.findall(path.read_text()):
        assert (path.parent / link).exists(), link
