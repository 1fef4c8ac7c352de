"""Runs of deep Q-learning: folder, figures, resuming, tampered checkpoints, failures, loading, TensorBoard."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from mpgg_agents.cli import main
from mpgg_agents.dqn import DQNTrainer, load_agents
from mpgg_agents.errors import TrainingError
from mpgg_agents.experiments import Experiment, RunFolderError, checkpoint, load_run, resume_run, storage, train_run
from mpgg_agents.experiments import session as running
from mpgg_agents.experiments.folder import write_manifest
from mpgg_agents.experiments.run import new_session, resumed_session
from mpgg_env.games.mpgg.vector import MPGGVectorEnv
from tests.support import exactly, fresh_python
from tests.tiny_run import results_checksum, snapshot

ROUNDS = 60
GAME = {"n_agents": 4, "grid_shape": (1, 2), "gain_range": (5, 8)}
# The buffers are full after 30 rounds, and the networks learn from round 6 on.
AGENT = {"hidden": (8,), "learning_starts": 5, "batch_size": 4, "train_every": 2, "target_every": 7, "capacity": 30}
RUN = {"agent": "dqn", "rounds": ROUNDS, "seeds": (3, 8), "window": 10, "evaluation_rounds": 20, "checkpoint_every": 20}
VARIANTS = {
    "shared": {},
    "independent": {"sharing": "independent"},
    "everything": {
        **{"double": True, "identity": True, "previous_action": True, "previous_payoff": True, "frames": 2},
        **{"tau": 0.5, "gradient_steps": 2, "episodes": 2},
    },
}
variants = pytest.mark.parametrize("variant", VARIANTS)


def small(variant="shared", agent=None, **run):
    """Four agents on a 1 x 2 board with edges, two seeds, 60 rounds."""
    game = {**GAME, "boundary": "mask"} if variant == "everything" else GAME
    settings = {"game": game, "agent": {**AGENT, **VARIANTS[variant], **(agent or {})}}
    return Experiment.build({**settings, "run": {**RUN, "figures": False, **run}})


def flags_of(experiment):
    """The words of the command line that ask for this experiment."""
    words = []
    for section in experiment.to_dict().values():
        for name, value in section.items():
            flag = name.replace("_", "-")
            if isinstance(value, bool):
                words.append(f"--{flag}" if value else f"--no-{flag}")
            elif value is not None:
                words.extend([f"--{flag}", *map(str, value if isinstance(value, list) else [value])])
    return words


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A finished run of each variant, from the command line, on one thread."""
    folder = tmp_path_factory.mktemp("runs")
    for variant in VARIANTS:
        words = [*flags_of(small(variant)), "--quiet", "--threads", "1", "--out", str(folder / variant)]
        assert main(["train", *words]) == 0
    return folder


@pytest.fixture
def stopped(tmp_path):
    """A run that was stopped after its first checkpoint, as a kill leaves it."""
    return stop(small(), tmp_path / "run")


def stop(experiment, out, rounds=20):
    with new_session(experiment, out) as session:
        session._records.append(session.trainer.advance(rounds))
        session._checkpoint()
    return out


def refused(capsys, *words):
    """The line on stderr of a command that must fail with exit code 2."""
    assert main([str(word) for word in words]) == 2
    line = capsys.readouterr().err
    assert line.startswith("mpgg: error: ")
    assert line.count("\n") == 1
    return line


def test_a_run_with_the_command_of_the_readme_is_whole(tmp_path, capsys):
    out = tmp_path / "run"
    words = ["train", "--agent", "dqn", "--n-agents", "4", "--grid-shape", "2", "2", "--rounds", "60", "--seeds", "0:2"]
    assert main([*words, "--window", "10", "--evaluation-rounds", "20", "--out", str(out)]) == 0
    told = capsys.readouterr()
    assert f"complete: {out} (2 seeds x 60 rounds" in told.out
    assert "epsilon 0.997" in told.err
    files = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file() and path.name != ".lock"}
    drawn = ("board", "cooperation", "corridor", "payoff", "structure", "synergy")
    figures = {f"figures/{name}.{kind}" for name in drawn for kind in ("pdf", "png", "svg")}
    results = {"config.json", "manifest.json", "metrics.parquet", "casinos.npz", "final_state.npz", "panel.npz"}
    assert files == results | figures | {"figures/board_over_time.gif"}
    run = load_run(out)
    run.verify()
    assert run.metrics()["cooperation_rate"].shape == (2, 60)
    assert run.metrics("greedy")["cooperation_rate"].shape == (2, 20)
    assert run.manifest["libraries"]["torch"] == torch.__version__
    assert run.manifest["libraries"]["stable-baselines3"]
    assert main(["info", str(out)]) == 0
    assert "agent      dqn, preset text" in capsys.readouterr().out


