"""The trainer of Nash Q-learning on the migratory public goods game."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mpgg_agents.nash_q.config import NashQConfig
from mpgg_agents.nash_q.learned import learned_arrays
from mpgg_agents.nash_q.replica import Replica
from mpgg_agents.nash_q.tables import QTables
from mpgg_agents.record import Games, Record
from mpgg_agents.stored import Arrays, check_joined, joined_arrays, section
from mpgg_env.core.types import IntArray
from mpgg_env.core.validation import check_integer
from mpgg_env.games.mpgg.config import MPGGConfig


class NashQTrainer:
    """Trains Nash Q-learners in B replicas of the game, one per seed, to the same bits as `training.train`.

    Args:
        config: Rules of the game, for two to four agents.
        agent: Hyper-parameters.
        seeds: Seed of each replica, in [0, 2**64).
        rounds: Rounds of each of the `agent.episodes` episodes.
        window: Rounds over which the casinos' measures are summed.
        threads: Accepted as by the other trainers; the replicas are played one after the other.

    Raises:
        ValueError: An argument is out of range, or there are too many agents or joint actions.
        TypeError: An argument has the wrong type.
        MissingExtraError: There are more than two agents and quantecon is not installed.
    """

    def __init__(
        self,
        config: MPGGConfig,
        agent: NashQConfig,
        seeds: Sequence[int],
        rounds: int,
        *,
        window: int = 100,
        threads: int | None = None,
    ) -> None:
        if not seeds:
            raise ValueError("seeds must name at least one seed, got none")
        self.config, self.agent = config, agent
        self.seeds = [check_integer(f"seeds[{b}]", seed, 0, 2**64 - 1) for b, seed in enumerate(seeds)]
        self.rounds = check_integer("rounds", rounds, 1)
        self.window = check_integer("window", window, 1)
        if threads is not None:
            check_integer("threads", threads, 1)
        self.rounds_done = 0
        self._replicas = [Replica(config, agent, seed, self.rounds) for seed in self.seeds]

    @property
    def total_rounds(self) -> int:
        """Rounds of the whole training, over all episodes."""
        return self.agent.episodes * self.rounds

    @property
    def unit(self) -> int:
        """Rounds of which `advance` takes multiples."""
        return 1

    @property
    def epsilon(self) -> float:
        """Exploration rate of the next round."""
        return self._replicas[0].population.agents[0].epsilon

    @property
    def positions(self) -> IntArray:
        """Casino of each agent, (B, N)."""
        return np.stack([replica.env.positions for replica in self._replicas])

    @property
    def losses(self) -> dict[str, float]:
        """Nothing: tables have no loss."""
        return {}

    def advance(self, rounds: int) -> Record:
        """Trains every replica for `rounds` more rounds.

        The windows of the record are those of the whole training: one that begins within a window has its first one
        shorter.

        Raises:
            ValueError: `rounds` goes beyond the end.
        """
        left = self.total_rounds - self.rounds_done
        if not left:
            raise ValueError(f"the training of {self.total_rounds} rounds is finished")
        check_integer("rounds", rounds, 1, left)
        record, windows = self._record(rounds, self.rounds_done)
        for b, replica in enumerate(self._replicas):
            replica.play(windows, record, b)
        self.rounds_done += rounds
        return record

    def evaluate(self, rounds: int) -> Record:
        """Plays `rounds` rounds without exploration and learning.

        They go on from where the agents are; with a finite horizon in new episodes, as long as those of the training.

        Raises:
            ValueError: The training is not finished.
        """
        check_integer("rounds", rounds, 1)
        if self.rounds_done < self.total_rounds:
            raise ValueError(f"train all {self.total_rounds} rounds before you evaluate, got {self.rounds_done}")
        record, windows = self._record(rounds, 0)
        for b, replica in enumerate(self._replicas):
            replica.evaluate(windows, record, b)
        return record

    def evaluate_round(self) -> tuple[Record, Games]:
        """Plays one greedy round, as `evaluate(1)`, and tells what every agent did in it.

        Raises:
            ValueError: The training is not finished.
        """
        record = self.evaluate(1)
        played = [replica.last_game for replica in self._replicas]
        return record, Games(*(np.stack(parts) for parts in zip(*played, strict=True)))

    def state_arrays(self) -> Arrays:
        """Everything that the rest of the training depends on, as numeric arrays by name."""
        return joined_arrays(self.rounds_done, (replica.arrays() for replica in self._replicas))

    def restore(self, arrays: Mapping[str, Any]) -> None:
        """Continues from `state_arrays()` of a trainer with the same arguments, to the same bits.

        Raises:
            ValueError: The arrays are of another training.
        """
        rounds_done = check_joined(arrays, self.state_arrays(), _grows, self.total_rounds)
        for b, replica in enumerate(self._replicas):
            stored = section(arrays, f"replica{b}")
            if stored["rounds_done"] != rounds_done:
                raise ValueError(f"replica{b}.rounds_done must be rounds_done, got {stored['rounds_done']}")
            replica.restore(stored)
        self.rounds_done = rounds_done

    def tables(self, replica: int) -> QTables:
        """The live tables of one replica, which its learners share."""
        return self._replicas[replica].population.agents[0].tables

    def learned(self, replica: int) -> Arrays:
        """The tables of one replica in readable form; see `learned.learned_arrays`."""
        return learned_arrays(self._replicas[replica].population, self.config)

    def _record(self, rounds: int, first: int) -> tuple[Record, IntArray]:
        game = self.config
        record = Record.allocate(len(self.seeds), rounds, self.window, game.n_casinos, game.n_moves, first)
        return record, np.arange(first % self.window, first % self.window + rounds) // self.window


def _grows(name: str) -> bool:
    return ".tables." in name or name.endswith("generator")
