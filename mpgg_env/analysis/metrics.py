"""Measures of efficiency and crowding, as functions of counts: agents and cooperators in each casino.

A count profile is the occupancy (..., M) and the cooperators (..., M) of the casinos; leading axes, such as rounds and
seeds, are kept. Every measure is defined for one round: take it per round, and the mean over rounds afterwards. What
is not defined is NaN, never 0.

Where agents are on the board is in `metrics_structure`, what agents do over time in `metrics_panel`.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mpgg_env.core.rounding import whole_part
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mpgg.config import MPGGConfig

TOP_QUARTER: Final = 0.25

Numbers = NDArray[Any]


def ratio(numerator: Numbers | float, denominator: Numbers | float) -> FloatArray:
    """The quotient, NaN where the denominator is 0 or either is NaN."""
    top, bottom = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    missing = np.full(np.broadcast_shapes(top.shape, bottom.shape), np.nan)
    quotient: FloatArray = np.divide(top, bottom, out=missing, where=bottom != 0)
    return quotient


def gross_welfare(cooperators: Numbers, values: FloatArray) -> FloatArray:
    """Welfare before transfers, sum_m v_m k_m, (...), from the cooperators who play, (..., M), and v_m, (M,).

    It does not depend on the occupancy nor on who defects. Without mechanism it is the sum of all payoffs. With one,
    the sum of all payoffs also has what a sponsor pays in, and lacks what peer punishment burns.
    """
    welfare: FloatArray = np.asarray(cooperators, np.float64) @ values
    return welfare


def efficiency(welfare: Numbers, n_agents: int, highest_value: float) -> FloatArray:
    """Welfare relative to N V, everybody cooperating in the best casino; NaN if V <= 0.

    Args:
        welfare: Sum of all payoffs less what a sponsor pays in, of any shape.
        n_agents: Number of agents N.
        highest_value: V, the highest of what a cooperator among cooperators earns in a casino.

    Returns:
        At most 1, since all other money comes from the agents or is burnt; at least 0 if nothing is burnt and v >= 0 in
        every casino.
    """
    return ratio(welfare, n_agents * highest_value if highest_value > 0 else 0.0)


def carrying_capacity(n_agents: int, gain: FloatArray, values: FloatArray) -> float:
    """Welfare of N cooperators who fill the casinos up to floor(r_m), the best casino first; the rest earn nothing.

    Casinos in which cooperating does not pay, v_m <= 0, stay empty.
    """
    best_first = np.argsort(-values, kind="stable")
    room = np.where(values > 0, whole_part(gain), 0)[best_first]
    before = np.cumsum(room) - room
    seated = np.clip(n_agents - before, 0, room)
    return float(seated @ values[best_first])


def carrying_capacity_efficiency(welfare: Numbers, n_agents: int, gain: FloatArray, values: FloatArray) -> FloatArray:
    """Welfare relative to the `carrying_capacity`; above 1 where agents cooperate in overcrowded casinos."""
    return ratio(welfare, carrying_capacity(n_agents, gain, values))


def initial_occupancy(config: MPGGConfig) -> FloatArray:
    """Expected number of agents in each casino at the start, n_m(0), (M,)."""
    each, leftover = divmod(config.n_agents, config.n_casinos)
    occupancy = np.full(config.n_casinos, float(each))
    if config.remainder == "random":
        occupancy += leftover / config.n_casinos
    elif config.remainder == "first":
        occupancy[:leftover] += 1
    return occupancy


def random_welfare(occupancy: Numbers, values: FloatArray) -> float:
    """Expected welfare of random play at an occupancy (M,): half of the agents of each casino cooperate."""
    return float(gross_welfare(np.asarray(occupancy) / 2, values))


def relative_to_random(welfare: Numbers, config: MPGGConfig, values: FloatArray) -> FloatArray:
    """(W - W_rand) / (W* - W_rand): 1 at the social optimum, 0 for random play from the start, (-inf, 1].

    The optimum is everybody in the best casino, N V, or 0 if cooperating pays nowhere. NaN if random play is optimal.
    """
    by_chance = random_welfare(initial_occupancy(config), values)
    optimum = config.n_players * max(float(values.max()), 0.0)
    return ratio(np.asarray(welfare) - by_chance, optimum - by_chance)


def cooperation_rate(occupancy: Numbers, cooperators: Numbers) -> FloatArray:
    """Share of the agents who cooperate, (...); NaN without agents."""
    return ratio(np.sum(cooperators, axis=-1), np.sum(occupancy, axis=-1))


def conditional_rates(
    n_agents: int | Numbers, cooperators: Numbers, free: Numbers, free_cooperators: Numbers
) -> tuple[FloatArray, FloatArray]:
    """Cooperation rate of the agents in casinos with n < r ("free"), and with n >= r ("dilemma"), from totals.

    Args:
        n_agents: Number of agents.
        cooperators: Agents who cooperate.
        free: Agents in casinos with n < r, where cooperating is dominant under the payoff of the text. (Under that of
            the code it is where n < r / c.)
        free_cooperators: Those of them who cooperate.

    Returns:
        Two rates, weighted by agents and not by casinos; NaN where a class has no agents.
    """
    return ratio(free_cooperators, free), ratio(cooperators - free_cooperators, n_agents - free)


def conditional_cooperation(
    occupancy: Numbers, cooperators: Numbers, gain: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Share of the agents in casinos with n < r, and the `conditional_rates` of a count profile, (...) each."""
    is_free = np.asarray(occupancy) < gain
    agents, free = np.sum(occupancy, axis=-1), np.sum(occupancy, axis=-1, where=is_free)
    free_cooperators = np.sum(cooperators, axis=-1, where=is_free)
    rates = conditional_rates(agents, np.sum(cooperators, axis=-1), free, free_cooperators)
    return ratio(free, agents), *rates


