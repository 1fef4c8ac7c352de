"""What a trainer with a replica per seed tells: measures of every round, and snapshots of its policies."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mpgg_agents.stored import Arrays

SNAPSHOT_ROUNDS = "snapshot_rounds"
LOSS = "_loss"  # the names of all measures of a training that are losses end with it


@dataclass(slots=True)
class TrainingRecord:
    """Measures of consecutive rounds, iterations or episodes, of B replicas.

    Attributes:
        measures: One number per replica and round, each (B, rounds) float64: whatever the trainer measures.
        snapshots: The policies that were kept in these rounds: snapshot_rounds, the rounds done by then, (B, kept)
            int64, and what was learned by name, each (B, kept, ...).
    """

    measures: Arrays
    snapshots: Arrays

    @property
    def rounds(self) -> int:
        """Rounds that are recorded."""
        return int(next(iter(self.measures.values())).shape[1])

    @classmethod
    def concatenate(cls, records: Sequence["TrainingRecord"]) -> "TrainingRecord":
        """Successive records of one training as one.

        Raises:
            ValueError: There are none, or their measures or weights have different names.
        """
        return cls(_joined([r.measures for r in records]), _joined([r.snapshots for r in records]))


def snapshot_rounds(total: int, snapshots: int) -> list[int]:
    """The rounds after which a policy is kept: equally spaced, the last one is the end.

    Args:
        total: Rounds of the training, at least 1.
        snapshots: How many policies; no more than there are rounds are kept.
    """
    return sorted({round_ for k in range(1, snapshots + 1) if (round_ := k * total // snapshots) > 0})


def _joined(parts: Sequence[Arrays]) -> Arrays:
    if not parts or any(set(part) != set(parts[0]) for part in parts):
        raise ValueError("records must have the same names to be joined")
    return {name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]}