@variants
def test_results_are_those_of_the_trainer(variant, undisturbed):
    run, made = load_run(undisturbed / variant), small(variant)
    assert run.config == made
    trainer = DQNTrainer(made.game, made.agent, made.run.seeds, ROUNDS, window=10)
    trained = trainer.advance(made.total_rounds)
    assert run.final_state()["positions"].tolist() == trainer.positions.tolist()
    np.testing.assert_allclose(run.metrics()["mean_payoff"], trained.welfare / 4, rtol=1e-6)
    np.testing.assert_allclose(run.metrics("greedy")["mean_payoff"], trainer.evaluate(20).welfare / 4, rtol=1e-6)
    assert run.metrics()["epsilon"][[0, 59]].tolist() == pytest.approx([1, 0.99995**59])


@variants
def test_results_do_not_depend_on_threads_and_checkpoints(variant, undisturbed, tmp_path):
    for name, threads, run in (("threads", 2, {}), ("checkpoints", 1, {"checkpoint_every": 10})):
        train_run(small(variant, **run), tmp_path / name, threads=threads)
        assert results_checksum(tmp_path / name) == results_checksum(undisturbed / variant)


def test_results_depend_on_seeds_and_settings(undisturbed, tmp_path):
    checksums = {results_checksum(undisturbed / variant) for variant in VARIANTS}
    for name, made in (("seeds", small(seeds=[3, 9])), ("double", small(agent={"double": True}))):
        train_run(made, tmp_path / name)
        checksums.add(results_checksum(tmp_path / name))
    assert len(checksums) == 5


@variants
def test_a_stopped_run_ends_with_the_same_results(variant, undisturbed, tmp_path):
    for rounds in (10, 13, 40, 59):  # before the buffers are full and after, at the end of a window and within one
        out = stop(small(variant), tmp_path / str(rounds), rounds)
        assert resume_run(out, threads=1).complete
        assert results_checksum(out) == results_checksum(undisturbed / variant)


@variants
def test_results_do_not_depend_on_chunks(variant, undisturbed, tmp_path, monkeypatch):
    made = small(variant, checkpoint_every=17)
    for seconds in (0, 1e9):  # single rounds; fourfold more rounds each time
        monkeypatch.setattr(running, "CHUNK_SECONDS", seconds)
        train_run(made, tmp_path / str(seconds))
        assert results_checksum(tmp_path / str(seconds)) == results_checksum(undisturbed / variant)


def test_a_signal_stops_within_a_window(undisturbed, tmp_path):
    out = tmp_path / "run"
    with new_session(small(), out) as session:
        advance = session.trainer.advance

        def interrupted(rounds):
            os.kill(os.getpid(), signal.SIGINT)
            return advance(rounds)

        session.trainer.advance = interrupted
        assert session.play().rounds_done == 1
    assert checkpoint.read_checkpoint(out / "checkpoint.npz", config_checksum(out))[0] == 1
    assert resume_run(out).complete
    assert results_checksum(out) == results_checksum(undisturbed / "shared")


