"""Clusters of this machine for the tests, started for real; without their library the tests are skipped."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker

import pytest

PROCESSORS = 2

# Ray else tells its makers that it runs, and keeps a token in the home directory of whoever runs the tests.
ALONE = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}


@contextmanager
def ray_alone() -> Iterator[None]:
    """Ray may be started within this context, and writes only to the folder for temporary files."""
    pytest.importorskip("ray", reason='Ray is not installed (pip install "mpgg-env[ray]")')
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ALONE.items():
            patch.setenv(name, value)
        yield


@contextmanager
def ray_cluster(processors: int = PROCESSORS) -> Iterator[str]:
    """Address of a Ray cluster to which this process is not connected yet."""
    with ray_alone():
        import ray
        from ray.cluster_utils import Cluster

        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": processors, "include_dashboard": False})
        try:
            yield cluster.address
        finally:
            ray.shutdown()
            cluster.shutdown()


@contextmanager
def dask_cluster(processors: int = PROCESSORS) -> Iterator[str]:
    """Address of the scheduler of a Dask cluster, each of whose workers is a process with one thread."""
    pytest.importorskip("distributed", reason='Dask is not installed (pip install "mpgg-env[dask]")')
    from distributed import LocalCluster

    with without_interrupts():
        cluster = LocalCluster(n_workers=processors, threads_per_worker=1, dashboard_address=None, silence_logs=50)
    with cluster:
        yield cluster.scheduler_address


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Processes that are started here never see Ctrl-C, nor do those that their threads start later."""
    resource_tracker.ensure_running()  # its start, which comes with the first process, would end the block
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
