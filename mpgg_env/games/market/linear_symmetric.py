"""The market with linear impact as one trader among N - 1 others who all follow one linear rule sees it.

Its state is x = (z, Y, q, m): z = S - theta, the transient impact Y, its own inventory q and the mean m of the
others'. If every other trader j trades v_j = g . (z, Y, q_j, m_j), their mean rate is linear in x as well, because the
others' m_j sum to q + (N - 2) m. So four numbers do for any N, and nothing here grows with N.
"""

import math
from dataclasses import dataclass

import numpy as np

from mpgg_env.core.types import FloatArray
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.stage import check_stage

OWN, MEAN = 2, 3  # where q and m stand in x
Preference = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class ReducedMarket:
    """One step of the market, x' = transition x + own v + others w + noise, for a trader who trades v, the others w.

    Attributes:
        n_agents: Number of traders N.
        n_steps: Number of decisions M.
        dt: Time between two decisions, in hours.
        impact: Change e of the price per unit of the total rate and hour, permanent and transient.
        drift: Change of the price without trades, per unit of x, (4,).
        transition: (4, 4).
        own: What a unit of the own rate does, (4,).
        others: What a unit of the others' mean rate does, (4,).
        noise_variance: Variance of the price's noise in a step.
        preference: Transaction cost, terminal and running penalty of the trader.
    """

    n_agents: int
    n_steps: int
    dt: float
    impact: float
    drift: FloatArray
    transition: FloatArray
    own: FloatArray
    others: FloatArray
    noise_variance: float
    preference: Preference

    def penalty(self, step: int) -> float:
        """What a squared unit of inventory after this step costs: b3 dt, and b2 at the end."""
        _, terminal, running = self.preference
        return running * self.dt + (terminal if step == self.n_steps - 1 else 0.0)

    def others_row(self, gains: FloatArray) -> FloatArray:
        """The others' mean rate as a row on x, if each trades `gains` on its own reduced state, (4,)."""
        n = self.n_agents
        on_own, on_mean = gains[OWN], gains[MEAN]
        return np.array([gains[0], gains[1], on_mean / (n - 1), on_own + on_mean * ((n - 2) / (n - 1))])

    def closed_loop(self, own_row: FloatArray, others_row: FloatArray) -> FloatArray:
        """The transition (4, 4) when both rates are linear in x."""
        return self.transition + np.outer(self.own, own_row) + np.outer(self.others, others_row)

    def reward(self, step: int, own_row: FloatArray, others_row: FloatArray) -> FloatArray:
        """The expected reward as a symmetric form on x, (4, 4), when both rates are linear in x."""
        inventory = self.dt * own_row
        inventory[OWN] += 1.0
        change = self.drift + self.impact * self.dt * (own_row + (self.n_agents - 1) * others_row)
        earned = np.outer(inventory, change)
        return (
            0.5 * (earned + earned.T)
            - self.preference[0] * self.dt * np.outer(own_row, own_row)
            - self.penalty(step) * np.outer(inventory, inventory)
        )

    def own_gradient(self, step: int, value: FloatArray) -> tuple[FloatArray, float, float]:
        """The derivative of reward plus value afterwards by the own rate: row . x + curvature v + cross (N - 1) w.

        Args:
            step: The decision.
            value: Form K of the value x' K x after the step, (4, 4).

        Returns:
            The row (4,), the own curvature G_ii and the mixed derivative G_ij with the rate of one other.
        """
        dt, penalty, reached = self.dt, self.penalty(step), 2.0 * self.own @ value
        row = dt * self.drift + reached @ self.transition
        row[OWN] += self.impact * dt - 2.0 * penalty * dt
        curvature = 2.0 * dt * (self.impact * dt - self.preference[0] - penalty * dt) + float(reached @ self.own)
        cross = self.impact * dt * dt + float(reached @ self.others) / (self.n_agents - 1)
        return row, curvature, cross


