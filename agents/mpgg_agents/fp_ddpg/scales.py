"""Units in which actor and critic think."""

from functools import lru_cache

from mpgg_agents.fp_ddpg.config import FPDDPGConfig
from mpgg_agents.nash_dqn.features import Eyes, Scales, fp_authors_scales, measured_scales
from mpgg_env.games.market.config import MarketConfig


@lru_cache(maxsize=16)
def _measured(game: MarketConfig) -> Scales:
    return measured_scales(game)


def market_scales(game: MarketConfig, config: FPDDPGConfig) -> Scales:
    """The units, by `config.scales`."""
    if config.scales == "measured":
        return _measured(game)
    return fp_authors_scales(game)


def market_eyes(game: MarketConfig, scales: Scales) -> Eyes:
    """What turns states into what the networks see."""
    return Eyes(game, scales)
