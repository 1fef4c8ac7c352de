"""What a run writes: metrics, casino series, final state, checksums; and the measures computed from them."""

from dataclasses import fields
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mpgg_agents.experiments import Experiment, load_run, train_run
from mpgg_agents.experiments.folder import RunFolderError
from mpgg_agents.experiments.mpgg.files import RESULTS
from mpgg_agents.experiments.mpgg.measures import (
    MEASURES,
    group_windows,
    round_measures,
    window_means,
)
from mpgg_agents.experiments.storage import content_checksum
from mpgg_agents.iql.trainer import IQLTrainer
from mpgg_agents.record import Record
from mpgg_env import MPGGConfig
from tests.support import exactly
from tests.tiny_run import ROUNDS, results_checksum, tiny, train


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished small run, with tables."""
    out = tmp_path_factory.mktemp("runs") / "run"
    assert train(out, "--keep-learned") == 0
    return load_run(out)


@pytest.fixture(scope="module")
def direct():
    """What the trainer itself records in the same run, and what it is at the end."""
    made = tiny()
    trainer = IQLTrainer(made.game, made.agent, made.run.seeds, ROUNDS, window=50)
    trained = trainer.advance(ROUNDS)
    positions = trainer.positions.copy()
    tables = [trainer.tables(replica) for replica in range(2)]
    return trained, positions, tables, trainer.evaluate(120)


def test_metrics_are_what_the_trainer_recorded(run, direct):
    trained, _, _, greedy = direct
    for phase, record, rounds in (("train", trained, ROUNDS), ("greedy", greedy, 120)):
        metrics = run.metrics(phase)
        assert metrics["seed"].tolist() == [3, 8]
        assert metrics["round"].tolist() == list(range(rounds))
        np.testing.assert_allclose(metrics["cooperation_rate"], record.cooperators / 14, rtol=1e-6)
        np.testing.assert_allclose(metrics["mean_payoff"], record.welfare / 14, rtol=1e-6)
        np.testing.assert_allclose(metrics["efficiency"], record.welfare / (14 * 5.0), rtol=1e-6)  # V = 1 (6 - 1)
        assert metrics["largest"].tolist() == record.largest.tolist()
        np.testing.assert_allclose(metrics["empty_share"], record.empty / 6, rtol=1e-6)
        np.testing.assert_allclose(metrics["free_share"], record.free / 14, rtol=1e-6)
    assert run.metrics()["epsilon"][[0, 1, 100]].tolist() == pytest.approx([1, 0.99995, 0.99995**100])
    assert not run.metrics("greedy")["epsilon"].any()


def test_casino_series_are_window_means(run, direct):
    trained, _, _, greedy = direct
    casinos = run.casinos()
    assert casinos["round"].tolist() == list(range(0, ROUNDS, 50))
    np.testing.assert_allclose(casinos["occupancy"] * 50, trained.casino_occupancy, rtol=1e-6)
    np.testing.assert_allclose(casinos["cooperators"] * 50, trained.casino_cooperators, rtol=1e-6)
    np.testing.assert_allclose(casinos["moves"] * 50, trained.casino_moves, rtol=1e-6)
    last = run.casinos("greedy")["occupancy"][:, -1]  # 120 rounds: the last window has 20
    np.testing.assert_allclose(last * 20, greedy.casino_occupancy[:, -1], rtol=1e-6)
    assert casinos["cost"].tolist() == [0.5, 0.5, 0.5, 1, 1, 1]
    assert casinos["gain"].tolist() == [3, 4.5, 6, 3, 4.5, 6]


def test_final_state_is_the_end_of_the_training(run, direct):
    _, positions, tables, _ = direct
    state = run.final_state()
    assert state["positions"].tolist() == positions.tolist()
    assert state["seeds"].tolist() == [3, 8]
    for seed, replica in ((3, 0), (8, 1)):
        for name, table in tables[replica].items():
            np.testing.assert_array_equal(state[f"seed_{seed}_{name}"], table)


def test_metrics_file_has_the_documented_columns(run):
    table = pq.read_table(run.path / "metrics.parquet")
    assert table.column_names == ["seed", "phase", "round", "epsilon", *MEASURES]
    kinds = {field.name: field.type for field in table.schema}
    phase = kinds.pop("phase")
    assert pa.types.is_dictionary(phase)  # how wide its indices are is up to the version of pyarrow that reads
    assert phase.value_type == pa.string()
    assert set(map(str, kinds.values())) == {"int64", "int32", "float"}
    assert table.num_rows == 2 * (ROUNDS + 120)
    assert table["phase"].to_pylist() == ["train"] * 2 * ROUNDS + ["greedy"] * 2 * 120


def test_tables_are_left_out_unless_asked_for(tmp_path):
    assert train(tmp_path / "run") == 0
    assert sorted(load_run(tmp_path / "run").final_state()) == ["positions", "seeds"]


@pytest.mark.parametrize("flags", [["--threads", "1"], ["--threads", "2"], ["--checkpoint-every", "50"]], ids=" ".join)
def test_results_do_not_depend_on_threads_and_checkpoints(flags, run, tmp_path):
    assert train(tmp_path / "run", "--keep-learned", *flags) == 0
    assert results_checksum(tmp_path / "run") == run.manifest["results_checksum"]
    for name in RESULTS:
        assert (tmp_path / "run" / name).read_bytes() == (run.path / name).read_bytes()


def test_results_depend_on_seeds_and_settings(run, tmp_path):
    checksums = {run.manifest["results_checksum"]}
    for name, flags in (("seeds", ["--seeds", "3", "9"]), ("eta", ["--eta", "0.2"]), ("tables", [])):
        assert train(tmp_path / name, *flags) == 0
        checksums.add(results_checksum(tmp_path / name))
    assert len(checksums) == 4


def test_a_run_started_from_python_is_the_same(run, tmp_path):
    outcome = train_run(tiny(keep_learned=True, figures=False), tmp_path / "run")
    assert (outcome.signal, outcome.rounds_done, outcome.complete) == (None, ROUNDS, True)
    assert results_checksum(tmp_path / "run") == run.manifest["results_checksum"]


def test_episodes_and_no_greedy_rounds(tmp_path):
    assert train(tmp_path / "run", "--episodes", "2", "--evaluation-rounds", "0") == 0
    run = load_run(tmp_path / "run")
    assert run.metrics()["cooperation_rate"].shape == (2, 2 * ROUNDS)
    assert run.metrics("greedy")["cooperation_rate"].shape == (2, 0)
    assert run.casinos("greedy")["occupancy"].shape == (2, 0, 6)


def test_the_run_knows_its_settings(run):
    assert run.config == tiny(keep_learned=True, figures=False)
    assert Experiment.from_dict(run.config.to_dict()) == run.config
    assert run.status == "complete"


def test_window_means_of_the_run(run):
    means = run.window_means(250)
    metrics, casinos = run.metrics(), run.casinos()
    assert means["round"].tolist() == [0, 250, 500]
    np.testing.assert_allclose(means["mean_payoff"][:, 2], metrics["mean_payoff"][:, 500:].mean(axis=1), rtol=1e-6)
    right = casinos["occupancy"][:, :5, [2, 5]].mean(axis=1).sum(axis=1)
    left = casinos["occupancy"][:, :5, [0, 3]].mean(axis=1).sum(axis=1)
    np.testing.assert_allclose(means["I_alpha"][:, 0], (right - left) / 14, rtol=1e-5)
    with pytest.raises(
        ValueError, match=exactly("size must be a positive multiple of the window of 50 rounds, got 70")
    ):
        run.window_means(70)


def test_an_unfinished_run_has_no_results(tmp_path, run):
    from mpgg_agents.experiments.run import new_session

    with new_session(tiny(), tmp_path / "run"):
        started = load_run(tmp_path / "run")
        with pytest.raises(RunFolderError, match="is not complete; continue it with --resume"):
            started.metrics()


def record_of(**values):
    """A record of one replica and two rounds with the given rows."""
    record = Record.allocate(1, 2, 2, 4, 5)
    for name, row in values.items():
        getattr(record, name)[0] = row
    return record


def played(first, rounds, window=10):
    """A record of these rounds of a made-up game, in which every round has numbers of its own."""
    record = Record.allocate(2, rounds, window, 3, 5, first)
    for b, t in np.ndindex(2, rounds):
        counts = np.array([first + t, b, 7])
        entry = (first % window + t) // window
        record.note_game((b, t), entry, counts, counts // 2, np.full(3, 5.0), counts * 1.5)
        record.note_moves(b, entry, np.array([0, 1, 2]), np.array([(first + t) % 5, b, 4]))
    return record


@pytest.mark.parametrize(
    "cuts", [[0, 37], [0, 10, 37], [0, 3, 37], [0, 3, 4, 9, 10, 11, 29, 36, 37], range(38), [0, 0, 5, 5, 37]], ids=str
)
def test_records_that_break_off_within_windows_are_joined(cuts):
    parts = [played(first, end - first) for first, end in pairwise(cuts)]
    joined, whole = Record.concatenate(parts, 10), played(0, 37)
    for field in fields(Record):
        np.testing.assert_array_equal(getattr(joined, field.name), getattr(whole, field.name))
    assert whole.casino_occupancy[0, :, 0].tolist() == [45, 145, 245, 231]  # 0 + ... + 9, and so on; 30 + ... + 36


def test_records_of_no_rounds_are_joined():
    assert Record.concatenate([played(0, 0), played(0, 0)], 10).casino_moves.shape == (2, 0, 3, 5)


def test_measures_of_rounds_by_hand():
    # Ten agents, four casinos. Round 0: 4 cooperate, of whom 3 among the 5 with n < r. Round 1: nobody has n < r.
    # They are spread as 5, 3, 2, 0, and then as 10, 0, 0, 0, over casinos of 2, 2, 3 and 3 seats.
    record = record_of(
        cooperators=[4, 5],
        welfare=[8.0, 0.0],
        gross=[9.0, 1.0],
        sponsor=[2.0, 0.0],
        largest=[5, 10],
        empty=[1, 3],
        free=[5, 0],
        free_cooperators=[3, 0],
        seated=[6, 2],
        squares=[38, 100],
    )
    config, gain = MPGGConfig(n_agents=10, grid_shape=(2, 2)), np.array([2.0, 2.5, 3.0, 3.9])
    measures = {name: values[0].tolist() for name, values in round_measures(record, config, 2.0, gain).items()}
    assert measures["cooperation_rate"] == pytest.approx([0.4, 0.5])
    assert measures["mean_payoff"] == pytest.approx([0.8, 0])
    assert measures["gross_payoff"] == pytest.approx([0.9, 0.1])
    assert measures["sponsor_payment"] == pytest.approx([0.2, 0])
    assert measures["efficiency"] == pytest.approx([0.3, 0])  # (8 - 2) / (10 V) with V = 2
    assert measures["largest"] == [5, 10]
    assert measures["empty_share"] == [0.25, 0.75]
    assert measures["free_share"] == [0.5, 0]
    assert measures["cooperation_free"] == pytest.approx([0.6, np.nan], nan_ok=True)
    assert measures["cooperation_dilemma"] == pytest.approx([0.2, 0.5])
    assert measures["seat_use"] == pytest.approx([0.6, 0.2])
    assert measures["overcrowding"] == pytest.approx([0.4, 0.8])
    assert measures["concentration"] == pytest.approx([0.38, 1])
    assert np.isnan(round_measures(record, config, 0.0, gain)["efficiency"]).all()


def test_conditional_rates_are_weighted_by_agents():
    columns = {name: np.zeros((1, 3)) for name in MEASURES}
    columns["free_share"] = np.array([[0.1, 0.3, 0.0]])
    columns["cooperation_free"] = np.array([[1.0, 0.0, np.nan]])
    columns["cooperation_dilemma"] = np.array([[0.5, 1.0, 0.0]])
    means = window_means({**columns, "round": np.arange(3)}, 3)
    assert means["cooperation_free"].tolist() == [[pytest.approx(0.1 / 0.4)]]
    assert means["cooperation_dilemma"].tolist() == [[pytest.approx((0.45 + 0.7) / 2.6)]]


def test_windows_of_unequal_length_are_weighted_by_rounds():
    values = np.array([[[1.0], [3.0], [9.0]]])
    assert group_windows(values, np.array([10, 10, 5]), 2).tolist() == [[[2.0], [9.0]]]
    assert group_windows(values, np.array([10, 10, 5]), 3).tolist() == [[[pytest.approx((10 + 30 + 45) / 25)]]]


def test_checksum_sees_names_types_shapes_and_values():
    base = {"a": np.arange(6), "b": np.zeros(2)}
    others = [
        {"c": base["a"], "b": base["b"]},
        {**base, "a": base["a"].astype(np.int32)},
        {**base, "a": base["a"].reshape(2, 3)},
        {**base, "b": np.array([0.0, -0.0])},
    ]
    assert len({content_checksum(arrays) for arrays in (base, *others)}) == 5
    assert content_checksum(dict(reversed(base.items()))) == content_checksum(base)
