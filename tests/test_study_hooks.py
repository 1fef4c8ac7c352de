"""What each kind of game brings to studies: final numbers, rows, settings of lean cells, theory."""

import math
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from mpgg_agents.cli import main
from mpgg_agents.experiments import Experiment, load_run, train_run
from mpgg_agents.experiments.figures import draw_figures
from mpgg_agents.experiments.folder import RunFolderError
from mpgg_agents.experiments.game_study import metrics_table
from mpgg_agents.experiments.market.measures import JUDGEMENTS
from mpgg_agents.experiments.mean_field.measures import GAINS, MPGG_JUDGEMENTS
from mpgg_agents.experiments.mpgg import curves
from mpgg_agents.experiments.mpgg.figure_data import FigureData
from mpgg_agents.experiments.mpgg.measures import MEASURES
from mpgg_agents.experiments.mpgg.structure import OF_PANEL, ROWS
from mpgg_agents.experiments.registry import DEFAULT_ENV, GAMES
from mpgg_agents.experiments.run import new_session
from mpgg_agents.experiments.study.tables import CELL, KEYS
from mpgg_env import Capacity, DilemmaWarning, Fine, MPGGConfig
from mpgg_env.analysis.market_equilibrium import solve_market
from mpgg_env.analysis.report import equilibrium_report
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.mean_field.mpgg.config import MeanFieldMPGGConfig
from tests import market_run, mean_field_run
from tests.support import exactly
from tests.tiny_run import tiny, train

MPGG, MARKET = GAMES[DEFAULT_ENV].study(), GAMES[market_run.ENV].study()
LEAN = ["--panel-rounds", "0", "--record-every", "50"]
RUNS = {
    "fine": ["--panel-rounds", "0"],
    "lean": LEAN,
    "panel": [],
    "trained only": ["--evaluation-rounds", "0", "--record-every", "50"],
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The same small training, 1,230 rounds, recorded and followed in several ways."""
    folder = tmp_path_factory.mktemp("runs")
    for name, flags in RUNS.items():
        assert train(folder / name, "--rounds", "1230", *flags) == 0
    return {name: load_run(folder / name) for name in RUNS}


def _pair(agents, **changes):
    """Two casinos of cost 1 with gains 2.5 and 4.5: everybody cooperates up to 2 and 4 agents, for 1.5 and 3.5 each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DilemmaWarning)
        return MPGGConfig(n_agents=agents, grid_shape=(1, 2), cost=(1, 1), gain=(2.5, 4.5), **changes)


def test_outcomes_of_all_runs_have_the_documented_names(runs):
    for run in runs.values():
        found = MPGG.outcomes(run)
        assert set(found) == set(MPGG.help) == {*MEASURES, *ROWS, *(f"train_{n}" for n in MPGG.main)}
        assert {(values.shape, values.dtype) for values in found.values()} == {((2,), np.dtype(np.float64))}


def test_outcomes_are_means_over_the_greedy_rounds(runs):
    single = runs["fine"].metrics("greedy")
    for name in ("fine", "lean", "panel"):
        found = MPGG.outcomes(runs[name])
        for measure in ("cooperation_rate", "efficiency", "largest", "concentration", "free_share"):
            np.testing.assert_allclose(found[measure], single[measure].mean(axis=1, dtype=float), rtol=2e-6)
        free = single["free_share"].astype(float)
        rate = (np.nan_to_num(single["cooperation_free"]) * free).sum(axis=1) / free.sum(axis=1)
        np.testing.assert_allclose(found["cooperation_free"], rate, rtol=2e-6)


def test_outcomes_of_the_training_are_of_its_last_thousand_rounds(runs):
    single = runs["fine"].metrics()
    for run in runs.values():  # from round 200 on: 1,230 less 1,000 is within the window from 200 to 250
        found = MPGG.outcomes(run)
        for measure in MPGG.main:
            last = single[measure][:, 200:].mean(axis=1, dtype=float)
            np.testing.assert_allclose(found[f"train_{measure}"], last, rtol=2e-6)


def test_structure_in_outcomes_is_that_of_the_table(runs):
    for name, run in runs.items():
        found, table = MPGG.outcomes(run), run.efficiency_table("train" if name == "trained only" else "greedy", 1000)
        for row in ROWS:
            np.testing.assert_allclose(found[row], table[row], rtol=1e-12, err_msg=row)
        known = {row for row in OF_PANEL if not np.isnan(found[row]).any()}
        assert bool(known) == (name == "panel")


