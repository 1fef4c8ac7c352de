"""Pictures of the mean-field-type games: what is drawn is where the agents are."""

import itertools
from typing import Any

import numpy as np
import pytest

from mpgg_env.core.types import UInt8Array
from mpgg_env.games.mean_field.common import board as boards
from mpgg_env.games.mean_field.common.board import draw_board
from mpgg_env.games.mean_field.common.chart import mass_colours
from mpgg_env.games.mean_field.common.picture import Board
from mpgg_env.games.mean_field.common.render import HEAD, LABEL, LEFT, ansi_frame, rgb_frame
from mpgg_env.games.mean_field.common.state import MeanFieldState
from mpgg_env.mftg import mpgg_v0
from tests.mean_field_games import VARIANTS, any_point, made, still


def path_of(variant: str, steps: int, **options: Any) -> tuple[Any, list[MeanFieldState]]:
    env = made(variant)
    env.reset(seed=1, options=options)
    states, choose = [], any_point(np.random.default_rng(0))
    for t in range(steps + 1):
        context = None if env.context is None else np.array([env.context])
        states.append(MeanFieldState(t, tuple(mu[None] for mu in env.distributions), context))
        if t < steps:
            env.step(choose(env, {}))
    return env.config, states


def colours(frame: UInt8Array) -> set[tuple[int, int, int]]:
    return {(r, g, b) for r, g, b in np.unique(frame.reshape(-1, 3), axis=0).tolist()}


@pytest.mark.parametrize("variant", VARIANTS)
def test_frames_of_an_episode_have_one_shape_and_follow_the_game(variant: str) -> None:
    config, states = path_of(variant, 4)
    frames = [rgb_frame(config, states[: k + 1]) for k in range(5)]
    assert len({frame.shape for frame in frames}) == 1
    for before, after in itertools.pairwise(frames):
        assert (before != after).any()
    changed = (frames[0] != frames[-1]).any(-1)
    assert changed[:HEAD].any()  # the step in the title
    for i in range(len(states[0].distributions)):
        moved = [
            MeanFieldState(
                0, tuple(mu if k != i else np.roll(mu, 1) for k, mu in enumerate(s.distributions)), s.context
            )
            for s in states[:1]
        ]
        assert (rgb_frame(config, moved) != frames[0]).any()


def test_masses_are_darker_the_larger_they_are() -> None:
    shown = mass_colours(np.array([0.0, 0.001, 0.01, 0.1, 0.3, 0.6, 1.0])).astype(int)
    grey = shown @ [299, 587, 114]
    assert shown[0].tolist() == [255, 255, 255]
    assert (np.diff(grey) < -2000).all()
    # The cube root of 1/8 is halfway, between (252, 180, 96) and (226, 92, 74); that of .008 is the second colour.
    assert mass_colours(np.array([0.125, 0.008])).tolist() == [[239, 136, 85], [254, 232, 178]]


def drawn(board: Board, masses: Any, marks: Any = (), side: int = 20) -> UInt8Array:
    from PIL import Image

    image = Image.new("RGB", (board.shape[1] * side + 1, board.shape[0] * side + 1), (255, 255, 255))
    draw_board(image, (0, 0), side, board, np.array(masses, float), marks)
    return np.array(image)


def test_a_cell_has_the_colour_of_its_mass() -> None:
    frame = drawn(Board(shape=(2, 3)), [0, 0.5, 0, 0.2, 0, 0.3])
    expected = mass_colours(np.array([0, 0.5, 0, 0.2, 0, 0.3])).reshape(2, 3, 3)
    assert (frame[10::20, 10::20][:2, :3] == expected).all()


def test_walls_doors_forbidden_cells_and_marks_are_where_they_should_be() -> None:
    wall, door = frozenset(((0, 0), (0, 1))), frozenset(((0, 2), (1, 2)))
    board = Board(shape=(2, 3), walls=(wall,), doors=(door,), forbidden=((1, 0),))
    frame = drawn(board, np.zeros(6), [([(1, 1), (1, 2)], boards.TARGET)], side=24)
    assert frame[12, 24].tolist() == list(boards.WALL)  # the right edge of the upper left cell
    assert frame[24, 60].tolist() == list(boards.DOOR)  # the lower edge of the upper right cell
    assert frame[12, 48].tolist() != list(boards.WALL)
    assert set(frame[30:42, 6:18].ravel().tolist()) == {boards.CLOSED[0], 140}
    assert frame[27:30, 36].tolist().count(list(boards.TARGET)) > 0  # the upper line goes along both cells
    assert (frame[30:44, 44:52] != boards.TARGET).any(-1).all()  # and none is between them


