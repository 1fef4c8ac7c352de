"""On which line of a TOML text each key is set.

`tomllib` tells values alone. The text that it has accepted is cut here into statements, arrays and inline tables by a
list of the marks that TOML has; keys and values are still read by `tomllib`.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

# The keys that lead to a value, from the top of the file; a number counts the elements of an array, from 0.
Where = tuple[str | int, ...]

# What a text of valid TOML is made of: comments, the four kinds of strings, marks, and the rest without white space.
# A string of many lines that never ends reaches to the end of the text, so that it can be said where it begins.
_TOKEN: Final = re.compile(
    r"""
      \#[^\n]*
    | \"{3}(?:\\?.)*?(?:\"{3,5}|\Z)
    | '{3}.*?(?:'{3,5}|\Z)
    | \"(?:\\.|[^\"\\\n])*\"?
    | '[^'\n]*'?
    | [\[\]{},=\n]
    | [^\[\]{},=\s\#\"']+
    """,
    re.VERBOSE | re.DOTALL,
)


class _Token(NamedTuple):
    text: str
    line: int


def lines_of(text: str) -> dict[Where, int]:
    """Line of every path of keys in a text that `tomllib` has accepted."""
    lines: dict[Where, int] = {}
    counts: dict[Where, int] = {}
    table: Where = ()
    for statement in _split(_tokens(text), "\n"):
        if statement[0].text == "[":
            table = _open_table(statement, lines, counts)
        else:
            _set_key(table, statement, lines)
    return lines


def last_statement(text: str) -> int:
    """Line on which the last statement of a text begins, that of one which never ends included; 1 if there is none."""
    statements = list(_split(_tokens(text), "\n"))
    return statements[-1][0].line if statements else 1


def _tokens(text: str) -> Iterator[_Token]:
    """All that is not white space or a comment, line ends included."""
    line = 1
    for match in _TOKEN.finditer(text):
        token = match[0]
        if not token.startswith("#"):
            yield _Token(token, line)
        line += token.count("\n")


def _split(tokens: Iterable[_Token], separator: str) -> Iterator[list[_Token]]:
    """The parts between separators outside brackets, without line ends; empty ones are left out."""
    depth = 0
    part: list[_Token] = []
    for token in tokens:
        if token.text == separator and depth == 0:
            if part:
                yield part
            part = []
        elif token.text != "\n":
            depth += (token.text in ("[", "{")) - (token.text in ("]", "}"))
            part.append(token)
    if part:
        yield part


def _open_table(header: Sequence[_Token], lines: dict[Where, int], counts: dict[Where, int]) -> Where:
    """Records `[a.b]` or `[[a.b]]`; `counts` has the elements so far of each array of tables."""
    is_element = header[1].text == "["
    *around, last = _keys(header[2:-2] if is_element else header[1:-1])
    where: Where = ()
    for key in around:
        where += (key,)
        lines.setdefault(where, header[0].line)
        if where in counts:  # below an array of tables a header means its newest element
            where += (counts[where] - 1,)
    where += (last,)
    if is_element:
        lines.setdefault(where, header[0].line)
        counts[where] = counts.get(where, 0) + 1
        where += (counts[where] - 1,)
    lines[where] = header[0].line  # whatever has implied the table before
    return where


def _set_key(table: Where, statement: Sequence[_Token], lines: dict[Where, int]) -> None:
    """Records `a.b = value`, at the top of a table or in an inline one."""
    equals = next(i for i, token in enumerate(statement) if token.text == "=")
    where = table
    for key in _keys(statement[:equals]):
        where += (key,)
        lines.setdefault(where, statement[0].line)
    _enter(where, statement[equals + 1 :], lines)


def _enter(where: Where, value: Sequence[_Token], lines: dict[Where, int]) -> None:
    """Records what is in an array or an inline table; other values have nothing in them."""
    if value[0].text == "[":
        for index, element in enumerate(_split(value[1:-1], ",")):
            lines[*where, index] = element[0].line
            _enter((*where, index), element, lines)
    elif value[0].text == "{":
        for pair in _split(value[1:-1], ","):
            _set_key(where, pair, lines)


def _keys(tokens: Iterable[_Token]) -> list[str]:
    """The keys of a dotted key, read by `tomllib` for their quotes and escapes."""
    nested: Any = tomllib.loads("".join(token.text for token in tokens) + "=0")
    keys = []
    while isinstance(nested, dict):
        [(key, nested)] = nested.items()
        keys.append(key)
    return keys
