"""Short trainings of DDPG-MFTG for its tests."""

import warnings
from typing import Any

from mpgg_agents.mean_field.ddpg.config import DDPGConfig
from mpgg_agents.mean_field.ddpg.presets import PRESETS
from mpgg_agents.mean_field.ddpg.trainer import DDPGTrainer
from mpgg_env import DilemmaWarning
from mpgg_env.games.mean_field.registry import config_class


def game(name: str, **fields: Any) -> Any:
    """The parameters of a game."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DilemmaWarning)
        return config_class(name)(**fields)


def agent(name: str, **fields: Any) -> DDPGConfig:
    """The default settings of a game, smaller and quicker."""
    small = {"capacity": 60, "batch_size": 8, "parallel_episodes": 2, "update_ratio": 0.5, "episodes": 20}
    return DDPGConfig(**{**PRESETS[name]["default"].agent, **small, **fields})


def trainer(name: str, seeds: tuple[int, ...] = (0,), cycles: int = 6, **fields: Any) -> DDPGTrainer:
    """A training of a few rounds."""
    return DDPGTrainer(game(name, max_cycles=cycles), agent(name, **fields), seeds, snapshots=0)
