"""Command-line flags from the fields of a configuration: one flag per field, with its help and default."""

import argparse
import types
import typing
from collections.abc import Collection
from typing import Any, Final, Literal

from mpgg_env.core.config import Config
from mpgg_env.games.mpgg.mechanism_config import Mechanism

_UNIONS: Final = (typing.Union, types.UnionType)


def add_config_flags(
    parser: argparse.ArgumentParser, title: str, config: type[Config], skip: Collection[str] = ()
) -> argparse._ArgumentGroup:
    """Adds a flag for every field of `config` but those to skip. A flag that is not given leaves no trace."""
    group = parser.add_argument_group(title)
    hints = typing.get_type_hints(config)
    descriptions = config.field_help()
    defaults = {field.name: field.default for field in config.__dataclass_fields__.values()}  # type: ignore[attr-defined]
    for name in config.field_names():
        if name in skip:
            continue
        group.add_argument(
            f"--{name.replace('_', '-')}",
            dest=name,
            default=argparse.SUPPRESS,
            help=f"{descriptions[name]}{_default_text(defaults[name])}".replace("%", "%%"),
            **_reading(hints[name]),
        )
    return group


def given(arguments: argparse.Namespace, config: type[Config]) -> dict[str, Any]:
    """The fields of `config` that were given as flags."""
    return {name: value for name, value in vars(arguments).items() if name in config.field_names()}


def _default_text(default: Any) -> str:
    if default is None:  # the description says what happens then
        return ""
    if isinstance(default, bool):
        return f" [default: {'yes' if default else 'no'}]"
    if isinstance(default, tuple):
        return f" [default: {' '.join(map(str, default))}]"
    return f" [default: {default}]"


def _reading(hint: Any) -> dict[str, Any]:
    """How argparse reads a value of this type: its keyword arguments."""
    if typing.get_origin(hint) in _UNIONS:  # "or None": not giving the flag is the way to say None
        options = [option for option in typing.get_args(hint) if option is not type(None)]
        if len(options) > 1 and Mechanism not in options:
            return _reading_either(options)
        hint = options[0]
    if hint is bool:
        return {"action": argparse.BooleanOptionalAction}
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return {"type": parts[0], "nargs": "+" if Ellipsis in parts else len(parts), "metavar": _metavar(parts[0])}
    if hint is Mechanism:
        return {"type": mechanism_fields, "nargs": "+", "metavar": "KIND[:NAME=VALUE,...]"}
    if origin is Literal:
        return {"type": str, "metavar": f"{{{','.join(parts)}}}"}  # the configuration checks it, with a suggestion
    return {"type": hint, "metavar": _metavar(hint)}


def _reading_either(options: list[Any]) -> dict[str, Any]:
    """How argparse reads a number or several, or a number or a word. The configuration checks the rest."""
    if any(typing.get_origin(option) is tuple for option in options):
        return {"type": float, "nargs": "+", "metavar": "NUMBER"}
    words = next(typing.get_args(option) for option in options if typing.get_origin(option) is Literal)
    return {"type": _value, "metavar": f"{{NUMBER,{','.join(words)}}}"}


def mechanism_fields(word: str) -> dict[str, Any]:
    """The name and the parameters of a mechanism: `peer:punishment=0.2,cost=0.1`. The configuration checks them.

    Raises:
        argparse.ArgumentTypeError: The word is not of that form.
    """
    name, colon, parameters = word.partition(":")
    parts = [part.partition("=") for part in parameters.split(",")] if colon else []
    fields = {parameter: _value(text) for parameter, _, text in parts}
    if not name or "name" in fields or "" in fields or len(fields) < len(parts) or "" in fields.values():
        raise argparse.ArgumentTypeError(
            f"must be such as fine:amount=0.96, capacity or peer:punishment=0.2,cost=0.1, got {word!r}"
        )
    return {"name": name, **fields}


def _value(text: str) -> int | float | str:
    """The number that a text is, or the text."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _metavar(kind: type) -> str:
    return {int: "INT", float: "NUMBER"}.get(kind, "NAME")
