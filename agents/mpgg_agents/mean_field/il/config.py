"""Hyper-parameters of IL-MFTG."""

from dataclasses import dataclass

from mpgg_agents.mean_field.tabular.config import TabularConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class ILConfig(TabularConfig):
    """IL-MFTG: each central player Q-learns by itself, from its own coalition's distribution alone ([Shao2024] F.1)."""
