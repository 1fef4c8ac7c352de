"""Runs that are stopped: by a signal, by a kill at any moment; and folders that have been tampered with."""

import json
import os
import random
import signal
import time

import numpy as np
import pytest

from mpgg_agents.cli import main
from mpgg_agents.experiments import checkpoint, load_run, storage
from mpgg_agents.experiments.folder import write_manifest
from mpgg_agents.experiments.run import new_session, resumed_session
from tests.support import fresh_python
from tests.tiny_run import FLAGS, results_checksum, snapshot, start, tiny, train


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A finished small run."""
    out = tmp_path_factory.mktemp("runs") / "run"
    assert train(out) == 0
    return out


@pytest.fixture
def stopped(tmp_path):
    """A run that was stopped after its first checkpoint, as a kill leaves it."""
    out = tmp_path / "run"
    with new_session(tiny(figures=False), out) as session:
        session._records.append(session.trainer.advance(200))
        session._checkpoint()
    return out


def resume(out, *flags):
    return main(["train", "--resume", str(out), "--quiet", *flags])


def refused(capsys, words):
    """The line on stderr of a command that must fail with exit code 2."""
    assert main([str(word) for word in words]) == 2
    line = capsys.readouterr().err
    assert line.startswith("mpgg: error: ")
    assert line.count("\n") == 1
    return line


# Kills the process by SIGKILL at its k-th call of fsync or rename, for every k, and resumes each time.
KILL_EVERYWHERE = """
import contextlib, importlib, json, os, pathlib, signal, sys, tempfile
from mpgg_agents.cli import main
from mpgg_agents.experiments import table
from tests.tiny_run import tiny

folder, existing, flags = pathlib.Path(sys.argv[1]), sys.argv[2] == "existing", sys.argv[3:]
made = tiny()  # the children inherit its compiled code
trainer = made.kind.make_trainer(made, None)
trainer.advance(made.run.rounds)
trainer.evaluate(10)
calls = 0

def dying(function, fatal):
    def call(*arguments, **options):
        global calls
        calls += 1
        if calls == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return call

def in_child(work):
    child = os.fork()
    if child == 0:
        os._exit(work())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

# A run imports 300 modules more, which takes most of its time: the children inherit them, too. The parent does not run
# anything itself, since a child would not have the threads of its libraries.
with tempfile.TemporaryDirectory() as scratch:
    names = pathlib.Path(scratch, "names")
    def whole_run():
        code = main(["train", *flags, "--quiet", "--no-figures", "--out", str(pathlib.Path(scratch, "run"))])
        names.write_text(" ".join(sys.modules))
        return code
    assert in_child(whole_run) == 0
    for name in names.read_text().split():
        with contextlib.suppress(ImportError):
            importlib.import_module(name)

def killed_run(out, fatal):
    def work():
        for name in ("fsync", "replace", "rename"):
            setattr(os, name, dying(getattr(os, name), fatal))
        return main(["train", *flags, "--quiet", "--no-figures", "--out", str(out)])
    return in_child(work)

kill, code, seen, again = 0, -signal.SIGKILL, [], []
while code == -signal.SIGKILL:
    kill += 1
    out = folder / str(kill)
    if existing:
        out.mkdir()
    code = killed_run(out, kill)
    if not (out / "manifest.json").exists():  # nothing to resume, and nothing in the way of the next start
        in_child(lambda: main(["train", *flags, "--quiet", "--no-figures", "--out", str(out)]))
        manifest = json.loads((out / "manifest.json").read_text())
        left = [str(path) for path in folder.rglob("*") if path.suffix == ".part"]
        again.append([manifest["status"], manifest["results_checksum"], left])
    elif code != 0:
        code_again = in_child(lambda: main(["train", "--resume", str(out), "--quiet"]))
        manifest = json.loads((out / "manifest.json").read_text())
        left = [str(path) for path in out.rglob("*") if path.suffix == ".part"] + [
            name for name in ("checkpoint.npz",) if (out / name).exists() and manifest["status"] != "complete"]
        seen.append([code_again, manifest["status"], manifest["results_checksum"], left])
