"""Measures of a run: per-round columns, per-casino series, means over windows, and indices of the board."""

from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from mpgg_agents.experiments.storage import Arrays
from mpgg_agents.record import Record
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.games.mpgg.config import MPGGConfig

Phase = Literal["train", "greedy"]
PHASES: Final = ("train", "greedy")

# Column of the metrics: what it means. One value per seed and round.
MEASURES: Final = {
    "cooperation_rate": "cooperators / N",
    "mean_payoff": "payoff per agent",
    "gross_payoff": "what the games produce per agent, before the transfers of mechanisms; else mean_payoff",
    "efficiency": "welfare / (N V), V = highest payoff among cooperators alone, c (r - 1) or r - c; NaN if V <= 0",
    "largest": "agents in the fullest casino",
    "empty_share": "share of the casinos without agents",
    "free_share": "share of the agents in casinos with n < r, where cooperating is dominant",
    "cooperation_free": "cooperation rate of the agents with n < r; NaN if there are none",
    "cooperation_dilemma": "cooperation rate of the agents with n >= r; NaN if there are none",
}
INTEGER_MEASURES: Final = ("largest",)
INDICES: Final = ("I_alpha", "I_c", "I_v")


def best_values(config: MPGGConfig, cost: FloatArray, gain: FloatArray) -> FloatArray:
    """What a cooperator among cooperators earns in each casino, (M,): c (r - 1), or r - c with the code payoff."""
    return cost * (gain - 1) if config.payoff == "text" else gain - cost


def round_measures(record: Record, config: MPGGConfig, highest_value: float) -> Arrays:
    """The columns of `MEASURES`, each (B, rounds), as float32 or int32."""
    agents = config.n_players
    dilemma = agents - record.free
    welfare = record.welfare
    columns = {
        "cooperation_rate": record.cooperators / agents,
        "mean_payoff": welfare / agents,
        "gross_payoff": record.gross / agents,
        "efficiency": welfare / (agents * highest_value) if highest_value > 0 else np.full(welfare.shape, np.nan),
        "largest": record.largest,
        "empty_share": record.empty / config.n_casinos,
        "free_share": record.free / agents,
        "cooperation_free": _ratio(record.free_cooperators, record.free),
        "cooperation_dilemma": _ratio(record.cooperators - record.free_cooperators, dilemma),
    }
    return {name: values.astype(_dtype(name)) for name, values in columns.items()}


def casino_series(record: Record, window: int, rounds: int) -> Arrays:
    """The casino time series as means per round of each window.

    Returns:
        round (windows,), the first round of each window; occupancy and cooperators (B, windows, M); moves
        (B, windows, M, n_moves).
    """
    starts = np.arange(0, rounds, window)
    lengths = np.minimum(window, rounds - starts)[:, None]
    return {
        "round": starts.astype(np.int32),
        "occupancy": (record.casino_occupancy / lengths).astype(np.float32),
        "cooperators": (record.casino_cooperators / lengths).astype(np.float32),
        "moves": (record.casino_moves / lengths[:, None]).astype(np.float32),
    }


def window_means(metrics: Mapping[str, FloatArray], size: int) -> dict[str, FloatArray]:
    """Means of the measures over windows of `size` rounds (the last one may be shorter).

    Args:
        metrics: The columns of one phase as `Run.metrics` gives them.
        size: Rounds per window.

    Returns:
        round (windows,), the first round of each window, and for each measure (B, windows). Conditional
        rates are weighted by agents, not by rounds, so that a round with few such agents counts little.
    """
    starts = np.arange(0, len(metrics["round"]), size)
    free = metrics["free_share"].astype(np.float64)
    weights = {"cooperation_free": free, "cooperation_dilemma": 1 - free}
    means = {name: _window_mean(metrics[name], starts, weights.get(name)) for name in MEASURES}
    return {"round": metrics["round"][starts], **means}


def group_windows(values: FloatArray, lengths: IntArray, size: int) -> FloatArray:
    """Means over `size` consecutive entries of axis 1, weighted by the entries' `lengths` in rounds."""
    starts = np.arange(0, len(lengths), size)
    weight = lengths.reshape(-1, *[1] * (values.ndim - 2)).astype(np.float64)
    total: FloatArray = np.add.reduceat(values * weight, starts, axis=1)
    return total / np.add.reduceat(weight, starts, axis=0)


def corridor_indices(weights: FloatArray, grid_shape: tuple[int, int], values: FloatArray) -> dict[str, FloatArray]:
    """Where the agents of `weights` (..., M) are on the board: 0 for uniform, NaN where undefined.

    Returns:
        I_alpha and I_c in [-1, 1]: mean column and row relative to the middle of the board. I_v <= 1: mean of
        the `values` (M,) of the casinos relative to a uniform distribution, 1 if all are in the best casino.
    """
    rows, columns = grid_shape
    share = _ratio(weights, weights.sum(axis=-1, keepdims=True))
    casinos = np.arange(rows * columns)
    spread = values.max() - values.mean()
    return {
        "I_alpha": _centred(share @ (casinos % columns), columns),
        "I_c": _centred(share @ (casinos // columns), rows),
        "I_v": _ratio(share @ values - values.mean(), np.asarray(spread if spread > 1e-12 else 0.0)),
    }


def _centred(index: FloatArray, count: int) -> FloatArray:
    half = (count - 1) / 2
    return _ratio(index - half, np.asarray(half))


def _dtype(name: str) -> type[np.generic]:
    return np.int32 if name in INTEGER_MEASURES else np.float32


def _ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> FloatArray:
    """The quotient, NaN where the denominator is 0."""
    missing = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), np.nan)
    quotient: FloatArray = np.divide(numerator, denominator, out=missing, where=denominator != 0)
    return quotient


def _window_mean(values: FloatArray, starts: IntArray, weights: FloatArray | None) -> FloatArray:
    known = values.astype(np.float64)
    if weights is None:
        weights = np.ones(known.shape)
    total = np.add.reduceat(np.where(weights > 0, known, 0.0) * weights, starts, axis=1)
    return _ratio(total, np.add.reduceat(weights, starts, axis=1))
