"""The trainer of deep Q-learning on the array engine of the migratory public goods game."""

import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from mpgg_agents.dqn.agent import DQNAgents
from mpgg_agents.dqn.config import DQNConfig
from mpgg_agents.dqn.replica import Replica
from mpgg_agents.record import Games, Record
from mpgg_agents.stored import Arrays, check_joined, joined_arrays, section
from mpgg_agents.threads import limited_threads
from mpgg_env.core.types import IntArray
from mpgg_env.core.validation import check_integer
from mpgg_env.games.mpgg.config import MPGGConfig


class DQNTrainer:
    """Trains deep Q-learners in B replicas of the game, one per seed, each with networks of its own.

    Args:
        config: Rules of the game.
        agent: Hyper-parameters.
        seeds: Seed of each replica, in [0, 2**64).
        rounds: Rounds of each of the `agent.episodes` episodes.
        window: Rounds over which the casinos' measures are summed.
        threads: Replicas of independent agents at a time; None for one per processor. It changes no result. Replicas
            of shared networks are played one after the other.

    Raises:
        ValueError: An argument is out of range, or the device is unknown or not there.
        TypeError: An argument has the wrong type.
    """

    def __init__(
        self,
        config: MPGGConfig,
        agent: DQNConfig,
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
        self.threads = os.cpu_count() or 1 if threads is None else check_integer("threads", threads, 1)
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
        return self._replicas[0].agents.epsilon

    @property
    def positions(self) -> IntArray:
        """Casino of each agent, (B, N)."""
        return np.concatenate([replica.engine.state.positions for replica in self._replicas])

    @property
    def losses(self) -> dict[str, float]:
        """Mean over the replicas of the newest loss of Q_G and of Q_M, as far as they have learned."""
        names = self._replicas[0].agents.losses
        return {name: float(np.mean([replica.agents.losses[name] for replica in self._replicas])) for name in names}

    @property
    def gradient_steps(self) -> int:
        """Gradient steps of Q_G and of Q_M so far, over all replicas; N independent networks count as one."""
        networks = [networks for replica in self._replicas for networks in (replica.agents.Q_G, replica.agents.Q_M)]
        return sum(network.replay.batches_drawn for network in networks)

    def advance(self, rounds: int) -> Record:
        """Trains every replica for `rounds` more rounds.

        The windows of the record are those of the whole training: one that begins within a window has its first one
        shorter.

        Raises:
            ValueError: `rounds` goes beyond the end.
            TrainingError: A loss or a weight is not finite.
        """
        left = self.total_rounds - self.rounds_done
        if not left:
            raise ValueError(f"the training of {self.total_rounds} rounds is finished")
        check_integer("rounds", rounds, 1, left)
        record = self._play(rounds, self.rounds_done)
        self.rounds_done += rounds
        for replica in self._replicas:
            replica.agents.check_finite()
        return record

    def evaluate(self, rounds: int) -> Record:
        """Plays `rounds` greedy rounds (no exploration, no learning) on from where the agents are, who learn no more.

        Raises:
            ValueError: The training is not finished.
        """
        check_integer("rounds", rounds, 1)
        if self.rounds_done < self.total_rounds:
            raise ValueError(f"train all {self.total_rounds} rounds before you evaluate, got {self.rounds_done}")
        for replica in self._replicas:
            replica.agents.learns = False
        return self._play(rounds, 0)

    def evaluate_round(self) -> tuple[Record, Games]:
        """Plays one greedy round, as `evaluate(1)`, and tells what every agent did in it.

        Raises:
            ValueError: The training is not finished.
        """
        positions = self.positions
        record = self.evaluate(1)
        actions = np.concatenate([replica.engine.state.last_actions for replica in self._replicas])
        payoffs = np.stack([replica.agents.payoffs for replica in self._replicas])
        return record, Games(positions, actions.astype(np.int64), payoffs)

    def state_arrays(self) -> Arrays:
        """Everything that the rest of the training depends on, as numeric arrays by name.

        Raises:
            TrainingError: A weight is not finite.
        """
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

    def agents(self, replica: int) -> DQNAgents:
        """The live agents of one replica."""
        return self._replicas[replica].agents

    def networks(self, replica: int) -> Arrays:
        """The weights of one replica's networks: `Q_G.online.<name>`, `Q_G.target.<name>`, and those of `Q_M` alike.

        Independent networks are stacked, the first axis being the agent.
        """
        return self._replicas[replica].agents.weights()

    def _play(self, rounds: int, first: int) -> Record:
        game, seeds = self.config, range(len(self.seeds))
        record = Record.allocate(len(seeds), rounds, self.window, game.n_casinos, game.n_moves, first)
        windows = np.arange(first % self.window, first % self.window + rounds) // self.window
        # The calls for one pair of networks are so short that threads would only take the interpreter from each other:
        # two were slower than one. Those for N pairs are long and run without it.
        threads = 1 if self.agent.sharing == "shared" else self.threads
        stop = threading.Event()
        with limited_threads(), ThreadPoolExecutor(threads) as pool:
            tasks = [pool.submit(self._replicas[b].play, windows, record, b, stop) for b in seeds]
            try:
                for task in tasks:
                    task.result()
            except BaseException:
                stop.set()  # or the other replicas would play on to the end of their rounds before anybody hears of it
                raise
        return record


def _grows(name: str) -> bool:
    return (".replay." in name and not name.endswith("counters")) or name.endswith("generator")
