"""The picture of an episode: the price above, the inventories below, over the whole horizon, and a clock."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from mpgg_env.core.drawing import INK, LINE, PAPER, Colour, share_colours, text_width, write, write_upward
from mpgg_env.core.types import FloatArray, UInt8Array

if TYPE_CHECKING:
    from PIL.Image import Image

WIDTH: Final = 760
HEIGHT: Final = 560
LEFT, RIGHT = 86, WIDTH - 30
PRICE_TOP, PRICE_BOTTOM, INVENTORY_TOP, INVENTORY_BOTTOM = 60, 240, 282, 488
CLOCK: Final = (WIDTH - 52, 30, 17)  # centre and radius
LEGEND: Final = (WIDTH - 180, HEIGHT - 36)
TITLE_SIZE, NAME_SIZE, TICK_SIZE = 17, 14, 13
MOST_LINES: Final = 24  # beyond, no line of inventories can be followed, and a heat map takes their place
SMOOTH: Final = 3  # lines are drawn this many times larger and made small
PRICE: Final[Colour] = (31, 95, 160)
LEVEL: Final[Colour] = (120, 120, 128)
PAST: Final[Colour] = (120, 120, 128)
SHORT: Final = np.array((178, 74, 30), float)
LONG: Final = np.array((24, 84, 150), float)


@dataclass(frozen=True, slots=True)
class Panel:
    """A rectangle of the frame, with the time from left to right and values in [centre - half, centre + half]."""

    top: int
    bottom: int
    horizon: float
    centre: float
    half: float

    def place(self, time: float, value: float) -> tuple[float, float]:
        """Pixel of a value at a time; values outside are put on the edge, where the scale is too small for them."""
        share = min(max((value - self.centre) / (2 * self.half) + 0.5, 0.0), 1.0)
        return LEFT + (RIGHT - LEFT) * time / self.horizon, self.bottom - (self.bottom - self.top) * share


def nice_half(value: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is at least `value`; 1 for 0."""
    if not value > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= value * (1 - 1e-12))


def blank_frame() -> "Image":
    """A white frame."""
    from PIL import Image

    return Image.new("RGB", (WIDTH, HEIGHT), PAPER)


def write_title(image: "Image", title: str) -> None:
    """The line above everything, smaller where it would reach the clock."""
    room = CLOCK[0] - CLOCK[2] - 10 - LEFT
    size = next((size for size in range(TITLE_SIZE, 6, -1) if text_width(title, size) <= room), 6)
    write(image, (LEFT, 30), title, size, "lm")


def write_level(image: "Image", panel: Panel) -> None:
    """Names the broken line in the middle of a panel."""
    write(image, (RIGHT, (panel.top + panel.bottom) / 2 - 9), "level", TICK_SIZE, "rm", LEVEL)


def draw_axes(image: "Image", panel: Panel, name: str, now: float) -> None:
    """The panel's border, its five values, its name, and a line at the present time."""
    lines = [([(LEFT, y), (RIGHT, y)], LINE, 1.0) for y in np.linspace(panel.bottom, panel.top, 5)]
    x = panel.place(now, panel.centre)[0]
    draw_lines(image, [*lines, ([(x, panel.top), (x, panel.bottom)], LINE, 1.5)])
    for k in range(5):
        value = panel.centre + panel.half * (k - 2) / 2
        y = panel.bottom + (panel.top - panel.bottom) * k / 4
        write(image, (LEFT - 8, y), f"{value:.6g}", TICK_SIZE, "rm")
    write_upward(image, (17, (panel.top + panel.bottom) / 2), name, NAME_SIZE)


def draw_times(image: "Image", panel: Panel) -> None:
    """The hours below a panel."""
    for k in range(6):
        time = panel.horizon * k / 5
        write(image, (panel.place(time, 0.0)[0], panel.bottom + 14), f"{time:.4g}", TICK_SIZE)
    write(image, ((LEFT + RIGHT) / 2, panel.bottom + 36), "hours", NAME_SIZE)


