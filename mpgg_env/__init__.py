"""PettingZoo-compatible environments for the migratory public goods game."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mpgg_env.games.mpgg.config import DilemmaWarning, MPGGConfig
from mpgg_env.registration import register_games

if TYPE_CHECKING:
    from mpgg_env import mpgg_v0
    from mpgg_env.games.mpgg.env import MPGGParallelEnv
    from mpgg_env.games.mpgg.vector import MPGGVectorEnv
    from mpgg_env.mpgg_v0 import parallel_env
    from mpgg_env.wrappers import MaskInObs

__all__ = [
    "DilemmaWarning",
    "MPGGConfig",
    "MPGGParallelEnv",
    "MPGGVectorEnv",
    "MaskInObs",
    "mpgg_v0",
    "parallel_env",
]
__version__ = "0.1.0"

# Loaded on first use: the environment needs numba, which a program that only reads settings should not wait for.
_LAZY = {
    "MPGGParallelEnv": "mpgg_env.games.mpgg.env",
    "MPGGVectorEnv": "mpgg_env.games.mpgg.vector",
    "MaskInObs": "mpgg_env.wrappers",
    "parallel_env": "mpgg_env.mpgg_v0",
}


def __getattr__(name: str) -> Any:
    if name == "mpgg_v0":
        return import_module("mpgg_env.mpgg_v0")
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'mpgg_env' has no attribute {name!r}")


register_games()
