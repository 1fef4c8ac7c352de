"""The exact feedback Nash equilibrium of the trading market with linear transient impact, or with none.

The rewards are quadratic and the transitions linear in state and rates, so the equilibrium is linear, v_i = g_i . X
without a constant term, the values are quadratic, V_i = X' K_i X + c_i, and a backward recursion of coupled Riccati
equations gives both ([Basar1999] chapter 6). Prices are not floored here: the rewards do not know the floor, and where
it binds (nowhere near the default settings) the transitions differ.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mpgg_env.analysis.market_moments import initial_variances
from mpgg_env.analysis.market_profile import LinearProfile
from mpgg_env.core.types import FloatArray
from mpgg_env.core.validation import check_choice
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.linear_full import solve_full
from mpgg_env.games.market.linear_symmetric import solve_symmetric
from mpgg_env.games.market.posedness import check_well_posed
from mpgg_env.games.market.stage import IllPosedMarketError, check_linear

__all__ = ["IllPosedMarketError", "MarketEquilibrium", "check_well_posed", "solve_market"]

METHODS = ("auto", "symmetric", "full")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketEquilibrium:
    """The equilibrium, step by step.

    Where `method` is "symmetric", the state x of trader i is (z, Y, q_i, m_i), else it is (z, Y, q_1, ..., q_N) for
    everybody.

    Attributes:
        config: The market.
        method: "symmetric" or "full".
        profile: The rules: `profile(state)` are the rates, `profile.gains` the rows, (M, 4) or (M, N, N + 2).
        forms: K of the values x' K x + c before each step and after the last: (M + 1, 4, 4), or
            (M + 1, N, N + 2, N + 2).
        constants: c: (M + 1,), or (M + 1, N).
        curvature: Own curvature d2 Q_i / dv_i^2 of the stage games, < 0: (M,), or (M, N).
        eigenvalue: Largest real part of the eigenvalues of G_ij = d2 Q_i / dv_i dv_j, < 0, (M,).
        condition: Condition number of G, >= 1, (M,).
        value: Expected return of each trader over the initial states of the market, (N,).
    """

    config: MarketConfig
    method: Literal["symmetric", "full"]
    profile: LinearProfile
    forms: FloatArray
    constants: FloatArray
    curvature: FloatArray
    eigenvalue: FloatArray
    condition: FloatArray
    value: FloatArray

    @property
    def gains(self) -> FloatArray:
        """The rows of the rules, `profile.gains`."""
        return self.profile.gains


def solve_market(config: MarketConfig, method: Literal["auto", "symmetric", "full"] = "auto") -> MarketEquilibrium:
    """The feedback Nash equilibrium of the market.

    Args:
        config: The market, its impact linear or none. Even without transient impact an initial one decays and moves
            the price.
        method: symmetric, the reduction to four numbers, for identical preferences and any N; full, the recursion on
            all inventories; auto, symmetric where it applies.

    Raises:
        IllPosedMarketError: The stage game of some step has no meaningful equilibrium.
        ValueError: The impact is sqrt, the method does not fit the market, or the traders are too many to differ.
    """
    check_choice("method", method, METHODS)
    check_linear(config)
    if method == "symmetric" and not config.has_identical_preferences:
        raise ValueError(
            "method must be 'full' or 'auto' where the traders' costs or penalties differ, got 'symmetric'"
        )
    if method == "full" or not config.has_identical_preferences:
        return _full(config)
    return _symmetric(config)


def _symmetric(config: MarketConfig) -> MarketEquilibrium:
    found = solve_symmetric(config)
    variances = config.init_inv_var / np.array([1.0, config.n_agents - 1])
    spread = np.array([config.initial_price_variance, config.initial_impact_variance, *variances])
    value = float(found.forms[0].diagonal() @ spread + found.constants[0])
    return MarketEquilibrium(
        config=config,
        method="symmetric",
        profile=LinearProfile(config, found.gains),
        forms=found.forms,
        constants=found.constants,
        curvature=found.curvature,
        eigenvalue=found.eigenvalue,
        condition=found.condition,
        value=np.full(config.n_agents, value),
    )


def _full(config: MarketConfig) -> MarketEquilibrium:
    found = solve_full(config)
    return MarketEquilibrium(
        config=config,
        method="full",
        profile=LinearProfile(config, found.gains),
        forms=found.forms,
        constants=found.constants,
        curvature=found.curvature,
        eigenvalue=found.eigenvalue,
        condition=found.condition,
        value=found.forms[0].diagonal(axis1=1, axis2=2) @ initial_variances(config) + found.constants[0],
    )
