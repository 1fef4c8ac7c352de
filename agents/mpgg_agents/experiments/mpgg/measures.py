"""Measures of a run: per-round columns, per-casino series, and means over windows.

The formulas are those of `mpgg_env.analysis.metrics`.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from mpgg_agents.experiments.storage import Arrays
from mpgg_agents.record import Record
from mpgg_env.analysis import metrics
from mpgg_env.analysis.metrics import ratio
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.games.mpgg.config import MPGGConfig

Phase = Literal["train", "greedy"]
PHASES: Final = ("train", "greedy")

# Column of the metrics: what it means. One value per seed and round.
MEASURES: Final = {
    "cooperation_rate": "cooperators / N",
    "mean_payoff": "payoff per agent",
    "gross_payoff": "what the games produce per agent, before the transfers of mechanisms; else mean_payoff",
    "sponsor_payment": "what a sponsor pays per agent, less tolls it keeps; part of mean_payoff, but no welfare",
    "efficiency": "(payoffs - sponsor's payments) / (N V), V = highest payoff among cooperators alone; NaN if V <= 0",
    "largest": "agents in the fullest casino",
    "empty_share": "share of the casinos without agents",
    "free_share": "share of the agents in casinos with n < r, where cooperating is dominant (payoff of the text)",
    "cooperation_free": "cooperation rate of the agents with n < r; NaN if there are none",
    "cooperation_dilemma": "cooperation rate of the agents with n >= r; NaN if there are none",
    "seat_use": "share of the floor(r) seats of all casinos that are taken; NaN if there are none",
    "overcrowding": "share of the agents above floor(r) in their casinos",
    "concentration": "sum of the squared shares of the agents in the casinos (Herfindahl-Hirschman), 1/M to 1",
}
INTEGER_MEASURES: Final = ("largest",)
INDICES: Final = ("I_alpha", "I_c", "I_v")


def round_measures(record: Record, config: MPGGConfig, highest_value: float, gain: FloatArray) -> Arrays:
    """The columns of `MEASURES`, each (B, rounds), as float32 or int32."""
    agents = config.n_players
    free_rate, dilemma_rate = metrics.conditional_rates(
        agents, record.cooperators, record.free, record.free_cooperators
    )
    columns: dict[str, NDArray[Any]] = {
        "cooperation_rate": record.cooperators / agents,
        "mean_payoff": record.welfare / agents,
        "gross_payoff": record.gross / agents,
        "sponsor_payment": record.sponsor / agents,
        "efficiency": metrics.efficiency(record.welfare - record.sponsor, agents, highest_value),
        "largest": record.largest,
        "empty_share": record.empty / config.n_casinos,
        "free_share": record.free / agents,
        "cooperation_free": free_rate,
        "cooperation_dilemma": dilemma_rate,
        "seat_use": metrics.seat_use(record.seated, gain),
        "overcrowding": metrics.overcrowding(record.seated, agents),
        "concentration": metrics.concentration(record.squares, agents),
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


def window_means(columns: Mapping[str, FloatArray], size: int) -> dict[str, FloatArray]:
    """Means of the measures over windows of `size` rounds (the last one may be shorter).

    Args:
        columns: The columns of one phase as `Run.metrics` gives them.
        size: Rounds per window.

    Returns:
        round (windows,), the first round of each window, and for each measure (B, windows). Conditional
        rates are weighted by agents, not by rounds, so that a round with few such agents counts little.
    """
    starts = np.arange(0, len(columns["round"]), size)
    free = columns["free_share"].astype(np.float64)
    weights = {"cooperation_free": free, "cooperation_dilemma": 1 - free}
    means = {name: _window_mean(columns[name], starts, weights.get(name)) for name in MEASURES}
    return {"round": columns["round"][starts], **means}


def last_start(rounds: int, window: int, size: int) -> int:
    """The last round with which a window of the run begins and from which on there are at least `size` rounds.

    0 if there are fewer.
    """
    return max(rounds - size, 0) // window * window


def window_lengths(starts: IntArray, rounds: int) -> IntArray:
    """Rounds of each window from the first round of each."""
    return np.diff(np.append(starts, rounds))


def group_windows(values: FloatArray, lengths: IntArray, size: int) -> FloatArray:
    """Means over `size` consecutive entries of axis 1, weighted by the entries' `lengths` in rounds."""
    starts = np.arange(0, len(lengths), size)
    weight = lengths.reshape(-1, *[1] * (values.ndim - 2)).astype(np.float64)
    total: FloatArray = np.add.reduceat(values * weight, starts, axis=1)
    return total / np.add.reduceat(weight, starts, axis=0)


def _dtype(name: str) -> type[np.generic]:
    return np.int32 if name in INTEGER_MEASURES else np.float32


def _window_mean(values: FloatArray, starts: IntArray, weights: FloatArray | None) -> FloatArray:
    known = values.astype(np.float64)
    if weights is None:
        weights = np.ones(known.shape)
    total = np.add.reduceat(np.where(weights > 0, known, 0.0) * weights, starts, axis=1)
    return ratio(total, np.add.reduceat(weights, starts, axis=1))
