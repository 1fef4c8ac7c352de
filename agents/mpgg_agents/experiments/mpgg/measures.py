"""Measures of a run: per-round columns, per-casino series, and means over windows.

The formulas are those of `mpgg_env.analysis.metrics`.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
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

# Column of the metrics: what it means. One value per seed and row; a row is a round, or the mean of several.
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
INDICES: Final = ("I_alpha", "I_c", "I_v")
LAST_ROUNDS: Final = 1000  # that stand for the end of a training


def round_measures(record: Record, config: MPGGConfig, highest_value: float, gain: FloatArray) -> Arrays:
    """The columns of `MEASURES`, each (B, rounds), as float32, or as int32 what is a number of agents.

    The record may be that of `row_means`. The measures of the means are then the means of the measures, conditional
    rates weighted by agents, as in `window_means`.
    """
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
    return {name: values.astype(_dtype(values)) for name, values in columns.items()}


def row_means(record: Record, every: int) -> Record:
    """The record with means over each `every` rounds in place of rounds; the casinos' sums stay as they are."""
    if every == 1:
        return record
    names = [field.name for field in fields(Record) if not field.name.startswith("casino_")]
    means: dict[str, Any] = {name: means_over(getattr(record, name), every) for name in names}
    return replace(record, **means)


def means_over(values: NDArray[Any], every: int) -> FloatArray:
    """Means of (..., rounds) over each `every` rounds of the last axis; the last ones may be fewer."""
    starts = np.arange(0, values.shape[-1], every)
    # Sums of integers are exact, and the squares of a million agents need all bits.
    total = np.add.reduceat(values, starts, axis=-1, dtype=np.int64 if values.dtype.kind == "i" else np.float64)
    means: FloatArray = total / window_lengths(starts, values.shape[-1])
    return means


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


def window_means(columns: Mapping[str, FloatArray], size: int, end: int | None = None) -> dict[str, FloatArray]:
    """Means of the measures over windows of `size` rounds (the last one may be shorter).

    Args:
        columns: The columns of one phase as `MPGGRun.metrics` gives them, or their last rows.
        size: Rounds per window, whole rows or at least all of them.
        end: The round with which the next row would begin; None where every row is of one round.

    Returns:
        round (windows,), the first round of each window, and for each measure (B, windows). Conditional
        rates are weighted by agents, not by rounds, so that a round with few such agents counts little.
    """
    lengths = row_lengths(columns, end).astype(np.float64)
    starts = np.arange(0, len(lengths), -(-size // int(lengths.max(initial=1))))
    free = columns["free_share"].astype(np.float64)
    weights = {"cooperation_free": free * lengths, "cooperation_dilemma": (1 - free) * lengths}
    means = {name: _window_mean(columns[name], starts, weights.get(name, lengths)) for name in MEASURES}
    return {"round": columns["round"][starts], **means}


def row_lengths(columns: Mapping[str, NDArray[Any]], end: int | None = None) -> IntArray:
    """Rounds of each row of such columns, (rows,)."""
    first = columns["round"]
    if end is None:
        end = int(first[-1]) + 1 if len(first) else 0
    return window_lengths(first, end)


def last_start(rounds: int, window: int, size: int) -> int:
    """The last round with which a window of the run begins and from which on there are at least `size` rounds.

    0 if there are fewer.
    """
    return max(rounds - size, 0) // window * window


def whole_windows(window: int, rounds: int = LAST_ROUNDS) -> int:
    """The smallest multiple of a window that has at least so many rounds."""
    return -(-rounds // window) * window


def window_lengths(starts: IntArray, rounds: int) -> IntArray:
    """Rounds of each window from the first round of each."""
    return np.diff(np.append(starts, rounds))


def group_windows(values: FloatArray, lengths: IntArray, size: int) -> FloatArray:
    """Means over `size` consecutive entries of axis 1, weighted by the entries' `lengths` in rounds."""
    starts = np.arange(0, len(lengths), size)
    weight = lengths.reshape(-1, *[1] * (values.ndim - 2)).astype(np.float64)
    total: FloatArray = np.add.reduceat(values * weight, starts, axis=1)
    return total / np.add.reduceat(weight, starts, axis=0)


def _dtype(values: NDArray[Any]) -> type[np.generic]:
    return np.int32 if values.dtype.kind == "i" else np.float32


def _window_mean(values: FloatArray, starts: IntArray, weights: FloatArray) -> FloatArray:
    known = np.where(weights > 0, values.astype(np.float64), 0.0)
    total = np.add.reduceat(known * weights, starts, axis=1)
    return ratio(total, np.add.reduceat(weights, starts, axis=-1))
