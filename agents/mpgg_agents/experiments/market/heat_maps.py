"""Policies as heat maps, as in [Casgrain2022] figure 2."""

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mpgg_agents.experiments.market.figure_data import MarketFigureData
from mpgg_agents.experiments.style import new_figure
from mpgg_env.core.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

COLOURS: Final = "RdBu_r"  # told apart in all common forms of colour blindness; white is no trade


def policy_figure(data: MarketFigureData) -> Figure:
    """Rates of a trader over time to go and own inventory, mean over the seeds, above those of the equilibrium.

    One column per price. Nobody else holds or has traded anything, and there is no transient impact.
    """
    numbers = data.policy_map
    rows = {"learned": numbers["rate"].mean(axis=0)}
    if "equilibrium" in numbers:
        rows["equilibrium"] = numbers["equilibrium"]
    figure = new_figure(0.85 + 1.05 * len(rows))
    panels = figure.subplots(len(rows), len(numbers["price"]), sharex=True, sharey=True, squeeze=False)
    highest = float(max(np.abs(rates).max() for rates in rows.values())) or 1.0
    for row, (name, rates) in zip(panels, rows.items(), strict=True):
        for axes, map_ in zip(row, rates, strict=True):
            image = _draw(axes, data, map_, highest)
        row[0].set_ylabel(f"inventory\n({name})" if len(rows) > 1 else "inventory")
    for axes, price in zip(panels[0], numbers["price"], strict=True):
        axes.set_title(f"price {price:.1f}")
    figure.supxlabel("time to go (hours)", fontsize=8)
    figure.colorbar(image, ax=panels, label="rate (per hour)", fraction=0.06, pad=0.02)
    return figure


def _draw(axes: "Axes", data: MarketFigureData, rates: FloatArray, highest: float) -> "AxesImage":
    """Draws one map (M, Q), the beginning of the episode on the left."""
    game, inventory = data.game, data.policy_map["inventory"]
    image = axes.imshow(
        rates.T,
        aspect="auto",
        origin="lower",
        cmap=COLOURS,
        vmin=-highest,
        vmax=highest,
        extent=(game.horizon, 0.0, float(inventory[0]), float(inventory[-1])),
        interpolation="nearest",
    )
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.spines[["top", "right"]].set_visible(True)
    return image
