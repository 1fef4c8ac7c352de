"""What a deviating trader adds to its own rate, as a function of what it sees."""

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init

from mpgg_agents.market_response.config import PathwiseConfig
from mpgg_agents.market_response.episodes import MarketPolicy
from mpgg_agents.nash_dqn.features import measured_scales
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.observation import others_summary, own_features
from mpgg_env.games.market.state import MarketState

OWN = 4  # features of a trader besides the others; the first one is the time to go


class Response(nn.Module):
    """A correction of one trader's rate, zero before training.

    Args:
        game: Rules of the market, whose `observation` says what the trader sees.
        config: Form of the response.
        trader: Who deviates.
        draws: Source of the initial weights.
    """

    def __init__(self, game: MarketConfig, config: PathwiseConfig, trader: int, draws: np.random.Generator) -> None:
        super().__init__()
        self.game, self.trader = game, trader
        scales = measured_scales(game)
        others = [scales.inventory] * (game.n_agents - 1) if game.observation == "full" else [scales.spread[OWN]]
        spread = np.array([*scales.spread[:OWN], *others])
        location = np.array([*scales.location[:OWN], *(0.0 for _ in others)])
        self._location = torch.from_numpy(location.astype(np.float32))
        self._factor = torch.from_numpy((1 / spread).astype(np.float32))
        self._rate = scales.rate
        # Per step: a constant in the place of the time to go, which says no more, and the gains of the other features.
        self.gains = nn.Parameter(torch.zeros(game.n_steps, len(spread)))
        self.net = _net((len(spread), *config.hidden, 1), draws) if config.response == "net" else None

    def forward(self, state: MarketState) -> Tensor:
        """What the trader adds to its rate, (B,)."""
        features = (one_observation(self.game, state, self.trader) - self._location) * self._factor
        gains = self.gains[state.step]
        rates: Tensor = gains[0] + features[:, 1:] @ gains[1:]
        if self.net is not None:
            rates = rates + self.net(features)[:, 0]
        return rates * self._rate


def one_observation(game: MarketConfig, state: MarketState, trader: int) -> Tensor:
    """What one trader sees, (B, n_features), in natural units: its row of `observations`, without the others'."""
    own = own_features(game, state, torch)[:, trader]
    if game.observation == "full":
        others = [state.inventory[:, :trader], state.inventory[:, trader + 1 :]]
    else:
        others = [others_summary(game, state)[:, trader, None]]
    return torch.cat([own, *others], 1)


def deviating(policy: MarketPolicy, response: Response) -> MarketPolicy:
    """The policy in which one trader adds the response to its rate."""
    unit = torch.zeros(response.game.n_agents)
    unit[response.trader] = 1

    def rates(state: MarketState) -> Tensor:
        correction: Tensor = response(state)
        return policy(state) + correction[:, None] * unit

    return rates


def _net(widths: tuple[int, ...], draws: np.random.Generator) -> nn.Sequential:
    """Linear layers with SiLU in between, the last one zero."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        # Without the initial weights of torch, which would use its global generator.
        bound = inputs**-0.5 if len(layers) < 2 * (len(widths) - 2) else 0.0
        layer: nn.Linear = skip_init(nn.Linear, inputs, outputs)  # type: ignore[no-untyped-call]
        for parameter in layer.parameters():
            parameter.data = torch.from_numpy(draws.uniform(-bound, bound, parameter.shape).astype(np.float32))
        layers += [layer, nn.SiLU()]
    return nn.Sequential(*layers[:-1])
