"""Episodes of the market under given policies, from draws that are a function of (seed, purpose, number)."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mpgg_agents.draws import generator as generator
from mpgg_env.core.types import FloatArray
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.state import MarketState
from mpgg_env.games.market.vector import MarketBatch

MarketPolicy = Callable[[MarketState], Tensor]

# What draws are for: no two of these share any.
EVALUATION: Final = 16
RESPONSE: Final = 17
RESPONSE_WEIGHTS: Final = 18

BLOCK_RATES: Final = 2**11  # rates in one step of a block of episodes: more leave the cache, five times slower


class Draws(NamedTuple):
    """Standard normal draws of B episodes.

    Attributes:
        inventory: (B, N).
        price: (B,).
        impact: (B,).
        shocks: Of the price in each step, (M, B).
    """

    inventory: Tensor
    price: Tensor
    impact: Tensor
    shocks: Tensor


def draw_episodes(game: MarketConfig, episodes: int, draws: np.random.Generator) -> Draws:
    """The draws of a batch of episodes, float32."""
    shapes = ((episodes, game.n_agents), (episodes,), (episodes,), (game.n_steps, episodes))
    return Draws(*(torch.from_numpy(draws.standard_normal(shape, np.float32)) for shape in shapes))


def returns(batch: MarketBatch, policy: MarketPolicy, draws: Draws) -> Tensor:
    """What every trader earns in each episode, (B, N); differentiable by what the policy depends on."""
    state = batch.drawn_state(draws.inventory, draws.price, draws.impact)
    total = torch.zeros_like(state.inventory)
    for shocks in draws.shocks:
        state, rewards = batch.step(state, policy(state), shocks)
        total = total + rewards
    return total


@torch.no_grad()
def returns_under(game: MarketConfig, policy: MarketPolicy, episodes: int, seed: int) -> FloatArray:
    """What every trader earns in fresh episodes, (episodes, N); the same episodes for every policy.

    Args:
        game: Rules of the market.
        policy: Rates of all traders from a state of float32 tensors.
        episodes: Number of episodes.
        seed: Seed of the episodes.
    """
    batch = MarketBatch(game, torch, dtype=torch.float32)
    blocks = [
        returns(batch, policy, draw_episodes(game, size, generator(seed, EVALUATION, number))).numpy()
        for number, size in enumerate(_block_sizes(game, episodes))
    ]
    return np.concatenate(blocks).astype(np.float64)


def _block_sizes(game: MarketConfig, episodes: int) -> Iterator[int]:
    most = max(1, BLOCK_RATES // game.n_agents)
    for first in range(0, episodes, most):
        yield min(most, episodes - first)