def test_rooms_show_their_doors_and_the_home_of_the_second_coalition_alone() -> None:
    config, states = path_of("rooms", 0, test_index=0)
    frame = rgb_frame(config, states)
    assert {boards.DOOR, boards.HOME, boards.WALL} <= colours(frame)
    first, second = HEAD + LABEL, frame.shape[0] // 2 + 10
    assert boards.HOME not in colours(frame[first : first + 280, LEFT : LEFT + 280])
    home = (frame[second : frame.shape[0] - 60, LEFT : LEFT + 280] == boards.HOME).all(-1)
    assert home[:, :130].sum() == 0  # room 3 is the lower right one
    assert home[:, 140:].sum() > 300


def test_planning_shows_targets_and_the_forbidden_cell() -> None:
    config, states = path_of("planning", 0)
    assert {boards.TARGET, boards.CLOSED} <= colours(rgb_frame(config, states))


@pytest.mark.parametrize(
    "options",
    [
        {"grid_shape": (1, 1)},
        {"grid_shape": (1, 2), "n_coalitions": 1},
        {"grid_shape": (2, 9), "n_coalitions": 6},
        {"grid_shape": (12, 12), "n_coalitions": 3},
        {"grid_shape": (2, 2), "cost": (1.0, 2.0, 3.0, 4.0), "gain": (1.5, 2.5, 3.5, 4.5)},
    ],
    ids=str,
)
def test_boards_of_any_shape_fit_the_frame(options: dict[str, Any]) -> None:

    env = mpgg_v0.parallel_env(**options, max_cycles=3, render_mode="rgb_array")
    env.reset(seed=0)
    while env.agents:
        env.step(still(env))
    frame = env.render()
    assert frame.shape[1] == 780
    assert (frame[:, :6] == 255).all()
    assert (frame[:, -6:] == 255).all()


def test_the_picture_goes_on_after_a_snapshot_and_forgets_the_last_episode() -> None:
    env, other = made("matching", render_mode="rgb_array"), made("matching", render_mode="rgb_array")
    env.reset(seed=1)
    env.step(still(env))
    other.set_state(env.get_state())
    assert (other.render() != env.render()).any()  # the first step is not known there
    env.reset(seed=1)
    other.reset(seed=1)
    assert (other.render() == env.render()).all()


def test_the_text_of_two_games() -> None:
    config, states = path_of("planning", 0, test_index=2)
    assert ansi_frame(config, states[0]).split("\n")[:7] == [
        "Distribution planning, step 0 of 20",
        "coalition_0, to the upper left",
        "   0    0    0    0    0",
        "   0    0    0    0    0",
        "   0  100   ##    0    0",
        "   0    0    0    0    0",
        "   0    0    0    0    0",
    ]
    config, states = path_of("cyber", 0, test_index=6)
    assert ansi_frame(config, states[0], horizon=30).split("\n") == [
        "Cyber security, step 0 of 30",
        "coalition_0, defenders",
        "        DI    1.00 %",
        "        DS    1.00 %",
        "        UI   48.00 %",
        "        US   50.00 %",
        "coalition_1, attackers",
        "    active   90.00 %",
        "  inactive   10.00 %",
    ]


def test_the_text_of_rooms_has_walls_with_gaps_at_the_doors() -> None:
    config, states = path_of("rooms", 0, test_index=1)
    lines = ansi_frame(config, states[0]).split("\n")
    assert lines[0] == "Four rooms, step 0 of 6, home room 1"
    board = lines[2:13]
    assert [row.count("|") for row in board] == [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1]
    assert board[5].split() == ["----"] * 8
    assert [board[8].split()[2], board[9].split()[2]] == ["50", "50"]


def test_the_highest_cost_of_the_migratory_game_is_on_top_as_in_the_finite_game() -> None:
    env = mpgg_v0.parallel_env(grid_shape=(2, 2), render_mode="ansi")
    env.reset(options={"mu0": [[1, 0, 0, 0], [0, 0, 0, 1]]})  # casino 0 has the lowest cost and the lowest gain
    lines = [line.split() for line in env.render().splitlines()]
    assert lines[2:4] == [["0", "0"], ["100", "0"]]
    assert lines[5:7] == [["0", "100"], ["0", "0"]]
