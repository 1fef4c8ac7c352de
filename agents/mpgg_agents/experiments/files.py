"""Names of what is in every run folder; each kind of game has further result files."""

from typing import Final

CONFIG: Final = "config.json"
MANIFEST: Final = "manifest.json"
METRICS: Final = "metrics.parquet"
FINAL_STATE: Final = "final_state.npz"
CHECKPOINT: Final = "checkpoint.npz"
FIGURES: Final = "figures"
EVENTS: Final = "tensorboard"

# Of runs that keep policies: their weights in the course of the training, and how they were judged after it.
SNAPSHOTS: Final = "snapshots.npz"
EVALUATION: Final = "evaluation.npz"
POLICY_RESULTS: Final = (METRICS, SNAPSHOTS, EVALUATION, FINAL_STATE)


def learned_name(seed: int, name: str) -> str:
    """Under which name the final state has what the replica of this seed has learned as `name`."""
    return f"seed_{seed}_{name}"
