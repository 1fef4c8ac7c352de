"""Episodes of all traders under a policy with Gaussian exploration, and the draws behind them."""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mpgg_agents.market_response.episodes import Draws
from mpgg_agents.nash_dqn.features import Eyes, Sight
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.vector import MarketBatch

# What draws are for; no other purpose has these numbers.
WEIGHTS: Final = 0
EPISODES: Final = 1
REPLAY: Final = 2


class Transitions(NamedTuple):
    """Decisions of all traders, T of them, in units of order one but for the actions.

    Attributes:
        own: What each trader saw itself, (T, N, own).
        others: All inventories, (T, N).
        actions: Rates, (T, N).
        rewards: What they earned, (T, N).
        next_own: What it saw afterwards, (T, N, own).
        next_others: Inventories afterwards, (T, N).
        goes_on: 1 if there was another decision in the episode, else 0, (T, 1).
    """

    own: Tensor
    others: Tensor
    actions: Tensor
    rewards: Tensor
    next_own: Tensor
    next_others: Tensor
    goes_on: Tensor

    @property
    def sight(self) -> Sight:
        """What was seen before."""
        return Sight(self.own, self.others)

    @property
    def next_sight(self) -> Sight:
        """What was seen afterwards."""
        return Sight(self.next_own, self.next_others)


def draw_exploration(game: MarketConfig, episodes: int, exploring: float, draws: np.random.Generator) -> Tensor:
    """Exploration of all traders in units of its standard deviation, (M, B, N).

    Args:
        game: Rules of the market.
        episodes: Episodes B.
        exploring: Share of decisions that explore; the others have 0.
        draws: Source of the draws.
    """
    shape = (game.n_steps, episodes, game.n_agents)
    noise = draws.standard_normal(shape, np.float32)
    if exploring < 1:
        noise *= draws.random(shape, np.float32) < exploring
    return torch.from_numpy(noise)


class Player:
    """Plays batches of episodes for a learner.

    Args:
        game: Rules of the market.
        eyes: What the networks see.
    """

    def __init__(self, game: MarketConfig, eyes: Eyes) -> None:
        self.game, self.eyes = game, eyes
        self.batch = MarketBatch(game, torch, dtype=torch.float32)

    @torch.no_grad()
    def play(self, policy: Callable[[Sight], Tensor], draws: Draws, exploration: Tensor) -> tuple[Transitions, float]:
        """A batch of episodes in which all explore.

        Args:
            policy: Rates (B, N) of all traders from what they see.
            draws: Standard normal draws of the episodes.
            exploration: What is added to the rates, (M, B, N).

        Returns:
            The decisions, those of the first step first, and the mean return of a trader.
        """
        state = self.batch.drawn_state(draws.inventory, draws.price, draws.impact)
        sights, actions, rewards = [self.eyes.see(state)], [], []
        for step in range(self.game.n_steps):
            rate = policy(sights[-1]) + exploration[step]
            state, reward = self.batch.step(state, rate, draws.shocks[step])
            sights.append(self.eyes.see(state))
            actions.append(rate)
            rewards.append(reward)
        own = torch.stack([sight.own for sight in sights])
        others = torch.stack([sight.others for sight in sights])
        paid = torch.stack(rewards)
        goes_on = torch.ones(self.game.n_steps, paid.shape[1], 1)
        goes_on[-1] = 0
        parts = (own[:-1], others[:-1], torch.stack(actions), paid, own[1:], others[1:], goes_on)
        return Transitions(*(part.flatten(0, 1) for part in parts)), float(paid.sum(0).mean())
