"""Runs in mean-field-type games: folder, judgements, resuming in training and evaluation, tampering, figures."""

import os
import signal

import numpy as np
import pytest
import torch

from mpgg_agents.cli import main
from mpgg_agents.experiments import Experiment, checkpoint, load_run
from mpgg_agents.experiments.mean_field.measures import GAINS, JUDGEMENTS, MPGG_JUDGEMENTS
from mpgg_agents.experiments.mean_field.reader import MeanFieldRun
from mpgg_agents.experiments.run import new_session, resumed_session
from mpgg_agents.mean_field.ddpg.trainer import DDPGTrainer
from mpgg_agents.mean_field.dnashq.trainer import DNashQTrainer
from mpgg_agents.mean_field.evaluation import evaluated_returns, judged
from mpgg_agents.mean_field.evaluation import measure as judging
from mpgg_agents.mean_field.evaluation.config import ResponseConfig
from mpgg_agents.mean_field.evaluation.measure import exploitability
from mpgg_agents.mean_field.il.trainer import ILTrainer
from mpgg_agents.mean_field.model_gradient.trainer import ModelGradientTrainer
from mpgg_env.analysis.mean_field.matching_reference import matching_exploitability
from mpgg_env.analysis.mean_field.mpgg_measures import mpgg_measures
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from tests.market_run import stop, train
from tests.mean_field_run import AGENTS, PAIRS, ROUNDS, tiny
from tests.tiny_run import results_checksum