def test_without_greedy_rounds_outcomes_are_those_of_the_training(runs):
    found = MPGG.outcomes(runs["trained only"])
    for measure in MPGG.main:
        np.testing.assert_array_equal(found[measure], found[f"train_{measure}"])
    assert not np.isnan(found["I_v"]).any()


def test_outcomes_read_every_file_once(runs, monkeypatch):
    from mpgg_agents.experiments import storage, table

    read = []
    for module, name in ((table, "read_metrics"), (storage, "read_arrays")):
        original = getattr(module, name)
        monkeypatch.setattr(module, name, lambda path, original=original: read.append(path.name) or original(path))
    MPGG.outcomes(load_run(runs["lean"].path))
    assert sorted(read) == ["casinos.npz", "metrics.parquet"]


def test_records_are_the_rows_of_the_file_with_the_same_columns_for_all_runs(runs):
    tables = {name: MPGG.records(run) for name, run in runs.items()}
    assert len({str(table.schema.remove_metadata()) for table in tables.values()}) == 1
    assert tables["lean"].num_rows == 2 * (25 + 3)
    assert {*KEYS, *MPGG.columns} == {CELL, *tables["lean"].column_names}
    for name, table in tables.items():
        kept = metrics_table(runs[name])
        assert table.column_names == kept.column_names
        for column in kept.column_names:
            np.testing.assert_array_equal(table[column].to_numpy(), kept[column].to_numpy())


def test_unfinished_runs_have_no_outcomes(tmp_path):
    with new_session(tiny(), tmp_path / "run"):
        for read in (MPGG.outcomes, MPGG.records):
            with pytest.raises(RunFolderError, match="is not complete"):
                read(load_run(tmp_path / "run"))


ROWS_OF = {
    "default": ({}, {"window": 2500, "record_every": 2500}),
    "short": ({"run": {"rounds": 7}}, {"window": 1, "record_every": 1}),
    "twenty thousand": ({"run": {"rounds": 20_000}}, {"window": 500, "record_every": 500}),
    "episodes": ({"run": {"rounds": 410}, "agent": {"episodes": 2}}, {"window": 21, "record_every": 21}),
    "own window": ({"run": {"rounds": 20_000, "window": 100}}, {"record_every": 100}),
    "wide window": ({"run": {"rounds": 20_000, "window": 900}}, {"record_every": 450}),
    "prime window": ({"run": {"rounds": 20_000, "window": 701}}, {"record_every": 1}),
    "own rows": ({"run": {"rounds": 20_000, "record_every": 300}}, {"window": 600}),
    "both": ({"run": {"rounds": 20_000, "window": 40, "record_every": 20}}, {}),
    "preset": ({"run": {"preset": "text", "rounds": 400}, "game": {"n_agents": 9}}, {"window": 10, "record_every": 10}),
    "dqn": ({"run": {"agent": "dqn", "rounds": 4000}}, {"window": 100, "record_every": 100}),
}


@pytest.mark.parametrize("name", ROWS_OF)
def test_cells_are_lean_unless_the_study_says_otherwise(name):
    sections, rows = ROWS_OF[name]
    found = MPGG.defaults(sections)
    assert found == {"run": {"figures": False, "panel_rounds": 0, **rows}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DilemmaWarning)
        made = Experiment.build(found, sections)  # what the study sets goes first
    assert made.panel_rounds == 0
    if "window" not in sections.get("run", {}) and "record_every" not in sections.get("run", {}):
        assert made.windows <= 40


@pytest.mark.parametrize(
    "sections",
    [
        {"run": {"rounds": 0}},
        {"run": {"rounds": "many"}},
        {"run": {"window": 0}},
        {"run": {"record_every": -1}},
        {"run": {"preset": "none"}},
        {"run": {"agent": "nobody"}},
        {"agent": {"episodes": 0}},
        {"agent": {"episode": 2}},
    ],
    ids=str,
)
def test_defaults_refuse_what_the_experiment_refuses(sections):
    with pytest.raises((TypeError, ValueError)) as expected:
        Experiment.build(sections)
    with pytest.raises(type(expected.value), match=exactly(str(expected.value))):
        MPGG.defaults(sections)


