"""The trading market, version 0, as PettingZoo names things: `parallel_env`, `env`, `raw_env`."""

from typing import Any, Literal

from pettingzoo.utils.conversions import parallel_to_aec
from pettingzoo.utils.env import AECEnv
from pettingzoo.utils.wrappers import OrderEnforcingWrapper

from mpgg_env.core.validation import check_known
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.env import MarketParallelEnv, total_reward

__all__ = ["env", "parallel_env", "raw_env", "total_reward"]

INTERFACE_OPTIONS = ("obs_scale", "max_rate", "render_mode")


def parallel_env(
    *,
    obs_scale: Literal["natural", "standard"] = "natural",
    max_rate: float | None = None,
    render_mode: Literal["rgb_array", "human", "ansi"] | None = None,
    **config: Any,
) -> MarketParallelEnv:
    """The market as a `ParallelEnv`; every field of `MarketConfig` is a keyword argument.

    Warns:
        IllPosedMarketWarning: The market's equilibrium does not exist or means nothing.

    Raises:
        ValueError: An argument is unknown or out of range.
        TypeError: An argument has the wrong type.
    """
    check_known(config, [*MarketConfig.field_names(), *INTERFACE_OPTIONS], "argument")
    return MarketParallelEnv(MarketConfig(**config), obs_scale=obs_scale, max_rate=max_rate, render_mode=render_mode)


def raw_env(**arguments: Any) -> AECEnv[str, Any, Any]:
    """The market as an `AECEnv`, in which the traders act one after the other and all trade when the last one has."""
    return parallel_to_aec(parallel_env(**arguments))


def env(**arguments: Any) -> AECEnv[str, Any, Any]:
    """`raw_env` with PettingZoo's check that the calls come in the right order."""
    return OrderEnforcingWrapper(raw_env(**arguments))
