"""PettingZoo-compatible environments for the migratory public goods game and a trading market."""

from typing import TYPE_CHECKING

from mpgg_env.core.lazy import lazy_names
from mpgg_env.games.market.config import IllPosedMarketWarning, MarketConfig
from mpgg_env.games.mpgg.config import DilemmaWarning, MPGGConfig
from mpgg_env.games.mpgg.mechanism_config import (
    Capacity,
    Fine,
    LocalSubsidy,
    PeerPunishment,
    Pigou,
    Subsidy,
    Toll,
)
from mpgg_env.registration import register_games

if TYPE_CHECKING:
    from mpgg_env import market_v0, mpgg_v0
    from mpgg_env.games.market.env import MarketParallelEnv
    from mpgg_env.games.market.vector import MarketBatch
    from mpgg_env.games.mpgg.env import MPGGParallelEnv
    from mpgg_env.games.mpgg.vector import MPGGVectorEnv
    from mpgg_env.mpgg_v0 import parallel_env
    from mpgg_env.wrappers import MaskInObs

__all__ = [
    "Capacity",
    "DilemmaWarning",
    "Fine",
    "IllPosedMarketWarning",
    "LocalSubsidy",
    "MPGGConfig",
    "MPGGParallelEnv",
    "MPGGVectorEnv",
    "MarketBatch",
    "MarketConfig",
    "MarketParallelEnv",
    "MaskInObs",
    "PeerPunishment",
    "Pigou",
    "Subsidy",
    "Toll",
    "market_v0",
    "mpgg_v0",
    "parallel_env",
]
__version__ = "0.1.0"

# Loaded on first use: the environment needs numba, which a program that only reads settings should not wait for.
__getattr__ = lazy_names(
    __name__,
    {
        "MPGGParallelEnv": "mpgg_env.games.mpgg.env",
        "MPGGVectorEnv": "mpgg_env.games.mpgg.vector",
        "MarketBatch": "mpgg_env.games.market.vector",
        "MarketParallelEnv": "mpgg_env.games.market.env",
        "MaskInObs": "mpgg_env.wrappers",
        "market_v0": "mpgg_env.market_v0",
        "mpgg_v0": "mpgg_env.mpgg_v0",
        "parallel_env": "mpgg_env.mpgg_v0",
    },
)

register_games()
