"""Frames and tables: what must be seen in them, and that making them needs no display and changes nothing."""

import itertools
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import mpgg_env
from mpgg_env import MPGGConfig, MPGGVectorEnv
from mpgg_env.core.drawing import UNKNOWN, nice_ceiling, nice_floor, share_colours, short_number
from mpgg_env.games.mpgg.render import ansi_frame, board_frame, rgb_frame
from mpgg_env.games.mpgg.state import MPGGState, Phase

Pixels = NDArray[np.uint8]
SMALL = MPGGConfig(n_agents=20, grid_shape=(2, 3))


def hand_made_state(
    occupancy: list[int], cooperators: list[int], phase: Phase = "migration", completed: int = 7
) -> MPGGState:
    """A state with these casinos; who is who does not matter to a picture."""
    return MPGGState(
        positions=np.repeat(np.arange(len(occupancy)), occupancy)[None],
        last_actions=np.zeros((1, sum(occupancy)), np.int8),
        occupancy=np.array([occupancy]),
        cooperators=np.array([cooperators]),
        phase=phase,
        round=completed,
    )


def random_state(config: MPGGConfig, steps: int = 3) -> MPGGState:
    env = MPGGVectorEnv(config, action_mode="joint")
    env.reset(seed=1)
    generator = np.random.default_rng(2)
    for _ in range(steps):
        env.step(generator.integers(env.n_actions, size=(1, config.n_players)))
    return env.state


def one_casino(config: MPGGConfig, casino: int, agents: float, cooperators: float, title: str = "") -> Pixels:
    """The frame of a board on which a single casino is inhabited."""
    here = np.arange(config.n_casinos) == casino
    return board_frame(config, here * agents, here * cooperators, title)


def pixels_of(frame: Pixels, colour: NDArray[np.uint8]) -> int:
    return int((frame == colour).all(axis=-1).sum())


@pytest.mark.parametrize("fields", [{}, {"n_agents": 20, "grid_shape": (2, 3)}, {"n_agents": 3, "grid_shape": (1, 1)}])
def test_frames_of_an_episode_have_one_shape_and_follow_the_game(fields: dict[str, Any]) -> None:
    env = mpgg_env.parallel_env(render_mode="rgb_array", max_cycles=12, **fields)
    env.reset(seed=3)
    generator = np.random.default_rng(4)
    frames = [env.render()]
    while env.agents:
        env.step({agent: int(generator.integers(2)) for agent in env.agents})
        frames.append(env.render())
    assert len(frames) == 13
    assert {frame.shape for frame in frames} == {frames[0].shape}
    assert all(frame.dtype == np.uint8 for frame in frames)
    assert frames[0].shape[2:] == (3,)
    assert all((before != after).any() for before, after in itertools.pairwise(frames))


def test_frame_is_the_callers_own() -> None:
    state = random_state(SMALL)
    first = rgb_frame(SMALL, state)
    expected = first.copy()
    first[:] = 0
    np.testing.assert_array_equal(rgb_frame(SMALL, state), expected)


def test_colours_get_darker_from_orange_to_blue_as_the_share_grows() -> None:
    colours = share_colours(np.linspace(0, 1, 101)).astype(float)
    lightness = colours @ [0.299, 0.587, 0.114]  # ITU-R BT.601 luma: what a grey print keeps
    assert (np.diff(lightness) < 0).all()
    assert lightness[0] - lightness[-1] > 130
    assert colours[0, 0] > colours[0, 2] + 100
    assert colours[-1, 2] > colours[-1, 0] + 80


def test_unknown_share_is_grey() -> None:
    assert share_colours(np.array([np.nan])).tolist() == [list(UNKNOWN)]


@pytest.mark.parametrize("cooperators", [0, 3, 12])
def test_a_casino_is_drawn_in_the_colour_of_its_share(cooperators: int) -> None:
    colour = share_colours(np.array(cooperators / 12))
    with_share = one_casino(SMALL, 4, 12, cooperators)
    other_share = one_casino(SMALL, 4, 12, 6)
    assert pixels_of(with_share, colour) > pixels_of(other_share, colour) + 1000


