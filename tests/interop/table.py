"""The compatibility table of README.md, made from what the tests of the stacks saw.

`python -m tests.interop.table` prints it; with `--write` it takes its place in README.md, between the two markers.
"""

import argparse
from itertools import groupby

from tests.interop import records

README = records.HERE.parents[1] / "README.md"
BEGIN, END = "<!-- Written by `make test-interop`: begin -->\n", "<!-- Written by `make test-interop`: end -->\n"
HEAD = "| stack | version | algorithms | through | masks | example | seen working |\n|---|---|---|---|---|---|---|\n"


def _cells(entry: records.Entry) -> tuple[str, ...]:
    """All cells but that of the algorithms, which share a row where everything else is the same."""
    through = f"{entry['door']}; {entry['note']}" if entry["note"] else str(entry["door"])
    link = f"[`{entry['example']}`](examples/{entry['example']})"
    return str(entry["stack"]), str(entry["version"]), through, str(entry["masks"]), link, str(entry["date"])


def table() -> str:
    """The whole table in Markdown, one line per stack, door and example, in the order of the stacks' names."""
    entries = [entry for stack in records.modules() for entry in records.read(stack)]
    ordered = sorted(entries, key=lambda entry: (_cells(entry)[0].lower(), _cells(entry), str(entry["algorithm"])))
    rows = []
    for (stack, version, *others), group in groupby(ordered, _cells):
        algorithms = ", ".join(dict.fromkeys(str(entry["algorithm"]) for entry in group))
        rows.append(f"| {' | '.join((stack, version, algorithms, *others))} |\n")
    return HEAD + "".join(rows)


def with_table(readme: str) -> str:
    """The text of README.md with the table of today's records. Raises ValueError unless both markers are there once."""
    if readme.count(BEGIN) != 1 or readme.count(END) != 1:
        raise ValueError(f"README.md must have each of the lines {BEGIN!r} and {END!r} once")
    return readme.partition(BEGIN)[0] + BEGIN + "\n" + table() + "\n" + END + readme.partition(END)[2]


def main() -> None:
    """Prints the table or writes it into README.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="replace the table in README.md")
    if parser.parse_args().write:
        README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(table(), end="")  # noqa: T201 - what the command is for


if __name__ == "__main__":
    main()
