"""Imports every module of both packages, and says where they came from."""

import pkgutil
import sys
import warnings
from importlib import import_module
from pathlib import Path

DATA = ("mpgg_env/py.typed", "mpgg_agents/py.typed", "mpgg_env/games/mpgg/README.md")


def main() -> None:
    warnings.simplefilter("error")
    site_packages = Path(import_module("mpgg_env").__file__ or "").parents[1]
    if "site-packages" not in site_packages.parts:
        sys.exit(f"mpgg_env comes from {site_packages}, not from an installed wheel")
    modules = 0
    for package in ("mpgg_env", "mpgg_agents"):
        for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
            if not module.name.endswith("__main__"):  # importing it would run the program
                import_module(module.name)
                modules += 1
    missing = [path for path in DATA if not (site_packages / path).is_file()]
    if missing:
        sys.exit(f"the wheel lacks {', '.join(missing)}")
    print(f"imported {modules} modules of the wheel")  # noqa: T201 - the result of this script


if __name__ == "__main__":
    main()
