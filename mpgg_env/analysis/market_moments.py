"""Exact expected returns of linear rules: second moments of the state, carried forward from the initial ones.

Nothing here knows of values or equilibria, so that it can be held against the backward recursions. All means are 0.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mpgg_env.analysis.market_profile import LinearProfile
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.stage import check_linear


@dataclass(frozen=True, slots=True)
class StepRows:
    """One step under linear rules, as rows on the d numbers of the state, for n traders.

    Attributes:
        rates: v, (n, d).
        inventories: Inventory after the step, (n, d).
        change: Expected change of the price, (d,).
        transition: The expected next state, (d, d).
    """

    rates: FloatArray
    inventories: FloatArray
    change: FloatArray
    transition: FloatArray


def expected_returns(profile: LinearProfile) -> FloatArray:
    """Expected return of each trader over the market's initial states, (N,).

    One rule for all, a deviator aside, costs the same for any N, whether costs and penalties are alike or not.

    Raises:
        ValueError: The impact is sqrt.
    """
    config = profile.config
    which = np.arange(config.n_agents)
    if profile.is_symmetric:
        which = np.where(which == profile.deviator, 0, 1)
    return _returns(config, _totals(profile), which)


def state_moments(profile: LinearProfile) -> FloatArray:
    """Second moments of the state at each decision, under the profile.

    Returns:
        Under one rule for all, (M, 5, 5), on (z, Y, q_0, mean of the others' q, q of one of the others), where 0 is the
        deviator, or any trader if nobody deviates. Else (M, N + 2, N + 2), on (z, Y, q_1, ..., q_N).

    Raises:
        ValueError: The impact is sqrt.
    """
    return np.array([moments for moments, _ in _walk(profile)])


def _totals(profile: LinearProfile) -> FloatArray:
    """For n traders, E of the sums over the steps of q' dS, v^2 dt and q'^2 dt, and E q_T^2, (n, 4)."""
    dt, entries = profile.config.dt, []
    for moments, rows in _walk(profile):
        earned = rows.inventories @ moments @ rows.change
        spent = dt * np.einsum("ia,ab,ib->i", rows.rates, moments, rows.rates)
        held = np.einsum("ia,ab,ib->i", rows.inventories, moments, rows.inventories)
        entries.append(np.stack([earned, spent, dt * held, held], -1))
    totals = np.sum(entries, 0)
    totals[:, 3] = entries[-1][:, 3]
    return np.asarray(totals)


def _returns(config: MarketConfig, totals: FloatArray, which: IntArray) -> FloatArray:
    cost, terminal, running = np.array(config.preferences).T
    earned, spent, held, last = totals[which].T
    return np.asarray(earned - cost * spent - running * held - terminal * last)


def _walk(profile: LinearProfile) -> Iterator[tuple[FloatArray, StepRows]]:
    """The moments before each step, and the step."""
    config, symmetric = profile.config, profile.is_symmetric
    check_linear(config)
    moments = _reduced_start(config) if symmetric else np.diag(initial_variances(config))
    for step in range(config.n_steps):
        rows = _reduced_rows(profile, step) if symmetric else _full_rows(profile, step)
        yield moments, rows
        moments = rows.transition @ moments @ rows.transition.T
        moments[0, 0] += config.volatility**2 * config.dt


def initial_variances(config: MarketConfig) -> FloatArray:
    """Variance of each element of the initial (z, Y, q_1, ..., q_N); they are independent, (N + 2,)."""
    shared = (config.initial_price_variance, config.initial_impact_variance)
    return np.array([*shared, *(config.init_inv_var,) * config.n_agents])


def _reduced_start(config: MarketConfig) -> FloatArray:
    single, mean = config.init_inv_var, config.init_inv_var / (config.n_agents - 1)
    moments = np.diag([config.initial_price_variance, config.initial_impact_variance, single, mean, single])
    moments[3, 4] = moments[4, 3] = mean  # of the others' mean, which the one other has a share in
    return moments


def _reduced_rows(profile: LinearProfile, step: int) -> StepRows:
    """The deviator's rows and those of one of the others, who has to count the deviator among its others."""
    n, (price, impact, own, mean) = profile.config.n_agents, profile.gains[step]
    deviating = profile.gains if profile.deviator_gains is None else profile.deviator_gains
    share = mean / (n - 1)  # the other's gain on each single inventory
    deviator = np.array([*deviating[step], 0.0])
    other = np.array([price, impact, share, mean, own - share])
    others_mean = np.array([price, impact, share, own + mean - share, 0.0])
    change, shared = _shared_rows(profile.config, deviator + (n - 1) * others_mean)
    inventories = np.eye(5)[2:] + profile.config.dt * np.array([deviator, others_mean, other])
    return StepRows(np.array([deviator, other]), inventories[[0, 2]], change, np.concatenate([shared, inventories]))


def _full_rows(profile: LinearProfile, step: int) -> StepRows:
    rates = profile.gains[step]
    change, shared = _shared_rows(profile.config, rates.sum(0))
    inventories = np.eye(len(rates) + 2)[2:] + profile.config.dt * rates
    return StepRows(rates, inventories, change, np.concatenate([shared, inventories]))


def _shared_rows(config: MarketConfig, total: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The price's change (d,) and the next z and Y (2, d), from the total rate's row (d,)."""
    unit, dt = np.eye(2, len(total)), config.dt
    impact_change = math.expm1(-config.transient_decay * dt) * unit[1] + config.scaled_transient_impact * dt * total
    change = impact_change + config.scaled_permanent_impact * dt * total - config.mean_reversion * dt * unit[0]
    return change, unit + np.array([change, impact_change])
