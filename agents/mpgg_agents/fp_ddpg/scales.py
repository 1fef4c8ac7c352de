"""Units in which actor and critic think."""

from functools import lru_cache
from typing import Final

import numpy as np

from mpgg_agents.fp_ddpg.config import FPDDPGConfig
from mpgg_agents.nash_dqn.features import Eyes, Scales, measured_scales
from mpgg_env.games.market.config import MarketConfig

AUTHORS_LOCATION: Final = (2.25, 10.0, 0.0, 0.0, 0.0)
AUTHORS_SCALE: Final = (1.4361, 0.7420, 4.5124, 0.3307, 4.5124)  # the last one, of the order flow, is the inventory's


@lru_cache(maxsize=16)
def _measured(game: MarketConfig) -> Scales:
    return measured_scales(game)


def market_scales(game: MarketConfig, config: FPDDPGConfig) -> Scales:
    """The units, by `config.scales`."""
    if config.scales == "measured":
        return _measured(game)
    inventory = AUTHORS_SCALE[2]
    return Scales(np.array(AUTHORS_LOCATION), np.array(AUTHORS_SCALE), inventory, inventory, 1.0)


def market_eyes(game: MarketConfig, scales: Scales) -> Eyes:
    """What turns states into what the networks see."""
    return Eyes(game, scales)
