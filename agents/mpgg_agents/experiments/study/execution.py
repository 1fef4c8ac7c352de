"""Plays runs of a store side by side, on this machine or on a cluster, through joblib."""

import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from mpgg_agents.errors import WorkersDiedError
from mpgg_agents.experiments.settings import Experiment
from mpgg_agents.experiments.study.machines import MACHINES
from mpgg_agents.experiments.study.store import CellEnd, play_cell
from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_choice, check_integer

BACKENDS: Final = ("loky", "ray", "dask")
BUSY_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers(Config):
    """Who plays the cells of a study. The results do not depend on it.

    Attributes:
        backend: loky, processes of this machine; or ray or dask, a cluster, whose machines see the store under the same
            path.
        address: Address of the cluster; default: one that is started on this machine for the time of the study.
        jobs: Cells that are played at the same time; default: one per processor of the machine or the cluster.
        threads: Threads of each cell; default: what the processors of this machine allow, and 1 on a cluster.
    """

    backend: Literal["loky", "ray", "dask"] = "loky"
    address: str | None = None
    jobs: int | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        check_choice("backend", self.backend, BACKENDS)
        if self.address is not None and self.backend == "loky":
            raise ValueError("address must be left out with backend 'loky', whose workers are on this machine")
        for name in ("jobs", "threads"):
            if getattr(self, name) is not None:
                self._set(name, check_integer(name, getattr(self, name), 1))


def play_cells(
    store: Path,
    experiments: Mapping[str, Experiment],
    workers: Workers,
    token: Path,
    tell: Callable[[CellEnd], None],
) -> None:
    """Plays runs until all have their results, or the token is gone.

    Args:
        store: The store's folder.
        experiments: What to play, by keys.
        workers: Who plays.
        token: A file; when it is gone, everything stops at its next safe point.
        tell: Called with every run that is complete or has failed, as they come.

    Raises:
        OSError: A file could not be written; the other runs have been stopped at safe points.
        WorkersDiedError: Worker processes died again and again at every run that is left.
        ConnectionError: The cluster does not start or answer.
        MissingExtraError: The backend is not installed.
    """
    waiting = dict(experiments)
    with _started(workers, len(waiting)) as (jobs, threads):
        while waiting and token.exists():
            before = len(waiting)
            died = _pass(store, waiting, jobs, threads, token, tell)
            if len(waiting) < before or not token.exists():
                continue
            if died:
                from mpgg_agents.experiments.study.backends import RETRIES  # loads joblib

                raise WorkersDiedError(
                    f"worker processes died {RETRIES + 1} times at each of {died} cells; is there enough memory?"
                )
            time.sleep(BUSY_SECONDS)  # other processes play what is left


def _pass(
    store: Path,
    waiting: dict[str, Experiment],
    jobs: int,
    threads: int,
    token: Path,
    tell: Callable[[CellEnd], None],
) -> int:
    """Lets every run that is waiting be played once; those that have ended wait no more.

    Returns:
        At how many runs workers died.
    """
    died = 0
    error: Exception | None = None
    for end in _ends(store, waiting, jobs, threads, token):
        if end is None:
            died += 1
        elif error is None and end.end == "not written":
            error = OSError(end.words)
        elif end.end in ("complete", "failed"):
            del waiting[end.key]
            error = error or _told(end, tell)
        if error is not None:
            token.unlink(missing_ok=True)  # and the others come to their safe points
    if error is not None:
        raise error
    return died


def _told(end: CellEnd, tell: Callable[[CellEnd], None]) -> Exception | None:
    """The error with which `tell` ends. Raised in the midst of the others it would cost them their safe points."""
    try:
        tell(end)
    except Exception as error:
        return error
    return None


def _ends(
    store: Path, waiting: Mapping[str, Experiment], jobs: int, threads: int, token: Path
) -> Iterator[CellEnd | None]:
    """How the runs ended, as they come; None for one at which workers died."""
    import joblib

    calls = (  # made as they are needed, and no more of them once all are to stop
        joblib.delayed(play_cell)(store.absolute(), experiment.to_dict(), threads, token.absolute())
        for experiment in tuple(waiting.values())
        if token.exists()
    )
    # One cell is a batch: a batch of several would wait for its slowest one, and its end would be told late.
    ends = joblib.Parallel(n_jobs=jobs, batch_size=1, return_as="generator_unordered")(calls)
    try:
        yield from ends
    except GeneratorExit:  # by a second signal
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # joblib's, that there is work left
            ends.close()
        raise


@contextmanager
def _started(workers: Workers, cells: int) -> Iterator[tuple[int, int]]:
    """The workers within this context: how many there are, and threads of each."""
    import joblib

    from mpgg_agents.experiments.study.backends import register

    register()
    with MACHINES[workers.backend](workers.address) as processors:
        jobs, threads = _shares(workers, processors, cells)
        with joblib.parallel_config(f"study-{workers.backend}", n_jobs=jobs, inner_max_num_threads=threads):
            yield jobs, threads


def _shares(workers: Workers, processors: int, cells: int) -> tuple[int, int]:
    """Cells at the same time and threads of each, which together take the processors and no more, unless asked to."""
    if workers.backend != "loky":
        threads = workers.threads or 1
        return workers.jobs or max(1, processors // threads), threads
    jobs = workers.jobs or max(1, min(processors // (workers.threads or 1), cells))
    return jobs, workers.threads or max(1, processors // jobs)