@pytest.mark.parametrize(
    ("casino", "high", "right"),
    [(0, 0, 0), (1, 0, 1), (2, 0, 2), (3, 1, 0), (4, 1, 1), (5, 1, 2)],
    ids=lambda value: str(value),
)
def test_low_costs_are_at_the_bottom_and_low_gains_on_the_left(casino: int, high: int, right: int) -> None:
    def place(m: int) -> Any:
        # Frames that differ in one casino's share differ in that casino's cell alone.
        changed = (one_casino(SMALL, m, 9, 9) != one_casino(SMALL, m, 9, 0)).any(axis=-1)
        return np.argwhere(changed).mean(axis=0)

    up, rightward = place(0) - place(casino)
    cell = 160
    np.testing.assert_allclose([up, -rightward], [high * cell, right * cell], atol=3)


def test_area_of_a_disc_is_proportional_to_the_agents() -> None:
    blue = share_colours(np.array(1.0))
    legend = pixels_of(one_casino(SMALL, 0, 4, 0), blue)
    areas = [pixels_of(one_casino(SMALL, 0, agents, agents), blue) - legend for agents in (3, 6, 12)]
    assert areas[0] > 500
    np.testing.assert_allclose(np.array(areas[1:]) / areas[0], [2, 4], rtol=0.08)


def test_number_of_agents_is_written() -> None:
    # With 150 agents on 25 casinos 50 and 60 agents both fill the disc to its limit: only the number differs.
    config = MPGGConfig()
    changed = (one_casino(config, 12, 50, 0) != one_casino(config, 12, 60, 0)).any(axis=-1)
    assert 5 < changed.sum() < 300


def test_share_is_written() -> None:
    # 40.0 and 40.1 agents have the same digits; a share of 12.4 and of 12.6 % nearly the same colour.
    config = MPGGConfig()
    frames = [one_casino(config, 12, 50, 50 * share).astype(int) for share in (0.124, 0.126)]
    changed = abs(frames[0] - frames[1]).max(axis=-1) > 60
    assert 5 < changed.sum() < 300


def test_crowded_casino_has_a_dark_ring() -> None:
    dark = np.array([32, 32, 38], np.uint8)
    at_the_limit, beyond = (pixels_of(one_casino(MPGGConfig(), 12, agents, 0), dark) for agents in (24, 25))
    assert beyond > at_the_limit + 150  # a ring of radius 30 and width 3 has about 550 pixels


def test_empty_casino_differs_from_one_with_agents_of_unknown_share() -> None:
    counts = np.array([4, 0, 4, 4, 4, 4])
    without, with_empty = board_frame(SMALL, np.full(6, 4), None, ""), board_frame(SMALL, counts, None, "")
    rows, columns = np.nonzero((without != with_empty).any(axis=-1))
    assert len(rows) > 5000
    assert np.ptp(rows) < 160
    assert np.ptp(columns) < 160


def test_no_share_is_shown_before_the_first_game() -> None:
    occupancy = [4, 3, 3, 3, 3, 4]
    fresh = rgb_frame(SMALL, hand_made_state(occupancy, [0] * 6, "game", 0))
    played = rgb_frame(SMALL, hand_made_state(occupancy, [0] * 6, "migration", 0))
    orange = share_colours(np.array(0.0))
    assert pixels_of(played, orange) > pixels_of(fresh, orange) + 1000
    assert pixels_of(fresh, np.array(UNKNOWN, np.uint8)) > 1000


def test_title_round_and_phase_are_in_the_frame() -> None:
    moments: list[tuple[Phase, int]] = [("game", 7), ("migration", 7), ("migration", 8)]
    frames = [
        rgb_frame(SMALL, hand_made_state([20, 0, 0, 0, 0, 0], [5, 0, 0, 0, 0, 0], phase, completed))
        for phase, completed in moments
    ]
    assert (frames[0] != frames[1]).any()
    assert (frames[1] != frames[2]).any()


def test_long_title_stays_in_the_frame() -> None:
    frame = one_casino(SMALL, 0, 3, 0, title="window " * 60)
    assert (frame[:40, :15] == 255).all()
    assert (frame[:40, -15:] == 255).all()
    assert (frame[:40] < 255).any()


@pytest.mark.parametrize(
    ("grid_shape", "n_agents"),
    [
        ((1, 1), 1),
        ((20, 20), 1000),
        ((100, 100), 10_000),
        ((1, 40), 150),
        ((40, 1), 150),
        ((3, 700), 1_000_000),
        ((2100, 2), 50),
    ],
    ids=str,
)
def test_frames_and_tables_of_any_board_are_of_moderate_size(grid_shape: tuple[int, int], n_agents: int) -> None:
    config = MPGGConfig(n_agents=n_agents, grid_shape=grid_shape)
    state = random_state(config)
    frame = rgb_frame(config, state)
    assert max(frame.shape) <= 1200
    assert min(frame.shape[:2]) >= 150
    lines = ansi_frame(config, state).split("\n")
    assert len(lines) <= 110
    assert max(map(len, lines)) <= 210


