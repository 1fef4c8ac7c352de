"""DNashQ-MFTG, Nash Q-learning of central players on grids, and the exact values that it learns."""

from typing import TYPE_CHECKING

from mpgg_env.core.lazy import lazy_names

if TYPE_CHECKING:
    from mpgg_agents.mean_field.dnashq.config import DNashQConfig
    from mpgg_agents.mean_field.dnashq.presets import PRESETS
    from mpgg_agents.mean_field.dnashq.trainer import DNashQTrainer
    from mpgg_agents.mean_field.dnashq.value_iteration import NashValues, nash_value_iteration

__all__ = ["PRESETS", "DNashQConfig", "DNashQTrainer", "NashValues", "nash_value_iteration"]

__getattr__ = lazy_names(
    __name__,
    {
        "DNashQConfig": "mpgg_agents.mean_field.dnashq.config",
        "DNashQTrainer": "mpgg_agents.mean_field.dnashq.trainer",
        "NashValues": "mpgg_agents.mean_field.dnashq.value_iteration",
        "PRESETS": "mpgg_agents.mean_field.dnashq.presets",
        "nash_value_iteration": "mpgg_agents.mean_field.dnashq.value_iteration",
    },
)