# Kills the process by SIGKILL at its tenth call of fsync. Settings and manifest, the manifest of a run that has begun
# and the first checkpoint take two each, for the file and for its folder, and the name of the run's folder one: the
# second checkpoint is written, but not yet under its name.
KILLED = """
import os, signal, sys
from mpgg_agents.cli import main

calls, flush = 0, os.fsync

def fsync(descriptor):
    global calls
    calls += 1
    if calls == 10:
        os.kill(os.getpid(), signal.SIGKILL)
    flush(descriptor)

os.fsync = fsync
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("variant", ["shared", "independent"])
def test_a_killed_run_ends_with_the_same_results(variant, undisturbed, tmp_path):
    out = tmp_path / "run"
    words = ["train", *flags_of(small(variant)), "--quiet", "--out", str(out)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", KILLED, *words], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (out / "checkpoint.npz.part").exists()
    assert checkpoint.read_checkpoint(out / "checkpoint.npz", config_checksum(out))[0] == 20
    assert main(["train", "--resume", str(out), "--quiet"]) == 0
    assert results_checksum(out) == results_checksum(undisturbed / variant)


def config_checksum(out):
    return load_run(out).manifest["files"]["config.json"]


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def pickled(path):
    arrays = storage.read_arrays(path)
    arrays["trainer/replica0.Q_G.online.q_net.0.bias"] = np.array([{"a": 1}], dtype=object)
    np.savez(path, **arrays)


def nan_weight(path):
    arrays = storage.read_arrays(path)
    next(array for name, array in arrays.items() if "Q_G.online" in name).reshape(-1)[0] = np.nan
    np.savez(path, **arrays)


@pytest.mark.parametrize("damage", [flip, pickled, nan_weight])
def test_tampered_checkpoints_are_refused(damage, stopped, capsys):
    damage(stopped / "checkpoint.npz")
    before = snapshot(stopped)
    assert "checkpoint.npz" in refused(capsys, "train", "--resume", stopped)
    assert snapshot(stopped) == before


def resign(out, change):
    """Changes a checkpoint's arrays and gives it the checksum that they then have."""
    saved = checkpoint.read_checkpoint(out / "checkpoint.npz", config_checksum(out))
    change(saved.trainer)
    checkpoint.write_checkpoint(out / "checkpoint.npz", config_checksum(out), saved)


def weight(arrays):
    return next(name for name in arrays if "replica1.Q_M.online" in name)


SIGNED = {
    "a weight is missing": lambda arrays: arrays.pop(weight(arrays)),
    "a weight more": lambda arrays: arrays.update({weight(arrays) + "x": np.zeros(1)}),
    "shape": lambda arrays: arrays.update({weight(arrays): arrays[weight(arrays)][:1]}),
    "type": lambda arrays: arrays.update({weight(arrays): arrays[weight(arrays)].astype(np.float64)}),
    "action": lambda arrays: arrays["replica0.Q_M.replay.actions"].fill(5),
    "position": lambda arrays: arrays["replica0.positions"].fill(2),
    "nan": lambda arrays: arrays[weight(arrays)].fill(np.nan),
}


@pytest.mark.parametrize("name", SIGNED)
def test_checkpoints_that_do_not_fit_are_refused_even_with_their_checksum(name, stopped, capsys):
    resign(stopped, SIGNED[name])
    before = snapshot(stopped)
    assert "checkpoint.npz does not fit the run" in refused(capsys, "train", "--resume", stopped)
    assert snapshot(stopped) == before


def test_a_checkpoint_of_another_run_is_refused(stopped, tmp_path, capsys):
    with new_session(small(seeds=[3, 9]), tmp_path / "other"):
        pass
    (tmp_path / "other" / "checkpoint.npz").write_bytes((stopped / "checkpoint.npz").read_bytes())
    assert "belongs to another run" in refused(capsys, "train", "--resume", tmp_path / "other")


DIVERGING = {"learning_rate": 1e30, "learning_starts": 25}


def test_a_training_that_diverges_keeps_the_last_good_checkpoint(tmp_path, capsys):
    out = stop(small(agent=DIVERGING), tmp_path / "run")
    kept = (out / "checkpoint.npz").read_bytes()
    for _ in range(2):  # a failed run may be resumed
        assert main(["train", "--resume", str(out), "--quiet"]) == 1
        line = capsys.readouterr().err
        assert line.startswith("mpgg: error: the loss of Q_")
        assert line.endswith(f"; the checkpoint after 20 rounds is kept in {out / 'checkpoint.npz'}\n")
        assert line.count("\n") == 1
        assert (out / "checkpoint.npz").read_bytes() == kept
        assert not list(out.rglob("*.part"))
        run = load_run(out)
        assert run.status == "failed"
        assert run.error is not None
        assert "the training has diverged" in run.error
        assert run.error in line
    assert main(["info", str(out)]) == 0
    told = capsys.readouterr().out
    assert "status     failed" in told
    assert f"error      {run.error}\nkept       20 of 60 rounds\n" in told


