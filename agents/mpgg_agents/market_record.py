"""What a trainer of the market's traders tells: measures of every iteration, and snapshots of its policies."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mpgg_agents.stored import Arrays

SNAPSHOT_ROUNDS = "snapshot_rounds"


@dataclass(slots=True)
class MarketRecord:
    """Measures of consecutive training iterations ("rounds") of B replicas.

    Attributes:
        measures: One number per replica and iteration, each (B, rounds) float64: value_loss, mean_return and what else
            the trainer measures.
        snapshots: The policies that were kept in these iterations: snapshot_rounds, the iterations done by then,
            (B, kept) int64, and the weights by name, each (B, kept, ...).
    """

    measures: Arrays
    snapshots: Arrays

    @property
    def rounds(self) -> int:
        """Iterations that are recorded."""
        return int(next(iter(self.measures.values())).shape[1])

    @classmethod
    def concatenate(cls, records: Sequence["MarketRecord"]) -> "MarketRecord":
        """Successive records of one training as one.

        Raises:
            ValueError: There are none, or their measures or weights have different names.
        """
        return cls(_joined([r.measures for r in records]), _joined([r.snapshots for r in records]))


def snapshot_rounds(total: int, snapshots: int) -> list[int]:
    """The iterations after which a policy is kept: equally spaced, the last one is the end.

    Args:
        total: Iterations of the training, at least 1.
        snapshots: How many policies; no more than there are iterations are kept.
    """
    return sorted({round_ for k in range(1, snapshots + 1) if (round_ := k * total // snapshots) > 0})


def _joined(parts: Sequence[Arrays]) -> Arrays:
    if not parts or any(set(part) != set(parts[0]) for part in parts):
        raise ValueError("records must have the same names to be joined")
    return {name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]}
