"""Drawing: functions of the configuration and the states of an episode that return a frame, as pixels or as text.

Nothing here opens a window, asks for a display or changes a state.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mpgg_env.core.drawing import PAPER, nice_ceiling, text_width, write, write_upward
from mpgg_env.core.types import FloatArray, UInt8Array
from mpgg_env.games.mean_field.common import board as boards
from mpgg_env.games.mean_field.common import chart
from mpgg_env.games.mean_field.common.config import Episodic
from mpgg_env.games.mean_field.common.picture import Board, Picture
from mpgg_env.games.mean_field.common.state import MeanFieldState
from mpgg_env.games.mean_field.registry import rules_class

if TYPE_CHECKING:
    from PIL.Image import Image

WIDTH: Final = 780
LEFT: Final = 24
TITLE_SIZE, NAME_SIZE, TICK_SIZE = 18, 15, 12
HEAD: Final = 52  # above the first coalition
LABEL: Final = 28  # above each coalition's pictures
GAP: Final = 18
FOOT: Final = 58
STATE_HEIGHT: Final = 34  # of one state's bar


def rgb_frame(
    config: Episodic, path: Sequence[MeanFieldState], replica: int = 0, *, horizon: int | None = None
) -> UInt8Array:
    """The distributions of all coalitions, now and at earlier times, (height, width, 3).

    Games on a board show the present one large and earlier ones small, at fixed times of the episode; other games show
    bars and a heat map over the whole episode. The size depends on the configuration alone.

    Args:
        config: Parameters of the game, which also say which game it is.
        path: The states of an episode one after the other, not all of them needed; the last one is the present.
        replica: Which of the states' replicas.
        horizon: Steps of the whole episode; None for the configuration's.
    """
    picture = rules_class(config)(config).picture()
    length = max(config.max_cycles if horizon is None else horizon, path[-1].step)
    draw = _board_frame if picture.board else _bars_frame
    return np.array(draw(picture, path, replica, length))


def ansi_frame(config: Episodic, state: MeanFieldState, replica: int = 0, *, horizon: int | None = None) -> str:
    """The distributions in percent as plain text: boards with walls as lines, or a line for each state."""
    picture = rules_class(config)(config).picture()
    length = config.max_cycles if horizon is None else horizon
    lines = [_headline(picture, state, replica, length)]
    for i, role in enumerate(picture.roles):
        masses = np.asarray(state.distributions[i][replica])
        lines.append(f"coalition_{i}, {role}")
        lines += _text_board(picture.board, masses) if picture.board else _text_bars(picture.names[i], masses)
    return "\n".join(lines)


def _headline(picture: Picture, state: MeanFieldState, replica: int, horizon: int) -> str:
    home = _context(state, replica)
    return f"{picture.title}, step {state.step} of {horizon}" + ("" if home is None else f", home room {home}")


def _context(state: MeanFieldState, replica: int) -> int | None:
    return None if state.context is None else int(state.context[replica])


def _masses(path: Sequence[MeanFieldState], coalition: int, replica: int) -> FloatArray:
    return np.stack([np.asarray(state.distributions[coalition][replica]) for state in path])


def _blank(height: int, title: str) -> "Image":
    from PIL import Image

    image = Image.new("RGB", (WIDTH, height), PAPER)
    write(image, (LEFT, 26), title, TITLE_SIZE, "lm")
    return image


def _board_frame(picture: Picture, path: Sequence[MeanFieldState], replica: int, horizon: int) -> "Image":
    board = picture.board
    assert board is not None
    plan = _Plan(board, len(picture.roles), horizon)
    image = _blank(plan.height, _headline(picture, path[-1], replica, horizon))
    for i, role in enumerate(picture.roles):
        top = HEAD + i * plan.row
        write(image, (LEFT, top + LABEL // 2 - 4), f"Coalition {i}: {role}", NAME_SIZE, "lm")
        marks = _marks(board, i, _context(path[-1], replica))
        corner = (plan.left, top + LABEL)
        boards.draw_board(image, corner, plan.side, board, _masses(path[-1:], i, replica)[0], marks)
        _draw_labels(image, corner, plan.side, board, last=i == len(picture.roles) - 1)
        known = {state.step: state for state in path}
        for step, place in plan.slots(top + LABEL):
            write(image, (place[0], place[1] - 9), f"step {step}", TICK_SIZE, "lm")
            if step in known:
                boards.draw_board(image, place, plan.small, board, _masses([known[step]], i, replica)[0], marks)
            else:
                boards.blank_board(image, place, plan.small, board.shape)
    _draw_legend(image, board)
    return image


class _Plan:
    """Where the boards of a frame are: a row for each coalition, the present on the left, earlier times beside it."""

    def __init__(self, board: Board, coalitions: int, horizon: int) -> None:
        rows, columns = board.shape
        few = coalitions <= 2
        room = 280 if few else 150
        self.side = max(2, min(room // rows, 280 // columns))
        self.left = LEFT + (36 if board.rows[1] else 0)
        self.lines, per_line = (2, 3) if few else (1, 5)
        self.start = self.left + max(columns * self.side, 150) + 30
        step = (WIDTH - LEFT - self.start + 14) // per_line
        self.small = max(1, min((step - 14) // columns, (rows * self.side // self.lines - 18) // rows))
        self.step_x, self.step_y = step, rows * self.small + 24
        # As many times as there are places; a short episode has each of its steps once.
        self.times = sorted({round(k * horizon / (self.lines * per_line)) for k in range(self.lines * per_line)})
        self.per_line = per_line
        tall = max(rows * self.side, self.lines * self.step_y - 6)
        self.row = LABEL + tall + GAP + (16 if board.columns[1] else 0)
        self.height = HEAD + coalitions * self.row + FOOT

    def slots(self, top: int) -> list[tuple[int, tuple[int, int]]]:
        """The step and the corner of each earlier board."""
        found = []
        for k, step in enumerate(self.times):
            line, column = divmod(k, self.per_line)
            found.append((step, (self.start + column * self.step_x, top + 16 + line * self.step_y)))
        return found


def _marks(board: Board, coalition: int, context: int | None) -> list[tuple[Any, Any]]:
    wanted = [
        (board.home_of(coalition, context), boards.HOME),
        (board.targets_of(coalition), boards.TARGET),
        (board.best, boards.TARGET),
    ]
    return [mark for mark in wanted if mark[0]]


def _draw_labels(image: "Image", corner: tuple[int, int], side: int, board: Board, *, last: bool) -> None:
    """What rows and columns mean, beside and below the present board."""
    left, top = corner
    (row_name, rows), (column_name, columns) = board.rows, board.columns
    every = -(-TICK_SIZE // side)
    for k, label in enumerate(rows[::every]):
        write(image, (left - 6, top + (k * every + 0.5) * side), label, TICK_SIZE, "rm")
    if rows:
        write_upward(image, (14, top + len(rows) * side / 2), row_name, TICK_SIZE)
    bottom = top + board.shape[0] * side
    # Where the cells are narrower than the labels, only some of them have one.
    every = -(-max(text_width(label, TICK_SIZE) + 6 for label in columns) // side) if columns else 1
    for k, label in enumerate(columns[::every]):
        write(image, (left + (k * every + 0.5) * side, bottom + 10), label, TICK_SIZE)
    if columns and last:
        write(image, (left + len(columns) * side / 2, bottom + 25), column_name, TICK_SIZE)


def _draw_legend(image: "Image", board: Board) -> None:
    chart.draw_scale(image, _scale_box(image), TICK_SIZE)
    y = image.height - 34
    parts = [
        ("wall", boards.WALL, bool(board.walls)),
        ("forbidden", boards.CLOSED, bool(board.forbidden)),
        ("door", boards.DOOR, bool(board.doors)),
        ("home room", boards.HOME, bool(board.homes)),
        ("target", boards.TARGET, bool(board.targets)),
        ("best casino", boards.TARGET, bool(board.best)),
    ]
    from PIL import ImageDraw

    x, draw = LEFT, ImageDraw.Draw(image)
    for name, colour, shown in parts:
        if shown:
            draw.rectangle((x, y - 2, x + 22, y + 1), fill=colour)
            write(image, (x + 28, y), name, TICK_SIZE, "lm")
            x += 28 + text_width(name, TICK_SIZE) + 18


def _scale_box(image: "Image") -> tuple[int, int, int, int]:
    return WIDTH - LEFT - 280, image.height - 41, WIDTH - LEFT - 20, image.height - 29


def _bars_frame(picture: Picture, path: Sequence[MeanFieldState], replica: int, horizon: int) -> "Image":
    heights = [STATE_HEIGHT * len(names) for names in picture.names]
    total = HEAD + sum(LABEL + height + GAP for height in heights) + 16 + FOOT
    image = _blank(total, _headline(picture, path[-1], replica, horizon))
    steps, top = [state.step for state in path], HEAD
    for i, (role, names, height) in enumerate(zip(picture.roles, picture.names, heights, strict=True)):
        write(image, (LEFT, top + LABEL // 2 - 4), f"Coalition {i}: {role}", NAME_SIZE, "lm")
        top += LABEL
        masses = _masses(path, i, replica)
        chart.draw_bars(image, (LEFT, top, 330, top + height), names, masses[-1], NAME_SIZE)
        chart.draw_history(image, (360, top, WIDTH - LEFT, top + height), masses, steps, horizon)
        top += height + GAP
    _write_steps(image, top - GAP + 12, horizon)
    chart.draw_scale(image, _scale_box(image), TICK_SIZE)
    return image


def _write_steps(image: "Image", y: int, horizon: int) -> None:
    """The time below the lowest heat map."""
    width = (WIDTH - LEFT - 360) / (horizon + 1)
    for step in range(0, horizon + 1, nice_ceiling(horizon / 6)):
        write(image, (360 + (step + 0.5) * width, y), f"{step}", TICK_SIZE)
    write(image, (352, y), "step", TICK_SIZE, "rm")


def _text_bars(names: Sequence[str], masses: FloatArray) -> list[str]:
    return [f"{name:>10}{100 * mass:>8.2f} %" for name, mass in zip(names, masses.tolist(), strict=True)]


def _text_board(board: Board, masses: FloatArray) -> list[str]:
    rows, columns = board.shape
    shares, lines = board.laid_out(masses), []
    for row in range(rows):
        cells = []
        for column in range(columns):
            text = "##" if (row, column) in board.forbidden else f"{100 * shares[row, column]:.0f}"
            wall = frozenset(((row, column), (row, column + 1))) in board.walls
            cells.append(f"{text:>4}" + ("|" if wall else " "))
        lines.append("".join(cells).rstrip())
        below = [frozenset(((row, column), (row + 1, column))) in board.walls for column in range(columns)]
        if any(below):
            lines.append("".join(" ----" if wall else "     " for wall in below).rstrip())
    return lines
