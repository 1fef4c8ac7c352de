"""Actors as policies of all traders."""

from typing import Final

import torch
from torch import Tensor

from mpgg_agents.fp_ddpg.config import FPDDPGConfig
from mpgg_agents.fp_ddpg.network import MeanNet, TraderNet
from mpgg_agents.fp_ddpg.scales import market_eyes, market_scales
from mpgg_agents.market_response.episodes import generator
from mpgg_agents.nash_dqn.features import sub_populations
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.state import MarketState

WEIGHTS: Final = 32  # what these draws are for; no other purpose has this number
FIRST_RATES: Final = 0.1  # what the actor's last layer is multiplied by, so that the first policy hardly trades


def new_networks(game: MarketConfig, config: FPDDPGConfig, seed: int) -> tuple[TraderNet, TraderNet]:
    """Actor and critic with the initial weights of a seed; the critic's last own feature is the action."""
    draws, group, own = (
        generator(seed, WEIGHTS),
        sub_populations(game),
        market_eyes(game, market_scales(game, config)).own,
    )
    actor, critic = (
        TraderNet(
            group,
            own + actions,
            sees_others=game.observation == "full",
            outputs=1,
            hidden=config.hidden,
            phi=config.phi,
            generator=draws,
        )
        for actions in (0, 1)
    )
    with torch.no_grad():
        for parameter in actor.main.layers[-1].parameters():
            parameter.mul_(FIRST_RATES)
    return actor, critic


def limited(config: FPDDPGConfig, rates: Tensor) -> Tensor:
    """Rates within the limit."""
    return rates if config.rate_limit is None else rates.clamp(-config.rate_limit, config.rate_limit)


class NetPolicy:
    """The policy of all traders that a mean of actors stands for.

    Args:
        game: Rules of the market.
        config: Hyper-parameters.
        mean: The actors.
    """

    def __init__(self, game: MarketConfig, config: FPDDPGConfig, mean: MeanNet) -> None:
        self.config, self.mean, self.scales = config, mean, market_scales(game, config)
        self._eyes = market_eyes(game, self.scales)

    def __call__(self, state: MarketState) -> Tensor:
        """Rates (B, N)."""
        return limited(self.config, self.mean(self._eyes.see(state))[..., 0] * self.scales.rate)
