"""The picture of the board: the grid of casinos with its axes, captions and legend."""

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpgg_env.core.drawing import (
    EMPTY,
    INK,
    LINE,
    PAPER,
    colour_bar,
    disc_cover,
    hatched,
    nice_ceiling,
    nice_floor,
    paint,
    share_colours,
    short_number,
    text_width,
    write,
    write_row,
    write_upward,
)
from mpgg_env.core.types import FloatArray, UInt8Array
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.layout import (
    LEGEND_HEIGHT,
    MARGIN,
    NAME_SIZE,
    TICK_SIZE,
    TITLE_HEIGHT,
    Axis,
    Layout,
    axes,
    board_layout,
)

if TYPE_CHECKING:
    from PIL.Image import Image

TITLE_SIZE: Final = 17
LEGEND_DISC: Final = 10.0
SMALLEST_DISC_CELL: Final = 6  # in smaller cells no size of a disc can be read
SMALL_CELL: Final = 20  # in smaller cells lines and hatching would be noise
# Strength of a cell's background, which shows the share where the disc is small; text must stand out on the first.
TINT: Final = np.float32(0.2)
SMALL_CELL_TINT: Final = np.float32(0.5)


def board_frame(config: MPGGConfig, occupancy: ArrayLike, cooperators: ArrayLike | None, title: str) -> UInt8Array:
    """Draws the grid of casinos: rows are costs, the highest on top; columns are gain factors, the highest rightmost.

    A disc's area is the number of agents in the casino; its colour, and paler the cell's, the share of
    cooperators among them. Number and share stand below it where there is room. An empty casino is hatched
    (grey on a big board); a disc with more agents than its scale has room for gets a dark ring.

    Args:
        config: Rules of the game; the frame's size depends on nothing else.
        occupancy: Agents in each casino, (n_casinos,), counts or means of counts.
        cooperators: Cooperators in each casino, (n_casinos,); None while no game has been played, which makes
            the discs grey.
        title: Line above the board.

    Returns:
        Pixels (height, width, 3), at most about 1,200 in either direction.

    Raises:
        ValueError: A shape is wrong, or 0 <= cooperators <= occupancy < infinity fails in a casino.
    """
    from PIL import Image

    vertical, horizontal = axes(config)
    layout = board_layout(config)
    agents, shares = _cell_values(config, layout, occupancy, cooperators)
    image = Image.new("RGB", (layout.width, layout.height), PAPER)
    image.paste(Image.fromarray(_grid(layout, agents, shares)), (layout.left, layout.top))
    _write_title(image, title)
    _write_vertical_axis(image, layout, vertical)
    _write_horizontal_axis(image, layout, horizontal)
    _write_captions(image, layout, agents, shares)
    _write_legend(image, layout, config.n_players)
    return np.array(image)


def _cell_values(
    config: MPGGConfig, layout: Layout, occupancy: ArrayLike, cooperators: ArrayLike | None
) -> tuple[FloatArray, FloatArray]:
    """Agents and share of cooperators of each cell, (rows, columns), the highest cost first; NaN for no share."""
    counts = _checked("occupancy", occupancy, config.n_casinos)
    agents = _pooled(counts.reshape(config.grid_shape), layout.block)[::-1]
    if cooperators is None:
        return agents, np.full(agents.shape, np.nan)
    cooperating = _checked("cooperators", cooperators, config.n_casinos)
    # Means in single precision may be a rounding error above.
    excess = np.flatnonzero(cooperating > counts * (1 + 1e-6))
    if len(excess):
        m = excess[0]
        raise ValueError(f"cooperators[{m}] must be at most the occupancy {counts[m]:g}, got {cooperating[m]:g}")
    pooled = _pooled(cooperating.reshape(config.grid_shape), layout.block)[::-1]
    return agents, np.divide(pooled, agents, out=np.full(agents.shape, np.nan), where=agents > 0)


def _checked(name: str, values: ArrayLike, n_casinos: int) -> FloatArray:
    array = np.asarray(values, np.float64)
    if array.shape != (n_casinos,):
        raise ValueError(f"{name} must have one value for each of the {n_casinos} casinos, got shape {array.shape}")
    wrong = np.flatnonzero(~(np.isfinite(array) & (array >= 0)))
    if len(wrong):
        raise ValueError(f"{name}[{wrong[0]}] must be finite and >= 0, got {array[wrong[0]]:g}")
    return array


def _pooled(values: FloatArray, block: int) -> FloatArray:
    """Sums over squares of `block` x `block` casinos; the last row and column of squares may be incomplete."""
    if block == 1:
        return values
    rows, columns = (np.arange(0, side, block) for side in values.shape)
    return np.add.reduceat(np.add.reduceat(values, rows, axis=0), columns, axis=1)


def _grid(layout: Layout, agents: FloatArray, shares: FloatArray) -> UInt8Array:
    """The cells with their discs and the lines between them, (rows * cell + 1, columns * cell + 1, 3)."""
    cell = layout.cell
    cells = np.full((*agents.shape, cell, cell, 3), PAPER, np.float32)
    cells[agents == 0] = _empty(layout, cell, cell)
    tint = TINT if cell >= SMALL_CELL else SMALL_CELL_TINT
    paint(cells, share_colours(shares), np.where(np.isnan(shares), np.float32(0), tint)[..., None, None])
    _paint_discs(cells[..., : cell - layout.caption, :, :], layout, agents, shares)
    height, width = layout.rows * cell, layout.columns * cell
    grid = np.full((height + 1, width + 1, 3), LINE, np.uint8)
    grid[:height, :width] = np.rint(cells).astype(np.uint8).swapaxes(1, 2).reshape(height, width, 3)
    if cell >= SMALL_CELL:
        grid[::cell] = LINE
        grid[:, ::cell] = LINE
    return grid


