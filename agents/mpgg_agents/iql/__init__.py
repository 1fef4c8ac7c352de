"""Independent tabular Q-learning with dual replay buffers."""

from mpgg_agents.iql.agent import IQLAgent, QTable
from mpgg_agents.iql.config import IQLConfig
from mpgg_agents.iql.presets import PRESETS, Preset
from mpgg_agents.iql.training import AgentTables, IQLPopulation, RoundResult, learn_along, train

__all__ = [
    "PRESETS",
    "AgentTables",
    "IQLAgent",
    "IQLConfig",
    "IQLPopulation",
    "Preset",
    "QTable",
    "RoundResult",
    "learn_along",
    "train",
]
