"""Independent tabular Q-learning with dual replay buffers."""

from typing import TYPE_CHECKING

from mpgg_env.core.lazy import lazy_names

if TYPE_CHECKING:
    from mpgg_agents.iql.agent import IQLAgent, QTable
    from mpgg_agents.iql.config import IQLConfig
    from mpgg_agents.iql.presets import PRESETS
    from mpgg_agents.iql.trainer import IQLTrainer
    from mpgg_agents.iql.training import AgentTables, IQLPopulation, learn_along, train
    from mpgg_agents.presets import Preset
    from mpgg_agents.record import RoundResult

__all__ = [
    "PRESETS",
    "AgentTables",
    "IQLAgent",
    "IQLConfig",
    "IQLPopulation",
    "IQLTrainer",
    "Preset",
    "QTable",
    "RoundResult",
    "learn_along",
    "train",
]

__getattr__ = lazy_names(
    __name__,
    {
        "IQLAgent": "mpgg_agents.iql.agent",
        "QTable": "mpgg_agents.iql.agent",
        "IQLConfig": "mpgg_agents.iql.config",
        "PRESETS": "mpgg_agents.iql.presets",
        "Preset": "mpgg_agents.presets",
        "IQLTrainer": "mpgg_agents.iql.trainer",
        "AgentTables": "mpgg_agents.iql.training",
        "IQLPopulation": "mpgg_agents.iql.training",
        "RoundResult": "mpgg_agents.record",
        "learn_along": "mpgg_agents.iql.training",
        "train": "mpgg_agents.iql.training",
    },
)
