"""Drawing blocks that know no game: a colour map for shares, soft discs, hatching, text, short numbers.

Pillow is loaded by the first image only, so that a program that draws nothing does not wait for it.
"""

import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mpgg_env.core.types import FloatArray, UInt8Array

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont, ImageFont

Colour = tuple[int, int, int]

PAPER: Final[Colour] = (255, 255, 255)
INK: Final[Colour] = (32, 32, 38)
LINE: Final[Colour] = (198, 198, 204)
UNKNOWN: Final[Colour] = (150, 150, 156)
EMPTY: Final[Colour] = (228, 228, 232)
_HATCH_PERIOD: Final = 6

# Lightness falls from one end to the other while hue goes from orange to blue: the order survives the common
# colour blindnesses and a grey print.
_SHARE_STOPS: Final = ((250, 176, 59), (238, 121, 83), (192, 65, 122), (120, 40, 156), (34, 26, 128))
_GAP: Final = 7


def share_colours(shares: FloatArray) -> UInt8Array:
    """Colour of each share, (..., 3): orange for 0, through magenta, to dark blue for 1; grey for NaN."""
    known = np.nan_to_num(shares)
    stops = np.linspace(0.0, 1.0, len(_SHARE_STOPS))
    channels = [np.interp(known, stops, channel) for channel in zip(*_SHARE_STOPS, strict=True)]
    colours = np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
    return np.where(np.isnan(shares)[..., None], np.array(UNKNOWN, np.uint8), colours)


def colour_bar(height: int, width: int) -> UInt8Array:
    """The colours of the shares from 0 (left) to 1 (right), (height, width, 3)."""
    return np.tile(share_colours(np.linspace(0.0, 1.0, width)), (height, 1, 1))


def hatched(height: int, width: int) -> UInt8Array:
    """White paper with light diagonal lines, (height, width, 3): the sign for "nobody here"."""
    vertical, horizontal = np.indices((height, width))
    lines = (vertical + horizontal) % _HATCH_PERIOD < 2
    return np.where(lines[..., None], EMPTY, PAPER).astype(np.uint8)


def disc_cover(radii: NDArray[Any], height: int, width: int) -> NDArray[np.float32]:
    """How much of each pixel a centred disc covers, in [0, 1], (..., height, width), for `radii` (...) in pixels."""
    vertical = np.arange(height, dtype=np.float32) - np.float32((height - 1) / 2)
    horizontal = np.arange(width, dtype=np.float32) - np.float32((width - 1) / 2)
    distance = np.hypot(vertical[:, None], horizontal)
    cover: NDArray[np.float32] = radii.astype(np.float32)[..., None, None] + np.float32(0.5) - distance
    return cover.clip(0, 1)


def paint(pixels: NDArray[np.float32], colours: NDArray[Any], cover: NDArray[np.float32]) -> None:
    """Paints `pixels` in place with `colours`, as opaque as `cover` in [0, 1].

    Args:
        pixels: Pictures, (..., height, width, 3).
        colours: One colour for each picture, (..., 3).
        cover: Opacity of each pixel, (..., height, width) or a shape that stretches to it.
    """
    pixels += (colours.astype(np.float32)[..., None, None, :] - pixels) * cover[..., None]


@functools.cache
def font(size: int) -> "FreeTypeFont | ImageFont":
    """Pillow's own font: the same on every machine, since none of the system's fonts is asked for."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


@functools.lru_cache(maxsize=4096)
def text_width(text: str, size: int) -> int:
    """Width of a line of text in pixels."""
    return math.ceil(font(size).getlength(text))


def write(
    image: "Image", place: tuple[float, float], text: str, size: int, anchor: str = "mm", ink: Colour = INK
) -> None:
    """Writes a line of text; `anchor` is Pillow's two letters for the point of the text that comes to `place`."""
    from PIL import ImageDraw

    ImageDraw.Draw(image).text(place, text, font=font(size), fill=ink, anchor=anchor)


def write_upward(image: "Image", place: tuple[float, float], text: str, size: int) -> None:
    """Writes a line of text that reads from the bottom to the top, centred at `place`."""
    from PIL import Image

    line = Image.new("RGB", (text_width(text, size) + 2, size + 6), PAPER)
    write(line, (line.width / 2, line.height / 2), text, size)
    line = line.transpose(Image.Transpose.ROTATE_90)
    image.paste(line, (round(place[0] - line.width / 2), round(place[1] - line.height / 2)))


def write_row(image: "Image", place: tuple[float, float], parts: Sequence[str | UInt8Array], size: int) -> None:
    """Puts texts and small pictures side by side in one row that is centred at `place`."""
    from PIL import Image

    widths = [text_width(part, size) if isinstance(part, str) else part.shape[1] for part in parts]
    left = place[0] - (sum(widths) + _GAP * (len(parts) - 1)) / 2
    for part, width in zip(parts, widths, strict=True):
        if isinstance(part, str):
            write(image, (left, place[1]), part, size, "lm")
        else:
            image.paste(Image.fromarray(part), (round(left), round(place[1] - part.shape[0] / 2)))
        left += width + _GAP


def short_number(value: float) -> str:
    """A count or a mean of counts in at most five characters: 7, 6.4, 150, 12.3k, 1M; "<0.1" for 0 < value < 0.05."""
    if 0 < value < 0.05:
        return "<0.1"
    for unit, scale in (("", 1.0), ("k", 1e3), ("M", 1e6)):
        if value < 999.5 * scale:
            return _three_digits(value / scale) + unit
    return _three_digits(value / 1e9) + "G"


def _three_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}".removesuffix(".0")


def nice_floor(value: float) -> int:
    """The largest of 1, 2, 5, 10, 20, 50, ... that is at most `value`; 1 for a `value` below 1."""
    power = 1
    while 10 * power <= value:
        power *= 10
    return max(factor * power for factor in (1, 2, 5) if factor * power <= max(value, 1))


def nice_ceiling(value: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50, ... that is at least `value`."""
    power = 1
    while 10 * power < value:
        power *= 10
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value)
