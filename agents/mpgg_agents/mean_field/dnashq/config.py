"""Hyper-parameters of DNashQ-MFTG."""

from dataclasses import dataclass

from mpgg_agents.mean_field.tabular.config import TabularConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class DNashQConfig(TabularConfig):
    """DNashQ-MFTG: Nash Q-learning of the central players on grids ([Shao2024] algorithm 1)."""
