"""Runs in the market: folder, judgements, resuming in training and evaluation, tampering, figures, text."""

import json
import os
import signal

import numpy as np
import pyarrow.parquet as pq
import pytest

from mpgg_agents.cli import main
from mpgg_agents.experiments import Experiment, RunFolderError, checkpoint, draw_figures, load_run, storage
from mpgg_agents.experiments.market import evaluation as judging
from mpgg_agents.experiments.market.curves import equilibrium_figure, exploitability_figure, learning_figure
from mpgg_agents.experiments.market.distance import relative_distance, visited_states
from mpgg_agents.experiments.market.figure_data import MarketFigureData
from mpgg_agents.experiments.market.figures import figure_set
from mpgg_agents.experiments.market.heat_maps import policy_figure
from mpgg_agents.experiments.market.measures import JUDGEMENTS
from mpgg_agents.experiments.market.settings import MarketExperiment
from mpgg_agents.experiments.mpgg.reader import MPGGRun
from mpgg_agents.experiments.reader import load_run_of
from mpgg_agents.experiments.report import summary
from mpgg_agents.experiments.run import new_session, resumed_session
from mpgg_agents.fp_ddpg import FPDDPGTrainer
from mpgg_agents.market_response import PathwiseConfig, exploitability, returns_under
from mpgg_agents.nash_dqn.trainer import NashDQNTrainer
from mpgg_agents.training_record import TrainingRecord
from mpgg_env.analysis.market_equilibrium import solve_market
from mpgg_env.analysis.market_profile import LinearProfile
from mpgg_env.games.market.config import MarketConfig
from tests import tiny_run
from tests.market_run import AGENTS, ENV, ROUNDS, flags_of, stop, tiny, train
from tests.support import exactly, fresh_python
from tests.tiny_run import results_checksum, snapshot

