"""`mpgg gap`: what a run learned, played by finitely many agents: table, numbers, figure, refusals."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest

from mpgg_agents.cli import main
from mpgg_agents.experiments import load_run
from mpgg_agents.experiments.mean_field.gap import gap_figure, numbers, table, without_draws, write_figure
from mpgg_env.analysis.mean_field.finite_gap import Estimate, FiniteGap, finite_gap
from mpgg_env.analysis.mean_field.tabular_profile import TabularPolicy, TabularProfile
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.discretised import DiscretisedGame
from tests import market_run
from tests.market_run import stop, train
from tests.mean_field_run import refused, tiny
from tests.tiny_run import snapshot

PAIRS = [("population_matching", "ddpg_mftg"), ("population_matching", "dnashq"), ("mpgg", "il_mftg")]
SIZES = ("--sizes", "10", "100", "1000")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Finished runs without judged responses."""
    folder = tmp_path_factory.mktemp("runs")
    for game, name in PAIRS:
        assert train(tiny(game, name, response_iterations=0), folder / f"{game}-{name}") == 0
    return {pair: load_run(folder / "-".join(pair)) for pair in PAIRS}


@pytest.fixture(scope="module")
def run(runs):
    return runs["population_matching", "ddpg_mftg"]


def made_gap(slope: float = -0.5) -> FiniteGap:
    """A gap of two sizes and two coalitions, the second of which always earns what it earns in the limit."""

    def estimate(mean):
        return Estimate(np.array(mean), 0.9 * np.array(mean), 1.1 * np.array(mean))

    return FiniteGap(
        sizes=np.array([10, 1000]),
        coalition_sizes=np.array([[10, 10], [1000, 1000]]),
        replicas=np.array([4, 4]),
        limit_returns=np.array([[-1.0, 0.0]]),
        distance=estimate([0.2, 0.02]),
        returns=estimate([[0.3, 0.0], [0.03, 0.0]]),
        bias=estimate([[0.1, 0.0], [0.01, 0.0]]),
        bound=np.array([1.0, 0.1]),
        distance_slope=Estimate(np.array(slope), np.array(slope - 0.1), np.array(slope + 0.1)),
        returns_slope=Estimate(*(np.array([-0.5, np.nan]) for _ in range(3))),
    )


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_what_a_seed_learned_is_played_with_finitely_many_agents(pair, runs, tmp_path, capsys):
    run = runs[pair]
    words = ["gap", str(run.path), *SIZES, "--replicas", "4", "--seed", "8", "--json", str(tmp_path / "gap.json")]
    before = snapshot(run.path)
    assert main([*words, "--quiet"]) == 0
    told, seen = capsys.readouterr()
    assert not seen
    assert snapshot(run.path) == before
    gap = finite_gap(run.config.game, without_draws(run.policy(8)), sizes=(10, 100, 1000), replicas=4)
    content = json.loads((tmp_path / "gap.json").read_text())
    assert content == json.loads(json.dumps(numbers(gap)))
    assert told == table(run, 8, gap) + "\n"
    for size, mean in zip(gap.sizes, gap.distance.mean, strict=True):
        assert content["distance"]["mean"][content["sizes"].index(size)] == mean
        assert f"{mean:.3g} [" in told
    assert f"{run.path}, seed 8: {pair[0].replace('_', ' ')} with N agents per coalition" in told
    assert ("likeliest actions" in told) == (pair[1] != "ddpg_mftg")
    assert all(len(line) <= 105 for line in told.splitlines()[1:])


def test_the_gap_of_networks_closes_with_the_root_of_the_number_of_agents(run, tmp_path):
    assert main(["gap", str(run.path), *SIZES, "--quiet", "--json", str(tmp_path / "gap.json")]) == 0
    slope = json.loads((tmp_path / "gap.json").read_text())["distance_slope"]
    assert -0.55 < slope["low"] < -0.5 < slope["high"] < -0.45


def test_the_seed_that_is_played_is_the_first_one_unless_another_is_named(run, capsys):
    told = []
    for flags in ([], ["--seed", "3"], ["--seed", "8"]):
        assert main(["gap", str(run.path), "--sizes", "2", "4", "--replicas", "2", *flags]) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    assert told[0].splitlines()[2:] != told[2].splitlines()[2:]


def test_progress_is_shown_on_terminals_alone(run, capsys, monkeypatch):
    monkeypatch.setattr("mpgg_agents.cli.choose_display", lambda quiet: "none" if quiet else "bar")
    words = ["gap", str(run.path), "--sizes", "2", "4", "--replicas", "2"]
    assert main(words) == 0
    assert "%" in capsys.readouterr().err
    assert main([*words, "--quiet"]) == 0
    assert not capsys.readouterr().err


