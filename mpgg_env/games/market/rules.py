"""The formulas of the market, each once ([Casgrain2022] section 6; README.md has the symbols).

Every argument is a number or an array of numpy or torch; `xp` is the library of the arrays.
"""

import math
from typing import Any

Array = Any


def inventory_after(inventory: Array, rate: Array, dt: float) -> Array:
    """Inventory after trading at a constant rate for dt: q' = q + v dt."""
    return inventory + rate * dt


def fundamental_change(
    price: Array, noise: Array, mean_reversion: float, price_level: float, volatility: float, dt: float
) -> Array:
    """The change that nobody causes: dF = kappa (theta - S) dt + sigma sqrt(dt) eps ([Casgrain2022] eq. 20)."""
    return mean_reversion * (price_level - price) * dt + volatility * math.sqrt(dt) * noise


def transient_push(total_rate: Array, shape: str, xp: Any) -> Array:
    """Shape h(V) of the transient impact: sign(V) sqrt(|V|), V or 0 ([Casgrain2022] eq. 21)."""
    if shape == "linear":
        return total_rate
    if shape == "none":
        return 0 * total_rate
    magnitude = xp.abs(total_rate)
    # The root of 1 in the place of the root of 0, whose derivative would make every gradient NaN; the sign is 0 there.
    return xp.sign(total_rate) * xp.sqrt(xp.where(magnitude == 0, xp.ones_like(magnitude), magnitude))


def impact_change(impact: Array, push: Array, transient_impact: float, transient_decay: float, dt: float) -> Array:
    """Change of the transient impact, exact in the decay, Euler in the push: dY = Y (e^(-rho dt) - 1) + gamma h dt."""
    return impact * math.expm1(-transient_decay * dt) + transient_impact * push * dt


def price_change(fundamental: Array, transient: Array, total_rate: Array, permanent_impact: float, dt: float) -> Array:
    """Change of the price, dS = dF + dY + eta V dt ([Casgrain2022] eq. 20)."""
    return fundamental + transient + permanent_impact * total_rate * dt


def trading_reward(
    rate: Array, inventory: Array, change: Array, transaction_cost: Array, running_penalty: Array, dt: float
) -> Array:
    """What a step earns, marked to market: q' dS - b1 v^2 dt - b3 dt q'^2.

    It equals -v (S + b1 v) dt + q' (S + dS) - q S - b3 dt q'^2. The sum over the steps is [Casgrain2022] eq. 22 less
    q_0 S_0.

    Args:
        rate: Rate v at which the trader buys.
        inventory: Its inventory q' after the step.
        change: Change dS of the price in the step.
        transaction_cost: b1.
        running_penalty: b3.
        dt: Length of the step.
    """
    cost = running_cost(inventory, running_penalty, dt)
    return inventory * change - transaction_cost * rate * rate * dt - cost


def running_cost(inventory: Array, running_penalty: Array, dt: float) -> Array:
    """What a step costs for the inventory q' with which it ends: b3 dt q'^2."""
    return running_penalty * dt * inventory * inventory


def terminal_reward(inventory: Array, terminal_penalty: Array) -> Array:
    """What the last step earns besides, -b2 q_T^2."""
    return -terminal_penalty * inventory * inventory


def cash_after(cash: Array, rate: Array, price: Array, transaction_cost: Array, dt: float) -> Array:
    """Cash after a step, paid at the price with which it begins: X' = X - v (S + b1 v) dt."""
    return cash - rate * (price + transaction_cost * rate) * dt


def total_reward(cash: Array, inventory: Array, price: Array, running_cost: Array, terminal_cost: Array) -> Array:
    """[Casgrain2022] eq. 22: X_T + q_T S_T - b2 q_T^2 - b3 int q^2, the last two given as what they came to."""
    return cash + inventory * price - terminal_cost - running_cost
