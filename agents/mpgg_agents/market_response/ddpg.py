"""A best response trained by DDPG, which knows nothing of the market's rules."""

from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from torch import Tensor

from mpgg_agents.fp_ddpg.config import FPDDPGConfig
from mpgg_agents.fp_ddpg.learner import DDPG
from mpgg_agents.fp_ddpg.network import alone
from mpgg_agents.fp_ddpg.policy import NetPolicy
from mpgg_agents.market_response.episodes import MarketPolicy
from mpgg_env.core.validation import check_integer
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.state import MarketState

DEFAULTS: Final = FPDDPGConfig(first_rounds=600, gradient_steps=8)


def ddpg_response(
    game: MarketConfig,
    policy: MarketPolicy,
    trader: int = 0,
    config: FPDDPGConfig | None = None,
    *,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> MarketPolicy:
    """The policy with one trader's best response, as far as DDPG finds it; see `FPDDPGConfig`.

    Args:
        game: Rules of the market, whose `observation` says what the response may depend on.
        policy: Rates of all traders from a state of float32 tensors.
        trader: Who deviates.
        config: Hyper-parameters, of which `first_rounds` is the length of the training; default: `DEFAULTS`.
        seed: Seed of the initial weights, of the episodes and of the exploration.
        progress: Called after each round with the number of rounds done.

    Raises:
        ValueError: There is no such trader.
        TrainingError: A number is not finite.
    """
    config = DEFAULTS if config is None else config
    check_integer("trader", trader, 0, game.n_agents - 1)
    learner = DDPG(game, config, seed, np.array([trader]))
    for round_ in range(config.first_rounds):
        learner.iterate(policy, round_, round_ / config.first_rounds)
        if progress is not None:
            progress(round_ + 1)
    response, others = NetPolicy(game, config, alone(learner.actor)), torch.ones(game.n_agents, dtype=torch.bool)
    others[trader] = False

    def rates(state: MarketState) -> Tensor:
        return torch.where(others, policy(state), response(state))

    return rates