def test_mixtures_are_played_by_their_likeliest_actions(run):
    """Drawn for each game by itself, they would differ between a finite game and its limit, whatever its size."""
    game = DiscretisedGame(run.config.game, 1, 1)
    strategies = []
    for count in game.n_actions:
        strategy = np.full((game.n_states, count), 0.4 / (count - 1))
        strategy[:, 5] = 0.6
        strategies.append(strategy)
    drawn = TabularProfile(game, tuple(strategies)).policies(0)
    state = MeanFieldBatch(run.config.game).testing_state()
    for policy, played, actions in zip(drawn, without_draws(drawn), game.actions, strict=True):
        assert isinstance(played, TabularPolicy)
        np.testing.assert_array_equal(played(state), np.stack([actions[5]] * len(state.distributions[0])))
        # A step of five starts may draw the likeliest action each time; twenty do not.
        assert any(not np.array_equal(policy(replace(state, step=t)), played(state)) for t in range(20))
    profile = run.policy(3)
    assert without_draws(profile) == tuple(profile)


def test_slopes_of_errors_that_are_zero_are_not_told(run):
    gap = made_gap()
    lines = [re.split(r" {2,}", line.strip()) for line in table(run, 3, gap).splitlines()]
    assert lines[1] == ["N", "distance", "return 0", "return 1"]
    assert lines[2] == ["10", "0.2 [0.18, 0.22]", "0.3 [0.27, 0.33]", "0 [0, 0]"]
    assert lines[4] == ["slope", "-0.5 [-0.6, -0.4]", "-0.5 [-0.5, -0.5]", "-"]
    content = json.loads(json.dumps(numbers(gap), allow_nan=False))
    assert content["returns_slope"] == {"mean": [-0.5, None], "low": [-0.5, None], "high": [-0.5, None]}
    assert content["returns"]["mean"] == [[0.3, 0.0], [0.03, 0.0]]


def test_the_figure_has_the_distances_with_their_intervals_and_a_line_of_the_theory():
    figure = gap_figure(made_gap(-0.513))
    (axes,) = figure.axes
    points, _, (bars,) = axes.containers[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    theory = next(drawn for drawn in axes.get_lines() if drawn.get_label() == "slope -1/2")
    np.testing.assert_allclose(theory.get_ydata()[0] / theory.get_ydata()[1], math.sqrt(1000 / 10))
    np.testing.assert_allclose(points.get_ydata(), [0.2, 0.02])
    np.testing.assert_allclose(np.prod(theory.get_ydata()), 0.2 * 0.02)  # through the middle of the points
    np.testing.assert_allclose([bar[:, 1] for bar in bars.get_segments()], [[0.18, 0.22], [0.018, 0.022]])
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "finite games, slope -0.513 [-0.613, -0.413]" in texts


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_figures_are_written_alike_again(ending, tmp_path):
    contents = []
    for name in ("one", "other"):
        write_figure(made_gap(), tmp_path / f"{name}.{ending}")
        contents.append((tmp_path / f"{name}.{ending}").read_bytes())
    assert contents[0] == contents[1]
    assert contents[0].startswith({"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}[ending])


def test_the_figure_is_written_where_it_is_asked_for(run, tmp_path):
    path = tmp_path / "gap.png"
    assert main(["gap", str(run.path), "--sizes", "2", "4", "--replicas", "2", "--figure", str(path)]) == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["gap.png"]


BAD = {
    "sizes that fall": (["--sizes", "10", "5"], "sizes must be at least two increasing numbers of agents"),
    "one size": (["--sizes", "10"], "sizes must be at least two increasing numbers of agents"),
    "no agents": (["--sizes", "0", "5"], "sizes[0] must be"),
    "one replica": (["--replicas", "1"], "replicas must be"),
    "a seed of no replica": (["--seed", "4"], "seed must be one of 3, 8, got 4"),
    "a wrong ending": (
        ["--figure", "gap.gif"],
        "the ending of --figure must be one of '.png', '.pdf', '.svg', got '.gif'",
    ),
    "no ending": (["--figure", "gap"], "the ending of --figure must be one of '.png', '.pdf', '.svg', got ''"),
    "no number": (["--sizes", "few", "many"], "--sizes"),
    "no folder": (["--figure", "nowhere/gap.png"], "cannot write nowhere/gap.png: nowhere is no folder"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_words_give_one_line_and_write_nothing(name, run, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    flags, part = BAD[name]
    assert part in refused(capsys, "gap", run.path, "--json", "gap.json", *flags)
    assert not list(tmp_path.iterdir())


def test_runs_of_other_games_and_unfinished_ones_are_refused(tmp_path, capsys):
    market = market_run.stop(market_run.tiny(), tmp_path / "market", 2)
    line = refused(capsys, "gap", market)
    assert f"{market} must be a run of mftg/..., but is one of mpgg/market-v0" in line
    unfinished = stop(tiny(), tmp_path / "unfinished", 2)
    assert "the run is not complete; continue it with --resume" in refused(capsys, "gap", unfinished)
    assert "is not a run folder" in refused(capsys, "gap", tmp_path / "nothing")
