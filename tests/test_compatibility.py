"""The README's table is what the stacks' tests saw, and the pinned sets are what they claim to be."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.interop import records
from tests.interop.table import HEAD, README, table, with_table

ROOT = Path(__file__).resolve().parents[1]
PINS = sorted((records.HERE / "pins").glob("*.txt"))
# Older builds of torch bring gigabytes of CUDA along, so the floors are tested with the pinned one.
NOT_AT_ITS_FLOOR = {"torch"}
GOOD: records.Entry = {
    **{
        "stack": "Stack",
        "version": "1.0",
        "algorithm": "PPO",
        "door": "parallel_env",
        "masks": "enforced",
        "illegal": 0,
    },
    **{"example": "random_play.py", "note": "", "date": "2026-11-20", "python": "3.11.7"},
}


def _pins(path: Path) -> dict[str, Version]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    names_and_versions = [re.fullmatch(r"([\w.-]+)==([\w.]+)(?: *;.*)?", line) for line in lines]
    assert all(names_and_versions), f"{path.name} may hold lines name==version alone, no builds of one index: {lines}"
    return {canonicalize_name(match[1]): Version(match[2]) for match in names_and_versions if match}


def test_the_table_in_the_readme_is_what_the_tests_saw() -> None:
    readme = README.read_text(encoding="utf-8")
    assert readme == with_table(readme), "make test-interop renews the table"


@pytest.mark.parametrize("stack", records.modules())
def test_what_is_recorded_can_stand_in_the_table(stack: str) -> None:
    entries = records.read(stack)
    assert entries, f"nothing recorded: make test-interop STACK={stack if stack in records.stacks_apart() else 'core'}"
    for entry in entries:
        records.check(entry)
        assert entry["example"] in records.examples_of(stack)


def test_every_record_has_its_test() -> None:
    assert {path.stem for path in records.SEEN.glob("*.json")} <= set(records.modules())


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("masks", "none", "masks must be one of"),
        ("illegal", 3, "illegal must be 0"),
        ("illegal", 0.0, "illegal must be 0"),
        ("version", "", "version must not be empty"),
        ("example", "nothing.py", "example must be the name of a file"),
        ("date", "yesterday", "yesterday"),
        ("colour", "red", "colour"),
    ],
)
def test_entries_that_cannot_stand_in_the_table(field: str, value: object, message: str) -> None:
    records.check(GOOD)
    with pytest.raises(ValueError, match=message):
        records.check({**GOOD, field: value})  # type: ignore[dict-item]


def test_a_version_that_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError, match="version must be a string, got 2"):
        records.check({**GOOD, "version": 2})


def test_the_table_joins_algorithms_and_keeps_doors_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "SEEN", tmp_path)
    monkeypatch.setattr(records, "modules", lambda: ["second", "first"])
    records.write("first", [{**GOOD, "algorithm": "DQN"}, GOOD, {**GOOD, "door": "other", "note": "slow"}])
    records.write("second", [{**GOOD, "stack": "another", "masks": "joint actions"}])
    link = "[`random_play.py`](examples/random_play.py)"
    assert table() == HEAD + (
        f"| another | 1.0 | PPO | parallel_env | joint actions | {link} | 2026-11-20 |\n"
        f"| Stack | 1.0 | PPO | other; slow | enforced | {link} | 2026-11-20 |\n"
        f"| Stack | 1.0 | DQN, PPO | parallel_env | enforced | {link} | 2026-11-20 |\n"
    )
    records.write("second", [])
    assert table().count("\n") == 4
    with pytest.raises(ValueError, match=r"README\.md must have each of the lines"):
        with_table("no markers")


@pytest.mark.parametrize("stack", records.stacks_apart())
def test_the_recorded_versions_are_the_pinned_ones(stack: str) -> None:
    pinned = {str(version) for version in _pins(records.HERE / "pins" / f"{stack}.txt").values()}
    assert {entry["version"] for entry in records.read(stack)} <= pinned, f"make test-interop STACK={stack}"


@pytest.mark.parametrize("path", PINS, ids=lambda path: path.stem)
def test_pinned_sets_hold_the_test_tools_and_not_the_package(path: Path) -> None:
    pins = _pins(path)
    assert {"pytest", "hypothesis", "numpy", "pettingzoo", "gymnasium", "numba"} <= pins.keys()
    assert "mpgg-env" not in pins
    assert path.stem == "floors" or path.stem in records.modules(), "pins without a test"


@pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="the tests of the wheel have no pyproject.toml")
def test_the_floors_are_the_declared_ones() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [text for name in ("deep", "equilibria") for text in project["optional-dependencies"][name]]
    declared = [Requirement(text) for text in project["dependencies"] + extras]
    pins = _pins(records.HERE / "pins" / "floors.txt")
    assert len(declared) >= 13
    for requirement in declared:
        (floor,) = [Version(part.version) for part in requirement.specifier if part.operator == ">="]
        name = canonicalize_name(requirement.name)
        if name in NOT_AT_ITS_FLOOR:
            assert pins[name] > floor
        else:
            assert pins[name] == floor, name
