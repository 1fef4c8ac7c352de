"""PettingZoo-compatible environments for the migratory public goods game."""

from typing import TYPE_CHECKING

from mpgg_env.core.lazy import lazy_names
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
    from mpgg_env import mpgg_v0
    from mpgg_env.games.mpgg.env import MPGGParallelEnv
    from mpgg_env.games.mpgg.vector import MPGGVectorEnv
    from mpgg_env.mpgg_v0 import parallel_env
    from mpgg_env.wrappers import MaskInObs

__all__ = [
    "Capacity",
    "DilemmaWarning",
    "Fine",
    "LocalSubsidy",
    "MPGGConfig",
    "MPGGParallelEnv",
    "MPGGVectorEnv",
    "MaskInObs",
    "PeerPunishment",
    "Pigou",
    "Subsidy",
    "Toll",
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
        "MaskInObs": "mpgg_env.wrappers",
        "mpgg_v0": "mpgg_env.mpgg_v0",
        "parallel_env": "mpgg_env.mpgg_v0",
    },
)

register_games()
