"""The figures of a run in a mean-field-type game.

returns: Test returns of each coalition over the training. exploitability: What a coalition could gain, found by a best
response and beside it what is known, mean over coalitions and tests, over the training. distributions: How the
distributions move from the first start of the testing set under the profile of the first seed. cooperation, of the
MPGG: cooperation, welfare and where the agents are, over the training. The numbers come from
`MeanFieldRun.evaluation` and `MeanFieldRun.evolution`.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np
from matplotlib.figure import Figure

from mpgg_agents.experiments.figures import FigureSet
from mpgg_agents.experiments.mean_field import curves, maps
from mpgg_agents.experiments.mean_field.figure_data import MeanFieldFigureData
from mpgg_agents.experiments.mean_field.measures import GAINS
from mpgg_agents.experiments.mean_field.reader import MeanFieldRun
from mpgg_env.games.mean_field.registry import game_of

DRAWERS: Final[dict[str, Callable[[MeanFieldFigureData], Figure]]] = {
    "returns": curves.returns_figure,
    "exploitability": curves.exploitability_figure,
    "distributions": maps.distributions_figure,
    "cooperation": curves.cooperation_figure,
}


def figure_set(run: MeanFieldRun) -> FigureSet:
    """The figures of a run: those for which it has numbers."""
    missing = set()
    if game_of(run.config.game) != "mpgg":
        missing.add("cooperation")
    found = run.evaluation()
    if all(np.isnan(found[name]).all() for name in GAINS):
        missing.add("exploitability")
    drawers = {name: draw for name, draw in DRAWERS.items() if name not in missing}
    return FigureSet(read=partial(MeanFieldFigureData.read, run), drawers=drawers)
