"""Names of what is in every run folder; each kind of game has further result files."""

from typing import Final

CONFIG: Final = "config.json"
MANIFEST: Final = "manifest.json"
METRICS: Final = "metrics.parquet"
FINAL_STATE: Final = "final_state.npz"
CHECKPOINT: Final = "checkpoint.npz"
FIGURES: Final = "figures"
EVENTS: Final = "tensorboard"


def learned_name(seed: int, name: str) -> str:
    """Under which name the final state has what the replica of this seed has learned as `name`."""
    return f"seed_{seed}_{name}"