print(json.dumps({"kills": kill, "code": code, "seen": seen, "again": again}))
"""


@pytest.mark.parametrize("out", ["new", "existing"])
def test_a_kill_at_every_write_is_survived(out, undisturbed, tmp_path):
    told = json.loads(fresh_python(KILL_EVERYWHERE, str(tmp_path), out, *FLAGS))
    assert told["code"] == 0
    assert told["kills"] > 20
    assert len(told["seen"]) > 15
    assert {tuple(map(str, line)) for line in told["seen"]} == {("0", "complete", results_checksum(undisturbed), "[]")}
    assert len(told["again"]) >= 3
    assert {tuple(map(str, line)) for line in told["again"]} == {("complete", results_checksum(undisturbed), "[]")}


def test_only_the_remains_of_killed_starts_are_removed(tmp_path, capsys):
    out = tmp_path / "run"
    remains, alive, foreign = (tmp_path / f".run-{letter * 8}.part" for letter in "abc")
    for folder in (remains, alive, foreign):
        folder.mkdir()
        (folder / "config.json").write_text("{}")
    (foreign / "notes.txt").write_text("keep me")
    with storage.locked(alive):
        assert train(out) == 0
    assert sorted(tmp_path.iterdir()) == sorted([alive, foreign, out])


def test_a_folder_of_the_user_s_is_not_taken_for_the_remains_of_a_start(tmp_path, capsys):
    (tmp_path / "config.json").write_text("{}")
    before = snapshot(tmp_path)
    assert "is not empty" in refused(capsys, ["train", *FLAGS, "--out", tmp_path])
    assert snapshot(tmp_path) == before


def test_a_run_killed_before_it_began_says_how_to_start_it(tmp_path, capsys):
    (tmp_path / ".lock").touch()
    (tmp_path / "config.json").write_text("{}")
    assert "was killed before it began, start it again with --out" in refused(capsys, ["train", "--resume", tmp_path])


def test_a_start_that_fails_leaves_the_given_folder_as_it_was(tmp_path, monkeypatch, capsys):
    from mpgg_agents.experiments import start as starting

    def full(*arguments):
        raise OSError(28, "No space left on device")

    out = tmp_path / "run"
    out.mkdir(mode=0o700)
    monkeypatch.setattr(starting, "write_manifest", full)
    for path in (out, tmp_path / "new"):
        assert "No space left" in refused(capsys, ["train", *FLAGS, "--quiet", "--out", path])
    assert snapshot(tmp_path) == {"run": "folder"}
    assert out.stat().st_mode & 0o777 == 0o700


def test_info_tells_how_far_an_unfinished_run_is(stopped, capsys):
    assert main(["info", str(stopped)]) == 0
    assert "kept       200 of 600 rounds" in capsys.readouterr().out


def test_kills_at_random_moments_change_nothing(undisturbed, tmp_path):
    out = tmp_path / "run"
    long = [*FLAGS, "--rounds", "200000", "--checkpoint-every", "2000", "--quiet", "--no-figures"]
    assert main(["train", *long, "--out", str(tmp_path / "whole")]) == 0
    moments = random.Random(7)
    kills = 0
    for _ in range(6):
        words = ["train", "--resume", str(out), "--quiet"] if out.exists() else ["train", *long, "--out", str(out)]
        process = start(words)
        wait_for_change(out / "checkpoint.npz", process, timeout=20)
        time.sleep(moments.uniform(0, 0.1))
        process.kill()
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
    assert kills >= 2
    assert resume(out) == 0
    assert results_checksum(out) == results_checksum(tmp_path / "whole")
    assert not list(out.rglob("*.part"))


def wait_for_change(path, process, timeout):
    """Waits until a file appears or is replaced, or the process ends."""
    before = path.stat().st_ino if path.exists() else None
    end = time.monotonic() + timeout
    while time.monotonic() < end and process.poll() is None:
        if path.exists() and path.stat().st_ino != before:
            return
        time.sleep(0.002)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_leave_a_checkpoint(number, code, tmp_path):
    out = tmp_path / "run"
    long = [*FLAGS, "--rounds", "100000000", "--checkpoint-every", "100000000", "--window", "100000", "--no-figures"]
    process = start(["train", *long, "--out", str(out)])
    deadline = time.monotonic() + 60
    while not out.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.5)
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in error
    assert f"go on with: mpgg train --resume {out}" in error
    assert load_run(out).status == "interrupted"
    rounds = checkpoint.read_checkpoint(
        out / "checkpoint.npz", load_run(out).manifest["files"]["config.json"]
    ).rounds_done
    assert 0 <= rounds < 100000000
    assert f"stopped after {rounds:,} rounds" in error


def test_an_interrupted_run_ends_with_the_same_results(undisturbed, stopped):
    assert load_run(stopped).status == "running"  # as a kill leaves it
    assert resume(stopped, "--threads", "1") == 0
    assert results_checksum(stopped) == results_checksum(undisturbed)
    assert not (stopped / "checkpoint.npz").exists()


def test_a_signal_stops_between_chunks_and_keeps_them(undisturbed, tmp_path):
    out = tmp_path / "run"
    before = signal.getsignal(signal.SIGINT)  # ignored, where the tests were started in the background
    with new_session(tiny(figures=False), out) as session:
        advance = session.trainer.advance

        def interrupted(rounds):
            os.kill(os.getpid(), signal.SIGINT)
            return advance(rounds)

        session.trainer.advance = interrupted
        outcome = session.play()
    assert (outcome.signal, outcome.complete) == (signal.SIGINT, False)
    assert 0 < outcome.rounds_done < 600
    assert signal.getsignal(signal.SIGINT) is before
    with resumed_session(out) as session:
        assert session.trainer.rounds_done == outcome.rounds_done
        assert session.play().complete
    assert results_checksum(out) == results_checksum(undisturbed)


def test_a_run_without_a_checkpoint_starts_again(undisturbed, tmp_path):
    out = tmp_path / "run"
    with new_session(tiny(figures=False), out):
        pass
    (out / "metrics.parquet.part").write_bytes(b"half")
    assert resume(out) == 0
    assert results_checksum(out) == results_checksum(undisturbed)
    assert not list(out.rglob("*.part"))


def test_a_complete_run_is_left_alone(undisturbed, capsys):
    before = snapshot(undisturbed)
    assert main(["train", "--resume", str(undisturbed)]) == 0
    assert capsys.readouterr().out == f"{undisturbed} is complete: there is nothing to resume\n"
    assert snapshot(undisturbed) == before


def test_two_processes_do_not_write_one_folder(stopped, capsys):
    with storage.locked(stopped):
        before = snapshot(stopped)
        assert f"{stopped} is in use by another process" in refused(capsys, ["train", "--resume", stopped])
        assert snapshot(stopped) == before


def test_a_run_that_is_being_written_is_not_drawn(undisturbed, capsys):
    with storage.locked(undisturbed):
        before = snapshot(undisturbed)
        assert f"{undisturbed} is in use by another process" in refused(capsys, ["figures", undisturbed])
        assert snapshot(undisturbed) == before


def flip(path):
    """Changes one byte in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    path.write_bytes(b"")


