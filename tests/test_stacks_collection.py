"""Which stacks' tests are collected, and what is recorded of them: pytest on a small copy of the set-up."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interop import records
from tests.interop.table import BEGIN, END, HEAD

MAKEFILE = records.HERE.parents[1] / "Makefile"
OF_THE_CORE = """
def test_works(seen):
    seen(stack="Near", version="1", algorithm="A", door="d", masks="enforced", illegal=0, example="near.py")
"""
APART = """
import pytest
def test_works(seen):
    seen(stack="Apart", version="1", algorithm="A", door="d", masks="joint actions", illegal=0, example="apart.py")
def test_fails_later(seen):
    seen(stack="Apart", version="1", algorithm="B", door="d", masks="joint actions", illegal=0, example="apart.py")
    assert False
def test_skips():
    pytest.skip("no library")
def test_plays_illegal_actions(seen):
    seen(stack="Apart", version="1", algorithm="C", door="d", masks="joint actions", illegal=1, example="apart.py")
def test_has_an_example_of_another(seen):
    other = "near" + ".py"
    seen(stack="Apart", version="1", algorithm="D", door="d", masks="joint actions", illegal=0, example=other)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with one core stack, `near`, and one apart, `apart`, of which an old line is recorded."""
    here = tmp_path / "tests" / "interop"
    for path in (here / "pins", here / "seen", tmp_path / "examples"):
        path.mkdir(parents=True)
    for name in ("conftest.py", "records.py"):
        shutil.copy(records.HERE / name, here / name)
    (here / "test_near.py").write_text(OF_THE_CORE)
    (here / "test_apart.py").write_text(APART)
    (here / "pins" / "apart.txt").touch()
    (here / "seen" / "apart.json").write_text('[{"algorithm": "old"}]')
    for name in ("near.py", "apart.py"):
        (tmp_path / "examples" / name).touch()
    return tmp_path


def _pytest(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", "-p", "no:cacheprovider", *arguments]
    # Loading hypothesis, which these tests do not use, would take most of the time of so short a run.
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    return done.stdout + done.stderr


def _recorded(folder: Path, stack: str) -> list[str]:
    path = folder / "tests" / "interop" / "seen" / f"{stack}.json"
    return [entry["algorithm"] for entry in json.loads(path.read_text())] if path.exists() else []


def test_only_the_core_is_collected_unless_asked(folder: Path) -> None:
    assert "1 passed" in _pytest(folder)
    assert "1 passed" in _pytest(folder, "tests/interop", "--stack", "core")
    assert "4 failed, 1 passed" in _pytest(folder, "tests/interop/test_apart.py")
    assert _recorded(folder, "near") == []
    assert _recorded(folder, "apart") == ["old"]


def test_what_passes_is_recorded_and_replaces_what_was(folder: Path) -> None:
    shown = _pytest(folder, "tests/interop", "--stack", "apart", "--record")
    assert "4 failed, 1 passed" in shown
    assert "a test of a stack must not be skipped" in shown
    assert "illegal must be 0" in shown
    assert "test_apart.py must name its example itself, got 'near.py'" in shown
    assert _recorded(folder, "apart") == ["A"]
    assert _recorded(folder, "near") == []


def test_a_stack_whose_library_is_absent_fails_and_leaves_the_table(folder: Path) -> None:
    (folder / "tests" / "interop" / "test_apart.py").write_text(
        "import pytest\npytest.importorskip('nothing_at_all')\n"
    )
    assert "1 error" in _pytest(folder, "tests/interop", "--stack", "apart", "--record")
    assert _recorded(folder, "apart") == []


@pytest.fixture
def broken_python(folder: Path) -> Path:
    """A Python that can make no environment, in a repository with the scripts and a README."""
    here = folder / "tests" / "interop"
    for name in ("run.sh", "environment.sh", "example.sh", "table.py"):
        shutil.copy(records.HERE / name, here / name)
    (folder / "README.md").write_text(BEGIN + END)
    (folder / "examples" / "near.py").write_text("import sys\nprint(sys.argv[1:])\n")
    python = folder / "python"
    python.write_text(f'#!/bin/sh\n[ "$2" = venv ] && exit 1\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return python


def _script(folder: Path, name: str, *arguments: str) -> tuple[int, str]:
    command = ["sh", f"tests/interop/{name}", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_stack_that_cannot_be_installed_leaves_the_table(folder: Path, broken_python: Path) -> None:
    status, shown = _script(folder, "run.sh", str(broken_python), "apart")
    assert status == 1
    assert "passed: none; failed: apart" in shown
    assert _recorded(folder, "apart") == []
    assert (folder / "README.md").read_text() == BEGIN + "\n" + HEAD + "\n" + END


def test_what_was_recorded_before_a_failure_goes_and_what_it_recorded_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "SEEN", folder / "tests" / "interop" / "seen")
    begun, record = folder / "begun", records.SEEN / "apart.json"
    begun.touch()
    for age, left in ((1, ["old"]), (-1, [])):  # seconds after the beginning
        os.utime(record, (begun.stat().st_mtime + age,) * 2)
        records.main("drop", "apart", str(begun))
        assert _recorded(folder, "apart") == left


def test_an_example_runs_where_its_libraries_are(folder: Path, broken_python: Path) -> None:
    assert _script(folder, "example.sh", str(broken_python), "near", "one", "two") == (0, "['one', 'two']\n")
    status, shown = _script(folder, "example.sh", str(broken_python), "apart")
    assert status == 1
    assert "installing .venv-interop/apart from tests/interop/pins/apart.txt" in shown
    status, shown = _script(folder, "example.sh", str(broken_python), "other")
    assert status == 1
    assert "the example must be one of apart, near, got 'other'" in shown


@pytest.mark.skipif(not MAKEFILE.exists(), reason="the tests of the wheel have no Makefile")
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ["test-interop", "STACK=other"],
            "STACK must be one of: core agilerl benchmarl rllib tianshou floors; got: other",
        ),
        (["test-interop", "STACK=rllib other"], "got: rllib other"),
        (["example", "NAME=other"], "NAME must be one of: agilerl_maddpg "),
        (["example"], "got: ."),
    ],
)
def test_make_refuses_unknown_names_before_anything_is_installed(arguments: list[str], text: str) -> None:
    # A make that runs the tests hands its settings on, and a make within it would say where it works.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "--dry-run", "VENV=no/such/environment", *arguments]
    done = subprocess.run(
        command, cwd=MAKEFILE.parent, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert text in done.stderr
    assert done.stdout == ""


def test_unknown_stacks_and_partial_records_are_refused(folder: Path) -> None:
    assert "--stack must be one of core, apart, near, got 'other'" in _pytest(
        folder, "tests/interop", "--stack", "other"
    )
    for arguments in (
        [],
        ["--stack", "near", "-k", "works"],
        ["--stack", "near", "tests/interop/test_near.py::test_works"],
    ):
        assert "it needs --stack, and all its tests" in _pytest(folder, "tests/interop", "--record", *arguments)
