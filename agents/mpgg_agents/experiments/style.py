"""The look of the figures: one column wide or two, legible in print, safe for colour-blind readers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

COLUMN_INCHES: Final = 3.4
PAGE_INCHES: Final = 7.0  # two columns and what is between them
PADDING_INCHES: Final = 0.03

# Okabe and Ito's colours, told apart in all common forms of colour blindness.
BLACK: Final = "#000000"
BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
GREEN: Final = "#009E73"
GREY: Final = "#7F7F7F"

# Any, since matplotlib's type of this mapping lists every setting of one version.
_SETTINGS: Final[Any] = {
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "legend.fontsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.2,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "pdf.fonttype": 42,  # letters stay letters, which journals ask for
    "savefig.dpi": 300,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Within this context figures look like ours, whatever the reader's own settings are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield


def drawn_frame(figure: Figure) -> Bbox:
    """What to save of a figure, in inches: its whole width, and in height only what is drawn on.

    How high boards of square cells become is known after the layout alone.
    """
    figure.draw_without_rendering()
    drawn = figure.get_tightbbox()
    return Bbox([[0.0, drawn.y0 - PADDING_INCHES], [figure.get_figwidth(), drawn.y1 + PADDING_INCHES]])


def new_figure(
    height: float, layout: Literal["constrained", "compressed"] = "constrained", width: float = COLUMN_INCHES
) -> Figure:
    """An empty figure of a height and a width in inches, by default a column's, without pyplot's global state.

    Boards, whose cells stay square, need the layout "compressed".
    """
    return Figure(figsize=(width, height), layout=layout)
