"""The figures of a run in the trading market.

learning: Losses and mean return over the training. equilibrium: Distance to the exact equilibrium over the training,
where there is one. exploitability: What a trader gains by a best response, over the training, if that was asked for.
policy: Rates over time to go and own inventory at several prices, beside those of the exact equilibrium. The numbers
come from `MarketRun.metrics`, `MarketRun.evaluation` and `MarketRun.policy_map`.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from matplotlib.figure import Figure

from mpgg_agents.experiments.figures import FigureSet
from mpgg_agents.experiments.market import curves, heat_maps
from mpgg_agents.experiments.market.exact import exact_equilibrium
from mpgg_agents.experiments.market.figure_data import MarketFigureData
from mpgg_agents.experiments.market.reader import MarketRun

DRAWERS: Final[dict[str, Callable[[MarketFigureData], Figure]]] = {
    "learning": curves.learning_figure,
    "equilibrium": curves.equilibrium_figure,
    "exploitability": curves.exploitability_figure,
    "policy": heat_maps.policy_figure,
}


def figure_set(run: MarketRun) -> FigureSet:
    """The figures of a run: those for which it has numbers."""
    missing = set()
    if exact_equilibrium(run.config.game) is None:
        missing.add("equilibrium")
    if not run.config.run.response_iterations:
        missing.add("exploitability")
    drawers = {name: draw for name, draw in DRAWERS.items() if name not in missing}
    return FigureSet(read=partial(MarketFigureData.read, run), drawers=drawers)
