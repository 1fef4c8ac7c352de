"""The trainer of fictitious play with DDPG on the trading market."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from mpgg_agents.fp_ddpg.config import FPDDPGConfig
from mpgg_agents.fp_ddpg.policy import NetPolicy
from mpgg_agents.fp_ddpg.replica import FictitiousPlay
from mpgg_agents.market_record import SNAPSHOT_ROUNDS, MarketRecord, snapshot_rounds
from mpgg_agents.stored import Arrays, check_joined, joined_arrays, section
from mpgg_env.core.validation import check_integer
from mpgg_env.games.market.config import MarketConfig


class FPDDPGTrainer:
    """Trains B replicas, one per seed, one after the other.

    Args:
        game: Rules of the market.
        agent: Hyper-parameters.
        seeds: Seed of each replica, in [0, 2**64).
        snapshots: How many policies the records keep, equally spaced over the training.
        threads: Threads of torch; None for one. The bits of the results may depend on it.

    Raises:
        ValueError: An argument is out of range.
        TypeError: An argument has the wrong type.
    """

    def __init__(
        self,
        game: MarketConfig,
        agent: FPDDPGConfig,
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
        self.threads = 1 if threads is None else check_integer("threads", threads, 1)
        self.rounds_done = 0
        self.losses: dict[str, float] = {}
        self._kept = frozenset(snapshot_rounds(self.total_rounds, self.snapshots))
        with limited_threads(self.threads):
            self._replicas = [FictitiousPlay(game, agent, seed) for seed in self.seeds]

    @property
    def total_rounds(self) -> int:
        """Rounds of the whole training."""
        return self.agent.total_rounds

    @property
    def unit(self) -> int:
        """Rounds of which `advance` takes multiples."""
        return 1

    @property
    def exploration(self) -> float:
        """Standard deviation of the exploration noise of the next round, or the authors' epsilon."""
        return self._replicas[0].learner.exploration(self._replicas[0].progress)

    def advance(self, rounds: int) -> MarketRecord:
        """Trains every replica for `rounds` more rounds.

        Raises:
            ValueError: `rounds` goes beyond the end.
            TrainingError: A number is not finite.
        """
        left = self.total_rounds - self.rounds_done
        if not left:
            raise ValueError(f"the training of {self.total_rounds} rounds is finished")
        check_integer("rounds", rounds, 1, left)
        with limited_threads(self.threads):
            records = [_trained(replica, rounds, self._kept) for replica in self._replicas]
        self.rounds_done += rounds
        record = _stacked(records)
        self.losses = {name: float(record.measures[name][:, -1].mean()) for name in ("critic_loss", "actor_value")}
        return record

    def state_arrays(self) -> Arrays:
        """Everything that the rest of the training depends on, as numeric arrays by name, not copied."""
        return joined_arrays(self.rounds_done, (replica.arrays() for replica in self._replicas))

    def restore(self, arrays: Mapping[str, Any]) -> None:
        """Continues from `state_arrays()` of a trainer with the same arguments, to the same bits.

        Raises:
            ValueError: The arrays are of another training.
        """
        rounds_done = check_joined(arrays, self.state_arrays(), _grows, self.total_rounds)
        for b, replica in enumerate(self._replicas):
            stored = section(arrays, f"replica{b}")
            if stored["round"] != rounds_done:
                raise ValueError(f"replica{b}.round must be rounds_done, got {stored['round']}")
            replica.restore(stored)
        self.rounds_done = rounds_done

    def policy(self, replica: int) -> NetPolicy:
        """What the others play now in one replica; at the end, what was learned."""
        return self._replicas[replica].policy

    def learned(self, replica: int) -> Arrays:
        """The weights of that policy, of which `loading.load_policy` makes it again."""
        return self._replicas[replica].learned()


@contextmanager
def limited_threads(threads: int) -> Iterator[None]:
    """Lets numpy and torch use so many threads: products of this size gain nothing from more."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads):
            yield
    finally:
        torch.set_num_threads(before)


def _trained(replica: FictitiousPlay, rounds: int, kept: frozenset[int]) -> MarketRecord:
    """A record of one replica: measures (rounds,), snapshots (kept, ...)."""
    measures, snapshots, at = [], [], []
    for _ in range(rounds):
        measures.append(replica.iterate())
        if replica.rounds_done in kept:
            snapshots.append(replica.learned())
            at.append(replica.rounds_done)
    names = replica.learned()
    weights = {
        name: np.array([snapshot[name] for snapshot in snapshots], like.dtype).reshape(-1, *like.shape)
        for name, like in names.items()
    }
    return MarketRecord(
        {name: np.array([measure[name] for measure in measures], np.float64) for name in measures[0]},
        {SNAPSHOT_ROUNDS: np.array(at, np.int64), **weights},
    )


def _stacked(records: list[MarketRecord]) -> MarketRecord:
    first = records[0]
    return MarketRecord(
        {name: np.stack([record.measures[name] for record in records]) for name in first.measures},
        {name: np.stack([record.snapshots[name] for record in records]) for name in first.snapshots},
    )


def _grows(name: str) -> bool:
    return ".replay." in name and not name.endswith(".position")