def remove(path):
    path.unlink()


def pickled(path):
    np.savez(path, header=np.array([{"a": 1}], dtype=object))


DAMAGE = (flip, truncate, empty, remove)


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", ["config.json", "manifest.json", "metrics.parquet", "casinos.npz", "final_state.npz"])
def test_damaged_results_are_refused(name, damage, undisturbed, tmp_path, capsys):
    out = tmp_path / "run"
    out.mkdir()
    for path in undisturbed.iterdir():
        (out / path.name).write_bytes(path.read_bytes())
    damage(out / name)
    before = snapshot(tmp_path)
    for words in (["info", out], ["figures", out], ["train", "--resume", out]):
        assert name in refused(capsys, words)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("damage", [flip, truncate, empty, pickled])
def test_damaged_checkpoints_are_refused(damage, stopped, capsys):
    damage(stopped / "checkpoint.npz")
    before = snapshot(stopped)
    assert "checkpoint.npz" in refused(capsys, ["train", "--resume", stopped])
    assert snapshot(stopped) == before


def test_a_checkpoint_of_another_run_is_refused(stopped, tmp_path, capsys):
    other = tmp_path / "other"
    with new_session(tiny(figures=False, seeds=[3, 9]), other):
        pass
    (other / "checkpoint.npz").write_bytes((stopped / "checkpoint.npz").read_bytes())
    told = refused(capsys, ["train", "--resume", other])
    assert told == f"mpgg: error: {other / 'checkpoint.npz'} belongs to another run: it does not match config.json\n"