def seated(occupancy: Numbers, gain: FloatArray) -> Numbers:
    """Agents within the first floor(r) of their casinos, its seats: sum_m min(n_m, floor r_m), (...).

    Whatever the payoff and the mechanisms; the seats of a capacity are other ones, see `excluded`.
    """
    agents: Numbers = np.minimum(occupancy, whole_part(gain)).sum(axis=-1)
    return agents


def seat_use(agents_seated: Numbers, gain: FloatArray) -> FloatArray:
    """Share of the floor(r) seats of all casinos that are taken, [0, 1], from `seated`; NaN if every r < 1."""
    return ratio(agents_seated, whole_part(gain).sum())


def overcrowding(agents_seated: Numbers, n_agents: int | Numbers) -> FloatArray:
    """Share of the agents above floor(r) in their casinos, sum_m max(0, n_m - floor r_m) / N, from `seated`.

    Returns:
        In [max(0, 1 - S / N), 1], where S is the sum of all floor(r).
    """
    return ratio(n_agents - np.asarray(agents_seated), n_agents)


def excluded(occupancy: Numbers, seats: Numbers | int) -> FloatArray:
    """Share of the agents whom a capacity of `seats` (M,) leaves without one, (...); NaN without agents."""
    counts = np.asarray(occupancy)
    return ratio(np.maximum(counts - seats, 0).sum(axis=-1), counts.sum(axis=-1))


def squared_counts(occupancy: Numbers) -> Numbers:
    """sum_m n_m^2, (...)."""
    squares: Numbers = np.square(occupancy).sum(axis=-1)
    return squares


def concentration(squares: Numbers, n_agents: int | Numbers) -> FloatArray:
    """Herfindahl-Hirschman index sum_m (n_m / N)^2 in [1/M, 1], from `squared_counts`; 1 if all are in one casino."""
    return ratio(squares, np.square(np.asarray(n_agents, np.float64)))


def occupancy_entropy(occupancy: Numbers) -> FloatArray:
    """-sum_m p_m ln p_m / ln M with p_m = n_m / N, (...) in [0, 1]; 1 if uniform, NaN for one casino or no agents."""
    counts = np.asarray(occupancy, np.float64)
    share = ratio(counts, counts.sum(axis=-1, keepdims=True))
    terms = share * np.log(np.where(share > 0, share, 1.0))  # 0 ln 0 = 0
    return ratio(np.abs(terms.sum(axis=-1)), np.log(counts.shape[-1]))


def gini(amounts: Numbers) -> FloatArray:
    """Gini coefficient over the last axis, sum_ij |x_i - x_j| / (2 N^2 mean x), in [0, 1 - 1/N].

    Args:
        amounts: One amount per agent, (..., N): usually payoffs averaged over time.

    Returns:
        (...); NaN if an amount is negative or their mean is not positive. `gini(x - x.min())` and the standard
        deviation say something even then.

    Raises:
        ValueError: There is no agent.
    """
    values = np.asarray(amounts, np.float64)
    if values.ndim == 0 or values.shape[-1] == 0:
        raise ValueError(f"amounts must have shape (..., N) with N >= 1, got {values.shape}")
    ordered = np.sort(values, axis=-1)
    count = ordered.shape[-1]
    # In sorted order x_i stands on the larger side of i - 1 differences and on the smaller side of N - i.
    differences = ordered @ (2.0 * np.arange(1, count + 1) - count - 1)
    total = ordered.sum(axis=-1)
    return ratio(differences, np.where((ordered[..., 0] >= 0) & (total > 0), count * total, 0.0))
