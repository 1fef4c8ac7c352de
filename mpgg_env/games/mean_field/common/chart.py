"""Drawing blocks for distributions: a colour for each mass, bars, and heat maps over time."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from mpgg_env.core.drawing import INK, LINE, UNKNOWN, Colour, text_width, write
from mpgg_env.core.types import FloatArray, UInt8Array

if TYPE_CHECKING:
    from PIL.Image import Image

Box = tuple[int, int, int, int]  # left, top, right, bottom
# From white to nearly black through yellow and red: lightness falls all the way, also in a grey print.
_STOPS: Final = ((255, 255, 255), (254, 232, 178), (252, 180, 96), (226, 92, 74), (150, 36, 98), (58, 12, 74))
_ROOT: Final = 1 / 3  # of the mass: even 1 % is seen, and what is concentrated still differs


def mass_colours(masses: FloatArray) -> UInt8Array:
    """Colour of each mass in [0, 1], (..., 3): white for 0, dark purple for 1."""
    stops = np.linspace(0.0, 1.0, len(_STOPS))
    place = np.clip(masses, 0.0, 1.0) ** _ROOT
    channels = [np.interp(place, stops, channel) for channel in zip(*_STOPS, strict=True)]
    colours: UInt8Array = np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
    return colours


def draw_scale(image: "Image", box: Box, size: int) -> None:
    """The colours of the masses from 0 to 100 %, with four of them named below."""
    from PIL import Image

    left, top, right, bottom = box
    shares = np.linspace(0.0, 1.0, right - left) ** (1 / _ROOT)
    image.paste(Image.fromarray(np.tile(mass_colours(shares), (bottom - top, 1, 1))), (left, top))
    _frame(image, box)
    for mass in (0.0, 0.01, 0.1, 0.3, 1.0):
        write(image, (left + (right - left) * mass**_ROOT, bottom + 10), f"{100 * mass:.0f} %", size)


def draw_bars(image: "Image", box: Box, names: Sequence[str], masses: FloatArray, size: int) -> None:
    """A horizontal bar for each state, with its name before it and its percentage behind it."""
    from PIL import ImageDraw

    left, top, right, bottom = box
    draw = ImageDraw.Draw(image)
    height = (bottom - top) / len(names)
    start = left + max(text_width(name, size) for name in names) + 10
    room = right - start - text_width("100.0 %", size) - 8
    for k, (name, mass, colour) in enumerate(zip(names, masses, mass_colours(masses), strict=True)):
        middle = top + (k + 0.5) * height
        half = min(0.36 * height, 20)
        write(image, (start - 10, middle), name, size, "rm")
        draw.rectangle((start, middle - half, start + room, middle + half), outline=LINE)
        if mass > 0:
            draw.rectangle((start, middle - half, start + room * float(mass), middle + half), _rgb(colour), INK)
        write(image, (start + room + 8, middle), f"{100 * mass:.1f} %", size, "lm")


def draw_history(image: "Image", box: Box, masses: FloatArray, steps: Sequence[int], horizon: int) -> None:
    """A heat map with the states from top to bottom and the time from left to right.

    Args:
        image: The frame, changed in place.
        box: Where.
        masses: The distributions, (times, S).
        steps: The step of each of them.
        horizon: Steps of the whole episode, at least the last of the steps.
    """
    from PIL import Image, ImageDraw

    left, top, right, bottom = box
    states = masses.shape[1]
    draw = ImageDraw.Draw(image)
    edges = np.rint(np.linspace(left, right, horizon + 2)).astype(int)
    levels = np.rint(np.linspace(top, bottom, states + 1)).astype(int)
    for step, column in zip(steps, mass_colours(masses), strict=True):
        width = int(edges[step + 1] - edges[step])
        for state in range(states):
            height = int(levels[state + 1] - levels[state])
            colour = np.broadcast_to(column[state], (height, width, 3))
            image.paste(Image.fromarray(np.ascontiguousarray(colour)), (int(edges[step]), int(levels[state])))
    for level in levels:
        draw.line((left, int(level), right, int(level)), LINE)
    _frame(image, box)
    now = int(edges[steps[-1] + 1])
    draw.line((now, top - 4, now, bottom + 4), INK, 2)


def _frame(image: "Image", box: Box) -> None:
    from PIL import ImageDraw

    ImageDraw.Draw(image).rectangle(box, outline=UNKNOWN)


def _rgb(colour: UInt8Array) -> Colour:
    red, green, blue = colour.tolist()
    return red, green, blue
