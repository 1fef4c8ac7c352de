"""Which stacks' tests are collected, and the record of what they saw.

`pytest tests` collects the core stacks. Another stack is collected alone, in its own environment, when `--stack` or its
path asks for it. An absent library is a failure: a skip would leave a stack in the README's table that no longer works.
"""

import platform
from collections.abc import Callable, Generator
from datetime import date
from pathlib import Path

import pytest

from tests.interop import records

PASSED = pytest.StashKey[bool]()
RECORDED = pytest.StashKey[dict[str, list[records.Entry]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("stacks")
    group.addoption("--stack", help=f"collect the tests of this stack alone, or of all {records.CORE} stacks")
    group.addoption("--record", action="store_true", help="write what the stack's tests saw to tests/interop/seen/")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RECORDED] = {}
    stack, known = _option(config, "stack"), [records.CORE, *records.modules()]
    if stack and stack not in known:
        raise pytest.UsageError(f"--stack must be one of {', '.join(known)}, got {stack!r}")
    if _option(config, "record"):
        some_tests = _option(config, "keyword") or _option(config, "markexpr") or "::" in " ".join(config.args)
        if some_tests or not stack:
            raise pytest.UsageError(
                "--record replaces all that is known of a stack: it needs --stack, and all its tests"
            )


def _option(config: pytest.Config, name: str) -> str | bool | None:
    """An option's value; None where this file was read too late to declare it, as it is by a plain `pytest`."""
    return config.getoption(name, None)


def _wanted(config: pytest.Config) -> list[str]:
    asked = _option(config, "stack") or records.CORE
    return records.stacks_of_the_core() if asked == records.CORE else [str(asked)]


def _stack_of(path: Path) -> str:
    return path.stem.removeprefix("test_")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if collection_path.match("test_*.py") and _stack_of(collection_path) not in _wanted(config):
        return True
    return None


def _forbid_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome, report.longrepr = "failed", f"a test of a stack must not be skipped: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _forbid_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _forbid_skip(report)
    item.stash[PASSED] = report.passed and item.stash.get(PASSED, True)
    return report


@pytest.fixture
def seen(request: pytest.FixtureRequest) -> Generator[Callable[..., None], None, None]:
    """Notes a line of the README's table; it is kept if the whole test passes and pytest runs with `--record`.

    Arguments, all by name: stack, version, algorithm, door (through what the stack sees the game), masks ("enforced" or
    "joint actions"), illegal (illegal actions seen, which must be 0), example (a file in `examples/`), and maybe note.
    """
    stack, entries = _stack_of(request.path), []

    def note(**fields: str | int) -> None:
        entry: records.Entry = {"note": "", **fields, "date": str(date.today()), "python": platform.python_version()}
        records.check(entry)
        if entry["example"] not in records.examples_of(stack):
            raise ValueError(f"{request.path.name} must name its example itself, got {entry['example']!r}")
        entries.append(entry)

    yield note
    if request.node.stash.get(PASSED, False):
        request.config.stash[RECORDED].setdefault(stack, []).extend(entries)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Replaces the records of the stacks asked for, unless the user broke off: what failed is not in them any more."""
    broken_off = exitstatus == pytest.ExitCode.INTERRUPTED and not session.testsfailed
    if _option(session.config, "record") and not _option(session.config, "collectonly") and not broken_off:
        for stack in _wanted(session.config):
            records.write(stack, session.config.stash[RECORDED].get(stack, []))