def test_other_games_draw_no_figures_in_studies_and_judge_the_last_policy():
    for kind in GAMES.values():
        if kind.env != DEFAULT_ENV:
            assert kind.study().defaults({"run": {"env": kind.env}}) == {"run": {"figures": False, "snapshots": 1}}


def test_theory_of_two_casinos_by_hand():
    # 2 and 4 cooperators is the only equilibrium of six: one more in a casino would end cooperation there.
    found = MPGG.theory(_pair(6))
    assert found["best_efficiency"] == found["worst_efficiency"] == pytest.approx(17 / 21)
    assert found["best_cooperation"] == found["worst_cooperation"] == 1
    assert found["optimum_payoff"] == pytest.approx(3.5)
    assert found["optimum_efficiency"] == pytest.approx(1)
    assert found["capacity_efficiency"] == pytest.approx(17 / 21)
    assert found["random_efficiency"] == pytest.approx((1.5 * 1.5 + 1.5 * 3.5) / 21)
    assert (found["total_gain"], found["seats"], found["crowding"]) == (7, 6, pytest.approx(6 / 7))
    # Of nine: 4 cooperate in the better casino and 5 defect in the other one at best, 4 and 5 defect at worst.
    found = MPGG.theory(_pair(9))
    assert found["best_efficiency"] == pytest.approx(14 / 31.5)
    assert found["best_cooperation"] == pytest.approx(4 / 9)
    assert found["worst_efficiency"] == found["worst_cooperation"] == 0
    assert found["crowding"] == pytest.approx(9 / 7)


def test_theory_with_mechanisms_by_hand():
    # Two seats each: 2 * 1.5 + 2 * 3.5 of the 21 that six would earn in the better casino without.
    assert MPGG.theory(_pair(6, mechanism=Capacity(seats=2)))["optimum_efficiency"] == pytest.approx(10 / 21)
    # A fine above the cost makes all cooperate, and six in the better casino are all together.
    found = MPGG.theory(_pair(6, mechanism=Fine(amount=2)))
    assert found["worst_cooperation"] == 1
    assert found["best_efficiency"] == pytest.approx(1)
    assert math.isnan(found["symmetric_efficiency"])


def test_theory_of_the_default_game_is_that_of_the_report():
    game = MPGGConfig()
    report, found = equilibrium_report(game), MPGG.theory(game)
    assert found["best_efficiency"] == pytest.approx(report.observe_n.best_efficiency)
    assert found["worst_efficiency"] == pytest.approx(report.observe_n.worst_efficiency)
    assert found["symmetric_efficiency"] == pytest.approx(report.observe_n_symmetric.efficiency)
    assert found["symmetric_cooperation"] == pytest.approx(report.observe_n_symmetric.cooperation_rate)
    assert found["capacity_efficiency"] == pytest.approx(report.carrying_capacity / report.optimum)
    assert found["random_efficiency"] == pytest.approx(report.random_play / report.optimum)


def test_theory_leaves_out_what_is_slow_or_undefined():
    large = MPGG.theory(MPGGConfig(n_agents=1_000_000, grid_shape=(101, 100)))
    assert {name for name, value in large.items() if math.isnan(value)} == {
        f"{which}_{what}" for which in ("best", "worst", "symmetric") for what in ("efficiency", "cooperation")
    }
    tables = MPGG.theory(MPGGConfig(n_agents=500, min_players=2))
    assert math.isnan(tables["best_efficiency"])
    assert math.isnan(tables["optimum_payoff"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DilemmaWarning)
        worthless = MPGG.theory(MPGGConfig(cost_range=(0, 0)))
    assert math.isnan(worthless["best_efficiency"])
    assert worthless["optimum_payoff"] == 0


@pytest.mark.parametrize("env", GAMES)
def test_every_kind_explains_what_it_has(env):
    study = GAMES[env].study()
    assert 2 <= len(study.main) <= 4
    assert all(study.meaning(name) for name in (*study.main, *study.help))
    assert study.meaning("no outcome") == ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DilemmaWarning)
        game = GAMES[env].game_class()
    theory = {} if study.theory is None else study.theory(game)
    assert set(theory) == set(study.theory_help)
    assert all(study.meaning(name) for name in theory)
    for boundary in study.boundaries:
        left, right = boundary.split(" = ")
        assert left in theory
        assert right.isdecimal() or hasattr(game, right.removeprefix("game."))