def test_a_training_that_diverges_before_a_checkpoint_says_so(tmp_path, capsys):
    out, made = tmp_path / "run", small(agent={**DIVERGING, "learning_starts": 5})
    assert main(["train", *flags_of(made), "--quiet", "--out", str(out)]) == 1
    assert capsys.readouterr().err.endswith("; no checkpoint had been written yet\n")
    assert load_run(out).status == "failed"
    assert not (out / "checkpoint.npz").exists()


@pytest.mark.parametrize("keep", [True, False])
def test_a_training_whose_very_last_step_diverges_has_no_results(keep, tmp_path):
    # Nothing learns after round 60, so that no loss tells. 1e39 is beyond float32.
    agent = {"learning_rate": 1e39, "learning_starts": 59, "train_every": 1, "capacity": 100}
    with pytest.raises(TrainingError, match="a weight of Q_G is not finite in round 60"):
        train_run(small(agent=agent, keep_learned=keep), tmp_path / "run")
    assert load_run(tmp_path / "run").status == "failed"
    assert not (tmp_path / "run" / "final_state.npz").exists()


def test_weights_that_are_not_finite_are_never_kept(stopped):
    kept = (stopped / "checkpoint.npz").read_bytes()
    with resumed_session(stopped) as session:
        session.trainer.state_arrays = lambda: (_ for _ in ()).throw(TrainingError("a weight of Q_G is not finite"))
        with pytest.raises(TrainingError, match="a weight of Q_G is not finite; the checkpoint after 20 rounds"):
            session.play()
    assert load_run(stopped).status == "failed"
    assert (stopped / "checkpoint.npz").read_bytes() == kept
    assert resume_run(stopped).complete  # here the machine was at fault
    assert load_run(stopped).error is None


def test_the_networks_are_kept_unless_told_otherwise(undisturbed, tmp_path):
    made = small()
    trainer = DQNTrainer(made.game, made.agent, made.run.seeds, ROUNDS, window=10)
    trainer.advance(ROUNDS)
    state = load_run(undisturbed / "shared").final_state()
    learned = {f"seed_{seed}_{name}" for seed in (3, 8) for name in trainer.networks(0)}
    assert set(state) == learned | {"positions", "seeds"}
    for name, array in trainer.networks(1).items():
        np.testing.assert_array_equal(state[f"seed_8_{name}"], array)
    assert main(["train", *flags_of(made), "--no-keep-learned", "--quiet", "--out", str(tmp_path / "run")]) == 0
    run = load_run(tmp_path / "run")
    assert set(run.final_state()) == {"positions", "seeds"}
    with pytest.raises(RunFolderError, match="holds no networks: the run was made with keep_learned = False"):
        load_agents(run, 3)


@variants
def test_loaded_agents_play_greedily_what_they_have_learned(variant, undisturbed):
    run = load_run(undisturbed / variant)
    agents = load_agents(run, 8)
    state = run.final_state()
    for name, array in agents.weights().items():
        np.testing.assert_array_equal(array, state[f"seed_8_{name}"])
    assert (agents.epsilon, agents.learns) == (0, False)
    engine = MPGGVectorEnv(run.config.game)
    observations, infos = engine.reset([0])
    agents.begin_episode()
    for _ in range(10):
        agents.see_games(observations[0])
        best = agents._game.values()
        games = agents.choose_games()
        assert (best[range(4), games] == best.max(axis=1)).all()
        observations, rewards, _, _, infos = engine.step(games[None])
        agents.receive(rewards[0])
        agents.see_migration(observations[0], infos["action_mask"][0])
        values = np.where(infos["action_mask"][0], agents._move.values(), -np.inf)
        moves = agents.choose_moves()
        assert (values[range(4), moves] == values.max(axis=1)).all()
        observations = engine.step(moves[None])[0]
        agents.end_round()
    for name, array in agents.weights().items():
        np.testing.assert_array_equal(array, state[f"seed_8_{name}"])


