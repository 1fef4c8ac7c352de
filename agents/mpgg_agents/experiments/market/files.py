"""The result files of a run in the trading market.

metrics.parquet: One row per seed and iteration. snapshots.npz: Weights of the policies that were kept in the course of
the training. evaluation.npz: What those policies earn, how far they are from the exact equilibrium, and what a trader
gains by leaving them. final_state.npz: Weights of the policies that came out.
"""

from typing import Final

from mpgg_agents.experiments.files import FINAL_STATE, METRICS

SNAPSHOTS: Final = "snapshots.npz"
EVALUATION: Final = "evaluation.npz"
RESULTS: Final = (METRICS, SNAPSHOTS, EVALUATION, FINAL_STATE)
