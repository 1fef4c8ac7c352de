"""The migratory public goods game, version 0, as PettingZoo names things: `parallel_env`, `env`, `raw_env`."""

from typing import Any, Literal

from pettingzoo.utils.conversions import parallel_to_aec
from pettingzoo.utils.env import AECEnv
from pettingzoo.utils.wrappers import OrderEnforcingWrapper

from mpgg_env.core.validation import check_known
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.env import MPGGParallelEnv

INTERFACE_OPTIONS = ("action_mode", "action_mask", "strict", "obs_scale", "render_mode")


def parallel_env(
    *,
    action_mode: Literal["masked", "joint"] = "masked",
    action_mask: Literal["info", "none"] = "info",
    strict: bool = False,
    obs_scale: Literal["natural", "unit"] = "natural",
    render_mode: Literal["rgb_array", "human", "ansi"] | None = None,
    **config: Any,
) -> MPGGParallelEnv:
    """The game as a `ParallelEnv`; every field of `MPGGConfig` is a keyword argument.

    Raises:
        ValueError: An argument is unknown or out of range.
        TypeError: An argument has the wrong type.
    """
    check_known(config, [*MPGGConfig.field_names(), *INTERFACE_OPTIONS], "argument")
    return MPGGParallelEnv(
        MPGGConfig(**config),
        action_mode=action_mode,
        action_mask=action_mask,
        strict=strict,
        obs_scale=obs_scale,
        render_mode=render_mode,
    )


def raw_env(**arguments: Any) -> AECEnv[str, Any, Any]:
    """The game as an `AECEnv`, in which the agents act one after the other and the phase is played when all have."""
    return parallel_to_aec(parallel_env(**arguments))


def env(**arguments: Any) -> AECEnv[str, Any, Any]:
    """`raw_env` with PettingZoo's check that the calls come in the right order."""
    return OrderEnforcingWrapper(raw_env(**arguments))
