"""Run folders of mean-field-type games: damage that is refused, figures, and what text tells."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mpgg_agents.cli import main
from mpgg_agents.experiments import RunFolderError, checkpoint, draw_figures, load_run
from mpgg_agents.experiments.folder import write_manifest
from mpgg_agents.experiments.mean_field.curves import cooperation_figure, exploitability_figure, returns_figure
from mpgg_agents.experiments.mean_field.figure_data import MeanFieldFigureData
from mpgg_agents.experiments.mean_field.figures import figure_set
from mpgg_agents.experiments.mean_field.maps import distributions_figure, shown_times
from mpgg_agents.experiments.mean_field.measures import GAINS
from mpgg_agents.experiments.mean_field.reader import MeanFieldRun
from mpgg_agents.experiments.run import resumed_session
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from tests.market_run import stop, train
from tests.mean_field_run import BOARDS, ROUNDS, env_of, refused, tiny
from tests.support import exactly
from tests.tiny_run import results_checksum, snapshot

PAIRS = [
    *[("population_matching", name) for name in ("model_gradient", "ddpg_mftg", "dnashq")],
    *[("mpgg", name) for name in ("ddpg_mftg", "dnashq")],
    *[(game, "model_gradient") for game in (*BOARDS, "cyber_security")],
]


BOUNDS = {"least": "lower", "most": "upper"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Finished runs, one of them in each game."""
    folder = tmp_path_factory.mktemp("runs")
    for game, name in PAIRS:
        few: Any = {"seeds": (3,), "snapshots": 1} if game in BOARDS else {}
        assert train(tiny(game, name, **few), folder / f"{game}-{name}") == 0
    return {pair: load_run(folder / "-".join(pair)) for pair in PAIRS}


@pytest.fixture(scope="module")
def run(runs):
    return runs["population_matching", "model_gradient"]


# Damage

