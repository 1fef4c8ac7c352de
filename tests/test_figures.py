"""The figures: they show the data, in the documented form, and look the same for the same data."""

from itertools import chain, repeat

import numpy as np
import pytest
from PIL import Image

from mpgg_agents.cli import main
from mpgg_agents.experiments import draw_figures, load_run
from mpgg_agents.experiments.figures import missing_figures
from mpgg_agents.experiments.mpgg.curves import (
    cooperation_figure,
    payoff_figure,
    structure_figure,
    synergy_figure,
)
from mpgg_agents.experiments.mpgg.figure_data import FigureData
from mpgg_agents.experiments.mpgg.figures import ANIMATION, figure_set
from mpgg_agents.experiments.mpgg.flows import block_drift, net_flows
from mpgg_agents.experiments.mpgg.maps import board_figure, corridor_figure, named_times
from mpgg_agents.experiments.statistics import confidence_band
from mpgg_env import MPGGConfig
from tests.tiny_run import snapshot, train


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small run with its figures."""
    out = tmp_path_factory.mktemp("runs") / "run"
    assert train(out, "--figures", "--seeds", "1:5") == 0
    return load_run(out)


@pytest.fixture(scope="module")
def data(run):
    return FigureData.read(run)


def test_every_figure_is_there_and_fits_a_column(run):
    folder = run.path / "figures"
    assert {path.name for path in folder.iterdir()} == set(figure_set(run).files)
    for path in folder.glob("*.png"):
        with Image.open(path) as image:
            assert image.width == 1020  # 3.4 inches at 300 dots
            assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    for path in folder.glob("*.pdf"):
        assert path.read_bytes().startswith(b"%PDF-")


def test_drawing_again_gives_the_same_files(run):
    before = snapshot(run.path)
    assert len(draw_figures(run)) == len(figure_set(run).files)
    assert snapshot(run.path) == before


def test_missing_figures_are_drawn_when_a_complete_run_is_resumed(run):
    before = snapshot(run.path)
    (run.path / "figures" / "payoff.pdf").unlink()
    (run.path / "figures" / ANIMATION).unlink()
    assert missing_figures(run) == ["payoff.pdf", ANIMATION]
    assert main(["train", "--resume", str(run.path), "--quiet"]) == 0
    assert snapshot(run.path) == before


def test_drawing_stops_when_asked_to(run):
    answers = chain([False], repeat(True))
    assert [path.name for path in draw_figures(run, stop=lambda: next(answers))] == [
        "cooperation.png",
        "cooperation.pdf",
        "cooperation.svg",
    ]


def test_cooperation_curve_is_the_mean_over_seeds(run, data):
    axes = cooperation_figure(data).axes
    line = next(line for line in axes[0].get_lines() if line.get_label() == "all")
    rates = run.metrics()["cooperation_rate"].astype(float)  # 4 seeds, 600 rounds: 120 points of 5 rounds
    np.testing.assert_allclose(line.get_ydata(), rates.reshape(4, 120, 5).mean(axis=(0, 2)), rtol=1e-6)
    assert line.get_xdata()[[0, -1]].tolist() == [2.5, 597.5]
    assert axes[0].get_xlabel() == "round"
    assert axes[0].get_ylabel() == "cooperation rate"
    greedy = [container.lines[0].get_ydata()[0] for container in axes[1].containers]
    assert greedy[1] == pytest.approx(run.metrics("greedy")["cooperation_rate"].mean(), rel=1e-6)


def test_payoff_has_its_efficiency_on_the_right(run, data):
    axes = payoff_figure(data).axes
    payoff = run.metrics()["mean_payoff"].astype(float)
    np.testing.assert_allclose(
        axes[0].get_lines()[0].get_ydata(), payoff.reshape(4, 120, 5).mean(axis=(0, 2)), rtol=1e-6
    )
    assert axes[2].get_ylabel() == "efficiency (% of optimum)"
    np.testing.assert_allclose(axes[2].get_ylim(), np.array(axes[0].get_ylim()) / 5 * 100)  # V = 5


def test_random_play_is_that_of_the_agents_where_they_start(tmp_path):
    # Both agents start in row 0, c = 1/2 with r = 3.75 and 6: v = 1.375 and 2.5. Half of each cooperates.
    flags = ["--n-agents", "2", "--grid-shape", "2", "2", "--remainder", "first", "--rounds", "60", "--seeds", "0"]
    assert train(tmp_path / "run", *flags) == 0
    lines = {
        line.get_label(): line for line in payoff_figure(FigureData.read(load_run(tmp_path / "run"))).axes[0].lines
    }
    assert lines["random play"].get_ydata()[0] == pytest.approx((1.375 + 2.5) / 2 / 2)


def test_structure_shows_the_measures_and_the_index_of_the_casinos(run, data):
    axes = structure_figure(data).axes
    lines = {line.get_label(): line for line in axes[0].get_lines()}
    overcrowding = run.metrics()["overcrowding"].astype(float)
    shown = lines["agents above $\\lfloor r\\rfloor$"].get_ydata()
    np.testing.assert_allclose(shown, overcrowding.reshape(4, 120, 5).mean(axis=(0, 2)), rtol=1e-6)
    index = lines["good casinos $I_v$"]
    assert index.get_xdata().tolist() == [25 + 50 * w for w in range(12)]  # the windows of the casino series
    np.testing.assert_allclose(index.get_ydata(), run.window_means(50)["I_v"].mean(axis=0), rtol=1e-6)
    greedy = [container.lines[0].get_ydata()[0] for container in axes[1].containers]
    assert greedy[0] == pytest.approx(run.metrics("greedy")["seat_use"].mean(), rel=1e-6)
    assert axes[0].get_ylim()[1] == 1


def test_synergy_shows_what_the_run_gives_as_numbers(run, data):
    survival, gain = synergy_figure(data).axes
    numbers = run.synergy()
    for axes, measure in ((survival, "survival"), (gain, "migration_gain")):
        assert axes.get_lines()[0].get_xdata().tolist() == numbers["threshold"].tolist()
        mean = confidence_band(numbers[measure])[0]
        np.testing.assert_array_equal(axes.get_lines()[0].get_ydata(), mean)
    assert survival.get_ylim() == (0, 1)


def test_board_maps_show_the_named_times_with_the_lowest_cost_at_the_bottom(run, data):
    figure = board_figure(data)
    assert [axes.get_title() for axes in figure.axes[:4]] == [
        "start\n0\N{EN DASH}50",
        "middle\n300\N{EN DASH}350",
        "end\n550\N{EN DASH}600",
        "greedy\n120 rounds",
    ]
    last = run.casinos()["occupancy"][:, -1].mean(axis=0)
    np.testing.assert_allclose(figure.axes[2].images[0].get_array(), last.reshape(2, 3), rtol=1e-6)
    assert figure.axes[2].images[0].origin == "lower"
    assert [label.get_text() for label in figure.axes[4].get_yticklabels()] == ["0.5", "1.0"]
    assert [label.get_text() for label in figure.axes[4].get_xticklabels()] == ["3.0", "6.0"]


def test_named_times_are_means_over_seeds(run, data):
    occupancy, cooperators = named_times(data)["start"]
    np.testing.assert_allclose(occupancy, run.casinos()["occupancy"][:, 0].mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(cooperators, run.casinos()["cooperators"][:, 0].mean(axis=0), rtol=1e-6)


def test_animation_is_small_and_short(run):
    path = run.path / "figures" / ANIMATION
    assert path.stat().st_size < 3_000_000
    with Image.open(path) as image:
        assert image.n_frames == 12 + 3  # windows of the training and of the greedy rounds


def test_confidence_band_by_hand():
    # Three seeds 1, 2, 3: mean 2, standard error 1 / sqrt(3), t(2, 0.975) = 4.302653 (any table of Student's t)
    mean, low, high = confidence_band(np.array([[1.0], [2.0], [3.0]]))
    assert [float(mean[0]), float(low[0]), float(high[0])] == pytest.approx(
        [2, 2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5], rel=1e-6
    )
    mean, low, high = confidence_band(np.array([[1.0, np.nan], [3.0, 4.0], [np.nan, np.nan]]))
    assert mean.tolist() == [2, 4]
    assert high[0] == pytest.approx(2 + 12.706205)  # t(1, 0.975), standard error 1
    assert np.isnan([low[1], high[1]]).all()


def test_one_seed_has_no_band(tmp_path):
    assert train(tmp_path / "run", "--seeds", "2") == 0
    run = load_run(tmp_path / "run")
    # The other figures of one seed are among the odd runs.
    assert len(draw_figures(run, files=["cooperation.png", ANIMATION])) == 2
    axes = cooperation_figure(FigureData.read(run)).axes
    assert all(
        np.isnan(path.vertices).all() or not len(path.vertices) for c in axes[0].collections for path in c.get_paths()
    )


def moves_of(config, **chosen):
    """Moves (M, n_moves): `up_3=2.0` is two agents that move up from casino 3."""
    names = ("stay", "up", "down", "left", "right")
    moves = np.zeros((config.n_casinos, config.n_moves))
    for key, agents in chosen.items():
        name, casino = key.rsplit("_", 1)
        moves[int(casino), names.index(name)] = agents
    return moves


def flows_of(config, moves):
    return {(flow.start, flow.step): flow.agents for flow in net_flows(config, moves) if flow.agents > 0}


def test_net_flow_is_the_difference_of_opposite_moves():
    config = MPGGConfig(grid_shape=(3, 3), boundary="wall")
    moves = moves_of(config, up_0=5.0, down_3=2.0, right_4=1.0, left_5=4.0, left_0=9.0, stay_4=7.0)
    assert flows_of(config, moves) == {((0, 0), (1, 0)): 3, ((1, 2), (0, -1)): 3}


def test_flow_around_the_torus_leaves_the_board():
    config = MPGGConfig(grid_shape=(3, 3))
    assert flows_of(config, moves_of(config, left_3=2.0)) == {((1, 0), (0, -1)): 2}
    assert flows_of(config, moves_of(config, up_7=2.0)) == {((2, 1), (1, 0)): 2}
    # On two columns left and right lead to the same casino, but are two borders.
    narrow = MPGGConfig(grid_shape=(3, 2))
    assert flows_of(narrow, moves_of(narrow, left_0=2.0, right_0=2.0)) == {((0, 0), (0, -1)): 2, ((0, 0), (0, 1)): 2}


def test_flow_to_anywhere_joins_any_two_casinos():
    config = MPGGConfig(grid_shape=(2, 2), moves="anywhere")
    moves = np.zeros((4, 4))
    moves[0, 3], moves[3, 0] = 1.0, 4.0
    assert flows_of(config, moves) == {((1, 1), (-1, -1)): 3}


def test_drift_of_blocks_by_hand():
    config = MPGGConfig(grid_shape=(2, 4), boundary="wall")
    moves = moves_of(config, right_0=1.0, up_1=2.0, left_6=3.0, up_6=5.0)  # the wall stops the last one
    column, row, right, up = block_drift(config, moves, 2)
    assert (column.tolist(), row.tolist()) == ([0.5, 2.5], [0.5, 0.5])
    assert (right.tolist(), up.tolist()) == ([1, -3], [2, 0])


ODD_BOARDS = {
    "one casino": ["--grid-shape", "1", "1"],
    "one row": ["--grid-shape", "1", "7"],
    "large": ["--grid-shape", "14", "15"],
    "anywhere": ["--moves", "anywhere"],
    "diagonal": ["--moves", "moore", "--boundary", "mask"],
    "uneven values": ["--gain", "2", "3", "4", "2", "3", "5"],
    "worthless": ["--cost-range", "0", "0"],
    "no greedy rounds": ["--evaluation-rounds", "0"],
    "no panel": ["--panel-rounds", "0"],
    "short": ["--rounds", "3"],
}


@pytest.mark.parametrize("name", ODD_BOARDS)
def test_odd_runs_can_be_drawn(name, tmp_path):
    assert train(tmp_path / "run", *ODD_BOARDS[name], "--seeds", "0") == 0
    data = FigureData.read(load_run(tmp_path / "run"))
    for draw in (cooperation_figure, payoff_figure, board_figure, corridor_figure, structure_figure, synergy_figure):
        draw(data).savefig(tmp_path / "figure.png", dpi=50)
    if name == "uneven values":
        assert data.board.column_title == "column (values vary within it)"
