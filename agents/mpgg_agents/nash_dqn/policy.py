"""The Nash policy of a network, for states of any number of markets."""

import torch
from torch import Tensor, nn

from mpgg_agents.market_response.episodes import generator
from mpgg_agents.nash_dqn import advantage as lq
from mpgg_agents.nash_dqn.config import NashDQNConfig
from mpgg_agents.nash_dqn.episodes import WEIGHTS
from mpgg_agents.nash_dqn.features import Eyes, Scales, Sight, authors_scales, measured_scales, sub_populations
from mpgg_agents.nash_dqn.network import MarketNet
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.state import MarketState


class Networks(nn.Module):
    """The value network and the advantage network of all traders.

    Args:
        game: Rules of the market.
        config: Hyper-parameters.
        eyes: What the networks see.
        seed: Seed of the initial weights.
    """

    def __init__(self, game: MarketConfig, config: NashDQNConfig, eyes: Eyes, seed: int) -> None:
        super().__init__()
        group = sub_populations(game)
        draws = generator(seed, WEIGHTS)
        self.membership = nn.functional.one_hot(torch.from_numpy(group)).float()
        self.factors = lq.crowd_factors(1, (self.membership.sum(0) - self.membership).clamp(min=1))
        self.value, self.advantage = (
            MarketNet(
                group,
                eyes.width,
                sees_others=eyes.sees_others,
                outputs=outputs,
                hidden=config.hidden,
                phi=config.phi,
                generator=draws,
            )
            for outputs in (1, lq.n_coefficients(1, self.membership.shape[1]))
        )

    def coefficients(self, sight: Sight) -> lq.Advantage:
        """Coefficients of the advantage in units of order one."""
        return lq.coefficients(self.advantage(sight) * self.factors, 1, self.membership.shape[1])


class NashPolicy:
    """Rates of all traders: the Nash actions of an advantage network.

    Args:
        network: The network.
        eyes: What it sees.
        rate: Unit of its rates.
    """

    def __init__(self, network: MarketNet, eyes: Eyes, rate: float) -> None:
        self.network, self.eyes, self.rate = network, eyes, rate

    def __call__(self, state: MarketState) -> Tensor:
        """Rates (B, N) from a state of torch's tensors, whose type and device they have."""
        rates = self.of_sight(self.eyes.see(state))
        return rates.to(state.inventory)

    def of_sight(self, sight: Sight) -> Tensor:
        """Rates (B, N) from what the traders see."""
        rates: Tensor = self.network(sight)[..., 0] * self.rate
        return rates


def scales_of(game: MarketConfig, config: NashDQNConfig) -> Scales:
    """The units in which the networks think, by `config.scales`."""
    return authors_scales(game) if config.scales == "authors" else measured_scales(game)


def eyes_of(game: MarketConfig, config: NashDQNConfig, scales: Scales) -> Eyes:
    """What turns states into what the networks see."""
    return Eyes(game, scales, clock=config.clock == "one_hot")
