"""What the tests of the stacks saw: one JSON file per test module in `seen/`, and which modules there are.

`python -m tests.interop.records stack-of EXAMPLE` prints in which environment an example runs, and
`python -m tests.interop.records drop STACK FILE` removes what was recorded of a stack before FILE was written.

A test module `test_<stack>.py` with a file `pins/<stack>.txt` needs an environment of its own; the others are the core
stacks, whose libraries are in the development set.
"""

import json
import re
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parents[1] / "examples"
SEEN = HERE / "seen"
MASKS = ("enforced", "joint actions")
TEXTS = ("stack", "version", "algorithm", "door", "masks", "example", "note", "date", "python")
CORE = "core"
FIELDS = {*TEXTS, "illegal"}
MAY_BE_EMPTY = "note"

Entry = dict[str, str | int]


def modules() -> list[str]:
    """The stacks that have a test module here."""
    return sorted(path.stem.removeprefix("test_") for path in HERE.glob("test_*.py"))


def stacks_apart() -> list[str]:
    """The stacks with a test module that no single environment holds together."""
    return [stack for stack in modules() if (HERE / "pins" / f"{stack}.txt").exists()]


def stacks_of_the_core() -> list[str]:
    """The stacks whose libraries are in the development set."""
    return [stack for stack in modules() if stack not in stacks_apart()]


def examples_of(stack: str) -> set[str]:
    """The files in `examples/` that a stack's test module names."""
    text = (HERE / f"test_{stack}.py").read_text(encoding="utf-8")
    return {name for name in re.findall(r"[\"'](?:examples/)?(\w+\.py)[\"']", text) if (EXAMPLES / name).exists()}


def stack_of(example: str) -> str:
    """The environment of an example, named without ".py": a stack apart, or the core.

    Raises:
        ValueError: There is no such example.
    """
    known = sorted(path.stem for path in EXAMPLES.glob("*.py"))
    if example not in known:
        raise ValueError(f"the example must be one of {', '.join(known)}, got {example!r}")
    return next((stack for stack in stacks_apart() if f"{example}.py" in examples_of(stack)), CORE)


def check(entry: Entry) -> None:
    """Raises ValueError or TypeError that names the field if an entry cannot stand in the table."""
    if entry.keys() != FIELDS:
        raise ValueError(f"an entry has the fields {sorted(FIELDS)}, got {sorted(entry)}")
    for field in TEXTS:
        if not isinstance(entry[field], str):
            raise TypeError(f"{field} must be a string, got {entry[field]!r}")
        if field != MAY_BE_EMPTY and not entry[field]:
            raise ValueError(f"{field} must not be empty")
    if entry["masks"] not in MASKS:
        raise ValueError(f"masks must be one of {MASKS}, got {entry['masks']!r}")
    if type(entry["illegal"]) is not int or entry["illegal"] != 0:
        raise ValueError(
            f"illegal must be 0, since no stack of the table plays illegal actions, got {entry['illegal']!r}"
        )
    if not (EXAMPLES / str(entry["example"])).is_file():
        raise ValueError(f"example must be the name of a file in examples/, got {entry['example']!r}")
    date.fromisoformat(str(entry["date"]))


def _key(entry: Entry) -> tuple[str, ...]:
    return tuple(str(entry[field]) for field in ("stack", "algorithm", "door", "example"))


def read(stack: str) -> list[Entry]:
    """What was last recorded by a stack's test module; nothing if it never was."""
    path = SEEN / f"{stack}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def write(stack: str, entries: Sequence[Entry]) -> None:
    """Replaces what is recorded of a stack: what its tests no longer show is gone from the table as well."""
    path = SEEN / f"{stack}.json"
    if not entries:
        path.unlink(missing_ok=True)
        return
    SEEN.mkdir(exist_ok=True)
    text = json.dumps(sorted(entries, key=_key), indent=2, sort_keys=True, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def drop_older(stack: str, file: Path) -> None:
    """Removes the records of a stack, or of all of the core, that were written before a file: its last run failed."""
    for name in stacks_of_the_core() if stack == CORE else [stack]:
        path = SEEN / f"{name}.json"
        if path.exists() and path.stat().st_mtime_ns < file.stat().st_mtime_ns:
            path.unlink()


def main(command: str, *arguments: str) -> None:
    """Runs one of the two commands that the scripts use."""
    if command == "stack-of":
        print(stack_of(*arguments))  # noqa: T201 - what the command is for
    elif command == "drop":
        drop_older(arguments[0], Path(arguments[1]))
    else:
        raise ValueError(f"the command must be stack-of or drop, got {command!r}")


if __name__ == "__main__":
    main(*sys.argv[1:])
