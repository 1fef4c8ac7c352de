"""DDPG-MFTG for the mean-field-type games; needs `mpgg-env[deep]`."""

from typing import TYPE_CHECKING

from mpgg_agents.extras import lazy_names_of_extra

if TYPE_CHECKING:
    from mpgg_agents.mean_field.ddpg.config import DDPGConfig
    from mpgg_agents.mean_field.ddpg.presets import PRESETS
    from mpgg_agents.mean_field.ddpg.trainer import DDPGTrainer

__all__ = ["PRESETS", "DDPGConfig", "DDPGTrainer"]

__getattr__ = lazy_names_of_extra(
    __name__,
    {
        "DDPGConfig": "mpgg_agents.mean_field.ddpg.config",
        "DDPGTrainer": "mpgg_agents.mean_field.ddpg.trainer",
        "PRESETS": "mpgg_agents.mean_field.ddpg.presets",
    },
)
