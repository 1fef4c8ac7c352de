"""The market with linear impact on its whole state X = (z, Y, q_1, ..., q_N), for traders who may differ.

Nothing is shared with `linear_symmetric`, so that the two can be held against each other. Rewards and transitions are
written as forms on the joint vector (X, v) of states and rates, d + N numbers with d = N + 2.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from mpgg_env.core.types import FloatArray
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.stage import check_stage

MOST_NUMBERS: Final = 2**27  # that the forms of all steps may have: a gibibyte


@dataclass(frozen=True, slots=True)
class FullMarket:
    """The market as matrices.

    Attributes:
        config: The market, its impact linear or none.
        transition: X' = transition (X, v) + noise, (d, d + N).
        change: Expected change of the price, per unit of (X, v), (d + N,).
        inventory: Inventory after the step, (N, d + N).
        noise_variance: Variance of the price's noise in a step.
        preferences: Transaction cost, terminal and running penalty, one row each, (3, N).
    """

    config: MarketConfig
    transition: FloatArray
    change: FloatArray
    inventory: FloatArray
    noise_variance: float
    preferences: FloatArray

    def penalty(self, step: int, player: int) -> float:
        """What a squared unit of the player's inventory after this step costs."""
        _, terminal, running = self.preferences[:, player]
        return float(running * self.config.dt + (terminal if step == self.config.n_steps - 1 else 0.0))

    def rewards(self, step: int) -> FloatArray:
        """The expected rewards as symmetric forms on (X, v), (N, d + N, d + N)."""
        everything = np.eye(2 * self.config.n_agents + 2)
        return np.array([self.reward(step, player, everything) for player in range(self.config.n_agents)])

    def reward(self, step: int, player: int, joint: FloatArray) -> FloatArray:
        """The player's expected reward as a symmetric form on what (X, v) depends on linearly, (k, k).

        Args:
            step: The decision.
            player: The trader.
            joint: (X, v) per unit of what it depends on, (d + N, k).
        """
        inventory, change = self.inventory[player] @ joint, self.change @ joint
        rate, earned = joint[self.config.n_agents + 2 + player], np.outer(inventory, change)
        costs = self.preferences[0, player] * self.config.dt * np.outer(rate, rate)
        penalties = self.penalty(step, player) * np.outer(inventory, inventory)
        return np.asarray(0.5 * (earned + earned.T) - costs - penalties)


def full_market(config: MarketConfig) -> FullMarket:
    """The matrices of a market whose impact is linear or none."""
    n, dt = config.n_agents, config.dt
    decay, transient = np.exp(-config.transient_decay * dt), config.scaled_transient_impact
    change = np.zeros(2 * n + 2)
    change[0], change[1] = -config.mean_reversion * dt, decay - 1.0
    change[n + 2 :] = (transient + config.scaled_permanent_impact) * dt
    transition = np.eye(n + 2, 2 * n + 2)
    transition[0] += change
    transition[1, 1] = decay
    transition[1, n + 2 :] = transient * dt
    transition[2:, n + 2 :] = dt * np.eye(n)
    return FullMarket(
        config=config,
        transition=transition,
        change=change,
        inventory=transition[2:],
        noise_variance=config.volatility**2 * dt,
        preferences=np.array(config.preferences).T,
    )


@dataclass(frozen=True, slots=True)
class FullRecursion:
    """The backward recursion's results, one entry per step.

    Attributes:
        gains: Rows g_i of the rules v_i = g_i . X, (M, N, d).
        forms: Forms K_i of the values X' K_i X + c_i before each step and after the last one, (M + 1, N, d, d).
        constants: c_i, (M + 1, N).
        curvature: Own curvatures G_ii of the stage games, (M, N).
        eigenvalue: Largest real part of the eigenvalues of G, (M,).
        condition: Condition number of G, (M,).
    """

    gains: FloatArray
    forms: FloatArray
    constants: FloatArray
    curvature: FloatArray
    eigenvalue: FloatArray
    condition: FloatArray


def solve_full(config: MarketConfig) -> FullRecursion:
    """The feedback equilibrium, backwards from the last step, by one N x N linear solve each.

    Raises:
        IllPosedMarketError: Some step has no meaningful equilibrium.
        ValueError: The forms would not fit into a gibibyte.
    """
    _check_size(config)
    market, m, n, d = full_market(config), config.n_steps, config.n_agents, config.n_agents + 2
    gains, forms, constants = np.empty((m, n, d)), np.zeros((m + 1, n, d, d)), np.zeros((m + 1, n))
    curvature, eigenvalue, condition = np.empty((m, n)), np.empty(m), np.empty(m)
    for step in reversed(range(m)):
        stage = market.rewards(step) + market.transition.T @ forms[step + 1] @ market.transition
        # Row i: the derivative of Q_i by v_i, a linear function of (X, v); its right part is G.
        gradients = 2.0 * stage[np.arange(n), d + np.arange(n)]
        jacobian = gradients[:, d:]
        curvature[step] = jacobian.diagonal()
        eigenvalue[step] = np.linalg.eigvals(jacobian).real.max()
        condition[step] = np.linalg.cond(jacobian)
        check_stage(config, step, float(curvature[step].max()), float(eigenvalue[step]), float(condition[step]))
        gains[step] = -np.linalg.solve(jacobian, gradients[:, :d])
        played = np.concatenate([np.eye(d), gains[step]])
        before = played.T @ stage @ played
        forms[step] = 0.5 * (before + before.transpose(0, 2, 1))
        constants[step] = constants[step + 1] + market.noise_variance * forms[step + 1, :, 0, 0]
    return FullRecursion(gains, forms, constants, curvature, eigenvalue, condition)


def _check_size(config: MarketConfig) -> None:
    n = config.n_agents
    numbers = (config.n_steps + 1) * n * (n + 2) ** 2
    if numbers > MOST_NUMBERS:
        raise ValueError(
            f"n_agents is too large for the recursion on the whole state: its forms have {numbers:.3g} numbers, and at "
            f"most {MOST_NUMBERS:.3g} are allowed; traders alike need four numbers for any n_agents, got {n}"
        )
