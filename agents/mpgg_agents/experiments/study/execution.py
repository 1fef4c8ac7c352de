"""Plays runs of a store side by side, on this machine or on a cluster, through joblib."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from mpgg_agents.errors import MissingExtraError, WorkersDiedError
from mpgg_agents.experiments.settings import Experiment
from mpgg_agents.experiments.study.store import CellEnd, play_cell
from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_choice, check_integer

BACKENDS: Final = ("loky", "ray", "dask")
BUSY_SECONDS: Final = 1.0
DEATHS: Final = 3


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
    say: Callable[[str], None],
) -> None:
    """Plays runs until all have their results, or the token is gone.

    Args:
        store: The store's folder.
        experiments: What to play, by keys.
        workers: Who plays.
        token: A file; when it is gone, everything stops at its next safe point.
        tell: Called with every run that is complete or has failed, as they come.
        say: Called with what a user should know.

    Raises:
        OSError: A file could not be written; the other runs have been stopped at safe points.
        WorkersDiedError: Worker processes died again and again, without a run that was completed in between.
        MissingExtraError: The backend is not installed.
    """
    waiting, deaths = dict(experiments), 0
    with _started(workers, len(waiting)) as (jobs, threads):
        while waiting and token.exists():
            before = len(waiting)
            try:
                _pass(store, waiting, jobs, threads, token, tell)
            except _dying(workers.backend) as error:
                deaths = 0 if len(waiting) < before else deaths + 1
                if deaths == DEATHS:
                    raise WorkersDiedError(
                        f"worker processes died {DEATHS} times without a run completed: {error}"
                    ) from error
                say("a worker process died; its run goes on from its last checkpoint")
                continue
            if len(waiting) == before and token.exists():
                time.sleep(BUSY_SECONDS)  # other processes play what is left


def _pass(
    store: Path,
    waiting: dict[str, Experiment],
    jobs: int,
    threads: int,
    token: Path,
    tell: Callable[[CellEnd], None],
) -> None:
    """Lets every run that is waiting be played once; those that have ended wait no more."""
    error = None
    for end in _ends(store, waiting, jobs, threads, token):
        if end.end == "no space":
            token.unlink(missing_ok=True)
            error = error or OSError(end.words)
        if end.end in ("complete", "failed"):
            del waiting[end.key]
            tell(end)
    if error is not None:
        raise error


def _ends(store: Path, waiting: Mapping[str, Experiment], jobs: int, threads: int, token: Path) -> Iterator[CellEnd]:
    import joblib

    calls = [
        joblib.delayed(play_cell)(store.absolute(), experiment.to_dict(), threads, token.absolute(), os.getpid())
        for experiment in waiting.values()
    ]
    # One cell is a batch: a batch of several would wait for its slowest one, and its end would be told late.
    yield from joblib.Parallel(n_jobs=jobs, batch_size=1, return_as="generator_unordered")(calls)


@contextmanager
def _started(workers: Workers, cells: int) -> Iterator[tuple[int, int]]:
    """The workers within this context: how many there are, and threads of each."""
    import joblib

    if workers.backend == "loky":
        processors = joblib.cpu_count()
        jobs = workers.jobs or min(processors, max(cells, 1))
        threads = workers.threads or max(1, processors // jobs)
        with joblib.parallel_config("loky", n_jobs=jobs, inner_max_num_threads=threads):
            yield jobs, threads
        return
    start: Callable[[Workers], Any] = {"ray": _ray, "dask": _dask}[workers.backend]
    with start(workers) as slots:
        yield workers.jobs or slots, workers.threads or 1


@contextmanager
def _ray(workers: Workers) -> Iterator[int]:
    try:
        import ray
        from ray.util.joblib import register_ray
    except ModuleNotFoundError as error:
        raise MissingExtraError("backend 'ray'", error) from error
    import joblib

    register_ray()
    ray.init(address=workers.address, include_dashboard=False, log_to_driver=False)
    try:
        with joblib.parallel_config("ray"):
            yield int(ray.cluster_resources().get("CPU", 1))
    finally:
        ray.shutdown()


@contextmanager
def _dask(workers: Workers) -> Iterator[int]:
    try:
        from distributed import Client, LocalCluster
    except ModuleNotFoundError as error:
        raise MissingExtraError("backend 'dask'", error) from error
    import joblib

    cluster = workers.address or LocalCluster(threads_per_worker=1, dashboard_address=None)
    with Client(cluster) as client, joblib.parallel_config("dask"):
        yield sum(client.ncores().values())


def _dying(backend: str) -> tuple[type[Exception], ...]:
    """What joblib raises when a worker process has died."""
    if backend == "ray":
        from ray.exceptions import RayError

        return (RayError,)
    if backend == "dask":
        from distributed import KilledWorker

        return (KilledWorker,)
    from joblib.externals.loky.process_executor import BrokenProcessPool

    return (BrokenProcessPool,)
