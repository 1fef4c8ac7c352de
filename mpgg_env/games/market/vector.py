"""The array interface: B markets at once, as functions of a state, in numpy or, differentiable, in torch."""

from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np

from mpgg_env.core.validation import check_integer
from mpgg_env.games.market import rules
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.state import MarketState

Array = Any


class MarketBatch:
    """The dynamics of B independent markets. It has no state of its own and draws no random numbers.

    Args:
        config: Rules of the market.
        xp: The library of the arrays: `numpy`, or `torch`, whose states and rewards can be differentiated by the rates.
        dtype: Element type, one of the library's; None for its float64.
        device: Where torch keeps the arrays; None for its default. Not for numpy.
    """

    def __init__(self, config: MarketConfig, xp: Any = np, *, dtype: Any = None, device: Any = None) -> None:
        self.config, self.xp = config, xp
        self.dtype = xp.float64 if dtype is None else dtype
        self._place = {} if device is None else {"device": device}
        b1, b2, b3 = zip(*config.preferences, strict=True)
        self.transaction_cost, self.terminal_penalty, self.running_penalty = map(self.asarray, (b1, b2, b3))

    def __getstate__(self) -> dict[str, Any]:
        # Modules cannot be pickled or copied; the name of the library can.
        return {**vars(self), "xp": self.xp.__name__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, xp=import_module(state["xp"]))

    def asarray(self, values: Any) -> Array:
        """The values as an array of this library, type and device."""
        return self.xp.asarray(values, dtype=self.dtype, **self._place)

    def initial_state(self, inventory: Array, price: Array, impact: Array) -> MarketState:
        """The start of an episode of given inventories (B, N), prices (B,) and transient impacts (B,)."""
        q, s, y = (self.asarray(values) for values in (inventory, price, impact))
        if q.ndim != 2 or q.shape[1] != self.config.n_agents or s.shape != q.shape[:1] or y.shape != q.shape[:1]:
            raise ValueError(
                f"inventory, price and impact must be (B, {self.config.n_agents}), (B,) and (B,), "
                f"got {tuple(q.shape)}, {tuple(s.shape)} and {tuple(y.shape)}"
            )
        return MarketState(0, s, y, q, q, self.xp.zeros_like(q))

    def drawn_state(self, inventory_noise: Array, price_noise: Array, impact_noise: Array) -> MarketState:
        """The start of an episode from standard normal draws (B, N), (B,) and (B,)."""
        config = self.config
        return self.initial_state(
            config.init_inv_var**0.5 * self.asarray(inventory_noise),
            config.price_level + config.initial_price_variance**0.5 * self.asarray(price_noise),
            config.initial_impact_variance**0.5 * self.asarray(impact_noise),
        )

    def step(self, state: MarketState, rates: Array, noise: Array) -> tuple[MarketState, Array]:
        """One decision of all traders.

        Args:
            state: Where the markets are, before their end.
            rates: The rate v at which each trader buys, (B, N); negative to sell.
            noise: Standard normal draws of the price, (B,).

        Returns:
            The state after the step, and the rewards (B, N), the terminal penalty included in the last ones.

        Raises:
            ValueError: The episode is over.
        """
        c, xp = self.config, self.xp
        if state.step >= c.n_steps:
            raise ValueError(f"the episode of {c.n_steps} steps is over")
        total = rates.sum(-1)
        push = rules.transient_push(total, c.impact, xp)
        fundamental = rules.fundamental_change(state.price, noise, c.mean_reversion, c.price_level, c.volatility, c.dt)
        transient = rules.impact_change(state.impact, push, c.scaled_transient_impact, c.transient_decay, c.dt)
        change = rules.price_change(fundamental, transient, total, c.scaled_permanent_impact, c.dt)
        inventory = rules.inventory_after(state.inventory, rates, c.dt)
        rewards = rules.trading_reward(
            rates, inventory, change[:, None], self.transaction_cost, self.running_penalty, c.dt
        )
        if state.step + 1 == c.n_steps:
            rewards = rewards + rules.terminal_reward(inventory, self.terminal_penalty)
        price = state.price + change
        following = MarketState(
            state.step + 1,
            xp.where(price < c.price_floor, xp.full_like(price, c.price_floor), price),
            state.impact + transient,
            inventory,
            state.initial_inventory,
            rules.cash_after(state.cash, rates, state.price[:, None], self.transaction_cost, c.dt),
        )
        return following, rewards

    def time_to_go(self, state: MarketState) -> float:
        """Hours until the end of the episode."""
        return self.config.time_to_go(state.step)

    def repeated(self, state: MarketState, times: int) -> MarketState:
        """Every market `times` times in a row, (B times, ...): for comparisons under the same initial states."""
        times = check_integer("times", times, 1)
        arrays = {
            name: self._repeat(getattr(state, name), times)
            for name in ("price", "impact", "inventory", "initial_inventory", "cash")
        }
        return replace(state, **arrays)

    def _repeat(self, array: Array, times: int) -> Array:
        return array.repeat_interleave(times, 0) if hasattr(array, "repeat_interleave") else array.repeat(times, 0)
