"""Policies on a grid of time to go, own inventory and price, as in [Casgrain2022] figure 2."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from mpgg_agents.experiments.market.exact import exact_equilibrium
from mpgg_agents.experiments.storage import Arrays
from mpgg_agents.market_response.episodes import MarketPolicy
from mpgg_env.core.types import FloatArray
from mpgg_env.core.validation import check_integer
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.state import MarketState

if TYPE_CHECKING:
    from mpgg_agents.experiments.market.reader import MarketRun

DEVIATIONS: Final = 2.0
INVENTORIES: Final = 61


def policy_map(
    run: "MarketRun", prices: Sequence[float] | None, inventories: Sequence[float] | None, trader: int
) -> Arrays:
    """See `MarketRun.policy_map`."""
    game = run.config.game
    check_integer("trader", trader, 0, game.n_agents - 1)
    price = _default_prices(game) if prices is None else np.array(prices, np.float64)
    inventory = _default_inventories(game) if inventories is None else np.array(inventories, np.float64)
    rates = [rates_on(game, run.policy(seed), price, inventory, trader) for seed in run.seeds]
    arrays: Arrays = {
        "price": price,
        "time_to_go": game.horizon - game.dt * np.arange(game.n_steps),
        "inventory": inventory,
        "rate": np.array(rates),
    }
    exact = exact_equilibrium(game)
    if exact is not None:
        arrays["equilibrium"] = rates_on(game, exact.profile, price, inventory, trader)
    return arrays


@torch.no_grad()
def rates_on(
    game: MarketConfig, policy: MarketPolicy, price: FloatArray, inventory: FloatArray, trader: int
) -> FloatArray:
    """Rates of a trader at prices (P,), all decisions and inventories (Q,): (P, M, Q).

    Nobody has traded yet, the others hold nothing, and there is no transient impact.
    """
    size = len(price) * len(inventory)
    held = torch.zeros(size, game.n_agents)
    held[:, trader] = torch.from_numpy(np.tile(inventory, len(price))).float()
    at = torch.from_numpy(np.repeat(price, len(inventory))).float()
    states = [
        MarketState(step, at, torch.zeros(size), held, held, torch.zeros_like(held)) for step in range(game.n_steps)
    ]
    rates = [policy(state)[:, trader].double().numpy().reshape(len(price), len(inventory)) for state in states]
    return np.stack(rates, axis=1)


def _default_prices(game: MarketConfig) -> FloatArray:
    # To a tenth, so that they can be written above the maps; with a constant price there is one.
    spread = round(DEVIATIONS * game.initial_price_variance**0.5, 1)
    return np.unique(game.price_level + spread * np.array([-1.0, 0.0, 1.0]))


def _default_inventories(game: MarketConfig) -> FloatArray:
    spread = DEVIATIONS * game.init_inv_var**0.5 or 1.0
    return np.linspace(-spread, spread, INVENTORIES)
