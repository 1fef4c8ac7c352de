"""Linear rules of trading: what the exact equilibrium is made of, as policies that play in simulations."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mpgg_env.core.types import FloatArray
from mpgg_env.core.validation import check_integer
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.linear_full import MOST_NUMBERS
from mpgg_env.games.market.state import MarketState

Array = Any


@dataclass(frozen=True, slots=True)
class LinearProfile:
    """Every trader's rate is linear in the state. An instance is a policy: `profile(state)` are the rates (B, N).

    Attributes:
        config: The market, with any shape of impact; only the exact returns need a linear one.
        gains: One rule for all, (M, 4): v_i = g . (z, Y, q_i, m_i) with z = S - theta and m_i the mean of the others'
            inventories. Or a rule for each, (M, N, N + 2): v_i = g_i . (z, Y, q_1, ..., q_N).
        deviator: The trader who follows `deviator_gains` instead, only where there is one rule for all; None for
            nobody.
        deviator_gains: (M, 4), on the deviator's own reduced state.
    """

    config: MarketConfig
    gains: FloatArray
    deviator: int | None = None
    deviator_gains: FloatArray | None = None

    def __post_init__(self) -> None:
        m, n = self.config.n_steps, self.config.n_agents
        object.__setattr__(self, "gains", _checked("gains", self.gains, ((m, 4), (m, n, n + 2))))
        if (self.deviator is None) != (self.deviator_gains is None):
            raise ValueError("deviator and deviator_gains must come together")
        if self.deviator is None:
            return
        if not self.is_symmetric:
            raise ValueError("deviator must be None where each trader has a rule of its own: change that one's gains")
        check_integer("deviator", self.deviator, 0, n - 1)
        object.__setattr__(self, "deviator_gains", _checked("deviator_gains", self.deviator_gains, ((m, 4),)))

    @property
    def is_symmetric(self) -> bool:
        """Whether there is one rule for all, but for the deviator."""
        return self.gains.ndim == 2

    def full_gains(self) -> FloatArray:
        """The rules of all traders on the full state (z, Y, q_1, ..., q_N), (M, N, N + 2).

        Raises:
            ValueError: They would not fit into a gibibyte.
        """
        if not self.is_symmetric:
            return self.gains
        n, m = self.config.n_agents, self.config.n_steps
        if m * n * (n + 2) > MOST_NUMBERS:
            raise ValueError(f"n_agents is too large for rules on every inventory: they have {m * n * (n + 2)} numbers")
        rows = np.repeat(self.gains[:, None], n, 1)
        if self.deviator is not None:
            rows[:, self.deviator] = self.deviator_gains
        full = np.empty((len(rows), n, n + 2))
        full[:, :, :2] = rows[:, :, :2]
        full[:, :, 2:] = rows[:, :, 3:] / (n - 1)
        full[:, np.arange(n), np.arange(n) + 2] = rows[:, :, 2]
        return full

    def __call__(self, state: MarketState) -> Array:
        """The rates (B, N) at a state of numpy or of torch, in its precision.

        Raises:
            ValueError: The episode is over, or the market has another number of traders.
        """
        if not 0 <= state.step < len(self.gains):
            raise ValueError(f"state.step must be in [0, {len(self.gains) - 1}], got {state.step}")
        if state.inventory.shape[1] != self.config.n_agents:
            raise ValueError(f"the state must have {self.config.n_agents} traders, got {state.inventory.shape[1]}")
        return self._symmetric_rates(state) if self.is_symmetric else self._full_rates(state)

    def _full_rates(self, state: MarketState) -> Array:
        gains = _like(state.inventory, self.gains[state.step])
        deviation, impact = (state.price - self.config.price_level)[:, None], state.impact[:, None]
        return deviation * gains[:, 0] + impact * gains[:, 1] + state.inventory @ gains[:, 2:].T

    def _symmetric_rates(self, state: MarketState) -> Array:
        gains = np.repeat(self.gains[state.step, :, None], self.config.n_agents, 1)
        if self.deviator_gains is not None:
            gains[:, self.deviator] = self.deviator_gains[state.step]
        on_price, on_impact, on_own, on_mean = _like(state.inventory, gains)
        deviation, impact = (state.price - self.config.price_level)[:, None], state.impact[:, None]
        mean = mean_of_others(state.inventory)
        return deviation * on_price + impact * on_impact + state.inventory * on_own + mean * on_mean


def mean_of_others(inventory: Array) -> Array:
    """Mean of the others' inventories, (B, N), from the inventories (B, N)."""
    return (inventory.sum(-1)[:, None] - inventory) / (inventory.shape[1] - 1)


def _checked(name: str, values: Any, shapes: tuple[tuple[int, ...], ...]) -> FloatArray:
    array = np.array(values, np.float64)
    if array.shape not in shapes:
        raise ValueError(f"{name} must have the shape {' or '.join(map(str, shapes))}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite")
    return array


def _like(array: Array, values: npt.NDArray[Any]) -> Array:
    """The values as an array of the same library, type and device as `array`, without importing torch for it."""
    return array.new_tensor(values) if hasattr(array, "new_tensor") else values.astype(array.dtype)
