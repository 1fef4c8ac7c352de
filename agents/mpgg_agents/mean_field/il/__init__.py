"""IL-MFTG, the baseline in which every central player Q-learns by itself."""

from typing import TYPE_CHECKING

from mpgg_env.core.lazy import lazy_names

if TYPE_CHECKING:
    from mpgg_agents.mean_field.il.config import ILConfig
    from mpgg_agents.mean_field.il.presets import PRESETS
    from mpgg_agents.mean_field.il.trainer import ILTrainer

__all__ = ["PRESETS", "ILConfig", "ILTrainer"]

__getattr__ = lazy_names(
    __name__,
    {
        "ILConfig": "mpgg_agents.mean_field.il.config",
        "ILTrainer": "mpgg_agents.mean_field.il.trainer",
        "PRESETS": "mpgg_agents.mean_field.il.presets",
    },
)
