"""PettingZoo-compatible environments: the migratory public goods game, a trading market, mean-field-type games."""

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
    from mpgg_env import market_v0, mftg, mpgg_v0
    from mpgg_env.games.market.env import MarketParallelEnv
    from mpgg_env.games.market.vector import MarketBatch
    from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
    from mpgg_env.games.mean_field.common.env import CoalitionParallelEnv
    from mpgg_env.games.mean_field.cyber_security.config import CyberSecurityConfig
    from mpgg_env.games.mean_field.distribution_planning.config import DistributionPlanningConfig
    from mpgg_env.games.mean_field.four_rooms.config import FourRoomsConfig
    from mpgg_env.games.mean_field.mpgg.config import MeanFieldMPGGConfig
    from mpgg_env.games.mean_field.population_matching.config import PopulationMatchingConfig
    from mpgg_env.games.mean_field.predator_prey.config import PredatorPreyConfig
    from mpgg_env.games.mpgg.env import MPGGParallelEnv
    from mpgg_env.games.mpgg.vector import MPGGVectorEnv
    from mpgg_env.mpgg_v0 import parallel_env
    from mpgg_env.wrappers import MaskInObs

__all__ = [
    "Capacity",
    "CoalitionParallelEnv",
    "CyberSecurityConfig",
    "DilemmaWarning",
    "DistributionPlanningConfig",
    "Fine",
    "FourRoomsConfig",
    "IllPosedMarketWarning",
    "LocalSubsidy",
    "MPGGConfig",
    "MPGGParallelEnv",
    "MPGGVectorEnv",
    "MarketBatch",
    "MarketConfig",
    "MarketParallelEnv",
    "MaskInObs",
    "MeanFieldBatch",
    "MeanFieldMPGGConfig",
    "PeerPunishment",
    "Pigou",
    "PopulationMatchingConfig",
    "PredatorPreyConfig",
    "Subsidy",
    "Toll",
    "market_v0",
    "mftg",
    "mpgg_v0",
    "parallel_env",
]
__version__ = "0.1.0"

# Loaded on first use: the environment needs numba, which a program that only reads settings should not wait for.
__getattr__ = lazy_names(
    __name__,
    {
        "CoalitionParallelEnv": "mpgg_env.games.mean_field.common.env",
        "CyberSecurityConfig": "mpgg_env.games.mean_field.cyber_security.config",
        "DistributionPlanningConfig": "mpgg_env.games.mean_field.distribution_planning.config",
        "FourRoomsConfig": "mpgg_env.games.mean_field.four_rooms.config",
        "MPGGParallelEnv": "mpgg_env.games.mpgg.env",
        "MPGGVectorEnv": "mpgg_env.games.mpgg.vector",
        "MarketBatch": "mpgg_env.games.market.vector",
        "MarketParallelEnv": "mpgg_env.games.market.env",
        "MaskInObs": "mpgg_env.wrappers",
        "MeanFieldBatch": "mpgg_env.games.mean_field.common.batch",
        "MeanFieldMPGGConfig": "mpgg_env.games.mean_field.mpgg.config",
        "PopulationMatchingConfig": "mpgg_env.games.mean_field.population_matching.config",
        "PredatorPreyConfig": "mpgg_env.games.mean_field.predator_prey.config",
        "market_v0": "mpgg_env.market_v0",
        "mftg": "mpgg_env.mftg",
        "mpgg_v0": "mpgg_env.mpgg_v0",
        "parallel_env": "mpgg_env.mpgg_v0",
    },
)

register_games()
