"""Studies on clusters of Ray and Dask, started for real: the bytes of this machine's own processes, whoever dies."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from clusters import PROCESSORS, dask_cluster, ray_alone, ray_cluster
from kills import STUDY, awaited, checkpoints_seen, players
from mpgg_agents.experiments.study.execution import Workers
from mpgg_agents.experiments.study.file import read_study_file
from mpgg_agents.experiments.study.reader import load_study
from mpgg_agents.experiments.study.settings import Study
from small_study import played, small_study, table_bytes

pytestmark = pytest.mark.processes
BACKENDS = ("ray", "dask")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study of some seconds, whose cells write checkpoints."""
    file = tmp_path_factory.mktemp("file") / "study.toml"
    file.write_text(STUDY)
    return read_study_file(file)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, study: Study) -> Path:
    """A folder with its folder, and that of the small study, played without a cluster."""
    folder = tmp_path_factory.mktemp("here")
    for one in (study, small_study()):
        played(one, folder / one.name, workers=Workers(jobs=2, threads=1))
    return folder


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_worker_that_is_killed_changes_nothing(backend: str, study: Study, here: Path, tmp_path: Path) -> None:
    clusters: dict[str, Any] = {"ray": ray_cluster, "dask": dask_cluster}
    out = tmp_path / study.name
    with clusters[backend]() as address, a_worker_killed(tmp_path / "store") as killed:
        outcome = played(study, out, workers=Workers(backend=backend, address=address))
    assert outcome.complete == 4
    assert len(killed) == 1
    load_study(out).verify()
    assert table_bytes(out) == table_bytes(here / study.name)


@pytest.mark.parametrize("backend", BACKENDS)
def test_without_an_address_a_cluster_is_started(backend: str, here: Path, tmp_path: Path) -> None:
    pytest.importorskip({"ray": "ray", "dask": "distributed"}[backend], reason="the cluster's library is not installed")
    with ray_alone() if backend == "ray" else nullcontext():
        outcome = played(small_study(), tmp_path / "small", workers=Workers(backend=backend, jobs=PROCESSORS))
    assert outcome.complete == 4
    assert table_bytes(tmp_path / "small") == table_bytes(here / "small")
    assert not players(tmp_path / "store")


def test_a_cluster_that_does_not_come_up_gives_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(**settings: Any) -> None:
        raise Exception("The current node timed out during startup.")  # as Ray does

    with ray_alone():
        monkeypatch.setattr("ray.init", late)
        with pytest.raises(ConnectionError, match=r"^Ray does not start: The current node timed out"):
            played(small_study(), tmp_path / "small", workers=Workers(backend="ray"))


def test_an_address_at_which_nobody_listens_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken, ray_alone():
        taken.bind(("127.0.0.1", 0))  # and does not listen
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConnectionError, match=rf"^Ray does not answer at {address}: .*refused"):
            played(small_study(), tmp_path / "small", workers=Workers(backend="ray", address=address))


@contextmanager
def a_worker_killed(store: Path) -> Iterator[list[int]]:
    """Within this context one process is killed that plays a run, after some of the runs' checkpoints."""
    killed: list[int] = []
    enough = checkpoints_seen(store)

    def kill() -> None:
        awaited(lambda: enough(4) and bool(players(store)), "four checkpoints before a worker is killed")
        victim = players(store)[0]
        os.kill(victim, signal.SIGKILL)
        killed.append(victim)

    thread = threading.Thread(target=kill)
    thread.start()
    yield killed
    thread.join()
