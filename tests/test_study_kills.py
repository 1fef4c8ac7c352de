"""Studies that are killed, interrupted and short of space, for real: afterwards they end with the same bytes."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from kills import PATIENCE, STUDY, after_checkpoints, awaited, players
from mpgg_agents.cli import main
from mpgg_agents.experiments.study.file import read_study_file
from mpgg_agents.experiments.study.reader import load_study
from small_study import played, small_study, table_bytes

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(
        not Path("/proc/self/fd").is_dir(), reason="which process plays a run is seen below /proc alone"
    ),
]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study's file, beside its folder and its store after a session without any disturbance."""
    file = tmp_path_factory.mktemp("study") / "study.toml"
    file.write_text(STUDY)
    assert played(read_study_file(file), file.parent / "study").complete == 4
    return file


@pytest.fixture
def disturbed(undisturbed: Path, tmp_path: Path) -> Sequence[str]:
    """The words of a command that plays the study anew."""
    return ["sweep", str(undisturbed), "--out", str(tmp_path / "study"), "--jobs", "2"]


def test_a_study_survives_kills_of_its_driver_and_of_its_workers(
    undisturbed: Path, disturbed: Sequence[str], tmp_path: Path
) -> None:
    chance, kills = random.Random(7), 0
    for _ in range(2):
        process = started(disturbed)
        for victim in ("worker", "driver"):
            after_checkpoints(process, tmp_path / "store", chance.randint(2, 8))
            at_work = [process.pid] if victim == "driver" else players(tmp_path / "store")
            if process.poll() is None and at_work:  # else it was too quick for us
                os.kill(chance.choice(at_work), signal.SIGKILL)
                kills += 1
        told = process.communicate(timeout=PATIENCE)[1]  # which ends when the last worker has gone
        assert "Traceback" not in told
    assert kills >= 3
    assert_it_goes_on(undisturbed, disturbed, tmp_path)


def test_ctrl_c_once_lets_cells_come_to_safe_points_and_twice_stops_at_once(
    undisturbed: Path, disturbed: Sequence[str], tmp_path: Path
) -> None:
    for times in (1, 2):
        process = started(disturbed)
        after_checkpoints(process, tmp_path / "store", 3)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: workers get it, too
        if times == 2:
            # A file says that the study may go on.
            awaited(lambda: not list((tmp_path / "study").glob(".running-*")), "the first one being noted")
            os.killpg(process.pid, signal.SIGINT)
        told = process.communicate(timeout=PATIENCE)[1].splitlines()
        assert process.returncode == 130, told
        assert "mpgg: SIGINT received: stopping at the next safe point (again to stop at once)" in told
        assert all(line.startswith("mpgg: ") for line in told), told
        if times == 1:
            assert "of 4 cells, which are kept; go on with the same command: mpgg sweep" in told[-1]
            assert load_study(tmp_path / "study").status == "interrupted"
    assert_it_goes_on(undisturbed, disturbed, tmp_path)


# Eight cells of a moment each, of which some fit on a disk that is too small for all.
SMALL_CELLS = """
[game]
n_agents = 12
grid_shape = [2, 2]

[run]
rounds = 60
evaluation_rounds = 10
window = 20
record_every = 20
seeds = [5, 6, 7]

[sweep.grid]
agent.gamma = [0.0, 0.3, 0.6, 0.9]
game.boundary = ["torus", "wall"]

[[figures]]
kind = "heat"
x = "agent.gamma"
y = "game.boundary"
metric = "efficiency"
"""

# Runs in a name space of its own, where it may mount: the study where disk and workers are short of space, then where
# the driver's own files are, first by the disk and then by a limit of the size of files; each then goes on with more.
SHORT_OF_SPACE = """
import os, resource, shutil, subprocess, sys
from mpgg_agents.cli import main

study, store, place, *kilobytes = sys.argv[1:]
words = ["sweep", study, "--quiet", "--jobs", "2"]

def mounted(name, size, *options):
    os.makedirs(f"{place}/{name}", exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", ",".join((f"size={size}k", *options)), "none", f"{place}/{name}"]
    subprocess.run(mount, check=True)

def swept(name, *more):
    told, before = os.open(f"{place}/{name}.txt", os.O_CREAT | os.O_WRONLY), os.dup(2)
    os.dup2(told, 2)
    code = main([*words, *more])
    os.dup2(before, 2)
    print(name, code)

mounted("disk", kilobytes[0])
both = ["--out", f"{place}/disk/study"]
swept("full", *both)
shutil.copytree(f"{place}/disk/store", f"{place}/kept")
mounted("disk", 100_000, "remount")
swept("enlarged", *both)
shutil.copytree(f"{place}/disk", f"{place}/whole")

mounted("small", kilobytes[1])
mine = ["--out", f"{place}/small/study", "--store", store]
swept("driver_full", *mine)
mounted("small", 100_000, "remount")
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, resource.RLIM_INFINITY))
swept("driver_limited", *mine)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
swept("driver_enlarged", *mine)
shutil.copytree(f"{place}/small/study", f"{place}/driver")
"""
OWN_MOUNTS = ["unshare", "--user", "--map-root-user", "--mount"]


