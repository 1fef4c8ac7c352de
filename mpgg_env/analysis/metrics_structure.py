"""Measures of structure: where agents and cooperators are on the board, and who meets whom.

Functions of count profiles, as in `metrics`, and of the moves made from each casino.
"""

from typing import Final, NamedTuple

import numpy as np

from mpgg_env.analysis.metrics import TOP_QUARTER, Numbers, ratio
from mpgg_env.core.rounding import ROUNDING
from mpgg_env.core.types import BoolArray, FloatArray
from mpgg_env.core.validation import check_real
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.rules import MOORE_STEPS, casino_costs, casino_gains, destinations, move_names, share

DENSITY: Final = 1.0
COOPERATION: Final = 0.5


class PriceSplit(NamedTuple):
    """Why cooperators earn more or less than defectors on average, mechanisms apart, each (...).

    Attributes:
        difference: Mean payoff of a cooperator less that of a defector without mechanisms: `between` - `within`.
        between: What cooperators gain by being in better pools than defectors.
        within: What cooperators pay, on average.
    """

    difference: FloatArray
    between: FloatArray
    within: FloatArray


def corridor_indices(weights: Numbers, grid_shape: tuple[int, int], values: FloatArray) -> dict[str, FloatArray]:
    """Where the agents of `weights` (..., M) are on the board: 0 for uniform, NaN where undefined.

    Returns:
        I_alpha and I_c in [-1, 1]: mean column and row relative to the middle of the board; NaN on a board of one
        column, or row. I_v <= 1: mean of the `values` (M,) of the casinos relative to a uniform distribution, 1 if
        all are in the best casino.
    """
    rows, columns = grid_shape
    part = _shares(weights)
    casinos = np.arange(rows * columns)
    spread = values.max() - values.mean()
    return {
        "I_alpha": _centred(part @ (casinos % columns), columns),
        "I_c": _centred(part @ (casinos // columns), rows),
        "I_v": ratio(part @ values - values.mean(), spread if spread > ROUNDING * np.abs(values).max() else 0.0),
    }


def high_cell_use(weights: Numbers, values: FloatArray) -> FloatArray:
    """Share of the agents of `weights` (..., M) in the top quartile of the values v_m, divided by 1/4; in [0, 4].

    The top quartile are the casinos whose value is at least the 75 % quantile. Uniformly spread agents have 4 times
    the share of these casinos among all: 1 where M is a multiple of 4 and no two values are equal, otherwise more, as
    2 with two casinos and 4 with one, or where all values are equal.
    """
    top = values >= np.quantile(values, 1 - TOP_QUARTER) - ROUNDING * np.abs(values).max()
    part: FloatArray = _shares(weights)[..., top].sum(axis=-1)
    return part / TOP_QUARTER


def corridor_set(
    occupancy: Numbers, cooperators: Numbers, *, density: float = DENSITY, cooperation: float = COOPERATION
) -> BoolArray:
    """Casinos that are crowded and cooperative: n_m >= rho N / M and k_m / n_m >= theta, (..., M).

    Args:
        occupancy: Agents in each casino, (..., M): counts of a round, or means of counts.
        cooperators: Cooperators in each casino, (..., M).
        density: rho, at least 0; an empty casino never belongs to the set.
        cooperation: theta in [0, 1].

    Raises:
        ValueError: A threshold is out of its range.
        TypeError: A threshold is no number.
    """
    density, cooperation = check_real("density", density, 0), check_real("cooperation", cooperation, 0, 1)
    counts = np.asarray(occupancy, np.float64)
    needed = density * counts.mean(axis=-1, keepdims=True)
    crowded = (counts >= needed * (1 - ROUNDING)) & (counts > 0)
    members: BoolArray = crowded & (np.asarray(cooperators) >= cooperation * counts * (1 - ROUNDING))
    return members


def corridor_spans(config: MPGGConfig, members: BoolArray) -> BoolArray:
    """Whether one connected component of the `corridor_set` (..., M) joins the lowest to the highest gain column.

    Casinos are connected with their four neighbours. On the torus the outermost columns are neighbours too, so that
    two casinos joined around the edge are enough. An empty set does not span; on one column any other set does.
    """
    board = np.asarray(members, np.bool_).reshape(*members.shape[:-1], *config.grid_shape)
    reached = np.zeros_like(board)
    reached[..., 0] = board[..., 0]
    while True:
        grown = board & (reached | _neighbours(reached, config.boundary == "torus"))
        if np.array_equal(grown, reached):
            return np.asarray(reached[..., -1].any(axis=-1))
        reached = grown


def uphill_flux(config: MPGGConfig, moves: Numbers, values: FloatArray, *, wrap: bool = True) -> FloatArray:
    """Moves that raise the casino's value less moves that lower it, relative to all moves to another casino.

    Args:
        config: Rules of the game.
        moves: How often each move was made in each casino, (..., M, n_moves).
        values: v_m of each casino, (M,).
        wrap: Whether the moves around the edge of a torus count.

    Returns:
        (...) in [-1, 1]; NaN if nobody changes the casino.
    """
    reached, _ = destinations(config)
    climbs = _direction(values[reached] - values[:, None], values)
    counts = (reached != np.arange(config.n_casinos)[:, None]) & (wrap | ~_leaves_board(config))
    made = np.asarray(moves, np.float64) * counts
    return ratio((made * climbs).sum(axis=(-2, -1)), made.sum(axis=(-2, -1)))


def uphill_flux_of_positions(
    config: MPGGConfig, positions: Numbers, values: FloatArray, *, wrap: bool = True
) -> FloatArray:
    """The `uphill_flux` of a panel of positions (..., T, N), casinos in successive rounds, over all its rounds.

    Between one-cell moves, one that changes the row or the column by more than 1 went around the edge; where a side
    has but two casinos, that cannot be seen.
    """
    before, after = np.asarray(positions)[..., :-1, :], np.asarray(positions)[..., 1:, :]
    counts = before != after
    if not wrap and config.moves != "anywhere":
        rows, columns = (np.abs(part) for part in _displacement(config, before, after))
        counts &= (rows <= 1) & (columns <= 1)
    climbs = _direction(values[after] - values[before], values)
    return ratio((counts * climbs).sum(axis=(-2, -1)), counts.sum(axis=(-2, -1)))


def assortment(occupancy: Numbers, cooperators: Numbers) -> FloatArray:
    """Expected share of C among the co-players of a cooperator less that of a defector, (...) in [-1, 1].

    Over casinos with at least two agents; NaN if cooperators or defectors are absent there. Since nobody is his own
    co-player, a single casino gives -1/(n - 1), not 0.
    """
    counts, k = np.asarray(occupancy, np.float64), np.asarray(cooperators, np.float64)
    others = np.maximum(counts - 1, 1.0)
    k, d = np.where(counts >= 2, k, 0.0), np.where(counts >= 2, counts - k, 0.0)
    of_cooperators = ratio((k * (k - 1) / others).sum(axis=-1), k.sum(axis=-1))
    return of_cooperators - ratio((d * k / others).sum(axis=-1), d.sum(axis=-1))


def price_split(config: MPGGConfig, occupancy: Numbers, cooperators: Numbers) -> PriceSplit:
    """The difference of mean payoffs, C less D, split into a part between the casinos and one within them.

    pi_C - pi_D = sum_m (k_m / N_C - d_m / N_D) c_m r_m k_m / n_m - sum_m (k_m / N_C) c_m, an exact identity for the
    payoffs without mechanism: cooperators are ahead globally, though behind in every casino, if and only if between >
    within (Simpson's paradox). With the code payoff the pool is r_m k_m / n_m.

    Args:
        config: Rules of the game; a mechanism plays no part. What one adds to the difference is what is observed
            (`metrics_panel.payoff_lead`) less `difference`.
        occupancy: Agents in each casino, (..., M).
        cooperators: Cooperators in each casino, (..., M).

    Returns:
        Each (...), in units of payoff; NaN if there are no cooperators or no defectors.
    """
    counts, k = np.asarray(occupancy, np.float64), np.asarray(cooperators, np.float64)
    of_cooperators, of_defectors = _shares(k), _shares(counts - k)
    plays = counts >= config.min_players
    pool = np.where(plays, _pool_yields(config) * k / np.maximum(counts, 1.0), 0.0)
    between = ((of_cooperators - of_defectors) * pool).sum(axis=-1)
    within = (of_cooperators * np.where(plays, casino_costs(config), 0.0)).sum(axis=-1)
    missing = np.isnan(between)
    within = np.where(missing, np.nan, within)
    return PriceSplit(between - within, between, within)


def _pool_yields(config: MPGGConfig) -> FloatArray:
    """What every member receives if all cooperate, (M,): the pool pays k / n of it."""
    pays_cost = config.payoff == "text"
    cells = zip(casino_costs(config).tolist(), casino_gains(config).tolist(), strict=True)
    return np.array([share(cost, gain, 1, 1, pays_cost) for cost, gain in cells])


def _shares(weights: Numbers) -> FloatArray:
    amounts = np.asarray(weights, np.float64)
    return ratio(amounts, amounts.sum(axis=-1, keepdims=True))


def _centred(index: FloatArray, count: int) -> FloatArray:
    half = (count - 1) / 2
    return ratio(index - half, half)


def _direction(change: FloatArray, values: FloatArray) -> FloatArray:
    """1 for up, -1 for down, 0 where the values differ by rounding alone."""
    direction: FloatArray = np.sign(np.where(np.abs(change) > ROUNDING * np.abs(values).max(), change, 0.0))
    return direction


def _displacement(config: MPGGConfig, start: Numbers, end: Numbers) -> tuple[Numbers, Numbers]:
    columns = config.grid_shape[1]
    return end // columns - start // columns, end % columns - start % columns


def _leaves_board(config: MPGGConfig) -> BoolArray:
    """Whether a move goes over the edge of the board, (M, n_moves)."""
    if config.moves == "anywhere":
        return np.zeros((config.n_casinos, config.n_moves), np.bool_)
    rows, columns = config.grid_shape
    steps = np.array([MOORE_STEPS[name] for name in move_names(config)])
    row, column = np.divmod(np.arange(config.n_casinos)[:, None], columns)
    row, column = row + steps[:, 0], column + steps[:, 1]
    leaves: BoolArray = (row < 0) | (row >= rows) | (column < 0) | (column >= columns)
    return leaves


def _neighbours(board: BoolArray, torus: bool) -> BoolArray:
    """Casinos next to one of the board's (..., rows, columns)."""
    found = np.zeros_like(board)
    for axis in (-2, -1):
        for step in (-1, 1):
            moved = np.roll(board, step, axis=axis)
            if not torus:
                np.moveaxis(moved, axis, 0)[0 if step == 1 else -1] = False  # what came in over the edge
            found |= moved
    return found
