"""Packages whose public names need the libraries of an extra."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from mpgg_agents.errors import MissingExtraError
from mpgg_env.core.lazy import lazy_names


@contextmanager
def explained(purpose: str) -> Iterator[None]:
    """Where a library is not installed, the error says how to install it.

    Args:
        purpose: What it is needed for.

    Raises:
        MissingExtraError: A library is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if str(error.name).startswith("mpgg"):  # our own mistake
            raise
        raise MissingExtraError(purpose, error) from error


def name_of_extra(purpose: str, module: str, name: str) -> Any:
    """A name of one of our modules that needs the libraries of an extra; see `explained`."""
    with explained(purpose):
        return getattr(import_module(module), name)


def lazy_names_of_extra(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """As `lazy_names`; where a library is not installed, the error says how to install it.

    Args:
        package: Name of the package.
        homes: Module of each name.
    """
    find = lazy_names(package, homes)

    def find_or_explain(name: str) -> Any:
        with explained(f"{package}.{name}"):
            return find(name)

    return find_or_explain