TRAINERS = {
    "ddpg_mftg": DDPGTrainer,
    "model_gradient": ModelGradientTrainer,
    "dnashq": DNashQTrainer,
    "il_mftg": ILTrainer,
}
pairs = pytest.mark.parametrize(("game", "name"), PAIRS)
kinds = pytest.mark.parametrize("name", AGENTS)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A finished run of each kind of agent in each game that it plays."""
    folder = tmp_path_factory.mktemp("runs")
    for game, name in PAIRS:
        assert train(tiny(game, name), folder / f"{game}-{name}", "--threads", "1") == 0
    return {pair: load_run(folder / "-".join(pair)) for pair in PAIRS}


@pytest.fixture(scope="module")
def run(runs):
    return runs["population_matching", "model_gradient"]


# What is written


@pairs
def test_results_are_those_of_the_trainer(game, name, runs):
    run, made = runs[game, name], tiny(game, name)
    assert isinstance(run, MeanFieldRun)
    assert run.config == made == Experiment.from_dict(made.to_dict())
    trainer = TRAINERS[name](made.game, made.agent, made.run.seeds, snapshots=2)
    record = trainer.advance(ROUNDS)
    metrics, kept = run.metrics(), run.snapshots()
    assert set(metrics) == {"seed", "round", *record.measures}
    assert {"mean_return", "return_0", "return_1"} <= set(metrics)
    for measure, values in record.measures.items():
        np.testing.assert_array_equal(metrics[measure], values)
    assert kept["snapshot_rounds"].tolist() == [[2, 4]] * 2
    for part, values in record.snapshots.items():
        np.testing.assert_array_equal(kept[part], values)
    for part, values in trainer.learned(1).items():
        np.testing.assert_array_equal(run.learned(8)[part], values)
    files = {path.name for path in run.path.iterdir() if path.name != ".lock"}
    results = {"metrics.parquet", "snapshots.npz", "evaluation.npz", "final_state.npz"}
    assert files == results | {"config.json", "manifest.json"}
    run.verify()


@pairs
def test_profiles_are_judged_as_the_tools_judge_them(game, name, runs):
    run = runs[game, name]
    found, rules = run.evaluation(), run.config.game
    batch = MeanFieldBatch(rules, torch)
    tests = len(batch.testing_state().distributions[0])
    assert found["snapshot_rounds"].tolist() == [2, 4]
    assert all(found[judgement].shape == (2, 2, batch.n_coalitions, tests) for judgement in JUDGEMENTS)
    profile = run.policy(8, 2)
    np.testing.assert_allclose(found["returns"][1, 0], evaluated_returns(rules, profile).each, rtol=1e-12, atol=1e-12)
    settings = ResponseConfig(iterations=2, separate=game == "cyber_security")
    expected = exploitability(rules, profile, settings=settings, seed=8)
    for gain in GAINS:
        values = getattr(expected, gain)
        np.testing.assert_array_equal(
            found[gain][1, 0], np.full_like(expected.returns, np.nan) if values is None else values
        )
    known = {"lower_bound"} | ({"exact"} if game == "population_matching" else set())
    known |= set() if game == "mpgg" else {"replayed_lower", "replayed_upper"}
    assert {gain for gain in GAINS if np.isfinite(found[gain]).all()} == known
    assert {gain for gain in GAINS if np.isnan(found[gain]).all()} == set(GAINS) - known
    if game == "population_matching":
        closed = matching_exploitability(rules, judged(batch, profile)).T
        np.testing.assert_allclose(found["exact"][1, 0], closed, rtol=1e-12)
        np.testing.assert_allclose(found["replayed_upper"], found["exact"], atol=1e-12)  # reacting changes nothing here
        assert (found["lower_bound"] <= found["exact"] + 1e-9).all()


@kinds
def test_measures_of_the_public_goods_game_are_those_of_its_episodes(name, runs):
    run = runs["mpgg", name]
    expected = mpgg_measures(run.config.game, judged(MeanFieldBatch(run.config.game, torch), run.policy(3, 4)))
    for measure in MPGG_JUDGEMENTS:
        np.testing.assert_allclose(run.evaluation()[measure][0, 1], getattr(expected, measure), rtol=1e-12)
    assert not set(MPGG_JUDGEMENTS) & runs["cyber_security", name].evaluation().keys()


@pairs
def test_profiles_and_episodes_of_a_run_are_those_that_were_judged(game, name, runs):
    run = runs[game, name]
    batch, returns = MeanFieldBatch(run.config.game), run.evaluation()["returns"]
    weights = run.config.game.discount ** np.arange(2)
    for rounds in (2, 4, None):  # the last profile kept is the one that came out
        for test in (0, returns.shape[-1] - 1):
            shown = run.evolution(8, test, rounds)
            np.testing.assert_allclose(weights @ shown["rewards"], returns[1, (rounds or 4) // 2 - 1, :, test])
            for i, start in enumerate(batch.testing_state().distributions):
                path = shown[f"coalition_{i}"]
                assert path.shape == (3, batch.shapes[i][0])
                np.testing.assert_array_equal(path[0], start[test])
                np.testing.assert_allclose(path.sum(1), 1)
    made = tiny(game, name)
    trainer = TRAINERS[name](made.game, made.agent, made.run.seeds, snapshots=2)
    trainer.advance(ROUNDS)
    for own, trained in zip(run.policy(3), trainer.policy(0), strict=True):
        np.testing.assert_array_equal(own(batch.testing_state()), trained(batch.testing_state()))


def test_what_is_gained_from_replayed_opponents_is_a_bound_only_where_none_reacts(runs, tmp_path):
    found = runs["distribution_planning", "ddpg_mftg"].evaluation()
    assert np.isnan(found["upper_bound"]).all()
    made = tiny("distribution_planning", "ddpg_mftg", agent={"sight": "own"}, seeds=(3,))
    assert train(made, tmp_path / "run") == 0
    found = load_run(tmp_path / "run").evaluation()
    np.testing.assert_array_equal(found["upper_bound"], found["replayed_upper"])
    assert (found["replayed_lower"] <= found["replayed_upper"]).all()
    assert (found["lower_bound"] <= found["upper_bound"] + 1e-9).all()


# Stopping and going on


@pytest.mark.parametrize("rounds", [1, 2])
@kinds
def test_a_run_killed_in_training_ends_with_the_same_results(name, rounds, runs, tmp_path):
    game = "mpgg" if rounds == 2 else "population_matching"
    out = stop(tiny(game, name), tmp_path / "run", rounds)
    assert main(["train", "--resume", str(out), "--quiet"]) == 0
    assert results_checksum(out) == runs[game, name].manifest["results_checksum"]
    assert not (out / "checkpoint.npz").exists()


def interrupt_at(monkeypatch, number):
    """Sends SIGINT when so many best responses begin; a list that grows by one entry at each of them."""
    original, begun = judging.best_response, []

    def interrupted(*arguments, **options):
        begun.append(1)
        if len(begun) == number:
            os.kill(os.getpid(), signal.SIGINT)
        return original(*arguments, **options)

    monkeypatch.setattr(judging, "best_response", interrupted)
    return begun


@pytest.mark.parametrize("responses", [1, 3, 8])
def test_a_signal_in_the_evaluation_keeps_what_was_judged(responses, run, tmp_path, monkeypatch):
    out, begun = tmp_path / "run", interrupt_at(monkeypatch, responses)
    with new_session(tiny(), out) as session:
        outcome = session.play()
    done = (responses - 1) // 2  # two coalitions; the profile in which the signal came is judged again
    assert (outcome.signal, outcome.rounds_done, outcome.complete) == (signal.SIGINT, ROUNDS, False)
    saved = checkpoint.read_checkpoint(out / "checkpoint.npz", load_run(out).manifest["files"]["config.json"])
    assert saved.evaluation["tasks_done"] == done
    assert np.isfinite(saved.evaluation["lower_bound"]).all((2, 3)).sum() == done
    with resumed_session(out) as session:
        assert session.play().complete
    assert len(begun) == responses + 2 * (4 - done)
    assert results_checksum(out) == run.manifest["results_checksum"]


def test_the_judgement_of_a_single_profile_is_stopped_too(tmp_path, monkeypatch):
    begun = interrupt_at(monkeypatch, 1)
    with new_session(tiny(seeds=(3,), snapshots=1), tmp_path / "run") as session:
        assert not session.play().complete
    assert len(begun) == 1
    assert load_run(tmp_path / "run").status == "interrupted"


@kinds
def test_results_do_not_depend_on_threads_and_checkpoints(name, runs, tmp_path):
    assert train(tiny("mpgg", name, checkpoint_every=1), tmp_path / "run", "--threads", "2") == 0
    assert results_checksum(tmp_path / "run") == runs["mpgg", name].manifest["results_checksum"]


def test_results_depend_on_seeds_and_settings(run, tmp_path):
    checksums = {run.manifest["results_checksum"]}
    for name, made in {
        "seeds": tiny(seeds=(3, 9)),
        "game": tiny(rules={"discount": 0.5}),
        "agent": tiny(agent={"episodes": 4}),
        "response": tiny(response_iterations=1),
    }.items():
        assert train(made, tmp_path / name) == 0
        checksums.add(results_checksum(tmp_path / name))
    assert len(checksums) == 5
