"""The three functions of each game's module, made from the name of the game."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from pettingzoo.utils.conversions import parallel_to_aec
from pettingzoo.utils.env import AECEnv
from pettingzoo.utils.wrappers import OrderEnforcingWrapper

from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_known
from mpgg_env.games.mean_field.common.env import CoalitionParallelEnv
from mpgg_env.games.mean_field.registry import config_class

INTERFACE_OPTIONS = ("sight", "render_mode")
AEC = AECEnv[str, Any, Any]


class Doors(NamedTuple):
    """What the module of a game gives to PettingZoo."""

    parallel_env: Callable[..., CoalitionParallelEnv]
    raw_env: Callable[..., AEC]
    env: Callable[..., AEC]


def doors_of(game: str, module: str, configured: Callable[..., Any] | None = None) -> Doors:
    """The functions of a game.

    Args:
        game: Name of the game.
        module: Name of the module that they are to belong to, by which they are pickled.
        configured: Makes the configuration from positional arguments and its fields; by default from its fields alone.
    """

    def parallel_env(
        *arguments: Any,
        sight: Literal["full", "own"] = "full",
        render_mode: Literal["rgb_array", "human", "ansi"] | None = None,
        **config: Any,
    ) -> CoalitionParallelEnv:
        """The game as a `ParallelEnv`; every field of its configuration is a keyword argument.

        Raises:
            ValueError: An argument is unknown or out of range.
            TypeError: An argument has the wrong type.
        """
        kind = config_class(game)
        check_known(config, [*kind.field_names(), *INTERFACE_OPTIONS], "argument")
        made: Config = (configured or kind)(*arguments, **config)
        return CoalitionParallelEnv(made, sight=sight, render_mode=render_mode)  # type: ignore[arg-type]

    def raw_env(*arguments: Any, **options: Any) -> AEC:
        """The game as an `AECEnv`, in which the coalitions act one after the other and move when the last one has."""
        return parallel_to_aec(parallel_env(*arguments, **options))

    def env(*arguments: Any, **options: Any) -> AEC:
        """`raw_env` with PettingZoo's check that the calls come in the right order."""
        return OrderEnforcingWrapper(raw_env(*arguments, **options))

    for function in (parallel_env, raw_env, env):
        function.__module__, function.__qualname__ = module, function.__name__
    return Doors(parallel_env, raw_env, env)
