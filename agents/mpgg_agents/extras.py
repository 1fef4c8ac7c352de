"""Packages whose public names need the libraries of an extra."""

from collections.abc import Callable, Mapping
from typing import Any

from mpgg_agents.errors import MissingExtraError
from mpgg_env.core.lazy import lazy_names


def lazy_names_of_extra(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """As `lazy_names`; where a library is not installed, the error says how to install it.

    Args:
        package: Name of the package.
        homes: Module of each name.
    """
    find = lazy_names(package, homes)

    def find_or_explain(name: str) -> Any:
        try:
            return find(name)
        except ModuleNotFoundError as error:
            if str(error.name).startswith("mpgg"):  # our own mistake
                raise
            raise MissingExtraError(f"{package}.{name}", error) from error

    return find_or_explain
