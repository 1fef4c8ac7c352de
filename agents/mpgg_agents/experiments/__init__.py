"""Running experiments, keeping their results in run folders, reading and drawing them."""

from typing import TYPE_CHECKING

from mpgg_env.core.lazy import lazy_names

if TYPE_CHECKING:
    from mpgg_agents.experiments.figures import draw_figures
    from mpgg_agents.experiments.folder import RunFolderError
    from mpgg_agents.experiments.reader import Run, load_run
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
__getattr__ = lazy_names(
    __name__,
    {
        "Experiment": "mpgg_agents.experiments.settings",
        "RunConfig": "mpgg_agents.experiments.settings",
        "Run": "mpgg_agents.experiments.reader",
        "RunFolderError": "mpgg_agents.experiments.folder",
        "load_run": "mpgg_agents.experiments.reader",
        "train_run": "mpgg_agents.experiments.run",
        "resume_run": "mpgg_agents.experiments.run",
        "draw_figures": "mpgg_agents.experiments.figures",
    },
)