def _empty(layout: Layout, height: int, width: int) -> UInt8Array:
    """The look of an empty casino."""
    return hatched(height, width) if layout.cell >= SMALL_CELL else np.full((height, width, 3), EMPTY, np.uint8)


def _paint_discs(pixels: NDArray[np.float32], layout: Layout, agents: FloatArray, shares: FloatArray) -> None:
    """Paints the discs into `pixels` (rows, columns, height, width, 3) in place."""
    radii = layout.radii(agents)
    crowded = (agents > layout.full) & (layout.cell >= SMALLEST_DISC_CELL)
    ring = np.where(crowded, 1 + layout.cell // 48, 0)
    height, width = pixels.shape[2:4]
    if ring.any():
        paint(pixels, np.array(INK), disc_cover(np.where(ring, radii, -1), height, width))
    # An empty casino's radius is below -0.5, or half a pixel's worth of disc would be left in its middle.
    paint(pixels, share_colours(shares), disc_cover(np.where(agents > 0, radii - ring, -1), height, width))


def _write_title(image: "Image", title: str) -> None:
    room = image.width - 2 * MARGIN
    size = TITLE_SIZE
    while size > TICK_SIZE and text_width(title, size) > room:
        size -= 1
    while title and text_width(title, size) > room:
        title = title[:-2] + "…"
    write(image, (image.width / 2, TITLE_HEIGHT / 2), title, size)


def _write_vertical_axis(image: "Image", layout: Layout, axis: Axis) -> None:
    pitch = layout.cell / layout.block
    for k in range(0, len(axis.labels), nice_ceiling((TICK_SIZE + 9) / pitch)):
        write(image, (layout.left - 7, layout.bottom - (k + 0.5) * pitch), axis.labels[k], TICK_SIZE, "rm")
    labels = max(text_width(label, TICK_SIZE) for label in axis.labels)
    middle = (layout.top + layout.bottom) / 2
    write_upward(image, (layout.left - labels - 16 - NAME_SIZE / 2, middle), axis.name, NAME_SIZE)


def _write_horizontal_axis(image: "Image", layout: Layout, axis: Axis) -> None:
    pitch = layout.cell / layout.block
    labels = max(text_width(label, TICK_SIZE) for label in axis.labels)
    for k in range(0, len(axis.labels), nice_ceiling((labels + 8) / pitch)):
        write(image, (layout.left + (k + 0.5) * pitch, layout.bottom + 13), axis.labels[k], TICK_SIZE)
    middle = layout.left + layout.columns * layout.cell / 2
    write(image, (middle, layout.bottom + 34), axis.name, NAME_SIZE)


def _write_captions(image: "Image", layout: Layout, agents: FloatArray, shares: FloatArray) -> None:
    if not layout.caption:
        return
    cell = layout.cell
    for row, column in np.argwhere(agents > 0):
        number, share = short_number(agents[row, column]), shares[row, column]
        left, line = layout.left + column * cell, layout.top + (row + 1) * cell - 0.5 * layout.caption - cell / 48
        if not layout.share_size or math.isnan(share):
            write(image, (left + cell / 2, line), number, layout.number_size)
            continue
        inset = 2 + cell / 24
        write(image, (left + inset, line), number, layout.number_size, "lm")
        write(image, (left + cell - inset, line), f"{share:.0%}", layout.share_size, "rm")


def _write_legend(image: "Image", layout: Layout, n_agents: int) -> None:
    middle, line = image.width / 2, image.height - LEGEND_HEIGHT + 14
    write_row(image, (middle, line), ["0%", colour_bar(12, 140), "100% of the agents cooperate"], TICK_SIZE)
    parts: list[str | UInt8Array] = []
    # The sample disc has the board's scale, so only a number that fits the legend's line can stand here.
    sample = layout.full * min(LEGEND_DISC / layout.largest_radius, 1.0) ** 2
    if sample >= 1 and layout.cell >= SMALLEST_DISC_CELL:
        number = nice_floor(sample)
        parts += [_sample_disc(layout.radii(number), 0), _agents(number), ""]
    if layout.full < n_agents and layout.cell >= SMALLEST_DISC_CELL:
        parts += [_sample_disc(LEGEND_DISC, 2), f"more than {_agents(layout.full)}", ""]
    if layout.block > 1:
        parts += [f"one point is {layout.block} x {layout.block} casinos", ""]
    write_row(image, (middle, line + 25), [*parts, _empty(layout, 14, 18), "empty"], TICK_SIZE)


def _agents(number: float) -> str:
    return f"{short_number(number)} agent{'' if number == 1 else 's'}"


def _sample_disc(radius: float, ring: int) -> UInt8Array:
    side = 2 * math.ceil(radius) + 1
    pixels = np.full((side, side, 3), PAPER, np.float32)
    if ring:
        paint(pixels, np.array(INK), disc_cover(np.array(radius), side, side))
    paint(pixels, share_colours(np.array(np.nan)), disc_cover(np.array(radius - ring), side, side))
    return np.rint(pixels).astype(np.uint8)