def test_pooled_casinos_keep_every_agent() -> None:
    # 1,921 columns are pooled by threes; the only inhabited one is the last and incomplete block's.
    config = MPGGConfig(n_agents=9, grid_shape=(1, 1921))
    changed = (one_casino(config, 1920, 9, 9) != one_casino(config, 1920, 9, 0)).any(axis=-1)
    assert 0 < changed.sum() <= 1


def test_drawing_changes_nothing() -> None:
    state = random_state(SMALL)
    before = state.copy()
    rgb_frame(SMALL, state)
    ansi_frame(SMALL, state)
    for name in ("positions", "last_actions", "occupancy", "cooperators", "phase", "round"):
        np.testing.assert_array_equal(getattr(state, name), getattr(before, name))


def test_table_of_a_small_board() -> None:
    state = hand_made_state([3, 0, 1, 12, 4, 0], [1, 0, 0, 11, 4, 0])
    # Costs (k + 1) / 2, gains 1.5 + 4.5 (k + 1) / 3: the default ranges and cell values on two rows, three columns.
    assert ansi_frame(SMALL, state).split("\n") == [
        "Round 7, migration phase: 16 of 20 agents cooperated (80.0%)",
        "cooperators/agents in each casino, '.' is empty",
        "1.0 | 11/12   4/4     .",
        "0.5 |   1/3     .   0/1",
        "    +------------------",
        "        3.0   4.5   6.0",
        "up: cost c, right: gain factor r",
    ]


def test_table_before_the_first_game() -> None:
    state = hand_made_state([15, 0, 1, 2, 2, 0], [0] * 6, "game", 0)
    assert ansi_frame(SMALL, state).split("\n")[:4] == [
        "Round 0, game phase: 20 agents, no game played yet",
        "agents in each casino, '.' is empty",
        "1.0 |   2   2   .",
        "0.5 |  15   .   1",
    ]


def test_large_board_is_summarised_by_its_most_crowded_casinos() -> None:
    config = MPGGConfig(n_agents=24, grid_shape=(50, 80))
    occupancy, cooperators = np.zeros(4000, int), np.zeros(4000, int)
    occupancy[[85, 399, 3999, *range(2000, 2010)]] = [5, 5, 4, *[1] * 10]
    cooperators[[85, 3999]] = [2, 4]
    lines = ansi_frame(config, hand_made_state(occupancy.tolist(), cooperators.tolist())).split("\n")
    assert lines[:5] == [
        "Round 7, migration phase: 6 of 24 agents cooperated (25.0%)",
        "50 x 80 casinos, 3987 empty; cooperators/agents in the most crowded:",
        "casino 85 (row 1, column 5, cost 0.04, gain factor 1.84): 2/5",
        "casino 399 (row 4, column 79, cost 0.1, gain factor 6): 0/5",
        "casino 3999 (row 49, column 79, cost 1, gain factor 6): 4/4",
    ]
    assert len(lines) == 12


def test_axes_say_when_costs_or_gains_differ_within_a_line() -> None:
    state = hand_made_state([3, 0, 1, 12, 4, 0], [1, 0, 0, 11, 4, 0])
    costs = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
    uneven = MPGGConfig(n_agents=20, grid_shape=(2, 3), cost=costs, gain=(2, 3, 4, 2, 3, 4.25))
    assert [line[:3] for line in ansi_frame(uneven, state).split("\n")[2:4]] == ["1 |", "0 |"]
    assert ansi_frame(uneven, state).split("\n")[-2:] == [
        "        0     1     2",
        "up: row (cost c varies), right: column (gain factor r varies)",
    ]
    even = MPGGConfig(n_agents=20, grid_shape=(2, 3), cost=(0.125,) * 3 + (2,) * 3, gain=(2, 3, 4.25) * 2)
    assert ansi_frame(even, state).split("\n")[2:] == [
        "2.000 | 11/12   4/4     .",
        "0.125 |   1/3     .   0/1",
        "      +------------------",
        "         2.00  3.00  4.25",
        "up: cost c, right: gain factor r",
    ]
    assert (rgb_frame(even, state)[:, :60] != rgb_frame(uneven, state)[:, :60]).any()