def test_a_full_disk_gives_one_clear_error_and_loses_no_finished_cell(tmp_path: Path) -> None:
    check_mounts(tmp_path)
    file, done = tmp_path / "small.toml", tmp_path / "done"
    file.write_text(SMALL_CELLS)
    played(read_study_file(file), done / "study")
    sizes = [str(kilobytes_of(done / "store") // 2), "12"]
    python = [sys.executable, "-c", SHORT_OF_SPACE]
    run = subprocess.run(
        [*OWN_MOUNTS, *python, file, done / "store", tmp_path, *sizes],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    codes = dict(line.split() for line in run.stdout.splitlines())
    assert codes == {"full": "1", "enlarged": "0", "driver_full": "1", "driver_limited": "1", "driver_enlarged": "0"}
    told = {name: (tmp_path / f"{name}.txt").read_text().splitlines() for name in codes}
    space = ": No space left on device"
    for name, words in {"full": space, "driver_full": space, "driver_limited": ": File too large"}.items():
        (line,) = told.pop(name)
        assert line.startswith(f"mpgg: error: {tmp_path}/"), line
        assert line.endswith(words), line
    assert told == {"enlarged": [], "driver_enlarged": []}
    finished = [path.parent for path in (tmp_path / "kept").glob("*/*/manifest.json") if is_complete(path)]
    assert 1 <= len(finished) < 8
    for run_folder in finished:
        for path in run_folder.iterdir():
            now = tmp_path / "whole" / "store" / path.relative_to(tmp_path / "kept")
            assert now.read_bytes() == path.read_bytes()
    for folder in ("whole/study", "driver"):
        assert table_bytes(tmp_path / folder) == table_bytes(done / "study")


def test_a_part_that_a_kill_left_other_than_the_manifest_has_it_is_written_anew(tmp_path: Path) -> None:
    study, out = small_study(), tmp_path / "study"
    played(study, out)
    before = table_bytes(out)
    (out / "table" / "part-00000.parquet").write_bytes(b"half a tab")
    (out / "outcomes" / "part-00000.parquet").unlink()
    played(study, out)
    load_study(out).verify()
    assert table_bytes(out) == before


def started(words: Sequence[str]) -> subprocess.Popen[str]:
    """The command in a process group of its own, with workers of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "mpgg_agents", *words],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A test run in the background may ignore SIGINT, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def environment() -> dict[str, str]:
    """In which new processes see the same packages."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def assert_it_goes_on(undisturbed: Path, words: Sequence[str], folder: Path) -> None:
    """The same command ends with the same bytes, and leaves nothing else behind."""
    assert main([*words, "--jobs", "1", "--quiet"]) == 0
    load_study(folder / "study").verify()
    assert table_bytes(folder / "study") == table_bytes(undisturbed.parent / "study")
    assert not players(folder / "store")
    assert not [path for path in folder.rglob("*") if path.name.startswith(".running-") or path.suffix == ".part"]


def check_mounts(folder: Path) -> None:
    """Skips the test where a process may not mount a file system even in a name space of its own."""
    if shutil.which("unshare") is None:
        pytest.skip("there is no command unshare")
    (folder / "trial").mkdir()
    mount = [*OWN_MOUNTS, "mount", "-t", "tmpfs", "none", str(folder / "trial")]
    trial = subprocess.run(mount, capture_output=True, text=True, check=False)
    if trial.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {trial.stderr.strip()}")


def kilobytes_of(folder: Path) -> int:
    """What files take on a disk with blocks of 4 kilobytes."""
    return sum(-(-path.stat().st_size // 4096) * 4 for path in folder.rglob("*") if path.is_file())


def is_complete(manifest: Path) -> bool:
    """Whether a run has its results."""
    return bool(json.loads(manifest.read_text())["status"] == "complete")
