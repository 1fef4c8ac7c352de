"""What a trader sees: the features of [Casgrain2022] section 6.1 as the README resolves them, or the whole state."""

from typing import Any, Final

import numpy as np

from mpgg_env.core.types import FloatArray
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.state import MarketState

Array = Any

# What the authors' published networks are fed with, (x - location) / scale, for the features of "paper" at T = 5 and
# theta = 10: [time to go, S - Y, q_i, Y, mean order flow of the others]. Their 2.25 is the mean of the elapsed time.
AUTHORS_HORIZON: Final = 5.0
TIME_LOCATION, TIME_SCALE = 2.25, 1.4361
PRICE_SCALE, INVENTORY_SCALE, IMPACT_SCALE, FLOW_SCALE = 0.742, 2.5, 0.1, 1.0


def n_features(config: MarketConfig) -> int:
    """Length of a trader's observation."""
    return 4 + config.n_agents - 1 if config.observation == "full" else 5


def observations(config: MarketConfig, state: MarketState, xp: Any) -> Array:
    """The observation of every trader, (B, N, n_features), in natural units.

    paper: [time to go, S - Y, q_i, Y, mean of q_j - q_j0 over the others]. full: [time to go, S - theta, Y, q_i, q_j of
    the others in their order]. full_mean: the same with the mean of the others' q_j.
    """
    q = state.inventory
    others = every_other(q) if config.observation == "full" else others_summary(config, state)[..., None]
    return xp.concatenate([own_features(config, state, xp), others], -1)


def standard_location(config: MarketConfig) -> FloatArray:
    """What `obs_scale="standard"` takes off each feature, (n_features,): half-time, the price's level, and 0 elsewhere.

    At the default settings these are the numbers of the authors' networks, [2.25, 10, 0, 0, 0].
    """
    location = np.zeros(n_features(config))
    location[0] = TIME_LOCATION * config.horizon / AUTHORS_HORIZON
    if config.observation == "paper":
        location[1] = config.price_level
    return location


def standard_scale(config: MarketConfig) -> FloatArray:
    """What `obs_scale="standard"` divides each feature by afterwards, (n_features,).

    At the default settings these are the numbers of the authors' networks, [1.4361, .742, 2.5, .1, 1]. The features of
    full and full_mean have the same scales, where they have another place, and every inventory that of the own one.
    """
    time = TIME_SCALE * config.horizon / AUTHORS_HORIZON
    if config.observation == "paper":
        return np.array([time, PRICE_SCALE, INVENTORY_SCALE, IMPACT_SCALE, FLOW_SCALE])
    return np.array([time, PRICE_SCALE, IMPACT_SCALE] + [INVENTORY_SCALE] * (n_features(config) - 3))


def own_features(config: MarketConfig, state: MarketState, xp: Any) -> Array:
    """What a trader sees besides the others, (B, N, 4)."""
    q = state.inventory
    time_to_go = xp.full_like(q, config.time_to_go(state.step))
    price, impact = state.price[:, None] + 0 * q, state.impact[:, None] + 0 * q
    if config.observation == "paper":
        return xp.stack([time_to_go, price - impact, q, impact], -1)
    return xp.stack([time_to_go, price - config.price_level, impact, q], -1)


def others_summary(config: MarketConfig, state: MarketState) -> Array:
    """Mean over the others of what they have bought (paper) or hold (full, full_mean), (B, N)."""
    q = state.inventory - state.initial_inventory if config.observation == "paper" else state.inventory
    return (q.sum(-1)[:, None] - q) / (config.n_agents - 1)


def every_other(values: Array) -> Array:
    """The values (B, N) of all traders but each one itself, in their order, (B, N, N - 1)."""
    n = values.shape[1]
    others = np.arange(n - 1)[None] + (np.arange(n - 1)[None] >= np.arange(n)[:, None])
    return values[:, others]
