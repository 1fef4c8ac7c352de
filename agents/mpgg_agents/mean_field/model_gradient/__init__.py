"""Actors of mean-field-type games trained through the differentiable model, as a reference; needs `mpgg-env[deep]`."""

from typing import TYPE_CHECKING

from mpgg_agents.extras import lazy_names_of_extra

if TYPE_CHECKING:
    from mpgg_agents.mean_field.model_gradient.config import ModelGradientConfig
    from mpgg_agents.mean_field.model_gradient.presets import PRESETS
    from mpgg_agents.mean_field.model_gradient.trainer import ModelGradientTrainer

__all__ = ["PRESETS", "ModelGradientConfig", "ModelGradientTrainer"]

__getattr__ = lazy_names_of_extra(
    __name__,
    {
        "ModelGradientConfig": "mpgg_agents.mean_field.model_gradient.config",
        "ModelGradientTrainer": "mpgg_agents.mean_field.model_gradient.trainer",
        "PRESETS": "mpgg_agents.mean_field.model_gradient.presets",
    },
)
