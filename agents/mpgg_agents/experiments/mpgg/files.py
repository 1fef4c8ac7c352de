"""The result files of a run in the migratory public goods game.

metrics.parquet: One row per seed, phase and round, or for so many rounds. casinos.npz: Occupancy, cooperators and moves
of every casino, as means over windows of rounds. final_state.npz: Casino of every agent after the last training round,
and what the agents have learned if kept. panel.npz: Casino, action and payoff of every agent in the last greedy rounds.
"""

from typing import Final

from mpgg_agents.experiments.files import FINAL_STATE, METRICS

CASINOS: Final = "casinos.npz"
PANEL: Final = "panel.npz"
RESULTS: Final = (METRICS, CASINOS, FINAL_STATE, PANEL)
