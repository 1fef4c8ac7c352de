"""Named settings of DNashQ-MFTG for each game that it can play."""

from typing import Final

from mpgg_agents.mean_field.tabular.presets import tabular_presets
from mpgg_agents.presets import Preset

# By game, then by name.
PRESETS: Final[dict[str, dict[str, Preset]]] = tabular_presets()
