"""Fictitious play with DDPG in the trading market, the baseline of Nash-DQN; needs `mpgg-env[deep]`."""

from typing import TYPE_CHECKING, Any

from mpgg_agents.errors import MissingExtraError
from mpgg_env.core.lazy import lazy_names

if TYPE_CHECKING:
    from mpgg_agents.fp_ddpg.config import FPDDPGConfig
    from mpgg_agents.fp_ddpg.learner import DDPG
    from mpgg_agents.fp_ddpg.loading import load_policy
    from mpgg_agents.fp_ddpg.presets import PRESETS
    from mpgg_agents.fp_ddpg.trainer import FPDDPGTrainer

__all__ = ["DDPG", "PRESETS", "FPDDPGConfig", "FPDDPGTrainer", "load_policy"]

_find = lazy_names(
    __name__,
    {
        "DDPG": "mpgg_agents.fp_ddpg.learner",
        "FPDDPGConfig": "mpgg_agents.fp_ddpg.config",
        "FPDDPGTrainer": "mpgg_agents.fp_ddpg.trainer",
        "load_policy": "mpgg_agents.fp_ddpg.loading",
        "PRESETS": "mpgg_agents.fp_ddpg.presets",
    },
)


def __getattr__(name: str) -> Any:
    try:
        return _find(name)
    except ModuleNotFoundError as error:
        if str(error.name).startswith("mpgg"):  # our own mistake
            raise
        raise MissingExtraError(f"mpgg_agents.fp_ddpg.{name}", error) from error
