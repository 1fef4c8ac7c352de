"""Cyber security, the attackers' side: bounds of their best response to replayed actions of the defenders.

**Above**: a dynamic program over the share D of defended computers, the shares of infected in D and in U, and the share
v of active attackers, on a grid per step that covers where the grid of the step before leads. Values between nodes are
interpolated, and the interpolation is made an upper bound by its error: along a line on which the second derivative of
the return under any fixed actions is at least -C, the best value exceeds its chord over a spacing h by C h^2 / 8 at
most, since it is the largest of such returns. C is bounded from above by the sizes of first variations, of the
defenders' shares (delta) and of the return (w):

    C = sum_s gamma^{s+1} 2 [ w_D |delta DS| (b_D |delta v| + q_DD |delta DI| + q_DU |delta UI|) + the same for U ].

Every next share of active attackers can be reached with switching probabilities that add up to 1 or more, so that
|delta v| shrinks by 1 - dt lambda per step (or 2 dt lambda - 1).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from mpgg_env.analysis.mean_field.cyber_kernels import Rates, backward_step, image_ranges
from mpgg_env.analysis.mean_field.cyber_variation import Box, curvatures
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mean_field.cyber_security.config import CyberSecurityConfig

# Cells per unit of length of D, of the infected in D and in U as shares of all, and of v.
CELLS: Final = (16, 32, 192, 128)


@dataclass(frozen=True, slots=True)
class Grid:
    """Nodes of one step, evenly spaced along each of four axes.

    Attributes:
        low: First coordinates, (4,).
        high: Last coordinates, (4,).
        counts: Nodes per axis: 1 where low = high.
    """

    low: FloatArray
    high: FloatArray
    counts: tuple[int, int, int, int]

    @property
    def spacing(self) -> FloatArray:
        """Distance of neighbouring nodes, (4,); 0 along an axis of one."""
        return np.asarray((self.high - self.low) / np.maximum(np.array(self.counts) - 1, 1))

    @property
    def nodes(self) -> FloatArray:
        """Coordinates along each axis, (4, most), filled up with the last."""
        index = np.minimum(np.arange(max(self.counts)), np.array(self.counts)[:, None] - 1)
        return np.asarray(self.low[:, None] + index * self.spacing[:, None])


def attack_bound(
    config: CyberSecurityConfig,
    start: tuple[FloatArray, FloatArray],
    switching: FloatArray,
    cells: tuple[int, int, int, int] = CELLS,
) -> float:
    """No attack has a higher return against these switching probabilities of the defenders.

    Args:
        config: Parameters of the game.
        start: Distributions of defenders (4,) and attackers (2,) at time 0.
        switching: Probability of switch in DI, DS, UI, US at each time, (T, 4).
        cells: Cells of the grid per unit of length along each axis.
    """
    rates = [step_rates(config, row) for row in switching]
    grids = _grids(rates, start, cells)
    bends = curvatures(rates, [Box(grid.low, grid.high) for grid in grids])
    slacks = [float(bend @ grid.spacing**2) / 8 for bend, grid in zip(bends, grids, strict=True)]
    later, box = np.zeros((1, 1, 1, 1)), np.zeros((4, 2))
    following = 0.0
    for step, grid, slack in zip(reversed(rates), reversed(grids), reversed(slacks), strict=True):
        values = np.empty(grid.counts)
        backward_step(step, grid.nodes, grid.counts, box, later, following, values)
        later, box, following = values, np.stack([grid.low, grid.spacing], 1), slack
    return float(later[0, 0, 0, 0])


def step_rates(config: CyberSecurityConfig, switching: FloatArray) -> Rates:
    """The rates of one step under these switching probabilities, (4,)."""
    c = config
    di, ds, ui, us = (float(share) * c.dt * c.switch_rate for share in switching)
    rates = (
        *(c.recovery_defended, c.recovery_undefended, c.attack_defended, c.attack_undefended),
        *(c.defended_from_defended, c.defended_from_undefended),
        *(c.undefended_from_undefended, c.undefended_from_defended),
    )
    scaled = [c.dt * rate for rate in rates]
    rewards = (c.dt * c.infection_cost, c.dt * c.attack_cost)
    return Rates._make((*scaled, di, ds, ui, us, *rewards, c.dt * c.switch_rate, c.discount))


def _grids(rates: list[Rates], start: tuple[FloatArray, FloatArray], cells: tuple[int, int, int, int]) -> list[Grid]:
    """A grid per step: the start alone, then boxes around where the nodes before lead."""
    (di, ds, ui, us), active = start[0], start[1][0]
    defended = di + ds
    point = np.array([defended, di / defended if defended > 0 else 0.0, ui / (ui + us) if ui + us > 0 else 0.0, active])
    grids = [Grid(point, point, (1, 1, 1, 1))]
    for step in rates[:-1]:
        grids.append(_next_grid(step, grids[-1], cells))
    return grids


def _next_grid(rates: Rates, grid: Grid, cells: tuple[int, int, int, int]) -> Grid:
    ranges = np.empty((3, 2))
    image_ranges(rates, grid.nodes, grid.counts, ranges)
    ends = [(float(least), float(most)) for least, most in ranges]
    first, last = grid.low[3], grid.high[3]
    ends.append((first * (1 - rates.turn), last + (1 - last) * rates.turn))
    low, high = np.array(ends).T
    high = np.where(high - low < 1e-12, low, high)
    # The shares within D and U are as wide as they weigh among all.
    widths = (high - low) * np.array([1.0, high[0], 1 - low[0], 1.0])
    counts = [1 if high[k] == low[k] else max(2, int(np.ceil(widths[k] * cells[k])) + 1) for k in range(4)]
    return Grid(low, high, (counts[0], counts[1], counts[2], counts[3]))
