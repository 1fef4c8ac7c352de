"""What the trainer observes: per-round measures and per-casino sums over windows of rounds."""

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from mpgg_env.analysis.metrics import seated, squared_counts
from mpgg_env.core.types import FloatArray, Int32Array, IntArray


class RoundResult(NamedTuple):
    """What all agents did and got in one round, each (n_agents,)."""

    game_actions: IntArray
    payoffs: FloatArray
    moves: IntArray


class Games(NamedTuple):
    """One game of every agent in B replicas, each (B, N).

    Attributes:
        positions: The casinos in which it was played.
        actions: 0 = D, 1 = C.
        payoffs: What it paid.
    """

    positions: IntArray
    actions: IntArray
    payoffs: FloatArray


@dataclass(slots=True)
class Record:
    """Measures of `rounds` consecutive rounds in B replicas.

    The first ten have one value per round, (B, rounds). The last three are sums over the rounds of each window
    of `window` rounds (the last one may be shorter), with the casino axis M.

    Attributes:
        cooperators: Agents that cooperated.
        welfare: Sum of all agents' payoffs.
        gross: What the games produced, the welfare before any transfer; without mechanisms the welfare.
        sponsor: What a sponsor paid, which is part of the welfare, less the tolls that it kept.
        largest: Agents in the fullest casino.
        empty: Casinos without agents.
        free: Agents in casinos with n < r, where cooperating is dominant under the payoff of the text.
        free_cooperators: Those of them that cooperated.
        seated: Agents within the first floor(r) of their casino, its seats whatever a capacity says.
        squares: Sum of the squared numbers of agents in the casinos.
        casino_occupancy: (B, windows, M).
        casino_cooperators: (B, windows, M).
        casino_moves: Moves chosen in each casino, (B, windows, M, n_moves).
    """

    cooperators: Int32Array
    welfare: FloatArray
    gross: FloatArray
    sponsor: FloatArray
    largest: Int32Array
    empty: Int32Array
    free: Int32Array
    free_cooperators: Int32Array
    seated: Int32Array
    squares: IntArray
    casino_occupancy: IntArray
    casino_cooperators: IntArray
    casino_moves: IntArray

    @classmethod
    def allocate(cls, replicas: int, rounds: int, window: int, casinos: int, moves: int, first: int = 0) -> "Record":
        """A record of zeros, from round `first` on, which may lie within a window."""
        per_round, windows = (replicas, rounds), -(-(first % window + rounds) // window)
        return cls(
            cooperators=np.zeros(per_round, np.int32),
            welfare=np.zeros(per_round),
            gross=np.zeros(per_round),
            sponsor=np.zeros(per_round),
            largest=np.zeros(per_round, np.int32),
            empty=np.zeros(per_round, np.int32),
            free=np.zeros(per_round, np.int32),
            free_cooperators=np.zeros(per_round, np.int32),
            seated=np.zeros(per_round, np.int32),
            squares=np.zeros(per_round, np.int64),
            casino_occupancy=np.zeros((replicas, windows, casinos), np.int64),
            casino_cooperators=np.zeros((replicas, windows, casinos), np.int64),
            casino_moves=np.zeros((replicas, windows, casinos, moves), np.int64),
        )

    @classmethod
    def concatenate(cls, records: list["Record"], window: int | None = None) -> "Record":
        """Successive records as one.

        Args:
            records: The first one begins with a window; each of the others begins where the one before it ends.
            window: Rounds per window. A record that begins within a window adds its first sums to the last ones of
                the record before it. None if each record but the last is of whole windows.
        """
        names = [field.name for field in fields(cls)]
        joined = cls(**{name: np.concatenate([getattr(record, name) for record in records], axis=1) for name in names})
        if window is not None:
            joined._join_windows(_window_starts(records, window))
        return joined

    def _join_windows(self, starts: IntArray) -> None:
        """Sums the entries of the casinos' series from each of `starts` to the next."""
        if len(starts) == self.casino_occupancy.shape[1]:
            return
        for name in ("casino_occupancy", "casino_cooperators", "casino_moves"):
            setattr(self, name, np.add.reduceat(getattr(self, name), starts, axis=1))

    def note_game(
        self,
        place: tuple[int, int],
        window: int,
        occupancy: IntArray,
        cooperators: IntArray,
        gain: FloatArray,
        payoffs: FloatArray,
        produced: float | None = None,
        sponsor: float = 0.0,
    ) -> None:
        """Notes one game of one replica.

        Args:
            place: Replica, and round since the beginning of this record.
            window: The window over which casinos are summed, of this replica.
            occupancy: Agents in each casino, (M,).
            cooperators: Cooperators in each casino, (M,).
            gain: Gain factor of each casino, (M,).
            payoffs: Payoff of each agent, (N,).
            produced: Sum of the payoffs before any transfer; None without mechanisms.
            sponsor: What a sponsor paid, less the tolls that it kept.
        """
        free = occupancy < gain
        self.cooperators[place] = cooperators.sum()
        self.welfare[place] = payoffs.sum()
        self.gross[place] = self.welfare[place] if produced is None else produced
        self.sponsor[place] = sponsor
        self.largest[place] = occupancy.max()
        self.empty[place] = (occupancy == 0).sum()
        self.free[place] = occupancy[free].sum()
        self.free_cooperators[place] = cooperators[free].sum()
        self.seated[place] = seated(occupancy, gain)
        self.squares[place] = squared_counts(occupancy)
        self.casino_occupancy[place[0], window] += occupancy
        self.casino_cooperators[place[0], window] += cooperators

    def note_moves(self, replica: int, window: int, casinos: IntArray, moves: IntArray) -> None:
        """Notes the moves (N,) of one replica's agents out of their casinos (N,)."""
        np.add.at(self.casino_moves[replica, window], (casinos, moves), 1)


def _window_starts(records: list[Record], window: int) -> IntArray:
    """Where in the joined series of the casinos each window begins."""
    rounds = np.cumsum([0, *(record.welfare.shape[1] for record in records)])
    counts = [record.casino_occupancy.shape[1] for record in records]
    windows = [np.arange(count) + first // window for count, first in zip(counts, rounds, strict=False)]
    return np.unique(np.concatenate(windows), return_index=True)[1]
