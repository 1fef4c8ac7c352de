"""What every trainer with a replica per seed does: replicas, records, snapshots, checkpoints."""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from mpgg_agents.stored import Arrays, check_joined, joined_arrays, section
from mpgg_agents.threads import limited_threads, side_by_side
from mpgg_agents.training_record import SNAPSHOT_ROUNDS, TrainingRecord, snapshot_rounds
from mpgg_env.core.validation import check_integer

G = TypeVar("G")
C = TypeVar("C")


class Replica(ABC):
    """One replica of a training, in rounds: iterations or episodes.

    Attributes:
        rounds_done: Rounds trained so far.
        threads: Threads that a round may use; its bits do not depend on it.
    """

    rounds_done: int
    threads: int = 1

    @property
    @abstractmethod
    def exploration(self) -> float:
        """Size of the exploration in the next round."""

    @abstractmethod
    def iterate(self) -> dict[str, float]:
        """One round; its measures. May raise TrainingError."""

    def train(self, rounds: int) -> Arrays:
        """Several rounds; their measures, (rounds,) each. May raise TrainingError.

        Replicas whose rounds take less time than a call have a loop of their own.
        """
        measures = [self.iterate() for _ in range(rounds)]
        return {name: np.array([measure[name] for measure in measures], np.float64) for name in measures[0]}

    @property
    @abstractmethod
    def policy(self) -> Any:
        """The policy that comes out, as its kind of game has policies."""

    @abstractmethod
    def learned(self) -> Arrays:
        """The weights of that policy by name, copied."""

    @abstractmethod
    def arrays(self) -> Arrays:
        """Everything that the rest of the training depends on, by name, `round` among it."""

    @abstractmethod
    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """The inverse of `arrays`; names, types and shapes have been checked. ValueError if the parts do not fit."""


class SeedTrainer(ABC, Generic[G, C]):
    """Trains B replicas, one per seed.

    Args:
        game: Rules of the game.
        agent: Hyper-parameters.
        seeds: Seed of each replica, in [0, 2**64).
        snapshots: How many policies the records keep, equally spaced over the training.
        threads: Threads over the replicas, and within them, where `parallel`; None for one per processor. The bits do
            not depend on it.

    Raises:
        ValueError: An argument is out of range.
        TypeError: An argument has the wrong type.
    """

    # Names of the measures that are losses.
    loss_names: tuple[str, ...]
    # Whether threads pay. Where calls are short they would only take the interpreter from each other.
    parallel: bool = False

    def __init__(
        self,
        game: G,
        agent: C,
        seeds: Sequence[int],
        *,
        snapshots: int = 10,
        threads: int | None = None,
    ) -> None:
        if not seeds:
            raise ValueError("seeds must name at least one seed, got none")
        self.game, self.agent = game, agent
        self.seeds = [check_integer(f"seeds[{b}]", seed, 0, 2**64 - 1) for b, seed in enumerate(seeds)]
        self.snapshots = check_integer("snapshots", snapshots, 0)
        self.threads = (os.cpu_count() or 1) if threads is None else check_integer("threads", threads, 1)
        self.rounds_done = 0
        self.losses: dict[str, float] = {}
        self._kept = frozenset(snapshot_rounds(self.total_rounds, self.snapshots))
        with limited_threads():
            self.replicas = [self.make_replica(seed) for seed in self.seeds]

    @abstractmethod
    def make_replica(self, seed: int) -> Replica:
        """The replica of a seed before its first round."""

    @property
    @abstractmethod
    def total_rounds(self) -> int:
        """Rounds of the whole training."""

    @property
    def unit(self) -> int:
        """Rounds of which `advance` takes multiples."""
        return 1

    @property
    def exploration(self) -> float:
        """Size of the exploration in the next round."""
        return self.replicas[0].exploration

    def advance(self, rounds: int) -> TrainingRecord:
        """Trains every replica for `rounds` more rounds.

        Raises:
            ValueError: `rounds` goes beyond the end.
            TrainingError: A number is not finite.
        """
        left = self.total_rounds - self.rounds_done
        if not left:
            raise ValueError(f"the training of {self.total_rounds} rounds is finished")
        check_integer("rounds", rounds, 1, left)
        with limited_threads():
            records = self._all_trained(rounds)
        self.rounds_done += rounds
        record = _stacked(records)
        self.losses = {name: float(record.measures[name][:, -1].mean()) for name in self.loss_names}
        return record

    def state_arrays(self) -> Arrays:
        """Everything that the rest of the training depends on, as numeric arrays by name, not copied."""
        return joined_arrays(self.rounds_done, (replica.arrays() for replica in self.replicas))

    def restore(self, arrays: Mapping[str, Any]) -> None:
        """Continues from `state_arrays()` of a trainer with the same arguments, to the same bits.

        Raises:
            ValueError: The arrays are of another training.
        """
        rounds_done = check_joined(arrays, self.state_arrays(), self.grows, self.total_rounds)
        for b, replica in enumerate(self.replicas):
            stored = section(arrays, f"replica{b}")
            if stored["round"] != rounds_done:
                raise ValueError(f"replica{b}.round must be rounds_done, got {stored['round']}")
            replica.restore(stored)
        self.rounds_done = rounds_done

    @staticmethod
    def grows(name: str) -> bool:
        """Whether the stored array of this name may have any length: those of replay buffers."""
        return ".replay." in name and not name.endswith(".position")

    def policy(self, replica: int) -> Any:
        """The policy that comes out of one replica."""
        return self.replicas[replica].policy

    def learned(self, replica: int) -> Arrays:
        """The weights of one replica's policy by name."""
        return self.replicas[replica].learned()

    def _all_trained(self, rounds: int) -> list[TrainingRecord]:
        threads = self.threads if self.parallel else 1
        for replica in self.replicas:
            replica.threads = max(1, threads // len(self.replicas))
        with side_by_side(min(threads, len(self.replicas))) as mapped:
            return list(mapped(lambda replica: _trained(replica, rounds, self._kept), self.replicas))


def _trained(replica: Replica, rounds: int, kept: frozenset[int]) -> TrainingRecord:
    """A record of one replica: measures (rounds,), snapshots (kept, ...)."""
    end = replica.rounds_done + rounds
    at = sorted(round_ for round_ in kept if replica.rounds_done < round_ <= end)
    measures, snapshots = [], []
    for stop in [*at, *([] if end in at else [end])]:
        measures.append(replica.train(stop - replica.rounds_done))
        if stop in at:
            snapshots.append(replica.learned())
    weights = {
        name: np.array([snapshot[name] for snapshot in snapshots], like.dtype).reshape(-1, *like.shape)
        for name, like in replica.learned().items()
    }
    return TrainingRecord(
        {name: np.concatenate([part[name] for part in measures]) for name in measures[0]},
        {SNAPSHOT_ROUNDS: np.array(at, np.int64), **weights},
    )


def _stacked(records: list[TrainingRecord]) -> TrainingRecord:
    first = records[0]
    return TrainingRecord(
        {name: np.stack([record.measures[name] for record in records]) for name in first.measures},
        {name: np.stack([record.snapshots[name] for record in records]) for name in first.snapshots},
    )
