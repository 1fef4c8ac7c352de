"""Nash-DQN in the trading market; needs `mpgg-env[deep]`."""

from typing import TYPE_CHECKING

from mpgg_agents.extras import lazy_names_of_extra

if TYPE_CHECKING:
    from mpgg_agents.nash_dqn.config import NashDQNConfig
    from mpgg_agents.nash_dqn.loading import load_authors_policy, load_policy
    from mpgg_agents.nash_dqn.presets import PRESETS
    from mpgg_agents.nash_dqn.trainer import NashDQNTrainer

__all__ = ["PRESETS", "NashDQNConfig", "NashDQNTrainer", "load_authors_policy", "load_policy"]

__getattr__ = lazy_names_of_extra(
    __name__,
    {
        "NashDQNConfig": "mpgg_agents.nash_dqn.config",
        "NashDQNTrainer": "mpgg_agents.nash_dqn.trainer",
        "load_policy": "mpgg_agents.nash_dqn.loading",
        "load_authors_policy": "mpgg_agents.nash_dqn.loading",
        "PRESETS": "mpgg_agents.nash_dqn.presets",
    },
)
