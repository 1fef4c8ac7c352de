"""What the trainer observes: per-round measures and per-casino sums over windows of rounds."""

from dataclasses import dataclass, fields

import numpy as np

from mpgg_env.core.types import FloatArray, Int32Array, IntArray


@dataclass(slots=True)
class Record:
    """Measures of `rounds` consecutive rounds in B replicas.

    The first six have one value per round, (B, rounds). The last three are sums over the rounds of each window
    of `window` rounds (the last one may be shorter), with the casino axis M.

    Attributes:
        cooperators: Agents that cooperated.
        welfare: Sum of all agents' payoffs.
        largest: Agents in the fullest casino.
        empty: Casinos without agents.
        free: Agents in casinos with n < r, where cooperating is dominant.
        free_cooperators: Those of them that cooperated.
        casino_occupancy: (B, windows, M).
        casino_cooperators: (B, windows, M).
        casino_moves: Moves chosen in each casino, (B, windows, M, n_moves).
    """

    cooperators: Int32Array
    welfare: FloatArray
    largest: Int32Array
    empty: Int32Array
    free: Int32Array
    free_cooperators: Int32Array
    casino_occupancy: IntArray
    casino_cooperators: IntArray
    casino_moves: IntArray

    @classmethod
    def allocate(cls, replicas: int, rounds: int, window: int, casinos: int, moves: int) -> "Record":
        """A record of zeros."""
        per_round, windows = (replicas, rounds), -(-rounds // window)
        return cls(
            cooperators=np.zeros(per_round, np.int32),
            welfare=np.zeros(per_round),
            largest=np.zeros(per_round, np.int32),
            empty=np.zeros(per_round, np.int32),
            free=np.zeros(per_round, np.int32),
            free_cooperators=np.zeros(per_round, np.int32),
            casino_occupancy=np.zeros((replicas, windows, casinos), np.int64),
            casino_cooperators=np.zeros((replicas, windows, casinos), np.int64),
            casino_moves=np.zeros((replicas, windows, casinos, moves), np.int64),
        )

    @classmethod
    def concatenate(cls, records: list["Record"]) -> "Record":
        """Successive records, each but the last of whole windows, as one."""
        names = [field.name for field in fields(cls)]
        return cls(**{name: np.concatenate([getattr(record, name) for record in records], axis=1) for name in names})
