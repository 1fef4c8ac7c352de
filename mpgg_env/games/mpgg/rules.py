"""The rules of the migratory public goods game. Each formula stands here once; the kernels loop over it.

Functions of numbers and arrays alone: they know nothing of PettingZoo, drawing or learning.
"""

from typing import Final

import numpy as np

from mpgg_env.core.compiled import compiled
from mpgg_env.core.types import BoolArray, FloatArray, IntArray
from mpgg_env.games.mpgg.config import MPGGConfig

DEFECT: Final = 0
COOPERATE: Final = 1
GAME_ACTIONS: Final = ("D", "C")

# (rows up, columns to the right) of each move. Up is towards higher cost, right towards higher gain.
VON_NEUMANN_STEPS: Final = {"stay": (0, 0), "up": (1, 0), "down": (-1, 0), "left": (0, -1), "right": (0, 1)}
MOORE_STEPS: Final = {
    **VON_NEUMANN_STEPS,
    "up_left": (1, -1),
    "up_right": (1, 1),
    "down_left": (-1, -1),
    "down_right": (-1, 1),
}


@compiled
def share(cost: float, gain: float, occupancy: int, cooperators: int, pays_cost: bool) -> float:
    """What every member of a casino receives from the pool: r c k / n, or r k / n unless `pays_cost`.

    [MPGG2025] section 2.1. `occupancy` is at least 1; `pays_cost` is the "text" payoff, False the "code" payoff.
    """
    if pays_cost:
        return gain * cost * cooperators / occupancy
    return gain * cooperators / occupancy


@compiled
def payoff(
    cooperates: int, cost: float, gain: float, occupancy: int, cooperators: int, pays_cost: bool, min_players: int
) -> float:
    """Payoff of one member of a casino with `occupancy` members of whom `cooperators` cooperate.

    A cooperator gets its share less the cost, a defector its share; below `min_players` members everybody gets 0.
    """
    if occupancy < min_players:
        return 0.0
    received = share(cost, gain, occupancy, cooperators, pays_cost)
    if cooperates:
        return received - cost
    return received


def axis_fractions(count: int, cell_values: str) -> FloatArray:
    """Fraction in [0, 1] of each of the `count` cells of an axis, (count,)."""
    cells = np.arange(count)
    if cell_values == "upper":
        return (cells + 1) / count
    if cell_values == "center":
        return (cells + 0.5) / count
    return cells / (count - 1) if count > 1 else np.ones(1)


def casino_costs(config: MPGGConfig) -> FloatArray:
    """Cost of cooperating in each casino, (n_casinos,)."""
    if config.cost is not None:
        return np.array(config.cost)
    low, high = config.cost_range
    rows, columns = config.grid_shape
    return np.repeat(low + (high - low) * axis_fractions(rows, config.cell_values), columns)


def casino_gains(config: MPGGConfig) -> FloatArray:
    """Gain factor of each casino, (n_casinos,): r = r_min + (r_max - r_min) alpha."""
    if config.gain is not None:
        return np.array(config.gain)
    low, high = config.gain_range
    rows, columns = config.grid_shape
    return np.tile(low + (high - low) * axis_fractions(columns, config.cell_values), rows)


def move_names(config: MPGGConfig) -> tuple[str, ...]:
    """Name of each migration action."""
    if config.moves == "anywhere":
        return tuple(f"casino_{m}" for m in range(config.n_casinos))
    return tuple(VON_NEUMANN_STEPS if config.moves == "von_neumann" else MOORE_STEPS)


def destinations(config: MPGGConfig) -> tuple[IntArray, BoolArray]:
    """Where each move leads and whether it is legal.

    Returns:
        Casino reached from casino m by move a, (n_casinos, n_moves), and whether the move is legal, same shape.
        An illegal move (`boundary="mask"`, off the board) leads to m itself.
    """
    casinos = np.arange(config.n_casinos)
    if config.moves == "anywhere":
        everywhere = np.broadcast_to(casinos, (config.n_casinos, config.n_casinos))
        return everywhere.copy(), np.ones(everywhere.shape, np.bool_)
    rows, columns = config.grid_shape
    steps = np.array(list((VON_NEUMANN_STEPS if config.moves == "von_neumann" else MOORE_STEPS).values()))
    row = casinos[:, None] // columns + steps[:, 0]
    column = casinos[:, None] % columns + steps[:, 1]
    on_board = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    if config.boundary == "torus":
        return (row % rows) * columns + column % columns, np.ones(on_board.shape, np.bool_)
    reached = np.where(on_board, row * columns + column, casinos[:, None])
    return reached, on_board | (config.boundary == "wall")


def initial_positions(config: MPGGConfig, generator: np.random.Generator) -> IntArray:
    """Casino of each playing agent at the start, (n_players,): equal numbers, ids in casino order, then the leftover.

    The leftover agents have the highest ids. With `remainder="random"` they go, in the order of their ids, to
    distinct casinos drawn from `generator`; without a leftover nothing is drawn.
    """
    each, leftover = divmod(config.n_agents, config.n_casinos)
    equal = np.repeat(np.arange(config.n_casinos), each)
    if leftover == 0 or config.remainder == "drop":
        return equal
    if config.remainder == "first":
        return np.concatenate([equal, np.arange(leftover)])
    return np.concatenate([equal, generator.choice(config.n_casinos, size=leftover, replace=False)])
