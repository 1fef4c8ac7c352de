"""`mpgg compare`: one trader among others under common random numbers, both tests, loss against beta, refusals."""

import json
import math
import shutil

import numpy as np
import pytest
import torch
from scipy.special import stdtr, stdtrit

from mpgg_agents.cli import main
from mpgg_agents.comparison.command import compare
from mpgg_agents.comparison.deviations import apart, played, unpaired_difference
from mpgg_agents.comparison.figures import deviation_figure, penalty_figure
from mpgg_agents.comparison.penalty import PenaltyStudy
from mpgg_agents.comparison.report import _verdict, numbers, text
from mpgg_agents.comparison.settings import CompareConfig
from mpgg_agents.experiments import load_run
from mpgg_env.analysis.market_equilibrium import solve_market
from mpgg_env.analysis.market_moments import expected_returns
from mpgg_env.analysis.market_profile import LinearProfile
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.state import MarketState
from tests import tiny_run
from tests.market_run import tiny, train
from tests.support import exactly
from tests.tiny_run import snapshot

LINEAR = MarketConfig(impact="linear", observation="full")
SMALL = CompareConfig(paths=20, repetitions=5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Finished runs: both agents on one game, and Nash-DQN with other penalties."""
    folder = tmp_path_factory.mktemp("runs")
    made = {
        "nash": tiny(),
        "fp": tiny("fp_ddpg"),
        "beta0": tiny(agent={"psi_penalty": 0.0}, response_iterations=0),
        "beta9": tiny(agent={"psi_penalty": 9.0}, response_iterations=0),
        "paper": tiny(game={"observation": "paper"}, response_iterations=0),
        "other": tiny(game={"dt": 0.25}, response_iterations=0),
    }
    for name, experiment in made.items():
        assert train(experiment, folder / name) == 0
    return folder


def command(capsys, *words):
    """What a command says."""
    assert main(["compare", *map(str, words), "--quiet"]) == 0
    return capsys.readouterr().out


def refused(capsys, *words):
    """The line on stderr of a comparison that must fail with exit code 2."""
    assert main(["compare", *map(str, words)]) == 2
    output = capsys.readouterr()
    assert (output.out, output.err.count("\n")) == ("", 1)
    return output.err.removeprefix("mpgg: error: ").rstrip()


# The numbers


def test_deviations_of_linear_rules_are_those_of_theory():
    # Second moments carried forward give the exact returns of a trader who alone trades at 1.5 times the rates.
    exact = solve_market(LINEAR).profile
    bold = LinearProfile(LINEAR, 1.5 * exact.gains)
    found = played(LINEAR, {"exact": exact, "bold": bold}, CompareConfig(paths=500, repetitions=60))
    deviations = {entry.follows: entry for entry in found.deviations()}
    for own, others in ((bold, exact), (exact, bold)):
        entry = deviations["bold" if own is bold else "exact"]
        mixed = LinearProfile(LINEAR, others.gains, deviator=0, deviator_gains=own.gains)
        expected = expected_returns(mixed)[0] - expected_returns(others)[0]
        error = (entry.paired.interval[1] - entry.paired.mean) / 2
        assert abs(entry.paired.mean - expected) < 4 * error
        assert abs(entry.leaving.mean() - expected_returns(mixed)[0]) < 0.2
    assert deviations["bold"].paired.mean < 0 < deviations["exact"].paired.mean  # nobody gains by leaving equilibrium
    all_follow = found.profiles()["exact", "bold"]
    expected = (expected_returns(exact) - expected_returns(bold))[0]
    assert abs(all_follow.mean - expected) < 2 * (all_follow.interval[1] - all_follow.mean)
    assert all_follow.interval[0] > 0 or all_follow.interval[1] < 0
    # What the episodes have in common drops out of the paired interval alone.
    widths = [np.ptp(test.interval) for test in (deviations["exact"].paired, deviations["exact"].unpaired)]
    assert widths[0] < widths[1] / 3


def test_only_the_first_trader_leaves():
    state = MarketState(0, torch.full((3,), 10.0), torch.zeros(3), *[torch.ones(3, 5)] * 3)
    profile = apart(lambda state: 7 * state.inventory, lambda state: 2 * state.inventory)
    assert profile(state).tolist() == [[7, 2, 2, 2, 2]] * 3


def test_episodes_are_the_same_for_all_policies_and_others_under_another_seed():
    policy = solve_market(LINEAR).profile
    twin = LinearProfile(LINEAR, policy.gains)
    found = played(LINEAR, {"a": policy, "b": twin}, SMALL)
    for entry in found.deviations():
        np.testing.assert_allclose(entry.leaving, entry.staying, rtol=1e-5)
    assert abs(found.profiles()["a", "b"].mean) < 1e-5
    again = played(LINEAR, {"a": policy, "b": twin}, SMALL)
    other = played(LINEAR, {"a": policy, "b": twin}, SMALL.replace(seed=1))
    np.testing.assert_array_equal(found.means["a", "a"], again.means["a", "a"])
    assert (found.means["a", "a"] != other.means["a", "a"]).all()


def test_progress_is_told():
    policy, told = solve_market(LINEAR).profile, []
    played(LINEAR, {"a": policy, "b": policy}, SMALL, told.append)
    assert told == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


def test_welch_by_hand():
    # Means 2 and 5, variances 1 and 4, three each: error sqrt(5/3), freedom (5/3)^2 / ((1/3)^2/2 + (4/3)^2/2) = 50/17.
    found = unpaired_difference(np.array([1.0, 2.0, 3.0]), np.array([3.0, 5.0, 7.0]))
    error, freedom = math.sqrt(5 / 3), 50 / 17
    assert found.mean == -3
    assert found.p_value == pytest.approx(2 * stdtr(freedom, -3 / error))
    half = stdtrit(freedom, 0.975) * error
    assert found.interval == pytest.approx((-3 - half, -3 + half))


@pytest.mark.parametrize(("second", "p_value"), [(1.0, 1), (0.0, 0)])
def test_welch_where_nothing_is_random(second, p_value):
    found = unpaired_difference(np.ones(4), np.full(4, second))
    assert (found.mean, found.interval, found.p_value) == (1 - second, (1 - second, 1 - second), p_value)


@pytest.mark.parametrize(
    ("numbers_", "expected"),
    [
        ((-0.5, -0.8, -0.2), "a is exploited less than b"),
        ((0.5, 0.2, 0.8), "b is exploited less than a"),
        ((0.5, -0.2, 1.2), "a and b are not told apart in how much they are exploited"),
        ((0.5, math.nan, math.nan), "one common seed cannot tell"),
        ((0.0, 0.0, 0.0), "a and b are not told apart"),
    ],
)
def test_who_is_exploited_less_in_a_sentence(numbers_, expected):
    assert expected in _verdict("a", "b", *numbers_)


# The command


def test_a_run_against_its_copy_differs_in_nothing(folder, tmp_path):
    shutil.copytree(folder / "nash", tmp_path / "copy")
    found = compare([folder / "nash", tmp_path / "copy"], SMALL)
    for entry in found.returns.deviations():
        assert (entry.paired.mean, entry.paired.interval, entry.paired.p_value) == (0, (0, 0), 1)
        assert (entry.unpaired.mean, entry.unpaired.p_value) == (0, 1)
    assert "nash with seed 3, copy with seed 3" in text(found)
    assert "nash and copy are not told apart" in text(found)


def test_the_command_writes_numbers_and_figures(folder, tmp_path, capsys):
    out = tmp_path / "out"
    told = command(
        capsys, folder / "nash", folder / "fp", "--out", out, "--paths", 20, "--repetitions", 5, "--seeds", 8, 3
    )
    assert {path.name for path in out.iterdir()} == {
        "comparison.json",
        *(f"deviations_1_2.{kind}" for kind in ("png", "pdf", "svg")),
    }
    content = json.loads((out / "comparison.json").read_text())
    assert content["settings"] == {"paths": 20, "repetitions": 5, "seed": 0, "seeds": [8, 3]}
    assert [(run["name"], run["agent"], run["seed"]) for run in content["runs"]] == [
        ("nash-dqn", "nash_dqn", 8),
        ("fp-ddpg", "fp_ddpg", 3),
    ]
    assert content["loss_against_beta"] is None
    runs = [load_run(folder / name) for name in ("nash", "fp")]
    policies = {"nash-dqn": runs[0].policy(8), "fp-ddpg": runs[1].policy(3)}
    direct = played(runs[0].config.game, policies, SMALL).deviations()
    for entry, expected in zip(content["deviations"], direct, strict=True):
        assert (entry["follows"], entry["others"]) == (expected.follows, expected.others)
        assert entry["leaving"] == expected.leaving.tolist()
        assert entry["staying"] == expected.staying.tolist()
        assert entry["paired"]["p_value"] == expected.paired.p_value
        assert entry["unpaired"]["interval"] == list(expected.unpaired.interval)
        assert f"{expected.paired.mean:+.5f}" in told
    shares = [run.evaluation()["share"][:, -1] for run in runs]
    (judged,) = content["exploitability"]
    assert judged["difference_of_gains"] == pytest.approx((shares[0] - shares[1]).mean())
    assert judged["interval"][0] < judged["difference_of_gains"] < judged["interval"][1]
    assert "how much they are exploited" in told or "is exploited less than" in told
    assert f"written: {out / 'comparison.json'}" in told


def test_runs_that_differ_in_the_penalty_alone_are_compared_by_their_losses(folder):
    found = compare([folder / "beta9", folder / "beta0", folder / "nash"], SMALL)
    assert found.penalty is None  # the penalty of nash is that of beta0, which is the default where all is seen
    assert "beta9 and nash were judged by different responses" in text(found)
    found = compare([folder / "beta9", folder / "beta0"], SMALL)
    assert "different responses" not in text(found)
    assert found.penalty.beta.tolist() == [0, 9]
    for k, name in enumerate(("beta0", "beta9")):
        expected = load_run(folder / name).metrics()["value_loss"][:, -1:].mean(axis=1)  # a tenth of twelve
        np.testing.assert_array_equal(found.penalty.losses["value_loss"][k], expected)
    assert numbers(found)["loss_against_beta"]["beta"] == [0, 9]
    assert list(found.runs) == ["beta9", "beta0"]
    assert "Exploitability" not in text(found)  # nobody asked for it
    assert numbers(found)["runs"][0]["at_the_end"]["gain"] == [None, None]


def test_what_traders_see_may_differ(folder):
    found = compare([folder / "nash", folder / "paper"], SMALL)
    assert list(found.runs) == ["nash", "paper"]
    assert found.penalty is None


def test_figures_show_the_numbers(folder):
    found = compare([folder / "nash", folder / "fp"], SMALL)
    pair = found.returns.deviations()
    for axes, entry in zip(deviation_figure(tuple(pair)).axes, pair, strict=True):
        heights = [sum(bar.get_height() for bar in container) for container in axes.containers]
        assert heights == [5, 5]
        lines = [line.get_xdata()[0] for line in axes.get_lines()]
        assert lines == pytest.approx([entry.staying.mean(), entry.leaving.mean()])
        assert [label.get_text() for label in axes.get_legend().get_texts()] == [
            f"all {entry.others}",
            f"one {entry.follows}",
        ]
    study = PenaltyStudy(beta=np.array([0.0, 5.0]), losses={"value_loss": [np.array([1.0, 3.0]), np.array([4.0])]})
    (axes,) = penalty_figure(study).axes
    assert axes.containers[0].lines[0].get_ydata().tolist() == [2, 4]
    assert [line.get_ydata().tolist() for line in axes.get_lines() if line.get_marker() == "_"][-2:] == [[1, 3], [4]]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "5"]
    low, high = axes.get_ylim()
    assert low < 2
    assert high > 4


def test_what_cannot_be_compared_is_refused_and_nothing_is_written(folder, tmp_path, capsys):
    nash, fp, other, out = folder / "nash", folder / "fp", folder / "other", tmp_path / "out"
    assert tiny_run.train(tmp_path / "mpgg") == 0
    before = snapshot(tmp_path)
    assert refused(capsys, nash, "--out", out) == "compare needs at least two runs, got 1"
    assert refused(capsys, nash, nash, "--out", out).startswith("the runs must be different ones, got ")
    told = refused(capsys, nash, other, "--out", out)
    assert told == f"the runs must be on the same game, but the rules of {nash} and {other} differ"
    assert "must be a run of mpgg/market-v0, but is one of mpgg/migratory" in refused(
        capsys, nash, tmp_path / "mpgg", "--out", out
    )
    assert "is not a run folder" in refused(capsys, nash, tmp_path, "--out", out)
    told = refused(capsys, nash, fp, "--out", out, "--seeds", 3)
    assert told == "seeds must be one for each of the 2 runs, got 1"
    assert refused(capsys, nash, fp, "--out", out, "--seeds", 3, 4) == "seed must be one of 3, 8, got 4"
    assert refused(capsys, nash, fp, "--out", out, "--repetitions", 1) == "repetitions must be >= 2, got 1"
    assert refused(capsys, nash, fp, "--out", out, "--path", 1) == "unknown argument --path; did you mean '--paths'?"
    assert "out must be a new or empty folder" in refused(capsys, nash, fp, "--out", tmp_path)
    assert refused(capsys, nash, fp) == "the following arguments are required: --out"
    assert snapshot(tmp_path) == before


def test_seeds_may_be_repeated_since_runs_may_share_them():
    assert CompareConfig(seeds=(3, 3)).seeds == (3, 3)
    with pytest.raises(ValueError, match=exactly(f"seeds must be in [0, {2**63 - 1}], got -1")):
        CompareConfig(seeds=(-1, 3))
