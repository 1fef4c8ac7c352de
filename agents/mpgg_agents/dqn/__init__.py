"""Deep Q-learning with dual replay buffers, one pair of networks for all agents or for each; needs `mpgg-env[deep]`."""

from typing import TYPE_CHECKING

from mpgg_agents.extras import lazy_names_of_extra

if TYPE_CHECKING:
    from mpgg_agents.dqn.agent import DQNAgents
    from mpgg_agents.dqn.config import DQNConfig
    from mpgg_agents.dqn.loading import load_agents
    from mpgg_agents.dqn.presets import PRESETS
    from mpgg_agents.dqn.trainer import DQNTrainer
    from mpgg_agents.dqn.training import DQNPopulation, new_agents, train

__all__ = ["PRESETS", "DQNAgents", "DQNConfig", "DQNPopulation", "DQNTrainer", "load_agents", "new_agents", "train"]

__getattr__ = lazy_names_of_extra(
    __name__,
    {
        "DQNAgents": "mpgg_agents.dqn.agent",
        "DQNConfig": "mpgg_agents.dqn.config",
        "load_agents": "mpgg_agents.dqn.loading",
        "PRESETS": "mpgg_agents.dqn.presets",
        "DQNTrainer": "mpgg_agents.dqn.trainer",
        "DQNPopulation": "mpgg_agents.dqn.training",
        "new_agents": "mpgg_agents.dqn.training",
        "train": "mpgg_agents.dqn.training",
    },
)