def test_agents_that_are_not_there_are_not_loaded(undisturbed, stopped, tmp_path):
    with pytest.raises(ValueError, match=exactly("seed must be one of 3, 8, got 4")):
        load_agents(load_run(undisturbed / "shared"), 4)
    with pytest.raises(RunFolderError, match="is not complete"):
        load_agents(load_run(stopped), 3)
    tabular = Experiment.build({"game": GAME, "run": {**RUN, "agent": "iql", "figures": False}})
    with new_session(tabular, tmp_path / "iql"):
        pass
    with pytest.raises(ValueError, match=r"run must be one of agent 'dqn', got .* of agent 'iql'"):
        load_agents(load_run(tmp_path / "iql"), 3)
    flip(stopped / "config.json")
    with pytest.raises(RunFolderError, match="has been changed"):
        load_agents(load_run(stopped), 3)


@pytest.mark.parametrize("name", ["a weight is missing", "a weight more", "shape", "type", "nan"])
def test_networks_of_another_form_are_not_loaded(name, undisturbed, tmp_path):
    for path in (undisturbed / "shared").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    arrays = storage.read_arrays(tmp_path / "final_state.npz")
    learned = {f"replica1.{name.removeprefix('seed_8_')}": name for name in arrays if name.startswith("seed_8_")}
    section = {short: arrays.pop(full) for short, full in learned.items()}
    SIGNED[name](section)
    arrays |= {short.replace("replica1.", "seed_8_"): array for short, array in section.items()}
    storage.write_arrays(tmp_path / "final_state.npz", arrays)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    manifest["files"]["final_state.npz"] = storage.file_checksum(tmp_path / "final_state.npz")
    write_manifest(tmp_path, manifest)
    with pytest.raises(RunFolderError, match=r"final_state\.npz does not fit the run"):
        load_agents(load_run(tmp_path), 8)


def points(out):
    """Steps and values of every TensorBoard series of a run, as TensorBoard shows them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(out / "tensorboard"))
    events.Reload()
    series = {name: events.Scalars(name) for name in events.Tags()["scalars"]}
    return {name: ([p.step for p in at], [p.value for p in at]) for name, at in series.items()}


def test_tensorboard_shows_what_was_measured_and_changes_nothing(undisturbed, tmp_path):
    out = tmp_path / "run"
    assert main(["train", *flags_of(small()), "--quiet", "--tensorboard", "--out", str(out)]) == 0
    assert results_checksum(out) == results_checksum(undisturbed / "shared")
    shown, metrics = points(out), load_run(out).metrics()
    assert set(shown) == {"cooperation_rate", "mean_payoff", "epsilon", "loss/Q_G", "loss/Q_M"}
    for name in ("cooperation_rate", "mean_payoff"):
        assert shown[name][0] == [10, 20, 30, 40, 50, 60]
        np.testing.assert_allclose(shown[name][1], metrics[name].reshape(2, 6, 10).mean(axis=(0, 2)), rtol=1e-6)
    np.testing.assert_allclose(shown["epsilon"][1], metrics["epsilon"].reshape(6, 10).mean(axis=1), rtol=1e-6)
    steps, losses = shown["loss/Q_G"]
    assert steps == [10, 20, 30, 40, 50, 60]
    assert all(loss > 0 for loss in losses)


@pytest.mark.parametrize("made", [small(), small(rounds=57), small(window=1)], ids=["", "short end", "window 1"])
def test_tensorboard_shows_the_same_however_fast_the_run_was(made, tmp_path, monkeypatch):
    for seconds in (0, 1e9):  # single rounds; fourfold more rounds each time
        monkeypatch.setattr(running, "CHUNK_SECONDS", seconds)
        train_run(made, tmp_path / str(seconds), tensorboard=True)
    shown = points(tmp_path / "0")
    assert shown == points(tmp_path / "1000000000.0")
    assert shown["mean_payoff"][0][-1] == shown["loss/Q_M"][0][-1] == made.total_rounds


@pytest.mark.parametrize("rounds", [20, 23])
def test_tensorboard_goes_on_where_the_checkpoint_was(rounds, undisturbed, tmp_path, capsys):
    made, out = small(), tmp_path / "run"
    with new_session(made, out, tensorboard=True) as session:
        session._checkpoint = lambda: None  # a kill takes everything after the first checkpoint with it
        session._finish = lambda: None
        session.play()
    before = points(out)
    assert before["mean_payoff"][0] == [10, 20, 30, 40, 50, 60]
    # TensorBoard reads files in the order of their names, which have the second and then a number of any length.
    (first,) = (out / "tensorboard").iterdir()
    first.rename(first.with_name("events.out.tfevents.0000000001.first"))
    stop(made, tmp_path / "same", rounds)
    (out / "checkpoint.npz").write_bytes((tmp_path / "same" / "checkpoint.npz").read_bytes())
    assert main(["train", "--resume", str(out), "--tensorboard", "--quiet"]) == 0
    assert results_checksum(out) == results_checksum(undisturbed / "shared")
    assert len(list((out / "tensorboard").iterdir())) == 2
    assert points(out) == before


def test_tensorboard_shows_tabular_learning_too(tmp_path):
    made = Experiment.build({"game": GAME, "run": {**RUN, "agent": "iql", "figures": False}})
    train_run(made, tmp_path / "run", tensorboard=True)
    assert set(points(tmp_path / "run")) == {"cooperation_rate", "mean_payoff", "epsilon"}


# Runs commands, given as JSON, where a library is not installed; prints their exit codes and what they said last.
WITHOUT = """
import contextlib, io, json, sys
sys.modules[sys.argv[1]] = None
from mpgg_agents.cli import main
told = []
for words in json.loads(sys.argv[2]):
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        code = main(words)
    told.append([code, output.getvalue().splitlines()[-1]])
