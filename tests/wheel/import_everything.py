"""Imports every module of both packages, and says where they came from.

A module may need a library that is no declared dependency if the library belongs to an extra of the package, or if the
message of the ImportError says how to install it.
"""

import pkgutil
import re
import sys
import warnings
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import requires
from pathlib import Path

PACKAGES = ("mpgg_env", "mpgg_agents")
DATA = (
    "mpgg_env/py.typed",
    "mpgg_agents/py.typed",
    "mpgg_env/games/mpgg/README.md",
    "mpgg_env/games/market/README.md",
    "mpgg_env/analysis/README.md",
    "mpgg_agents/experiments/report_page/templates/page.html",
)


def _distribution(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _of_extras() -> set[str]:
    """Libraries that the package's extras bring."""
    extra = [text for text in requires("mpgg-env") or [] if "extra ==" in text]
    return {_distribution(re.match(r"[\w.-]+", text)[0]) for text in extra}


def _modules() -> Iterator[str]:
    for package in PACKAGES:
        for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
            if not module.name.endswith("__main__"):  # importing it would run the program
                yield module.name


def _missing_library(error: ImportError) -> str:
    """The library that is needed and absent; raises the error again if that is a defect of the wheel."""
    origin = error if isinstance(error, ModuleNotFoundError) else error.__cause__
    library = (getattr(origin, "name", None) or "").partition(".")[0]
    says_how = "pip install" in str(error)
    if not isinstance(origin, ModuleNotFoundError) or library in PACKAGES:
        raise error
    if not says_how and _distribution(library) not in _of_extras():
        raise error
    return library


def main() -> None:
    warnings.simplefilter("error")
    site_packages = Path(import_module("mpgg_env").__file__ or "").parents[1]
    if "site-packages" not in site_packages.parts:
        sys.exit(f"mpgg_env comes from {site_packages}, not from an installed wheel")
    imported, needing = [], {}
    for name in _modules():
        try:
            import_module(name)
            imported.append(name)
        except ImportError as error:
            needing[name] = _missing_library(error)
    missing = [path for path in DATA if not (site_packages / path).is_file()]
    if missing:
        sys.exit(f"the wheel lacks {', '.join(missing)}")
    print(f"imported {len(imported)} modules of the wheel; not there: {needing}")  # noqa: T201 - the result


if __name__ == "__main__":
    main()