def test_a_checkpoint_whose_record_does_not_fit_is_refused_even_with_its_checksum(stopped, capsys):
    path, config = stopped / "checkpoint.npz", load_run(stopped).manifest["files"]["config.json"]
    saved = checkpoint.read_checkpoint(path, config)
    saved.record["largest"] = saved.record["largest"][:, 1:]
    checkpoint.write_checkpoint(path, config, saved)
    before = snapshot(stopped)
    assert "checkpoint.npz is inconsistent" in refused(capsys, ["train", "--resume", stopped])
    assert snapshot(stopped) == before


def deeply_nested():
    return np.frombuffer(b"[" * 100_000, np.uint8)


# Changes of a checkpoint's arrays after which it gets the checksum that they then have.
SIGNED = {
    "no run": lambda arrays: arrays.pop("run"),
    "no header": lambda arrays: arrays.pop("header"),
    "header of three": lambda arrays: arrays.update(header=np.array([1, 200, 0])),
    "header of one": lambda arrays: arrays.update(header=np.array(1)),
    "header of fractions": lambda arrays: arrays.update(header=np.array([1.0, 200.0])),
    "negative rounds": lambda arrays: arrays.update(header=np.array([1, -1])),
    "no measure": lambda arrays: arrays.pop("record/welfare"),
    "a measure more": lambda arrays: arrays.update({"record/x": np.zeros(1)}),
    "no rounds": lambda arrays: arrays.pop("trainer/rounds_done"),
    "many rounds": lambda arrays: arrays.update({"trainer/rounds_done": np.array(2**62)}),
    "no JSON": lambda arrays: arrays.update({generator_of(arrays): np.zeros(3, np.uint8)}),
    "no object": lambda arrays: arrays.update({generator_of(arrays): np.frombuffer(b"null", np.uint8)}),
    "too deep": lambda arrays: arrays.update({generator_of(arrays): deeply_nested()}),
}


def generator_of(arrays):
    return next(name for name in arrays if name.endswith("generator"))


def sign(path, arrays):
    arrays.pop("checksum")
    arrays["checksum"] = np.frombuffer(storage.content_checksum(arrays).encode(), np.uint8)
    storage.write_arrays(path, arrays)


@pytest.mark.parametrize("name", SIGNED)
def test_checkpoints_of_a_wrong_form_are_refused_even_with_their_checksum(name, stopped, capsys):
    path = stopped / "checkpoint.npz"
    arrays = storage.read_arrays(path)
    SIGNED[name](arrays)
    sign(path, arrays)
    before = snapshot(stopped)
    assert f"{path} " in refused(capsys, ["train", "--resume", stopped])
    assert snapshot(stopped) == before


