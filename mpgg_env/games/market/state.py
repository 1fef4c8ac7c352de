"""The state of B replicas of the market, as a record of arrays of numpy or of torch."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class MarketState:
    """B markets between two decisions. All arrays are of one library, type and device.

    Attributes:
        step: Decisions taken, in [0, M].
        price: Price S, (B,).
        impact: Transient impact Y, a part of the price, (B,).
        inventory: Inventory q of each trader, (B, N).
        initial_inventory: Inventory at the start of the episode, (B, N).
        cash: Cash X of each trader since the start of the episode, (B, N).
    """

    step: int
    price: Any
    impact: Any
    inventory: Any
    initial_inventory: Any
    cash: Any
