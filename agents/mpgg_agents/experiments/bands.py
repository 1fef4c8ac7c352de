"""Curves with a 95 % confidence band over the seeds."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mpgg_agents.experiments.statistics import confidence_band
from mpgg_env.core.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class Curve:
    """How a measure is drawn."""

    label: str
    colour: str
    line: Any
    marker: str


def draw_band(
    axes: "Axes", curve: Curve, places: FloatArray, values: FloatArray, *, log: bool = False, markers: bool = False
) -> None:
    """Draws the mean of values (B, points) over the seeds, and its band.

    With `log` both are those of the logarithms, so that the band stays above 0; with `markers` every point is marked.
    """
    if log:
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.log(np.where(values > 0, values, np.nan))
    limits = confidence_band(values)
    mean, low, high = map(np.exp, limits) if log else limits
    marker = curve.marker if markers else None
    axes.plot(places, mean, color=curve.colour, linestyle=curve.line, label=curve.label, marker=marker, markersize=3)
    axes.fill_between(places, low, high, color=curve.colour, alpha=0.25, linewidth=0)
