"""Where cells are played: the processors of this machine, or a cluster of Ray or Dask, started here or reached."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, Final

from mpgg_agents.errors import MissingExtraError
from mpgg_agents.experiments.study.signals import without_interrupts

REACH_SECONDS: Final = 30.0

_QUIET: Final[dict[str, Any]] = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}


@contextmanager
def this_machine(address: str | None) -> Iterator[int]:
    """The processors of this machine."""
    yield _processors()


@contextmanager
def ray_cluster(address: str | None) -> Iterator[int]:
    """The processors of a Ray cluster, to which this process is connected within this context.

    Args:
        address: Its address; None for one on this machine for the time of the context.

    Raises:
        MissingExtraError: Ray is not installed.
        ConnectionError: The cluster does not start or answer.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray else tells its makers that it runs
    try:
        import ray
    except ModuleNotFoundError as error:
        raise MissingExtraError("backend 'ray'", error, 'pip install "mpgg-env[ray]"') from error
    try:
        with _start_of("Ray", address):
            if address is None:
                ray.init(address="local", num_cpus=_processors(), **_QUIET)
            else:
                _reach(address)
                ray.init(address=address, **_QUIET)
        yield int(ray.cluster_resources().get("CPU", 1))
    finally:
        ray.shutdown()


@contextmanager
def dask_cluster(address: str | None) -> Iterator[int]:
    """As `ray_cluster`, of Dask."""
    try:
        from distributed import Client, LocalCluster
    except ModuleNotFoundError as error:
        raise MissingExtraError("backend 'dask'", error, 'pip install "mpgg-env[dask]"') from error
    with ExitStack() as stack:
        with _start_of("Dask", address):
            scheduler: Any = address
            if address is None:
                scheduler = stack.enter_context(
                    LocalCluster(n_workers=_processors(), threads_per_worker=1, dashboard_address=None, silence_logs=50)
                )
            client = stack.enter_context(Client(scheduler, timeout=REACH_SECONDS))
        yield sum(client.ncores().values())


MACHINES: Final[dict[str, Callable[[str | None], AbstractContextManager[int]]]] = {
    "loky": this_machine,
    "ray": ray_cluster,
    "dask": dask_cluster,
}


@contextmanager
def _start_of(library: str, address: str | None) -> Iterator[None]:
    """A cluster is started or reached here. Its processes never see Ctrl-C.

    Raises:
        ConnectionError: It does not come up: the libraries raise errors of many kinds, among them plain `Exception`.
    """
    try:
        with without_interrupts():
            yield
    except Exception as error:
        where = "start" if address is None else f"answer at {address}"
        raise ConnectionError(f"{library} does not {where}: {error}") from error


def _reach(address: str) -> None:
    """Raises OSError if nobody listens at an address of the form host:port, which Ray would try for many minutes."""
    host, _, port = address.rpartition("//")[2].rpartition(":")
    if port.isdecimal():  # not so for "auto"
        socket.create_connection((host.strip("[]"), int(port)), REACH_SECONDS).close()


def _processors() -> int:
    import joblib

    return int(joblib.cpu_count())
