"""Fictitious play with DDPG in the trading market, the baseline of Nash-DQN; needs `mpgg-env[deep]`."""

from typing import TYPE_CHECKING

from mpgg_agents.extras import lazy_names_of_extra

if TYPE_CHECKING:
    from mpgg_agents.fp_ddpg.config import FPDDPGConfig
    from mpgg_agents.fp_ddpg.learner import DDPG
    from mpgg_agents.fp_ddpg.loading import load_policy
    from mpgg_agents.fp_ddpg.presets import PRESETS
    from mpgg_agents.fp_ddpg.trainer import FPDDPGTrainer

__all__ = ["DDPG", "PRESETS", "FPDDPGConfig", "FPDDPGTrainer", "load_policy"]

__getattr__ = lazy_names_of_extra(
    __name__,
    {
        "DDPG": "mpgg_agents.fp_ddpg.learner",
        "FPDDPGConfig": "mpgg_agents.fp_ddpg.config",
        "FPDDPGTrainer": "mpgg_agents.fp_ddpg.trainer",
        "load_policy": "mpgg_agents.fp_ddpg.loading",
        "PRESETS": "mpgg_agents.fp_ddpg.presets",
    },
)
