"""TOML files of settings, with the line on which each field is set, so that errors can name it."""

import json
import re
import tomllib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mpgg_agents.experiments.study.toml_lines import Where, last_statement, lines_of


class StudyFileError(ValueError):
    """A file of settings is wrong; the text names the file and, where there is one, the line and the field."""


@dataclass(frozen=True, slots=True)
class Located:
    """What a TOML file sets, and where.

    Attributes:
        path: The file.
        values: Its content, as `tomllib` reads it.
        lines: Line on which each path of keys is set, from 1, in the order of the file: of tables that of their header,
            of values that of their key, of elements of arrays that on which the element begins.
    """

    path: Path
    values: dict[str, Any]
    lines: Mapping[Where, int]

    def line(self, where: Where) -> int:
        """Line of a path of keys or, where the file does not set it, of the nearest path around it; else 1."""
        around = (where[:length] for length in range(len(where), 0, -1))
        return next((self.lines[known] for known in around if known in self.lines), 1)

    def error(self, where: Where, message: str) -> StudyFileError:
        """An error such as `corridor.toml, line 12: sweep.grid.agent.gamma: gamma must be in [0, 1], got 2`."""
        field = f"{dotted(where)}: " if where else ""
        return _error(self.path, self.line(where), f"{field}{message}")

    @contextmanager
    def naming(self, fields: Iterable[Where]) -> Iterator[None]:
        """Gives errors of settings that are raised inside the line of the field that they speak of.

        Args:
            fields: Those fields of the file that decide what is checked inside. Errors that speak of none of them, of
                a flag of the command for example, stay as they are.

        Raises:
            StudyFileError: A ValueError or TypeError that speaks of one of the fields.
        """
        try:
            yield
        except StudyFileError:  # which has its line
            raise
        except (TypeError, ValueError) as error:
            where = culprit(str(error), fields)
            if where is None:
                raise
            raise self.error(where, str(error)) from error


NO_FILE: Final = Located(Path(), {}, {})


def read_located(path: Path) -> Located:
    """What a TOML file sets, with lines.

    Raises:
        StudyFileError: The file cannot be read, is not UTF-8, is not valid TOML, or sets nothing.
    """
    text = _text(path)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(path, text, str(error)) from error
    except (ValueError, RecursionError) as error:  # an integer of more digits, or deeper nesting, than Python reads
        raise _error(path, _first_line(text, type(error)), f"this cannot be read: {error}") from error
    if not values:
        raise _error(path, 1, "the file must set something, got no key and no section")
    return Located(path, values, lines_of(text))


def dotted(where: Where) -> str:
    """A path of keys as one writes it: `sweep.list[1].agent.eta`."""
    parts = [f"[{key}]" if isinstance(key, int) else f".{_key(key)}" for key in where]
    return "".join(parts).removeprefix(".")


def culprit(message: str, fields: Iterable[Where]) -> Where | None:
    """The field that an error of a configuration speaks of: the one whose name comes first in the message.

    Names are whole words, the last keys of the fields; a path that ends with the number of an element is looked for
    as messages write it, `hidden[1]`, and is preferred to that of the array. Of fields of one name the first is taken.

    Args:
        message: Text of the error, such as `gamma must be in [0, 1], got 2`.
        fields: Paths of the fields that may be meant.

    Returns:
        One of the fields, or None if the message has none of their names.
    """
    found = [(place, -len(name), where) for where in fields for name, place in [_place(where, message)] if place >= 0]
    return min(found, key=lambda entry: entry[:2])[2] if found else None


def _place(where: Where, message: str) -> tuple[str, int]:
    """The name that messages give a field, and where it stands in one, -1 for nowhere."""
    first = max((i for i, key in enumerate(where) if isinstance(key, str)), default=len(where))
    name = "".join(f"[{key}]" if isinstance(key, int) else key for key in where[first:])
    match = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", message) if name else None
    return name, match.start() if match else -1


def _key(key: str) -> str:
    if re.fullmatch(r"[\w-]+", key, re.ASCII):
        return key
    return json.dumps(key, ensure_ascii=not key.isprintable())  # quoted, and on one line whatever is in it


def _error(path: Path, line: int, message: str) -> StudyFileError:
    return StudyFileError(f"{path}, line {line}: {message}")


def _text(path: Path) -> str:
    """The text of a file, with line ends as in `tomllib`."""
    try:
        data = path.read_bytes()
        return data.decode().replace("\r\n", "\n")
    except OSError as error:
        raise StudyFileError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"this is not valid TOML: text must be UTF-8, got the byte 0x{data[error.start]:02x}"
        raise _error(path, line, message) from error


def _syntax_error(path: Path, text: str, message: str) -> StudyFileError:
    """The error of `tomllib`, which tells its place in its message alone before Python 3.14."""
    place = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", message, re.DOTALL)
    if place:
        return _error(path, int(place[2]), f"this is not valid TOML: {place[1]} (column {place[3]})")
    reason = message.replace("(at end of document)", "(before the file ends)")
    return _error(path, last_statement(text), f"this is not valid TOML: {reason}")  # all others are complete


def _first_line(text: str, error: type[Exception]) -> int:
    """The first line up to which reading the text ends with this error and not with one of TOML."""
    lines = text.split("\n")

    def fails(count: int) -> bool:
        try:
            tomllib.loads("\n".join(lines[:count]))
        except Exception as found:
            return type(found) is error
        return False

    return bisect_left(range(len(lines)), True, key=fails)