def draw_lines(image: "Image", lines: Sequence[tuple[Sequence[tuple[float, float]], Colour, float]]) -> None:
    """Draws smooth lines, each given by its points, its colour and its width."""
    from PIL import Image, ImageDraw

    large = image.resize((WIDTH * SMOOTH, HEIGHT * SMOOTH), Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(large)
    for points, colour, width in lines:
        scaled = [(SMOOTH * (x + 0.5), SMOOTH * (y + 0.5)) for x, y in points]
        draw.line(scaled, colour, round(SMOOTH * width), joint="curve")
    image.paste(large.resize(image.size, Image.Resampling.BOX))


def dashes(panel: Panel, value: float) -> list[tuple[list[tuple[float, float]], Colour, float]]:
    """A broken horizontal line at a value."""
    y = panel.place(0.0, value)[1]
    return [([(x, y), (min(x + 8, RIGHT), y)], LEVEL, 1.5) for x in range(LEFT, RIGHT, 14)]


def path_lines(
    panel: Panel, times: FloatArray, values: FloatArray, colours: UInt8Array, width: float
) -> list[tuple[list[tuple[float, float]], Colour, float]]:
    """One line for each column of `values`, (steps, columns), in its colour, (columns, 3)."""
    return [
        ([panel.place(t, v) for t, v in zip(times, column, strict=True)], (int(red), int(green), int(blue)), width)
        for column, (red, green, blue) in zip(values.T, colours, strict=True)
    ]


def trader_colours(n_agents: int) -> UInt8Array:
    """A colour for each trader, from orange to dark blue, (N, 3)."""
    return share_colours(np.linspace(0.0, 1.0, n_agents))


def draw_heat_map(image: "Image", panel: Panel, times: FloatArray, values: FloatArray, dt: float) -> None:
    """Rows of traders, the first on top; blue is long, orange short, white nothing.

    Args:
        image: The frame, changed in place.
        panel: Where, and with `half` the value of the full colour.
        times: Hours of the states, (steps,).
        values: Inventories, (steps, N).
        dt: Hours from one state to the next.
    """
    from PIL import Image

    hours = panel.horizon * np.arange(RIGHT - LEFT) / (RIGHT - LEFT)
    nearest = np.floor((hours - times[0]) / dt + 0.5).astype(int)
    colours = signed_colours(values.T / panel.half)
    columns = np.full((len(colours), RIGHT - LEFT, 3), 255, np.uint8)
    known = (nearest >= 0) & (nearest < len(times))
    columns[:, known] = colours[:, nearest[known]]
    # Where there are more traders than rows of pixels, a row is the mean of several.
    picture = Image.fromarray(columns).resize((RIGHT - LEFT, panel.bottom - panel.top), Image.Resampling.BOX)
    image.paste(picture, (LEFT, panel.top))
    draw_lines(image, [([(LEFT, y), (RIGHT, y)], LINE, 1.0) for y in (panel.top, panel.bottom)])


def signed_colours(shares: FloatArray) -> UInt8Array:
    """Orange for -1, white for 0, blue for 1 and what is between and beyond, (..., 3)."""
    strength = np.clip(shares, -1.0, 1.0)[..., None]
    colours: UInt8Array = np.rint(255.0 + np.abs(strength) * (np.where(strength > 0, LONG, SHORT) - 255.0)).astype(
        np.uint8
    )
    return colours


def draw_clock(image: "Image", share: float) -> None:
    """A disc that fills clockwise with the share of the episode that is over."""
    from PIL import Image, ImageDraw

    x, y, radius = CLOCK
    side = 2 * (radius + 2)
    large = Image.new("RGB", (side * SMOOTH, side * SMOOTH), PAPER)
    draw, edge = ImageDraw.Draw(large), 2 * SMOOTH
    box = (edge, edge, side * SMOOTH - edge, side * SMOOTH - edge)
    if share > 0:
        draw.pieslice(box, -90, -90 + 360 * share, fill=PAST)
    draw.ellipse(box, outline=INK, width=SMOOTH)
    image.paste(large.resize((side, side), Image.Resampling.BOX), (x - side // 2, y - side // 2))