def test_texts_in_a_checkpoint_are_refused(stopped, capsys):
    path = stopped / "checkpoint.npz"
    np.savez(path, **{**storage.read_arrays(path), "empty": np.array("")})
    assert f"{path} " in refused(capsys, ["train", "--resume", stopped])


def test_tables_do_not_go_on_within_a_window(stopped, capsys):
    path, config = stopped / "checkpoint.npz", load_run(stopped).manifest["files"]["config.json"]
    saved = checkpoint.read_checkpoint(path, config)
    saved.trainer["rounds_done"] = np.array(199)
    for name in ("cooperators", "welfare", "gross", "sponsor", "largest", "empty", "free", "free_cooperators"):
        saved.record[name] = saved.record[name][:, :199]
    checkpoint.write_checkpoint(path, config, saved._replace(rounds_done=199))
    assert "checkpoint.npz is inconsistent" in refused(capsys, ["train", "--resume", stopped])


@pytest.mark.parametrize(
    "change",
    [{"seconds": "long"}, {"started": None}, {"command": [1]}, {"status": "done"}, {"error": 1}, {"files": {}}],
    ids=str,
)
def test_a_manifest_with_wrong_entries_is_refused_even_with_its_checksum(change, undisturbed, tmp_path, capsys):
    manifest = json.loads((undisturbed / "manifest.json").read_text())
    write_manifest(tmp_path, {**manifest, **change})
    for words in (["info"], ["figures"], ["train", "--resume"]):
        assert "manifest.json is damaged: entries are missing or wrong" in refused(capsys, [*words, tmp_path])


def test_a_file_in_the_place_of_the_figures_is_refused(undisturbed, tmp_path, capsys):
    for path in undisturbed.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "figures").write_text("keep me")
    before = snapshot(tmp_path)
    assert "figures must be a folder, but is a file" in refused(capsys, ["figures", tmp_path])
    assert snapshot(tmp_path) == before


def test_a_changed_manifest_is_refused_even_if_it_is_json(undisturbed, tmp_path, capsys):
    manifest = json.loads((undisturbed / "manifest.json").read_text())
    for change in ({"results_checksum": "0" * 64}, {"status": "running"}, {"files": {}}, {"format": 99}):
        (tmp_path / "manifest.json").write_text(json.dumps({**manifest, **change}))
        assert str(tmp_path) in refused(capsys, ["info", tmp_path])
    for text in ("[]", "3", "null", "{}", '{"format": 1', "\x00"):
        (tmp_path / "manifest.json").write_text(text)
        assert "manifest.json" in refused(capsys, ["info", tmp_path])


def test_checkpoints_by_rounds():
    plan = checkpoint.CheckpointPlan(200, 350)
    assert plan.rounds_left(350) == 50
    assert [plan.is_due(rounds) for rounds in (350, 399, 400, 450)] == [False, False, True, True]
    plan.written(450)  # the window ended after the round in which it was due
    assert plan.rounds_left(450) == 150


def test_checkpoints_by_time_take_a_twentieth_of_it(monkeypatch):
    clock = iter([0.0, 14.9, 15.0, 18.0, 77.9, 78.0])
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: next(clock))
    plan = checkpoint.CheckpointPlan(None, 0)
    assert [plan.is_due(0), plan.is_due(0)] == [False, True]
    plan.written(0)  # it took 3 seconds: the next one is due 60 seconds later
    assert [plan.is_due(0), plan.is_due(0)] == [False, True]


def test_a_failing_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "file"
    storage.write_bytes(path, b"old")

    def fail(file):
        file.write(b"new")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        storage.write_file(path, fail)
    assert snapshot(tmp_path).keys() == {"file"}
    assert path.read_bytes() == b"old"


def test_objects_are_never_written(tmp_path):
    with pytest.raises(TypeError, match="arrays must be numeric, got object for 'a'"):
        storage.write_arrays(tmp_path / "a.npz", {"a": np.array([{}])})
    assert not list(tmp_path.iterdir())
