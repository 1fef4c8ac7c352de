"""Metrics with a row for several rounds: whatever is shown of whole windows is as with a row per round."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpgg_agents.cli import main
from mpgg_agents.experiments import Experiment, load_run
from mpgg_agents.experiments.mpgg.curves import curve_means, greedy_means, value_index
from mpgg_agents.experiments.mpgg.figure_data import FigureData
from mpgg_agents.experiments.mpgg.measures import MEASURES, round_measures, row_means, window_means
from mpgg_agents.record import Record
from mpgg_env import MPGGConfig
from mpgg_env.analysis.payoffs import best_values
from mpgg_env.games.mpgg.rules import casino_gains
from tests.support import exactly
from tests.tiny_run import ROUNDS, tiny, train

GAME = MPGGConfig(n_agents=14, grid_shape=(2, 3), gain_range=(2, 6))
EVERY = 30
FINE, COARSE = ["--window", "60"], ["--window", "60", "--record-every", str(EVERY)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One training and its 130 greedy rounds, recorded every round and every thirtieth; neither phase ends with one."""
    folder = tmp_path_factory.mktemp("runs")
    for name, flags in (("fine", FINE), ("coarse", COARSE)):
        assert train(folder / name, "--rounds", "590", "--evaluation-rounds", "130", *flags) == 0
    return load_run(folder / "fine"), load_run(folder / "coarse")


def test_a_row_is_the_mean_over_its_rounds(runs):
    fine, coarse = runs
    for phase, starts in (("train", range(0, 590, EVERY)), ("greedy", range(0, 130, EVERY))):
        single, rows = fine.metrics(phase), coarse.metrics(phase)
        assert rows["round"].tolist() == list(starts)
        for name in ("epsilon", "cooperation_rate", "mean_payoff", "efficiency", "largest", "concentration"):
            values = single[name].astype(float)
            means = np.stack([values[..., start : start + EVERY].mean(axis=-1) for start in starts], axis=-1)
            np.testing.assert_allclose(rows[name], means, rtol=1e-5)


def test_conditional_rates_of_a_row_are_weighted_by_agents():
    # One game of 4 agents and two rounds: 1 of 1 free agent cooperates, then 0 of 3; 0 of 3 others, then 1 of 1.
    record = Record.allocate(1, 2, 2, 6, 5)
    record.cooperators[0], record.free[0], record.free_cooperators[0] = [1, 1], [1, 3], [1, 0]
    rows = row_means(record, 2)
    measured = round_measures(rows, GAME.replace(n_agents=4), 2.0, casino_gains(GAME))
    assert measured["cooperation_free"].tolist() == [[0.25]]
    assert measured["cooperation_dilemma"].tolist() == [[0.25]]
    assert measured["free_share"].tolist() == [[0.5]]


def test_the_file_has_a_row_for_every_thirty_rounds(runs):
    table = pq.read_table(runs[1].path / "metrics.parquet")
    assert table.num_rows == 2 * (20 + 5)
    assert table["round"].to_pylist()[:21] == [*range(0, 590, EVERY), 0]
    assert str(table.schema.field("largest").type) == "float"
    assert str(pq.read_schema(runs[0].path / "metrics.parquet").field("largest").type) == "int32"


def test_other_results_are_the_same_to_the_bit(runs):
    for name in ("casinos.npz", "final_state.npz", "panel.npz"):
        assert (runs[0].path / name).read_bytes() == (runs[1].path / name).read_bytes()


@pytest.mark.parametrize("size", [60, 180, 300, 590, 1000])
def test_windows_and_last_rounds_of_a_run_are_the_same(size, runs):
    for phase in ("train", "greedy"):
        if size % 60 and size < runs[0].phase_rounds(phase):
            continue
        for read in ("window_means", "last_rounds"):
            fine, coarse = (getattr(run, read)(size, phase) for run in runs)
            assert fine.keys() == coarse.keys() >= {*MEASURES, "I_v"}
            for name, values in fine.items():
                np.testing.assert_allclose(coarse[name], values, rtol=2e-6, atol=2e-7, err_msg=name)


def test_tables_of_a_run_are_the_same(runs, capsys):
    for phase in ("train", "greedy"):
        fine, coarse = (run.efficiency_table(phase, 120) for run in runs)
        for name, values in fine.items():
            np.testing.assert_allclose(coarse[name], values, rtol=1e-5, atol=1e-6, err_msg=name)
    shown = []
    for run in runs:
        assert main(["info", str(run.path)]) == 0
        text = capsys.readouterr().out
        shown.append(text[text.index("Windows of") :])
    assert shown[0] == shown[1]


