"""Net migration between casinos, from the moves that were chosen in each."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from mpgg_env.core.types import FloatArray
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.rules import MOORE_STEPS, destinations, move_names

# One move of each pair of opposite moves, so that every border between two casinos is looked at once.
_PAIRS: Final = {"up": "down", "right": "left", "up_right": "down_left", "up_left": "down_right"}


@dataclass(frozen=True, slots=True)
class Flow:
    """Net flow across one border: `agents` per round from casino `start` (row, column) by `step` (up, right).

    The step of a move around the torus leads off the board.
    """

    start: tuple[int, int]
    step: tuple[int, int]
    agents: float


def net_flows(config: MPGGConfig, moves: FloatArray) -> list[Flow]:
    """The net flow between every two casinos that one move connects; `moves` (M, n_moves) per round."""
    if config.moves == "anywhere":
        return _flows_anywhere(config, moves)
    names = move_names(config)
    reached, legal = destinations(config)
    flows = []
    for move, opposite in _PAIRS.items():
        if move not in names:
            continue
        there, back = names.index(move), names.index(opposite)
        for m in range(config.n_casinos):
            target = int(reached[m, there])
            if legal[m, there] and target != m and reached[target, back] == m:
                net = float(moves[m, there] - moves[target, back])
                flows.append(_flow(config, m, target, MOORE_STEPS[move], net))
    return flows


def block_drift(
    config: MPGGConfig, moves: FloatArray, blocks: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Net displacement per round in square blocks of casinos, at most `blocks` along an axis.

    Returns:
        Column and row of each block's centre, and the displacement to the right and up, all (blocks,).
    """
    rows, columns = config.grid_shape
    up, right = _displacement(config, moves)
    size = -(-max(rows, columns) // blocks)
    casinos = np.arange(config.n_casinos)
    row, column = casinos // columns, casinos % columns
    block = (row // size) * (-(-columns // size)) + column // size
    count = np.bincount(block)
    sums = [np.bincount(block, values).astype(np.float64) for values in (column, row, right, up)]
    return sums[0] / count, sums[1] / count, sums[2], sums[3]


def _flows_anywhere(config: MPGGConfig, moves: FloatArray) -> list[Flow]:
    """The strongest flows between any two casinos; all pairs would hide each other."""
    net = moves - moves.T
    first, second = np.triu_indices(config.n_casinos, 1)
    strongest = np.argsort(-np.abs(net[first, second]), kind="stable")[: 2 * config.n_casinos]
    columns = config.grid_shape[1]
    flows = []
    for m, target in zip(first[strongest].tolist(), second[strongest].tolist(), strict=True):
        step = (target // columns - m // columns, target % columns - m % columns)
        flows.append(_flow(config, m, target, step, float(net[m, target])))
    return flows


def _flow(config: MPGGConfig, m: int, target: int, step: tuple[int, int], net: float) -> Flow:
    columns = config.grid_shape[1]
    if net >= 0:
        return Flow((m // columns, m % columns), step, net)
    return Flow((target // columns, target % columns), (-step[0], -step[1]), -net)


def _displacement(config: MPGGConfig, moves: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sum of the steps up and to the right made in each casino per round, (M,) each; a wall stops them."""
    if config.moves == "anywhere":
        casinos = np.arange(config.n_casinos)
        row, column = np.divmod(casinos, config.grid_shape[1])
        return moves @ row - row * moves.sum(axis=1), moves @ column - column * moves.sum(axis=1)
    reached, _ = destinations(config)
    steps = np.array([MOORE_STEPS[name] for name in move_names(config)])
    moved = np.where(reached != np.arange(config.n_casinos)[:, None], moves, 0.0)
    return moved @ steps[:, 0], moved @ steps[:, 1]