TRAINERS = {"nash_dqn": NashDQNTrainer, "fp_ddpg": FPDDPGTrainer}
kinds = pytest.mark.parametrize("name", AGENTS)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A finished run of each kind of agent."""
    folder = tmp_path_factory.mktemp("runs")
    for name in AGENTS:
        assert train(tiny(name), folder / name) == 0
    return {name: load_run(folder / name) for name in AGENTS}


@pytest.fixture(scope="module")
def run(runs):
    return runs["nash_dqn"]


def refused(capsys, *words):
    """The line on stderr of a command that must fail with exit code 2."""
    assert main([str(word) for word in words]) == 2
    line = capsys.readouterr().err
    assert line.startswith("mpgg: error: ")
    assert line.count("\n") == 1
    return line


# What is written


@kinds
def test_results_are_those_of_the_trainer(name, runs):
    run, made = runs[name], tiny(name)
    assert run.config == made
    trainer = TRAINERS[name](made.game, made.agent, made.run.seeds, snapshots=3)
    record = trainer.advance(ROUNDS)
    metrics, kept = run.metrics(), run.snapshots()
    assert metrics["seed"].tolist() == [3, 8]
    assert metrics["round"].tolist() == list(range(ROUNDS))
    for measure, values in record.measures.items():
        np.testing.assert_array_equal(metrics[measure], values)
    for part, values in record.snapshots.items():
        np.testing.assert_array_equal(kept[part], values)
    assert kept["snapshot_rounds"].tolist() == [[4, 8, 12]] * 2
    for part, values in trainer.learned(1).items():
        np.testing.assert_array_equal(run.learned(8)[part], values)
    table = pq.read_table(run.path / "metrics.parquet")
    assert table.column_names == ["seed", "round", *record.measures]
    assert table["seed"].to_pylist() == [3] * ROUNDS + [8] * ROUNDS
    files = {path.name for path in run.path.iterdir() if path.name != ".lock"}
    results = {"metrics.parquet", "snapshots.npz", "evaluation.npz", "final_state.npz"}
    assert files == results | {"config.json", "manifest.json"}


@kinds
def test_policies_are_judged_as_the_tools_judge_them(name, runs):
    run = runs[name]
    found, game = run.evaluation(), run.config.game
    assert found["snapshot_rounds"].tolist() == [4, 8, 12]
    assert all(found[judgement].shape == (2, 3) for judgement in JUDGEMENTS)
    policy = run.policy(8, 8)
    returns = returns_under(game, policy, 64, 8).mean(axis=1)
    assert found["mean_return"][1, 1] == returns.mean()
    assert found["mean_return_error"][1, 1] == pytest.approx(returns.std(ddof=1) / 8)
    judged = exploitability(game, policy, "pathwise", episodes=64, seed=8, pathwise=PathwiseConfig(iterations=4))
    low, high = judged.interval
    expected = {"gain": judged.gain, "gain_low": low, "gain_high": high, "share": judged.share, "value": judged.value}
    assert {judgement: found[judgement][1, 1] for judgement in expected} == expected
    assert found["value"][0, 0] == abs(solve_market(game).value[0])
    assert found["share_low"][1, 1] * judged.value == pytest.approx(low)
    assert (found["distance"] > 0.3).all()  # nothing has been learned in twelve iterations


@kinds
def test_policies_of_a_run_are_those_of_the_trainer(name, runs):
    run = runs[name]
    made = tiny(name)
    trainer = TRAINERS[name](made.game, made.agent, made.run.seeds, snapshots=3)
    trainer.advance(ROUNDS)
    states = visited_states(made.game, trainer.policy(0), 16, 1)
    for state in states:
        np.testing.assert_array_equal(run.policy(3)(state).numpy(), trainer.policy(0)(state).detach().numpy())
    for rounds in (None, ROUNDS):  # the last policy kept is the one that came out
        assert relative_distance(run.policy(3, rounds), run.policy(3), states) == 0


@pytest.mark.parametrize("factor", [0.0, 0.9, 1.0, 1.5])
def test_distance_of_scaled_rules_by_hand(factor):
    # v = k v*, so that the rms of v - v* is |k - 1| times that of v*.
    game = MarketConfig(impact="linear", observation="full")
    exact = solve_market(game).profile
    states = visited_states(game, exact, 50, 0)
    scaled = LinearProfile(game, factor * exact.gains)
    assert relative_distance(scaled, exact, states) == pytest.approx(abs(factor - 1), abs=1e-6)


def test_states_of_the_distance_are_those_of_an_episode():
    game = MarketConfig(impact="linear", observation="full")
    states = visited_states(game, solve_market(game).profile, 7, 0)
    assert [state.step for state in states] == list(range(10))
    assert states[0].inventory.shape == (7, 5)
    np.testing.assert_array_equal(states[9].initial_inventory, states[0].inventory)


@pytest.mark.parametrize(
    "game",
    [
        {"impact": "sqrt"},
        {"observation": "paper"},
        {"n_agents": 3, "observation": "full_mean", "running_penalty": (0.0, 0.1, 0.2)},
        {"n_agents": 20, "observation": "full"},
    ],
    ids=str,
)
def test_there_is_no_distance_where_no_equilibrium_can_be_played(game):
    assert judging.exact_equilibrium(MarketConfig(**{"impact": "linear", **game})) is None
    assert judging.exact_equilibrium(MarketConfig(impact="linear", observation="full_mean")) is not None


def test_without_a_response_policies_are_judged_by_returns_alone(tmp_path):
    assert train(tiny(response_iterations=0, game={"impact": "sqrt"}), tmp_path / "run") == 0
    run = load_run(tmp_path / "run")
    found = run.evaluation()
    assert all(np.isnan(found[name]).all() == (not name.startswith("mean_return")) for name in JUDGEMENTS)
    assert figure_set(run).files == tuple(
        f"{name}.{kind}" for name in ("learning", "policy") for kind in ("png", "pdf", "svg")
    )


# Stopping and going on


@kinds
@pytest.mark.parametrize("rounds", [5, ROUNDS])
def test_a_run_killed_in_training_ends_with_the_same_results(name, rounds, runs, tmp_path):
    out = stop(tiny(name), tmp_path / "run", rounds)
    assert main(["train", "--resume", str(out), "--quiet"]) == 0
    assert results_checksum(out) == runs[name].manifest["results_checksum"]
    assert not (out / "checkpoint.npz").exists()


@pytest.mark.parametrize("steps", [1, 6, 11, 24])
def test_a_signal_in_the_evaluation_keeps_what_was_judged(steps, run, tmp_path, monkeypatch, capsys):
    out, original, told, armed = tmp_path / "run", judging.exploitability, [], [True]

    def interrupted(*arguments, progress, **options):
        def tell(step):
            told.append(step)
            if len(told) == steps and armed.pop():
                os.kill(os.getpid(), signal.SIGINT)
            progress(step)

        return original(*arguments, progress=tell, **options)

    monkeypatch.setattr(judging, "exploitability", interrupted)
    with new_session(tiny(), out) as session:
        outcome = session.play()
    done = (steps - 1) // 4  # four steps a policy; the last step of the last one was done
    assert (outcome.signal, outcome.rounds_done, outcome.complete) == (signal.SIGINT, ROUNDS, False)
    saved = checkpoint.read_checkpoint(out / "checkpoint.npz", load_run(out).manifest["files"]["config.json"])
    assert saved.evaluation["tasks_done"] == done
    assert np.isfinite(saved.evaluation["gain"]).sum() == done
    assert main(["info", str(out)]) == 0
    assert "kept       12 of 12 rounds" in capsys.readouterr().out
    told.clear()
    armed.append(False)
    with resumed_session(out) as session:
        assert session.play().complete
    assert len(told) == 4 * (6 - done)
    assert results_checksum(out) == run.manifest["results_checksum"]


def test_results_do_not_depend_on_checkpoints_and_chunks(run, tmp_path):
    assert train(tiny(checkpoint_every=1), tmp_path / "run", "--threads", "2") == 0
    assert results_checksum(tmp_path / "run") == run.manifest["results_checksum"]


def test_results_depend_on_seeds_and_settings(run, tmp_path):
    checksums = {run.manifest["results_checksum"]}
    for name, made in {
        "seeds": tiny(seeds=(3, 9)),
        "game": tiny(game={"dt": 0.25}),
        "agent": tiny(agent={"episodes": 5}),
        "response": tiny(response_iterations=5),
        "trader": tiny(response_trader=1),
    }.items():
        assert train(made, tmp_path / name) == 0
        checksums.add(results_checksum(tmp_path / name))
    assert len(checksums) == 6


DAMAGE = {
    "measure": lambda saved: saved.record.update({"measures.mean_return": np.zeros((2, 3))}),
    "measures": lambda saved: [saved.record.pop(name) for name in list(saved.record) if name.startswith("measures.")],
    "foreign part": lambda saved: saved.record.update(welfare=np.zeros((2, 12))),
    "snapshot": lambda saved: saved.record["snapshots.snapshot_rounds"].fill(5),
    "weight": lambda saved: saved.record.popitem(),
    "judgement": lambda saved: saved.evaluation.pop("gain"),
    "form": lambda saved: saved.evaluation.update(gain=np.zeros((2, 2))),
    "many tasks": lambda saved: saved.evaluation.update(tasks_done=np.array(7)),
    "no tasks": lambda saved: saved.evaluation.update(tasks_done=np.array(-1)),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_checkpoints_that_do_not_fit_are_refused_even_with_their_checksum(name, tmp_path, capsys):
    out = stop(tiny(), tmp_path / "run", ROUNDS)
    with resumed_session(out) as session:
        session._evaluation.advance(lambda steps, words: None)
        session._checkpoint()
    path, config = out / "checkpoint.npz", load_run(out).manifest["files"]["config.json"]
    saved = checkpoint.read_checkpoint(path, config)
    assert saved.evaluation["tasks_done"] == 1
    DAMAGE[name](saved)
    checkpoint.write_checkpoint(path, config, saved)
    before = snapshot(out)
    assert "checkpoint.npz" in refused(capsys, "train", "--resume", out)
    assert snapshot(out) == before


def test_an_evaluation_before_the_end_of_the_training_is_refused(tmp_path, capsys):
    out = stop(tiny(), tmp_path / "run", 5)
    path, config = out / "checkpoint.npz", load_run(out).manifest["files"]["config.json"]
    saved = checkpoint.read_checkpoint(path, config)
    checkpoint.write_checkpoint(path, config, saved._replace(evaluation={"tasks_done": np.array(0)}))
    line = refused(capsys, "train", "--resume", out)
    assert "checkpoint.npz is inconsistent: it has an evaluation of a training that has not ended" in line


def test_a_training_that_diverges_is_failed(tmp_path, capsys):
    made = tiny("fp_ddpg", agent={"learning_rate": 1e30})
    assert main(["train", *flags_of(made), "--quiet", "--out", str(tmp_path / "run")]) == 1
    assert "no checkpoint had been written yet" in capsys.readouterr().err
    assert load_run(tmp_path / "run").status == "failed"


@pytest.mark.parametrize("name", ["evaluation.npz", "snapshots.npz", "metrics.parquet", "final_state.npz"])
def test_changed_results_are_refused(name, run, tmp_path, capsys):
    for path in run.path.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(content)
    for command in ("info", "figures"):
        assert name in refused(capsys, command, tmp_path)


def test_weights_that_do_not_fit_are_not_loaded(run, monkeypatch):
    weights = run.learned(3)
    monkeypatch.setattr(type(run), "learned", lambda self, seed: dict(list(weights.items())[1:]))
    with pytest.raises(RunFolderError, match=r"final_state\.npz does not fit the run"):
        run.policy(3)


def test_policies_that_were_not_kept_are_named(run):
    with pytest.raises(ValueError, match=exactly("rounds must be one of '4', '8', '12', got '5'")):
        run.policy(3, 5)
    with pytest.raises(ValueError, match=exactly("seed must be one of 3, 8, got 4")):
        run.policy(4)


def test_the_config_and_the_manifest_must_be_of_one_game(run, tmp_path, capsys):
    from mpgg_agents.experiments.folder import write_manifest

    (tmp_path / "config.json").write_bytes((run.path / "config.json").read_bytes())
    manifest = {**run.manifest, "env": "mpgg/migratory_public_goods-v0"}
    manifest["files"] = {"config.json": manifest["files"]["config.json"]}
    write_manifest(tmp_path, manifest)
    assert "they are of different games" in refused(capsys, "info", tmp_path)


# Reading and drawing


def test_policy_maps_are_the_linear_rules_of_the_equilibrium(run):
    game = run.config.game
    numbers = run.policy_map([9.5, 10.25], [-3.0, 0.0, 4.0])
    assert numbers["time_to_go"].tolist() == [1.0, 0.5]
    assert numbers["rate"].shape == (2, 2, 2, 3)
    gains = solve_market(game).gains  # on price less its level, impact, own and mean of the others' inventories
    z, q = np.array([-0.5, 0.25]), np.array([-3.0, 0.0, 4.0])
    expected = gains[None, :, None, 0] * z[:, None, None] + gains[None, :, None, 2] * q
    np.testing.assert_allclose(numbers["equilibrium"], expected, atol=1e-5)
    defaults = run.policy_map()
    spread = game.initial_price_variance**0.5
    np.testing.assert_allclose(defaults["price"], [10 - round(2 * spread, 1), 10, 10 + round(2 * spread, 1)])
    assert defaults["inventory"][[0, -1]].tolist() == pytest.approx([-(200**0.5), 200**0.5])  # 2 sqrt(50)


@pytest.fixture(scope="module")
def drawn(runs, tmp_path_factory):
    """The run with its figures."""
    out = tmp_path_factory.mktemp("drawn") / "run"
    assert train(tiny(figures=True), out) == 0
    return load_run(out)


def test_every_figure_is_there_and_is_drawn_alike_again(drawn, run):
    assert {path.name for path in (drawn.path / "figures").iterdir()} == set(figure_set(drawn).files)
    names = {name.partition(".")[0] for name in figure_set(drawn).files}
    assert names == {"learning", "equilibrium", "exploitability", "policy"}
    assert drawn.manifest["results_checksum"] == run.manifest["results_checksum"]
    before = snapshot(drawn.path)
    (drawn.path / "figures" / "policy.pdf").unlink()
    assert main(["train", "--resume", str(drawn.path), "--quiet"]) == 0
    assert snapshot(drawn.path) == before
    assert len(draw_figures(drawn)) == 12
    assert snapshot(drawn.path) == before


def test_figures_show_what_the_run_gives_as_numbers(run):
    data, found = MarketFigureData.read(run), run.evaluation()
    losses, returns = learning_figure(data).axes
    names = ["value", "advantage"]
    for line, name in zip(losses.get_lines(), names, strict=True):
        assert line.get_label() == name
        shown = np.exp(np.log(run.metrics()[f"{name}_loss"]).mean(axis=0))  # twelve points of one iteration
        np.testing.assert_allclose(line.get_ydata(), shown)
    lines = {line.get_label(): line for line in returns.get_lines()}
    np.testing.assert_allclose(lines["while exploring"].get_ydata(), run.metrics()["mean_return"].mean(axis=0))
    np.testing.assert_allclose(lines["policy"].get_ydata(), found["mean_return"].mean(axis=0))
    assert lines["policy"].get_xdata().tolist() == [4, 8, 12]
    assert lines["equilibrium"].get_ydata()[0] == solve_market(run.config.game).value.mean()
    (line,) = equilibrium_figure(data).axes[0].get_lines()
    np.testing.assert_allclose(line.get_ydata(), 100 * np.exp(np.log(found["distance"]).mean(axis=0)))
    gains = exploitability_figure(data).axes[0].get_lines()
    np.testing.assert_allclose(gains[0].get_ydata(), 100 * found["share"].mean(axis=0))
    assert [gains[1].get_label(), gains[1].get_ydata()[0]] == ["equilibrium", 0]


def test_heat_maps_show_the_mean_policy_beside_the_equilibrium(run):
    data = MarketFigureData.read(run)
    figure = policy_figure(data)
    maps = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title() for axes in maps[:3]] == [f"price {price:.1f}" for price in data.policy_map["price"]]
    rate, exact = data.policy_map["rate"].mean(axis=0), data.policy_map["equilibrium"]
    for axes, numbers in zip(maps, [*rate, *exact], strict=True):
        np.testing.assert_allclose(axes.images[0].get_array(), numbers.T)
        assert axes.images[0].get_extent()[:2] == [1.0, 0.0]  # the episode runs to the right
        assert axes.images[0].origin == "lower"


def test_the_reference_is_the_authors_level_where_they_played(runs):
    from mpgg_agents.experiments.market.curves import reference

    assert reference(MarketConfig()) == (0.066, "authors' networks")
    assert reference(MarketConfig(impact="linear")) == (0.0, "equilibrium")


def test_odd_runs_can_be_drawn(tmp_path):
    odd = {"s0_var": 0.0, "init_inv_var": 0.0, "y0_var": 0.0}
    made = tiny(game=odd, seeds=(1,), snapshots=1, response_iterations=0, figures=True)
    assert train(made, tmp_path / "run") == 0
    assert len(list((tmp_path / "run" / "figures").iterdir())) == 9
    assert load_run(tmp_path / "run").policy_map()["price"].tolist() == [10.0]


def test_text_tells_the_judgements(run, capsys):
    last = run.evaluation()["mean_return"][:, -1]
    told = summary(run.path)
    assert f"policies at the end: return {last.mean():.3f} ({last.std(ddof=1):.3f}), distance" in told
    assert main(["info", str(run.path)]) == 0
    text = capsys.readouterr().out
    for words in (f"env        {ENV}", "agent      nash_dqn, preset default", "2 traders, 2 decisions, impact linear"):
        assert words in text
    assert "12, 3 policies judged, 4 response steps each" in text
    share = 100 * run.evaluation()["share"][:, 0]
    assert f"{share.mean():.2f} ({share.std(ddof=1):.2f})" in text
    assert text.endswith("over episodes\n")


def test_progress_of_training_and_evaluation_is_told(tmp_path, capsys):
    assert main(["train", *flags_of(tiny()), "--out", str(tmp_path / "run")]) == 0
    told = capsys.readouterr().err.splitlines()
    assert "mpgg: 12 of 12 rounds, " in told[0]
    assert ", value loss " in told[0]
    assert ", return " in told[0]
    assert "mpgg: 24 of 24 evaluation steps, " in told[-1]
    assert told[-1].endswith("seed 8, the policy after 12 rounds")


def test_tensorboard_shows_means_and_newest_losses(run, tmp_path):
    from tests.test_dqn_run import points

    out = tmp_path / "run"
    assert train(tiny(), out, "--tensorboard") == 0
    assert results_checksum(out) == run.manifest["results_checksum"]
    shown, metrics = points(out), run.metrics()
    losses = {"loss/value_loss", "loss/advantage_loss"}
    assert set(shown) == losses | {name for name in metrics if not name.endswith("_loss")} - {"seed", "round"}
    assert shown["mean_return"][0] == [4, 8, 12]
    np.testing.assert_allclose(shown["mean_return"][1], metrics["mean_return"].reshape(2, 3, 4).mean((0, 2)), rtol=1e-6)
    newest = metrics["value_loss"][:, [3, 7, 11]].mean(axis=0)
    np.testing.assert_allclose(shown["loss/value_loss"][1], newest, rtol=1e-6)


def test_other_games_have_other_commands(run, tmp_path, capsys):
    line = refused(capsys, "exploitability", run.path)
    assert f"{run.path} must be a run of mpgg/migratory_public_goods-v0, but is one of {ENV}" in line
    with pytest.raises(RunFolderError, match="must be a run of"):
        load_run_of(run.path, MPGGRun)


WITHOUT_TORCH = """
import contextlib, io, json, sys
sys.modules["torch"] = None
from mpgg_agents.cli import main
told = []
for words in json.loads(sys.argv[1]):
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        told.append([main(words), output.getvalue().splitlines()[-1]])
print(json.dumps(told))
"""


def test_without_torch_runs_can_be_read_but_not_trained_and_drawn(run, tmp_path):
    commands = [
        ["info", str(run.path)],
        ["train", "--env", ENV, "--help"],
        ["train", "--env", ENV, "--out", str(tmp_path / "run")],
        ["figures", str(run.path)],
        ["compare", str(run.path), str(run.path), "--out", str(tmp_path / "out")],
    ]
    told = json.loads(fresh_python(WITHOUT_TORCH, json.dumps(commands)))
    assert [code for code, _ in told] == [0, 0, 2, 2, 2]
    install = 'needs torch, which is not installed: pip install "mpgg-env[deep]"'
    assert told[2][1] == f"mpgg: error: agent 'nash_dqn' {install}"
    assert told[3][1] == f"mpgg: error: a map of policies {install}"
    assert not list(tmp_path.iterdir())


# Settings


def test_an_experiment_is_of_the_class_of_its_game():
    made = tiny()
    assert isinstance(made, MarketExperiment)
    assert Experiment.from_dict(json.loads(json.dumps(made.to_dict()))) == made
    assert Experiment.build({"run": {"env": ENV}}).run.agent == "nash_dqn"
    assert tiny(snapshots=50).run.snapshots == 50


def test_an_ill_posed_market_is_a_note_of_a_run_that_starts(tmp_path, capsys):
    words = [*flags_of(tiny(response_iterations=0)), "--n-agents", "8", "--out", str(tmp_path / "run")]
    assert main(["train", *words]) == 0
    assert capsys.readouterr().err.count("mpgg: note: the market is ill posed: ") == 1
    assert np.isnan(load_run(tmp_path / "run").evaluation()["distance"]).all()


def test_snapshots_of_more_than_all_iterations_are_those_of_every_iteration(tmp_path):
    made = tiny(snapshots=50, response_iterations=0)
    assert train(made, tmp_path / "run") == 0
    assert load_run(tmp_path / "run").evaluation()["snapshot_rounds"].tolist() == list(range(1, 13))


def test_records_are_joined_and_empty_ones_have_no_names():
    life = tiny().game_kind.life(tiny())
    assert life.joined([]) == TrainingRecord({}, {})
    part = TrainingRecord({"a": np.ones((2, 3))}, {"snapshot_rounds": np.ones((2, 1), np.int64)})
    joined = life.joined([TrainingRecord({}, {}), part, part])
    assert joined.measures["a"].shape == (2, 6)
    with pytest.raises(ValueError, match="records must have the same names"):
        TrainingRecord.concatenate([part, TrainingRecord({"b": np.ones((2, 3))}, part.snapshots)])


def test_runs_of_the_first_game_are_not_read_as_the_market_s(tmp_path):
    assert tiny_run.train(tmp_path / "run") == 0
    run = load_run(tmp_path / "run")
    assert isinstance(run, MPGGRun)
    assert run.manifest["env"] == run.config.run.env == "mpgg/migratory_public_goods-v0"
    assert storage.read_arrays(run.path / "casinos.npz")
