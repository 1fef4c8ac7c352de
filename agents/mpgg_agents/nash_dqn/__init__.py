"""Nash-DQN in the trading market; needs `mpgg-env[deep]`."""

from typing import TYPE_CHECKING, Any

from mpgg_agents.errors import MissingExtraError
from mpgg_env.core.lazy import lazy_names

if TYPE_CHECKING:
    from mpgg_agents.nash_dqn.config import NashDQNConfig
    from mpgg_agents.nash_dqn.loading import load_authors_policy, load_policy
    from mpgg_agents.nash_dqn.presets import PRESETS
    from mpgg_agents.nash_dqn.trainer import NashDQNTrainer

__all__ = ["PRESETS", "NashDQNConfig", "NashDQNTrainer", "load_authors_policy", "load_policy"]

_find = lazy_names(
    __name__,
    {
        "NashDQNConfig": "mpgg_agents.nash_dqn.config",
        "NashDQNTrainer": "mpgg_agents.nash_dqn.trainer",
        "load_policy": "mpgg_agents.nash_dqn.loading",
        "load_authors_policy": "mpgg_agents.nash_dqn.loading",
        "PRESETS": "mpgg_agents.nash_dqn.presets",
    },
)


def __getattr__(name: str) -> Any:
    try:
        return _find(name)
    except ModuleNotFoundError as error:
        if str(error.name).startswith("mpgg"):  # our own mistake
            raise
        raise MissingExtraError(f"mpgg_agents.nash_dqn.{name}", error) from error