def test_outcomes_in_the_market():
    # What a run of two seeds has that kept three policies in 25 iterations.
    judged = {name: np.arange(6.0).reshape(2, 3) + k for k, name in enumerate(JUDGEMENTS)}
    measured = {"mean_return": np.arange(50.0).reshape(2, 25), "value_loss": np.ones((2, 25))}
    found = MARKET.outcomes(SimpleNamespace(evaluation=lambda: judged, metrics=lambda: measured))
    assert set(found) == set(MARKET.help) == {*JUDGEMENTS, "train_mean_return"}
    for k, name in enumerate(JUDGEMENTS):
        assert found[name].tolist() == [2 + k, 5 + k]
    assert found["train_mean_return"].tolist() == [23.5, 48.5]  # the last two of 25


def test_theory_of_the_market_is_the_exact_equilibrium():
    game = MarketConfig(**market_run.GAME, transaction_cost=(0.1, 0.3))
    value = solve_market(game).value
    assert value[0] != pytest.approx(value[1])
    assert MARKET.theory(game) == {"equilibrium_return": pytest.approx((value[0] + value[1]) / 2)}
    for unknown in (game.replace(impact="sqrt"), game.replace(observation="paper")):
        assert math.isnan(MARKET.theory(unknown)["equilibrium_return"])


@pytest.mark.parametrize("game", ["population_matching", "mpgg"])
def test_outcomes_in_mean_field_games(game, tmp_path):
    assert train_run(mean_field_run.tiny(game, "il_mftg", response_iterations=0), tmp_path / "run").complete
    run = load_run(tmp_path / "run")
    study, judged = run.config.game_kind.study(), run.evaluation()
    found, last = study.outcomes(run), {name: values[:, -1] for name, values in judged.items() if values.ndim > 2}
    coalitions = last["returns"].shape[1]
    indices = [f"{name}_{i}" for name in ("return", *GAINS) for i in range(coalitions)]
    own = MPGG_JUDGEMENTS if game == "mpgg" else ()
    assert set(found) == {"mean_return", *GAINS, *indices, *own, "train_mean_return"}
    assert all(study.meaning(name) for name in found)
    assert {values.shape for values in found.values()} == {(2,)}
    np.testing.assert_allclose(found["return_1"], last["returns"][:, 1, :].mean(axis=1))
    np.testing.assert_allclose(found["mean_return"], last["returns"].reshape(2, -1).mean(axis=1))
    np.testing.assert_allclose(found["replayed_upper_0"], last["replayed_upper"][:, 0, :].mean(axis=1))
    assert np.isnan(found["lower_bound"]).all()  # no response was asked for
    for name in own:
        np.testing.assert_allclose(found[name], last[name].mean(axis=1))
    if game == "population_matching":
        np.testing.assert_allclose(found["exact"], last["exact"].reshape(2, -1).mean(axis=1))


def test_theory_of_the_mean_field_migratory_game_by_hand():
    # The best casino has c = 5/6 and r = 2.7 with values at the centres of 3 x 3 cells: (c, r) = (5/6, 2.7).
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DilemmaWarning)
        game = MeanFieldMPGGConfig(n_coalitions=3, weights=(0.5, 0.3, 0.2))
    found = GAMES["mftg/mpgg-v0"].study().theory(game)
    assert found["best_gain"] == pytest.approx(2.7)
    assert found["gain_per_coalition"] == pytest.approx(0.9)
    assert found["smallest_return"] == pytest.approx(0.54)
    assert found["optimum_payoff"] == pytest.approx(5 / 6 * 1.7)


def test_lean_runs_say_what_they_lack(runs, capsys):
    assert main(["info", str(runs["lean"].path)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "1,230, then 120 greedy; metrics are means over 50" in text
    assert "Measures of single agents need a panel of greedy rounds, which this run did not keep." in text
    assert main(["info", str(runs["trained only"].path)]) == 0
    assert "1,230, none greedy; metrics are means over 50" in capsys.readouterr().out
    for name, words in (("lean", {"no panel\nkept"}), ("panel", set())):
        figure = curves.synergy_figure(FigureData.read(runs[name]))
        assert {text.get_text() for axes in figure.axes for text in axes.texts} == words


def test_figures_of_lean_runs_can_be_drawn_afterwards(runs):
    for name in ("lean", "trained only"):
        assert not (runs[name].path / "figures").exists()
        assert [path.name for path in draw_figures(runs[name], ["structure.png"])] == ["structure.png"]
