"""What the networks see, on scales of order one."""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.observation import (
    INVENTORY_SCALE,
    PRICE_SCALE,
    others_summary,
    own_features,
    standard_location,
    standard_scale,
)
from mpgg_env.games.market.state import MarketState
from mpgg_env.games.market.vector import MarketBatch

EPISODES: Final = 4096
RESOLUTION: Final = 1e-6  # what varies by less of its mean is round-off, and float32 does not tell it apart


class Sight(NamedTuple):
    """What all traders see.

    Attributes:
        own: Their own features, normalised, (B, N, width); outside of observation "full" the mean of the others too.
        others: Inventories of all traders, normalised, (B, N), for those who see them one by one.
    """

    own: Tensor
    others: Tensor


@dataclass(frozen=True, slots=True)
class Scales:
    """Units in which networks think, so that their inputs and outputs are of order one.

    Attributes:
        location: Mean of each own feature, (5,).
        spread: Standard deviation of each own feature, (5,).
        inventory: Standard deviation of one other's inventory.
        rate: Standard deviation of a rate.
        value: Standard deviation of what is still to be earned in an episode.
    """

    location: FloatArray
    spread: FloatArray
    inventory: float
    rate: float
    value: float


def authors_scales(game: MarketConfig) -> Scales:
    """Those of the networks that the authors published; rates and values are in natural units.

    Raises:
        ValueError: Traders see something else than the authors' do.
    """
    _check_paper(game)
    return Scales(standard_location(game), standard_scale(game), INVENTORY_SCALE, 1.0, 1.0)


def fp_authors_scales(game: MarketConfig) -> Scales:
    """Those of the authors' networks of fictitious play, where the order flow is in units of the inventory.

    Raises:
        ValueError: Traders see something else than the authors' do.
    """
    _check_paper(game)
    inventory = 4.5124
    spread = np.array([standard_scale(game)[0], PRICE_SCALE, inventory, 0.3307, inventory])
    return Scales(standard_location(game), spread, inventory, inventory, 1.0)


def _check_paper(game: MarketConfig) -> None:
    if game.observation != "paper":
        raise ValueError(
            f"scales must be 'measured' under observation {game.observation!r}: those of the authors are for 'paper'"
        )


def measured_scales(game: MarketConfig) -> Scales:
    """Scales seen in simulated episodes in which everybody sells its inventory evenly over the time to go.

    They depend on the rules alone: the draws are always the same. A learner that knows no rules can measure them too.
    """
    draws = np.random.Generator(np.random.Philox(key=0))
    batch, n = MarketBatch(game), game.n_agents
    b = max(2, EPISODES // n)
    state = batch.drawn_state(draws.normal(size=(b, n)), draws.normal(size=b), draws.normal(size=b))
    features, rates, rewards = [], [], []
    for _ in range(game.n_steps):
        rate = -state.inventory / batch.time_to_go(state)
        features.append(all_features(game, state, np))
        rates.append(rate)
        state, reward = batch.step(state, rate, draws.normal(size=b))
        rewards.append(reward)
    seen = np.stack(features).reshape(-1, features[0].shape[-1])
    to_go = np.cumsum(rewards[::-1], axis=0)
    inventory = float(seen[:, 3 if game.observation != "paper" else 2].std())
    location, spread = seen.mean(0), seen.std(0)
    spread = np.where(spread > RESOLUTION * np.abs(location), spread, 1.0)
    return Scales(location, spread, _unit(inventory), _unit(float(np.std(rates))), _unit(float(to_go.std())))


def all_features(game: MarketConfig, state: MarketState, xp: Any) -> Any:
    """The own features and the summary of the others, (B, N, 5), in natural units."""
    return xp.concatenate([own_features(game, state, xp), others_summary(game, state)[..., None]], -1)


def _unit(value: float) -> float:
    """1 in the place of 0: nothing varies, so that any unit does."""
    return value if value > 0 else 1.0


class Eyes:
    """Turns states into what the networks see.

    Args:
        game: Rules, which say what can be seen.
        scales: Units of the features.
        clock: Whether the number of the decision is a feature too, one-hot, zeros after the last one.
        dtype: Element type of the networks.
    """

    def __init__(
        self, game: MarketConfig, scales: Scales, *, clock: bool = False, dtype: torch.dtype = torch.float32
    ) -> None:
        self.game, self.dtype = game, dtype
        self.sees_others = game.observation == "full"
        self.own = 4 if self.sees_others else 5
        self._clock = torch.eye(game.n_steps + 1, game.n_steps, dtype=dtype) if clock else None
        self._location = torch.as_tensor(scales.location[: self.own], dtype=dtype)
        self._factor = torch.as_tensor(1 / scales.spread[: self.own], dtype=dtype)
        self._inventory = scales.inventory

    @property
    def width(self) -> int:
        """Number of a trader's own features."""
        return self.own + (0 if self._clock is None else self._clock.shape[1])

    def see(self, state: MarketState) -> Sight:
        """What all traders see in a state."""
        features = own_features(self.game, state, torch) if self.sees_others else all_features(self.game, state, torch)
        own = (features.to(self.dtype) - self._location) * self._factor
        if self._clock is not None:
            own = torch.cat([own, self._clock[state.step].expand(*own.shape[:2], -1)], -1)
        return Sight(own, state.inventory.to(self.dtype) / self._inventory)


def sub_populations(game: MarketConfig) -> IntArray:
    """Sub-population of each trader, (N,): traders with the same costs and penalties share a network."""
    kinds = list(dict.fromkeys(game.preferences))
    return np.array([kinds.index(preference) for preference in game.preferences], np.int64)
