"""Backends of joblib for cells that take long: a worker process that dies costs its own cell's last minutes alone.

joblib's own ones are for short tasks. With its loky, the death of one worker is the end of all; its Dask waits for ever
for a task that Dask has given up; and Ray's cannot tell results as they come.
"""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

import joblib
from joblib.externals.loky import BrokenProcessPool, ProcessPoolExecutor
from joblib.parallel import ParallelBackendBase

from mpgg_agents.experiments.study.signals import without_interrupts

# How often a cell whose worker died is given to another one. What kills its worker each time would else never end.
RETRIES: Final = 3

Batch = Callable[[], list[Any]]


class FuturesBackend(ParallelBackendBase):  # type: ignore[misc]  # joblib has no types
    """A backend of something that gives a future for a call.

    Joblib asks for `configure`, `submit`, `retrieve_result_callback`, and at the end `terminate` or, if the results are
    no longer wanted, `abort_everything`.
    """

    supports_retrieve_callback = True
    supports_inner_max_num_threads = True

    def effective_n_jobs(self, n_jobs: int) -> int:
        """As many as asked for."""
        return n_jobs

    def configure(self, n_jobs: int = 1, parallel: Any = None, **settings: Any) -> int:
        """Gets ready for so many batches at the same time."""
        self.parallel = parallel
        self._open(n_jobs)
        return n_jobs

    def submit(self, func: Batch, callback: Callable[[Any], None] | None = None) -> Future[list[Any]]:
        """Has a batch called; `callback` is told its future."""
        future = self._future(func)
        if callback is not None:
            future.add_done_callback(callback)
        return future

    def retrieve_result_callback(self, out: Future[list[Any]]) -> list[Any]:
        """The results of a batch. None is that of a cell at which worker processes died again and again.

        An error would make joblib give up all other cells too.
        """
        try:
            return out.result()
        except self._deaths:
            return [None]

    @property
    def _deaths(self) -> tuple[type[Exception], ...]:
        """What a future raises when workers have died."""
        raise NotImplementedError

    def _open(self, jobs: int) -> None:
        raise NotImplementedError

    def _future(self, batch: Batch) -> Future[list[Any]]:
        raise NotImplementedError


class LokyBackend(FuturesBackend):
    """Processes of this machine. Each has an executor of its own, since loky kills all workers of one that lost any."""

    @property
    def _deaths(self) -> tuple[type[Exception], ...]:
        return (BrokenProcessPool,)

    def _open(self, jobs: int) -> None:
        self._environment = self._prepare_worker_env(jobs)
        self._slot = threading.local()
        self._executors: set[ProcessPoolExecutor] = set()
        self._threads = ThreadPoolExecutor(jobs)
        self._aborted = threading.Event()

    def _future(self, batch: Batch) -> Future[list[Any]]:
        return self._threads.submit(self._call, batch)

    def _call(self, batch: Batch) -> list[Any]:
        for _ in range(RETRIES):
            try:
                return self._submitted(batch).result()
            except BrokenProcessPool:
                if self._aborted.is_set():
                    raise
                self._executors.discard(self._slot.executor)
                self._slot.executor = None
        return self._submitted(batch).result()

    def _submitted(self, batch: Batch) -> Future[list[Any]]:
        if getattr(self._slot, "executor", None) is None:
            self._slot.executor = ProcessPoolExecutor(
                1, env=self._environment, initializer=_follow, initargs=(os.getpid(),)
            )
            self._executors.add(self._slot.executor)
        with without_interrupts():  # here, because the process is started by the first task
            future: Future[list[Any]] = self._slot.executor.submit(batch)
            return future

    def terminate(self) -> None:
        """Lets the workers go."""
        self._threads.shutdown()
        self._close(kill=False)

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Ends the workers at once."""
        self._aborted.set()  # or their ends would be taken for deaths, and new ones started
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._close(kill=True)
        if ensure_ready:
            self._open(self.parallel.n_jobs)

    def _close(self, kill: bool) -> None:
        for executor in list(self._executors):
            executor.shutdown(kill_workers=kill)
        self._executors.clear()


def _follow(driver: int) -> None:
    """In a worker: it ends when the process that started it is gone, where it else would wait for ever."""

    def watch() -> None:
        while os.getppid() == driver:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class RayBackend(FuturesBackend):
    """Tasks of the Ray cluster to which this process is connected."""

    @property
    def _deaths(self) -> tuple[type[Exception], ...]:
        from ray.exceptions import NodeDiedError, OutOfMemoryError, WorkerCrashedError

        return NodeDiedError, OutOfMemoryError, WorkerCrashedError

    def _open(self, jobs: int) -> None:
        import ray

        self._task = ray.remote(num_cpus=self.inner_max_num_threads or 1, max_retries=RETRIES)(_called)

    def _future(self, batch: Batch) -> Future[list[Any]]:
        future: Future[list[Any]] = self._task.remote(batch).future()
        return future


def _called(batch: Batch) -> list[Any]:
    return batch()


class DaskBackend(FuturesBackend):
    """Tasks of the Dask cluster of this process's newest client; `distributed.scheduler.allowed-failures` is 3, too."""

    @property
    def _deaths(self) -> tuple[type[Exception], ...]:
        from distributed import KilledWorker

        return (KilledWorker,)

    def _open(self, jobs: int) -> None:
        from distributed import get_client

        self._executor = get_client().get_executor(pure=False)

    def _future(self, batch: Batch) -> Future[list[Any]]:
        future: Future[list[Any]] = self._executor.submit(batch)
        return future


def register() -> None:
    """From now on joblib knows these backends as "study-loky", "study-ray" and "study-dask"."""
    for name, backend in {"loky": LokyBackend, "ray": RayBackend, "dask": DaskBackend}.items():
        joblib.register_parallel_backend(f"study-{name}", backend)
