"""The figures of a run in the migratory public goods game, and an animated GIF of the first seed.

cooperation: Cooperation rate over the rounds. payoff: Payoff and efficiency over the rounds. board: Occupancy
and cooperation of the casinos at named times. structure: Seats taken, concentration and the way to good casinos over
the rounds. synergy: Survival of endangered cooperators. corridor: Net migration between the casinos.
board_over_time.gif: the board of one seed. The numbers come from `MPGGRun.metrics`, `MPGGRun.casinos` and
`MPGGRun.synergy`.
"""

from collections.abc import Callable
from functools import partial
from typing import BinaryIO, Final

from matplotlib.figure import Figure

from mpgg_agents.experiments.figures import FigureSet
from mpgg_agents.experiments.mpgg import curves, maps
from mpgg_agents.experiments.mpgg.figure_data import FigureData
from mpgg_agents.experiments.mpgg.reader import MPGGRun

DRAWERS: Final[dict[str, Callable[[FigureData], Figure]]] = {
    "cooperation": curves.cooperation_figure,
    "payoff": curves.payoff_figure,
    "board": maps.board_figure,
    "structure": curves.structure_figure,
    "synergy": curves.synergy_figure,
    "corridor": maps.corridor_figure,
}
ANIMATION: Final = "board_over_time.gif"


def figure_set(run: MPGGRun) -> FigureSet:
    """The figures of a run, the same for every run."""
    return FigureSet(read=partial(FigureData.read, run), drawers=DRAWERS, films={ANIMATION: _animation})


def _animation(data: FigureData, file: BinaryIO) -> None:
    from mpgg_agents.experiments.mpgg.animation import write_animation  # loads Pillow and the renderer

    write_animation(data, file)
