"""Drawing of a distribution on a board: cells, walls, doors, forbidden cells, and what a coalition wants."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from mpgg_env.core.drawing import INK, LINE, PAPER, Colour, hatched, write
from mpgg_env.core.types import FloatArray, UInt8Array
from mpgg_env.games.mean_field.common.chart import mass_colours
from mpgg_env.games.mean_field.common.grid import Cell
from mpgg_env.games.mean_field.common.picture import Board

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw as ImageDrawing

Marks = Sequence[tuple[Collection[Cell], Colour]]
Place = tuple[int, int, int, int]
WALL: Final[Colour] = INK
DOOR: Final[Colour] = (0, 170, 150)
TARGET: Final[Colour] = (0, 128, 70)
HOME: Final[Colour] = (20, 90, 190)
CLOSED: Final[Colour] = (96, 96, 96)
NUMBERED: Final = 30  # smallest side of a cell, in pixels, that has room for its percentage


def draw_board(
    image: "Image", corner: tuple[int, int], side: int, board: Board, masses: FloatArray, marks: Marks
) -> None:
    """A distribution on a board; cells large enough have their percentage written on them.

    Args:
        image: The frame, changed in place.
        corner: Left and top of the board.
        side: Side of a cell in pixels.
        board: What the cells are.
        masses: The distribution, (S,).
        marks: What the coalition wants.
    """
    from PIL import Image, ImageDraw

    cells = mass_colours(board.laid_out(masses)).repeat(side, 0).repeat(side, 1)
    for row, column in board.forbidden:
        cells[row * side : (row + 1) * side, column * side : (column + 1) * side] = _closed(side)
    image.paste(Image.fromarray(cells), corner)
    draw = ImageDraw.Draw(image)
    _draw_grid(draw, corner, side, board.shape)
    _draw_edges(draw, corner, side, board)
    thin = min(3, max(1, side // 16))
    for wanted, colour in marks:
        _draw_outline(draw, corner, side, wanted, colour, thin)
    if side >= NUMBERED:
        _write_masses(image, corner, side, board, masses)


def blank_board(image: "Image", corner: tuple[int, int], side: int, shape: tuple[int, int]) -> None:
    """The place of a board of a time that is not known, or has not come."""
    from PIL import ImageDraw

    left, top = corner
    ImageDraw.Draw(image).rectangle((left, top, left + shape[1] * side, top + shape[0] * side), outline=LINE)


def _closed(side: int) -> UInt8Array:
    """A cell in which nobody can be: dark, with diagonal lines."""
    return np.where(hatched(side, side) == 255, CLOSED[0], 140).astype(np.uint8)


def _draw_grid(draw: "ImageDrawing", corner: tuple[int, int], side: int, shape: tuple[int, int]) -> None:
    left, top = corner
    rows, columns = shape
    for row in range(1, rows):
        draw.line((left, top + row * side, left + columns * side, top + row * side), LINE)
    for column in range(1, columns):
        draw.line((left + column * side, top, left + column * side, top + rows * side), LINE)
    width = 2 if side >= 14 else 1
    draw.rectangle((left, top, left + columns * side, top + rows * side), outline=WALL, width=width)


def _draw_edges(draw: "ImageDrawing", corner: tuple[int, int], side: int, board: Board) -> None:
    width = max(2, side // 6)
    for edges, colour in ((board.walls, WALL), (board.doors, DOOR)):
        for edge in edges:
            draw.line(_segment(corner, side, edge), colour, width)


def _segment(corner: tuple[int, int], side: int, edge: frozenset[Cell]) -> Place:
    """The common edge of two neighbouring cells."""
    first, second = sorted(edge)
    row, column = second
    left, top = corner[0] + column * side, corner[1] + row * side
    if first[0] == second[0]:  # side by side
        return left, top, left, top + side
    return left, top, left + side, top


def _draw_outline(
    draw: "ImageDrawing",
    corner: tuple[int, int],
    side: int,
    cells: Collection[Cell],
    colour: Colour,
    width: int,
) -> None:
    """A line around cells, inside of them."""
    inset = width + 1
    for row, column in cells:
        left, top = corner[0] + column * side, corner[1] + row * side
        # Where a neighbour belongs to the cells as well, the line goes on to meet the one around it.
        ends = {
            (down, right): -inset if (row + down, column + right) in cells else inset
            for down, right in ((0, -1), (0, 1), (-1, 0), (1, 0))
        }
        x0, x1 = left + ends[0, -1], left + side - ends[0, 1]
        y0, y1 = top + ends[-1, 0], top + side - ends[1, 0]
        sides = {
            (0, -1): (x0, y0, x0, y1),
            (0, 1): (x1, y0, x1, y1),
            (-1, 0): (x0, y0, x1, y0),
            (1, 0): (x0, y1, x1, y1),
        }
        for direction, line in sides.items():
            if ends[direction] > 0:
                draw.line(line, colour, width + 1)


def _write_masses(image: "Image", corner: tuple[int, int], side: int, board: Board, masses: FloatArray) -> None:
    for (row, column), mass in np.ndenumerate(board.laid_out(masses)):
        if mass < 0.005 or (row, column) in board.forbidden:
            continue
        ink = PAPER if mass > 0.2 else INK
        place = corner[0] + (column + 0.5) * side, corner[1] + (row + 0.5) * side
        write(image, place, f"{100 * mass:.0f}", min(15, side // 3), ink=ink)