def reduced_market(config: MarketConfig, preference: Preference | None = None) -> ReducedMarket:
    """The market of a trader with these costs and penalties; default: the first trader's. sqrt is not for this."""
    dt, n, transient = config.dt, config.n_agents, config.scaled_transient_impact
    impact = config.scaled_permanent_impact + transient
    drift = np.array([-config.mean_reversion * dt, math.expm1(-config.transient_decay * dt), 0.0, 0.0])
    transition = np.eye(4)
    transition[0] += drift
    transition[1, 1] += drift[1]
    return ReducedMarket(
        n_agents=n,
        n_steps=config.n_steps,
        dt=dt,
        impact=impact,
        drift=drift,
        transition=transition,
        own=dt * np.array([impact, transient, 1.0, 0.0]),
        others=dt * np.array([(n - 1) * impact, (n - 1) * transient, 0.0, 1.0]),
        noise_variance=config.volatility**2 * dt,
        preference=config.preferences[0] if preference is None else preference,
    )


@dataclass(frozen=True, slots=True)
class SymmetricRecursion:
    """The backward recursion's results, one entry per step.

    Attributes:
        gains: Row g of the rule v = g . x, (M, 4).
        forms: Form K of the value x' K x + c before each step and after the last one, (M + 1, 4, 4).
        constants: c, (M + 1,).
        curvature: Own curvature G_ii of the stage game, (M,).
        eigenvalue: Largest eigenvalue of G, (M,).
        condition: Condition number of G, (M,).
    """

    gains: FloatArray
    forms: FloatArray
    constants: FloatArray
    curvature: FloatArray
    eigenvalue: FloatArray
    condition: FloatArray


def solve_symmetric(config: MarketConfig) -> SymmetricRecursion:
    """The feedback equilibrium of traders with identical preferences, backwards from the last step.

    Raises:
        IllPosedMarketError: Some step has no meaningful equilibrium.
    """
    market, m = reduced_market(config), config.n_steps
    gains, forms, constants = np.empty((m, 4)), np.zeros((m + 1, 4, 4)), np.zeros(m + 1)
    measures = np.empty((m, 3))
    for step in reversed(range(m)):
        row, curvature, cross = market.own_gradient(step, forms[step + 1])
        measures[step] = _stage_measures(curvature, cross, market.n_agents)
        check_stage(config, step, *map(float, measures[step]))
        gains[step] = _stage_equilibrium(row, curvature, cross, market.n_agents)
        forms[step], constants[step] = value_before(
            market, step, forms[step + 1], constants[step + 1], gains[step], market.others_row(gains[step])
        )
    return SymmetricRecursion(gains, forms, constants, *measures.T)


def value_before(
    market: ReducedMarket, step: int, form: FloatArray, constant: float, own_row: FloatArray, others_row: FloatArray
) -> tuple[FloatArray, float]:
    """Form and constant of the value before a step from those after it, when both rates are linear in x."""
    closed = market.closed_loop(own_row, others_row)
    before = market.reward(step, own_row, others_row) + closed.T @ form @ closed
    return 0.5 * (before + before.T), constant + market.noise_variance * float(form[0, 0])


def _stage_measures(curvature: float, cross: float, n_agents: int) -> tuple[float, float, float]:
    """Curvature, largest eigenvalue and condition of G = (curvature - cross) I + cross 1 1'."""
    difference, collective = curvature - cross, curvature + (n_agents - 1) * cross
    low, high = sorted((abs(difference), abs(collective)))
    return curvature, max(difference, collective), high / low if low > 0 else math.inf


def _stage_equilibrium(row: FloatArray, curvature: float, cross: float, n_agents: int) -> FloatArray:
    """The rule g (4,) with row . x + curvature v_i + cross sum_{j != i} v_j = 0 for all traders at once.

    The two eigenspaces of G are solved for apart, all inventories equal and inventories that sum to 0: each is one
    division, and neither loses digits for large N.
    """
    difference, collective = curvature - cross, curvature + (n_agents - 1) * cross
    equal = -(row[OWN] + row[MEAN]) / collective
    opposed = -(row[OWN] - row[MEAN] / (n_agents - 1)) / difference
    on_mean = (equal - opposed) * ((n_agents - 1) / n_agents)
    return np.array([-row[0] / collective, -row[1] / collective, equal - on_mean, on_mean])