def test_curves_are_over_the_right_rounds(runs):
    fine, coarse = map(FigureData.read, runs)
    points, whole = curve_means(coarse), fine.trained["cooperation_rate"].astype(float)
    # Twenty rows are twenty points: the last one of 20 rounds, 570 to 590.
    assert points["middle"].tolist() == [*range(15, 570, 30), 580]
    expected = [whole[:, start : start + EVERY].mean(axis=1) for start in range(0, 590, EVERY)]
    np.testing.assert_allclose(points["cooperation_rate"], np.stack(expected, axis=1), rtol=1e-6)
    epsilon = [0.99995 ** np.arange(start, min(start + EVERY, 590)) for start in range(0, 590, EVERY)]
    np.testing.assert_allclose(points["epsilon"], [part.mean() for part in epsilon], rtol=1e-6)
    np.testing.assert_allclose(greedy_means(coarse)["efficiency"], greedy_means(fine)["efficiency"], rtol=1e-6)
    np.testing.assert_array_equal(value_index(coarse, "train")[1], value_index(fine, "train")[1])


def test_the_curve_ends_where_the_training_ends(runs):
    from mpgg_agents.experiments.mpgg.curves import cooperation_figure

    for run in runs:
        axes = cooperation_figure(FigureData.read(run)).axes
        assert axes[0].get_xlim() == (0, 590)


@st.composite
def _cases(draw):
    """A record of random games, rounds per row, rows per window, and windows per size."""
    every, rows, windows = draw(st.integers(1, 7)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    rounds = draw(st.integers(1, 3 * every * rows * windows))
    return draw(st.integers(0, 2**32 - 1)), rounds, every, every * rows, every * rows * windows


def _random_record(seed, rounds, agents=14):
    """Random counts that fit together; in some rounds all agents are free, in some none is."""
    draws = np.random.default_rng(seed)
    record = Record.allocate(2, rounds, 1, 6, 5)
    free = draws.integers(0, agents + 1, (2, rounds)) * draws.integers(0, 2, (2, rounds))
    record.free[:] = np.where(draws.random((2, rounds)) < 0.2, agents, free)
    record.free_cooperators[:] = draws.integers(0, record.free + 1)
    record.cooperators[:] = record.free_cooperators + draws.integers(0, agents - record.free + 1)
    record.welfare[:] = draws.normal(10, 5, (2, rounds))
    record.gross[:], record.sponsor[:] = record.welfare + 1, draws.random((2, rounds))
    for counts in (record.largest, record.empty, record.seated, record.squares):
        counts[:] = draws.integers(0, agents, (2, rounds))
    return record


def _columns(record, every):
    """The columns of the metrics that are made of a record."""
    highest = float(best_values(GAME).max())
    measured = round_measures(row_means(record, every), GAME, highest, casino_gains(GAME))
    return {**measured, "round": np.arange(0, record.welfare.shape[1], every)}


@settings(max_examples=60, deadline=None)
@given(_cases())
def test_means_over_windows_do_not_depend_on_the_rows(case):
    seed, rounds, every, window, size = case
    record = _random_record(seed, rounds)
    fine, coarse = _columns(record, 1), _columns(record, every)
    for first in range(0, rounds, window):  # all rounds, and the last ones from any window on
        rest = [
            {name: values[..., first // step :] for name, values in columns.items()}
            for columns, step in ((fine, 1), (coarse, every))
        ]
        expected, found = window_means(rest[0], size), window_means(rest[1], size, rounds)
        assert found["round"].tolist() == expected["round"].tolist() == list(range(first, rounds, size))
        for name in MEASURES:
            np.testing.assert_allclose(found[name], expected[name], rtol=2e-5, atol=1e-6, err_msg=name)
        whole = window_means(rest[1], rounds + 5, rounds)  # more than there are: all in one
        np.testing.assert_allclose(whole["efficiency"], window_means(rest[0], rounds + 5)["efficiency"], rtol=2e-5)


def test_rows_have_to_divide_the_window():
    with pytest.raises(ValueError, match=exactly("record_every must divide the window of 50 rounds, got 40")):
        tiny(record_every=40)
    with pytest.raises(ValueError, match=exactly("record_every must divide the window of 50 rounds, got 100")):
        tiny(record_every=100)
    with pytest.raises(ValueError, match=exactly("record_every must be >= 1, got 0")):
        tiny(record_every=0)
    assert tiny(record_every=50).run.record_every == 50


def test_a_run_of_before_has_a_row_per_round(runs):
    values = json.loads((runs[0].path / "config.json").read_text())
    assert values["run"].pop("record_every") == 1
    assert Experiment.from_dict(values) == runs[0].config


def test_without_greedy_rounds_there_are_no_greedy_rows(tmp_path):
    assert train(tmp_path / "run", *COARSE, "--evaluation-rounds", "0") == 0
    run = load_run(tmp_path / "run")
    assert run.metrics("greedy")["cooperation_rate"].shape == (2, 0)
    assert run.metrics()["cooperation_rate"].shape == (2, ROUNDS // EVERY)


def test_large_counts_keep_all_bits():
    record = Record.allocate(1, 3, 1, 1, 1)
    record.squares[0], record.cooperators[0] = [2**52, 2**52 + 1, 2**52 + 2], [2**31 - 1, 2**31 - 1, 2**31 - 4]
    rows = row_means(record, 3)
    assert rows.squares.tolist() == [[2**52 + 1]]
    assert rows.cooperators.tolist() == [[2**31 - 2]]
    assert row_means(record, 1) is record
