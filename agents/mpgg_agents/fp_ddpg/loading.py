"""Policies from stored weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mpgg_agents.fp_ddpg.config import FPDDPGConfig
from mpgg_agents.fp_ddpg.network import alone
from mpgg_agents.fp_ddpg.policy import NetPolicy, new_networks
from mpgg_agents.fp_ddpg.replica import stored_mean
from mpgg_env.games.market.config import MarketConfig


def load_policy(game: MarketConfig, agent: FPDDPGConfig, weights: Mapping[str, np.ndarray[Any, Any]]) -> NetPolicy:
    """The policy of all traders that `FPDDPGTrainer.learned`, or a snapshot of one replica, stands for.

    Args:
        game: Rules of the market.
        agent: Hyper-parameters of the training.
        weights: The arrays by name.

    Raises:
        ValueError: They are not weights of such networks.
    """
    actor, _ = new_networks(game, agent, 0)
    return NetPolicy(game, agent, stored_mean(alone(actor), weights))
