"""Running experiments, keeping their results in run folders, reading and drawing them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mpgg_agents.experiments.figures import draw_figures
    from mpgg_agents.experiments.folder import Run, RunFolderError, load_run
    from mpgg_agents.experiments.run import resume_run, train_run
    from mpgg_agents.experiments.settings import Experiment, RunConfig

__all__ = [
    "Experiment",
    "Run",
    "RunConfig",
    "RunFolderError",
    "draw_figures",
    "load_run",
    "resume_run",
    "train_run",
]

# Loaded on first use: `mpgg --help` must not wait for numba, pyarrow and matplotlib.
_LAZY = {
    "Experiment": "settings",
    "RunConfig": "settings",
    "Run": "folder",
    "RunFolderError": "folder",
    "load_run": "folder",
    "train_run": "run",
    "resume_run": "run",
    "draw_figures": "figures",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(f"mpgg_agents.experiments.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'mpgg_agents.experiments' has no attribute {name!r}")