DAMAGE = {
    "measure": lambda saved: saved.record.update({"measures.mean_return": np.zeros((2, 3))}),
    "foreign part": lambda saved: saved.record.update(welfare=np.zeros((2, 4))),
    "snapshot": lambda saved: saved.record["snapshots.snapshot_rounds"].fill(3),
    "weight": lambda saved: saved.record.popitem(),
    "trainer": lambda saved: next(a for a in saved.trainer.values() if a.dtype == np.float32).fill(np.nan),
    "judgement": lambda saved: saved.evaluation.pop("exact"),
    "form": lambda saved: saved.evaluation.update(returns=np.zeros((2, 2))),
    "many tasks": lambda saved: saved.evaluation.update(tasks_done=np.array(5)),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_checkpoints_that_do_not_fit_are_refused_even_with_their_checksum(name, tmp_path, capsys):
    out = stop(tiny(), tmp_path / "run", ROUNDS)
    with resumed_session(out) as session:
        session._evaluation.advance(lambda steps, words: None)
        session._checkpoint()
    path, config = out / "checkpoint.npz", load_run(out).manifest["files"]["config.json"]
    saved = checkpoint.read_checkpoint(path, config)
    DAMAGE[name](saved)
    checkpoint.write_checkpoint(path, config, saved)
    before = snapshot(out)
    assert "checkpoint.npz" in refused(capsys, "train", "--resume", out)
    assert snapshot(out) == before


@pytest.mark.parametrize(
    ("game", "name"), [("mpgg", "model_gradient"), ("population_matching", "ddpg_mftg"), ("cyber_security", "dnashq")]
)
def test_a_checkpoint_of_another_run_is_refused(game, name, tmp_path, capsys):
    out, other = stop(tiny(), tmp_path / "run", 2), stop(tiny(game, name), tmp_path / "other", 2)
    (out / "checkpoint.npz").write_bytes((other / "checkpoint.npz").read_bytes())
    assert "checkpoint.npz belongs to another run" in refused(capsys, "train", "--resume", out)
    sums = [load_run(folder).manifest["files"]["config.json"] for folder in (out, other)]
    saved = checkpoint.read_checkpoint(other / "checkpoint.npz", sums[1])
    checkpoint.write_checkpoint(out / "checkpoint.npz", sums[0], saved)
    assert "checkpoint.npz does not fit the run: " in refused(capsys, "train", "--resume", out)


def copied(run: MeanFieldRun, folder: Path) -> Path:
    """The files of a run in another folder."""
    for path in run.path.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.mark.parametrize("name", ["evaluation.npz", "snapshots.npz", "metrics.parquet", "final_state.npz"])
def test_changed_results_are_refused(name, run, tmp_path, capsys):
    out = copied(run, tmp_path)
    content = bytearray((out / name).read_bytes())
    content[len(content) // 2] ^= 1
    (out / name).write_bytes(content)
    for command in ("info", "figures"):
        assert name in refused(capsys, command, out)


@pytest.mark.parametrize("name", ["ddpg_mftg", "dnashq"])
@pytest.mark.parametrize("damage", ["not a number", "other shape", "missing", "other game"])
def test_weights_that_do_not_fit_are_not_loaded(damage, name, runs, monkeypatch):
    run, weights = runs["population_matching", name], runs["population_matching", name].learned(3)
    first = next(iter(weights))
    changed = {
        "not a number": {**weights, first: np.full_like(weights[first], np.nan)},
        "other shape": {**weights, first: weights[first][:-1]},
        "missing": {part: array for part, array in weights.items() if part != first},
        "other game": runs["mpgg", name].learned(3),
    }[damage]
    monkeypatch.setattr(type(run), "learned", lambda self, seed: changed)
    with pytest.raises(RunFolderError, match=r"final_state\.npz does not fit the run"):
        run.policy(3)


def test_what_a_run_does_not_have_is_named(run):
    with pytest.raises(ValueError, match=exactly("rounds must be one of '2', '4', got '3'")):
        run.policy(3, 3)
    with pytest.raises(ValueError, match=exactly("seed must be one of 3, 8, got 4")):
        run.evolution(4)
    with pytest.raises(ValueError, match="test must be"):
        run.evolution(3, 5)


def test_the_config_and_the_manifest_must_be_of_one_game(run, tmp_path, capsys):
    (tmp_path / "config.json").write_bytes((run.path / "config.json").read_bytes())
    files = {"config.json": run.manifest["files"]["config.json"]}
    write_manifest(tmp_path, {**run.manifest, "env": env_of("four_rooms"), "files": files})
    assert "they are of different games" in refused(capsys, "info", tmp_path)


# Figures


@pytest.mark.parametrize("game", [*BOARDS, "population_matching", "cyber_security", "mpgg"])
def test_every_game_has_the_figures_for_which_there_are_numbers(game, runs, tmp_path):
    run = next(run for (own, _), run in runs.items() if own == game)
    names = {"returns", "exploitability", "distributions"} | ({"cooperation"} if game == "mpgg" else set())
    assert figure_set(run).drawers.keys() == names
    assert train(tiny(game, "ddpg_mftg", seeds=(3,), response_iterations=0), tmp_path / "run") == 0
    bare = load_run(tmp_path / "run")
    # Without learned responses there is what is known of the others' replay; of the MPGG nothing.
    assert figure_set(bare).drawers.keys() == names - ({"exploitability"} if game == "mpgg" else set())
    found = bare.evaluation()
    known = {"replayed_lower", "replayed_upper"} if game != "mpgg" else set()
    known |= {"exact"} if game == "population_matching" else set()
    assert {gain for gain in GAINS if not np.isnan(found[gain]).any()} == known
    assert np.isfinite(found["returns"]).all()


def test_figures_are_written_at_the_end_and_alike_again(run, tmp_path):
    out = tmp_path / "run"
    assert train(tiny(figures=True), out) == 0
    assert results_checksum(out) == run.manifest["results_checksum"]
    names = [
        f"{name}.{kind}" for name in ("returns", "exploitability", "distributions") for kind in ("png", "pdf", "svg")
    ]
    assert {path.name for path in (out / "figures").iterdir()} == set(names) == set(figure_set(run).files)
    before = snapshot(out)
    (out / "figures" / "returns.pdf").unlink()
    assert main(["train", "--resume", str(out), "--quiet"]) == 0
    assert snapshot(out) == before
    assert len(draw_figures(load_run(out), ["distributions.png"])) == 1
    assert snapshot(out) == before


def test_curves_show_what_the_run_gives_as_numbers(runs):
    run = runs["mpgg", "ddpg_mftg"]
    data, found = MeanFieldFigureData.read(run), run.evaluation()
    for i, axes in enumerate(returns_figure(data).axes):
        (line,) = axes.get_lines()
        assert line.get_xdata().tolist() == [2, 4]
        np.testing.assert_allclose(line.get_ydata(), found["returns"][:, :, i].mean((0, 2)))
    (line,) = exploitability_figure(data).axes[0].get_lines()
    np.testing.assert_allclose(line.get_ydata(), found["lower_bound"].mean((0, 2, 3)))
    lines = {line.get_label(): line.get_ydata() for line in cooperation_figure(data).axes[0].get_lines()}
    np.testing.assert_allclose(lines["cooperation"], found["cooperation"].mean((0, 2)))
    np.testing.assert_allclose(lines["welfare / optimum"], found["welfare"].mean((0, 2)))
    assert len(lines) == 4


@pytest.mark.parametrize("game", ["population_matching", "cyber_security", *BOARDS, "mpgg"])
def test_each_kind_of_gain_has_a_curve_of_its_own(game, runs):
    names = {"best response found": "lower_bound"}
    if game == "population_matching":
        names["exact"] = "exact"
    if game != "mpgg":
        names.update({f"from replays, at {k}": f"replayed_{b}" for k, b in BOUNDS.items()})
    data = MeanFieldFigureData.read(runs[game, "ddpg_mftg" if game == "mpgg" else "model_gradient"])
    lines = {line.get_label(): line.get_ydata() for line in exploitability_figure(data).axes[0].get_lines()}
    assert list(lines) == list(names)
    for label, name in names.items():
        np.testing.assert_allclose(lines[label], data.evaluation[name].mean((0, 2, 3)))


def test_boards_show_the_distributions_over_time(runs):
    run = runs["distribution_planning", "model_gradient"]
    figure = distributions_figure(MeanFieldFigureData.read(run))
    boards = [axes for axes in figure.axes if axes.images]
    shown = run.evolution(3)
    expected = [shown[f"coalition_{i}"][time].reshape(5, 5) for i in range(2) for time in (0, 1, 2)]
    for axes, shares in zip(boards, expected, strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), shares)
        assert len(axes.patches) == 4  # the forbidden cell and three targets
    assert [axes.get_title() for axes in boards[:3]] == ["$t = 0$", "$t = 1$", "$t = 2$"]


def test_walls_of_rooms_are_drawn(runs):
    run = runs["four_rooms", "model_gradient"]
    figure = distributions_figure(MeanFieldFigureData.read(run))
    walls = len(MeanFieldBatch(run.config.game).rules.picture().board.walls)
    assert {len(axes.get_lines()) for axes in figure.axes if axes.images} == {walls}
    assert walls == 2 * 10 - 4  # less the doors


def test_shares_of_few_states_are_curves(run):
    panels = distributions_figure(MeanFieldFigureData.read(run)).axes
    shown = run.evolution(3)
    for i, axes in enumerate(panels):
        for state, line in enumerate(axes.get_lines()):
            np.testing.assert_array_equal(line.get_ydata(), shown[f"coalition_{i}"][:, state])
        assert len(axes.get_lines()) == 3


@pytest.mark.parametrize(
    ("last", "times"), [(1, [0, 1]), (2, [0, 1, 2]), (20, [0, 1, 3, 7, 20]), (40, [0, 1, 3, 12, 40])]
)
def test_times_of_boards_are_at_equal_ratios(last, times):
    assert shown_times(last) == times  # 20^(1/3) = 2.7, 20^(2/3) = 7.4; 40^(1/3) = 3.4, 40^(2/3) = 11.7
