"""Episodes in which one trader explores while the others keep their policy."""

from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from torch import Tensor

from mpgg_agents.fp_ddpg.config import FPDDPGConfig
from mpgg_agents.fp_ddpg.network import OneSight
from mpgg_agents.fp_ddpg.policy import limited
from mpgg_agents.fp_ddpg.replay import Transitions
from mpgg_agents.fp_ddpg.scales import market_eyes, market_scales
from mpgg_agents.market_response.episodes import MarketPolicy, draw_episodes, generator
from mpgg_agents.nash_dqn.features import sub_populations
from mpgg_env.core.types import IntArray
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.state import MarketState
from mpgg_env.games.market.vector import MarketBatch

# What draws are for: no two purposes share any.
EPISODES: Final = 33
EXPLORATION: Final = 34

AUTHORS_SPREAD: Final = 10.0  # standard deviation of the rates that the authors' exploration draws

OneActor = Callable[[OneSight], Tensor]


class Explorer:
    """Plays batches of episodes.

    Args:
        game: Rules of the market.
        config: Hyper-parameters.
        seed: Seed of the draws.
        traders: Who explores, in turn; None for the first of each sub-population.

    Raises:
        ValueError: There are more of them than episodes.
    """

    def __init__(self, game: MarketConfig, config: FPDDPGConfig, seed: int, traders: IntArray | None) -> None:
        self.game, self.config, self.seed = game, config, seed
        self.scales = market_scales(game, config)
        self.eyes = market_eyes(game, self.scales)
        self._batch = MarketBatch(game, torch, dtype=torch.float32)
        first = np.unique(sub_populations(game), return_index=True)[1] if traders is None else traders
        if config.episodes < len(first):
            raise ValueError(f"episodes must be >= {len(first)}, one per sub-population, got {config.episodes}")
        self._traders = torch.from_numpy(np.resize(np.asarray(first, np.int64), config.episodes))
        self._rows = torch.arange(config.episodes)

    @torch.no_grad()
    def play(self, others: MarketPolicy, actor: OneActor, round_: int, level: float) -> tuple[list[Transitions], float]:
        """One round's episodes.

        Args:
            others: What the others play, rates (B, N).
            actor: Rates (B,) of the traders who explore.
            round_: Number of the round, of which the draws are a function.
            level: Standard deviation of the noise, or the authors' epsilon.

        Returns:
            The explorers' transitions in each step, and their mean return.
        """
        game, rows, traders = self.game, self._rows, self._traders
        draws = draw_episodes(game, self.config.episodes, generator(self.seed, EPISODES, round_))
        noise = self._noise(round_, level, draws.inventory[rows, traders] * game.init_inv_var**0.5)
        state = self._batch.drawn_state(draws.inventory, draws.price, draws.impact)
        sight, seen, total = self._sight(state), [], torch.zeros(len(rows))
        for step, shocks in enumerate(draws.shocks):
            rates = others(state).clone()
            rates[rows, traders] = action = self._explored(actor(sight), noise, step)
            state, rewards = self._batch.step(state, rates, shocks)
            reward, following = rewards[rows, traders], self._sight(state)
            seen.append(self._transitions(sight, action, reward, following, step + 1 < game.n_steps))
            sight, total = following, total + reward
        return seen, float(total.mean())

    def _noise(self, round_: int, level: float, initial: Tensor) -> tuple[Tensor, Tensor]:
        """Whether a rate is replaced, and by what, or else what is added to it, each (M, B)."""
        draws, shape = generator(self.seed, EXPLORATION, round_), (self.game.n_steps, self.config.episodes)
        normal = torch.from_numpy(draws.standard_normal(shape, np.float32))
        if self.config.exploration == "gaussian":
            return torch.zeros(shape, dtype=torch.bool), level * normal
        replaced = torch.from_numpy(draws.random(shape) < level)
        return replaced, torch.where(replaced, AUTHORS_SPREAD * normal - initial, 0.0)

    def _explored(self, rates: Tensor, noise: tuple[Tensor, Tensor], step: int) -> Tensor:
        replaced, numbers = noise
        return limited(self.config, torch.where(replaced[step], numbers[step], rates + numbers[step]))

    def _sight(self, state: MarketState) -> OneSight:
        own, others = self.eyes.see(state)
        return OneSight(own[self._rows, self._traders], others, self._traders)

    def _transitions(
        self, sight: OneSight, action: Tensor, reward: Tensor, following: OneSight, goes_on: bool
    ) -> Transitions:
        return Transitions(
            *sight,
            action=action[:, None] / self.scales.rate,
            reward=reward[:, None] / self.scales.value,
            next_own=following.own,
            next_others=following.others,
            goes_on=torch.full((len(action), 1), float(goes_on)),
        )