print(json.dumps(told))
"""
INSTALL = 'which is not installed: pip install "mpgg-env[deep]"'


def without(library, *commands):
    words = [[str(word) for word in command] for command in commands]
    return json.loads(fresh_python(WITHOUT, library, json.dumps(words)))


def test_without_torch_runs_can_be_read_but_not_trained(undisturbed, stopped, tmp_path):
    complete, before = undisturbed / "shared", snapshot(tmp_path)
    readers = [["info", complete], ["figures", complete], ["presets"], ["train", "--agent", "dqn", "--help"]]
    start = ["train", *flags_of(small()), "--out", tmp_path / "new"]
    told = without("torch", *readers, ["train", "--resume", complete], start, ["train", "--resume", stopped])
    assert [code for code, _ in told] == [0, 0, 0, 0, 0, 2, 2]
    assert {line for _, line in told[-2:]} == {f"mpgg: error: agent 'dqn' needs torch, {INSTALL}"}
    assert snapshot(tmp_path) == before


def test_without_stable_baselines3_a_run_says_how_to_install_it(tmp_path):
    told = without("stable_baselines3", ["train", *flags_of(small()), "--out", tmp_path / "run"])
    assert told == [[2, f"mpgg: error: agent 'dqn' needs stable_baselines3, {INSTALL}"]]
    assert snapshot(tmp_path) == {}


def test_without_tensorboard_a_run_says_how_to_install_it(stopped, tmp_path):
    before = snapshot(tmp_path)
    start = ["train", "--n-agents", "4", "--tensorboard", "--out", tmp_path / "new"]
    told = without("tensorboard", start, ["train", "--tensorboard", "--resume", stopped])
    assert told == [[2, f"mpgg: error: writing TensorBoard files needs tensorboard, {INSTALL}"]] * 2
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("device", ["cpuu", "meta:x", "cuda:99"])
def test_a_device_that_is_not_there_is_refused(device, tmp_path, capsys):
    made = small(agent={"device": device})
    line = refused(capsys, "train", *flags_of(made), "--out", tmp_path / "run")
    assert f"device must be one that torch can use here, such as 'cpu', got '{device}'" in line
    assert snapshot(tmp_path) == {}