@pytest.mark.parametrize("highest", ["cost", "gain"])
def test_highest_value_of_an_axis_is_labelled_on_top_or_on_the_right(highest: str) -> None:
    values = {"cost": (0.5, 0.5, 0.5, 0.7, 0.7, 0.7), "gain": (2.1, 3.1, 4.1) * 2}
    changed_values = {"cost": (0.5, 0.5, 0.5, 0.8, 0.8, 0.8), "gain": (2.1, 3.1, 4.4) * 2}
    before = MPGGConfig(n_agents=20, grid_shape=(2, 3), cost=values["cost"], gain=values["gain"])
    after = before.replace(**{highest: changed_values[highest]})
    frames = [one_casino(config, 0, 20, 0) for config in (before, after)]
    rows, columns = np.nonzero((frames[0] != frames[1]).any(axis=-1))
    # Board of 2 x 3 cells of 160 pixels, 44 below the top and 20 from the right; one digit of a label has changed.
    if highest == "cost":
        assert np.abs(rows - (44 + 80)).max() < 10
        assert columns.max() < frames[0].shape[1] - 20 - 480
    else:
        assert np.abs(columns - (frames[0].shape[1] - 20 - 80)).max() < 20
        assert rows.min() > 44 + 320


def test_each_replica_has_its_own_picture() -> None:
    env = MPGGVectorEnv(SMALL, 2)
    env.reset(seed=0, positions=np.array([[0] * 20, [5] * 20]))
    assert (rgb_frame(SMALL, env.state, 0) != rgb_frame(SMALL, env.state, 1)).any()
    assert ansi_frame(SMALL, env.state, 1).split("\n")[2] == "1.0 |   .   .  20"
    with pytest.raises(ValueError, match=r"replica must be in \[0, 1\], got 2"):
        rgb_frame(SMALL, env.state, 2)


@pytest.mark.parametrize(
    ("occupancy", "cooperators", "message"),
    [
        ([1.0] * 5, None, r"occupancy must have one value for each of the 6 casinos, got shape \(5,\)"),
        ([1.0] * 6, [0.0] * 7, r"cooperators must have one value for each of the 6 casinos, got shape \(7,\)"),
        ([1, 1, -1, 1, 1, 1], None, r"occupancy\[2\] must be finite and >= 0, got -1"),
        ([1, 1, 1, np.nan, 1, 1], None, r"occupancy\[3\] must be finite and >= 0, got nan"),
        ([2] * 6, [0, 3, 0, 0, 0, 0], r"cooperators\[1\] must be at most the occupancy 2, got 3"),
    ],
)
def test_impossible_counts_are_refused(occupancy: list[float], cooperators: list[float] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        board_frame(SMALL, occupancy, cooperators, "")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.04, "<0.1"),
        (0.06, "0.1"),
        (6.0, "6"),
        (6.44, "6.4"),
        (99.94, "99.9"),
        (99.97, "100"),
        (150, "150"),
        (999.4, "999"),
        (999.6, "1k"),
        (12_345, "12.3k"),
        (123_456, "123k"),
        (999_600, "1M"),
        (2**31 - 1, "2.1G"),
    ],
)
def test_numbers_are_shortened_to_five_characters(value: float, text: str) -> None:
    assert short_number(value) == text


@pytest.mark.parametrize(
    ("value", "floor", "ceiling"),
    [(0.3, 1, 1), (1, 1, 1), (1.2, 1, 2), (4.9, 2, 5), (5, 5, 5), (7, 5, 10), (10, 10, 10), (430, 200, 500)],
)
def test_steps_of_scales(value: float, floor: int, ceiling: int) -> None:
    assert (nice_floor(value), nice_ceiling(value)) == (floor, ceiling)


def test_drawing_needs_no_display_and_is_loaded_late() -> None:
    program = """
import sys, warnings
warnings.simplefilter("ignore")
import mpgg_env
env = mpgg_env.parallel_env(render_mode="rgb_array")
env.reset(seed=0)
assert "PIL" not in sys.modules
assert env.render().shape[2] == 3
heavy = {"matplotlib", "pygame", "torch", "tkinter"} & set(sys.modules)
assert not heavy, heavy
"""
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    result = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
