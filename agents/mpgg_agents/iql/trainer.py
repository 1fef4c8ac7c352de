"""The compiled trainer of independent Q-learning on the migratory public goods game."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Literal

import numpy as np

from mpgg_agents.iql.compiled.arrays import Trace
from mpgg_agents.iql.compiled.program import Program
from mpgg_agents.iql.compiled.replica import Replica
from mpgg_agents.iql.compiled.tables import learned_rows
from mpgg_agents.iql.config import IQLConfig
from mpgg_agents.iql.rules import GAME, MIGRATION
from mpgg_agents.record import Games, Record
from mpgg_agents.schedules import exponential_decay, fill_thresholds
from mpgg_agents.stored import Arrays, check_joined, joined_arrays, section
from mpgg_env.core.types import IntArray, UInt64Array
from mpgg_env.core.validation import check_choice, check_integer
from mpgg_env.games.mpgg.config import MPGGConfig

LAYOUTS: Final = ("auto", "grouped", "hashed")


class IQLTrainer:
    """Trains independent Q-learners in B replicas of the game, one per seed, to the same bits as `IQLAgent`s.

    Args:
        config: Rules of the game.
        agent: Hyper-parameters.
        seeds: Seed of each replica, in [0, 2**64).
        rounds: Rounds of each of the `agent.episodes` episodes.
        window: Rounds over which the casinos' measures are summed.
        threads: Threads to use; None for one per processor. It changes no result.
        layout: How tables lie in memory, "grouped" (fast for few agents), "hashed" (small for many) or "auto".
            It changes no result.
        positions: Casino of each agent at the start of every episode, (N,); None for the configured start.

    Raises:
        ValueError: An argument is out of range.
        TypeError: An argument has the wrong type.
    """

    def __init__(
        self,
        config: MPGGConfig,
        agent: IQLConfig,
        seeds: Sequence[int],
        rounds: int,
        *,
        window: int = 100,
        threads: int | None = None,
        layout: Literal["auto", "grouped", "hashed"] = "auto",
        positions: Any = None,
    ) -> None:
        check_choice("layout", layout, LAYOUTS)
        if not seeds:
            raise ValueError("seeds must name at least one seed, got none")
        self.config, self.agent = config, agent
        self.seeds = [check_integer(f"seeds[{b}]", seed, 0, 2**64 - 1) for b, seed in enumerate(seeds)]
        self.rounds = check_integer("rounds", rounds, 1)
        self.window = check_integer("window", window, 1)
        self.threads = os.cpu_count() or 1 if threads is None else check_integer("threads", threads, 1)
        self.rounds_done = 0
        self._rounds_evaluated = 0
        program = Program.of(config, agent, self.total_rounds, layout)
        start = None if positions is None else _checked_positions(positions, config)
        self._replicas = [Replica(program, seed, start) for seed in self.seeds]

    @property
    def total_rounds(self) -> int:
        """Rounds of the whole training, over all episodes."""
        return self.agent.episodes * self.rounds

    @property
    def unit(self) -> int:
        """Rounds of which `advance` takes multiples, unless it reaches the end: the window."""
        return self.window

    @property
    def epsilon(self) -> float:
        """Exploration rate of the next round."""
        agent = self.agent
        return exponential_decay(agent.eps_0, agent.decay, agent.eps_min, self.rounds_done)

    @property
    def positions(self) -> IntArray:
        """Casino of each agent, (B, N)."""
        return np.stack([replica.positions for replica in self._replicas])

    @property
    def memory_bytes(self) -> int:
        """Size of the tables' rows in use and of all indices, over all replicas, in bytes."""
        return sum(replica.memory_bytes for replica in self._replicas)

    @property
    def losses(self) -> dict[str, float]:
        """Nothing: tables have no loss."""
        return {}

    def advance(self, rounds: int) -> Record:
        """Trains every replica for `rounds` more rounds.

        Raises:
            ValueError: `rounds` goes beyond the end, or is not a multiple of the window though it does not reach it.
        """
        left = self.total_rounds - self.rounds_done
        check_integer("rounds", rounds, 1, left) if left else self._refuse_more()
        if rounds % self.window and rounds != left:
            raise ValueError(f"rounds must be a multiple of the window {self.window} or all {left} left, got {rounds}")
        first = self.rounds_done
        thresholds = np.empty(rounds, np.uint64)
        fill_thresholds(self.agent.eps_0, self.agent.decay, self.agent.eps_min, first, thresholds)
        record = self._play(thresholds, first, learns=True)
        self.rounds_done += rounds
        return record

    def evaluate(self, rounds: int) -> Record:
        """Plays `rounds` greedy rounds (no exploration, no learning) on from where the agents are.

        Raises:
            ValueError: The training is not finished.
        """
        check_integer("rounds", rounds, 1)
        if self.rounds_done < self.total_rounds:
            raise ValueError(f"train all {self.total_rounds} rounds before you evaluate, got {self.rounds_done}")
        record = self._play(np.zeros(rounds, np.uint64), self.total_rounds + self._rounds_evaluated, learns=False)
        self._rounds_evaluated += rounds
        return record

    def evaluate_round(self) -> tuple[Record, Games]:
        """Plays one greedy round, as `evaluate(1)`, and tells what every agent did in it.

        Raises:
            ValueError: The training is not finished.
        """
        positions = self.positions
        record = self.evaluate(1)
        actions, payoffs = zip(*(replica.last_games for replica in self._replicas), strict=True)
        return record, Games(positions, np.stack(actions), np.stack(payoffs))

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
            replica.restore(section(arrays, f"replica{b}"))
        self.rounds_done = rounds_done

    def tables(self, replica: int) -> Arrays:
        """The rows of one replica's tables that differ from the initial value, sorted by agent and state.

        Returns:
            `game_states` (S, 4) with columns agent, casino, n, n_C (0 for what is not observed, the smallest
            count of the bin for a binned one), `game_values` (S, 2), and `migration_states`, `migration_values`
            (S, n_moves) alike. A shared table is agent 0's.
        """
        source = self._replicas[replica]
        arrays: Arrays = {}
        for kind, name in ((GAME, "game"), (MIGRATION, "migration")):
            known = int(source.indices[kind].size[0])
            keys = source.indices[kind].by_id[:known]
            parts = [learned_rows(tables[kind], known) for tables in source.tables]
            agents = np.concatenate([part[0] + block.first for part, block in zip(parts, source.blocks, strict=True)])
            states = np.column_stack([agents, self._decoded(source, keys[np.concatenate([part[1] for part in parts])])])
            order = np.lexsort(states.T[::-1])
            arrays[f"{name}_states"] = states[order]
            arrays[f"{name}_values"] = np.concatenate([part[2] for part in parts])[order]
        return arrays

    def _play(self, thresholds: UInt64Array, first: int, *, learns: bool) -> Record:
        rounds = len(thresholds)
        record = Record.allocate(len(self.seeds), rounds, self.window, self.config.n_casinos, self.config.n_moves)
        with ThreadPoolExecutor(self.threads) as pool:
            if len(self._replicas[0].blocks) > 1:
                for b in range(len(self.seeds)):
                    self._play_replica(b, thresholds, first, record, learns, pool.map)
            else:
                list(
                    pool.map(
                        lambda b: self._play_replica(b, thresholds, first, record, learns, map), range(len(self.seeds))
                    )
                )
        return record

    def _play_replica(
        self, b: int, thresholds: UInt64Array, first: int, record: Record, learns: bool, run: Any
    ) -> None:
        """The rounds from `first` on, cut at the ends of episodes; the rounds after training belong to the last one."""
        replica, trace, done = self._replicas[b], _trace(record, b, self.window), 0
        while done < len(thresholds):
            episode, episode_round = divmod(first + done, self.rounds)
            if episode >= self.agent.episodes:
                episode_round, left = first + done - (self.agent.episodes - 1) * self.rounds, len(thresholds) - done
            else:
                left = min(self.rounds - episode_round, len(thresholds) - done)
            if learns and episode_round == 0 and episode > 0:
                replica.begin_episode()
            replica.play(thresholds[done : done + left], first + done, episode_round, trace, done, learns, run)
            done += left
            if learns and (first + done) % self.rounds == 0:
                replica.end_episode(first + done - 1)

    def _refuse_more(self) -> None:
        raise ValueError(f"the training of {self.total_rounds} rounds is finished")

    def _decoded(self, replica: Replica, keys: IntArray) -> IntArray:
        """Casino, n and n_C of state keys, (S, 3)."""
        game = replica.program.game
        smallest: IntArray = np.searchsorted(game.bins, np.arange(game.n_bins)).astype(np.int64)
        rest, cooperators = np.divmod(keys, game.n_bins)
        casino, occupancy = np.divmod(rest, game.n_bins)
        return np.column_stack([casino, smallest[occupancy], smallest[cooperators]])


def _trace(record: Record, b: int, window: int) -> Trace:
    moves = record.casino_moves[b]
    return Trace(
        cooperators=record.cooperators[b],
        welfare=record.welfare[b],
        gross=record.gross[b],
        sponsor=record.sponsor[b],
        largest=record.largest[b],
        empty=record.empty[b],
        free=record.free[b],
        free_cooperators=record.free_cooperators[b],
        seated=record.seated[b],
        squares=record.squares[b],
        casino_occupancy=record.casino_occupancy[b],
        casino_cooperators=record.casino_cooperators[b],
        casino_moves=moves.reshape(len(moves), -1),
        window=window,
    )


def _checked_positions(positions: Any, config: MPGGConfig) -> IntArray:
    given = np.asarray(positions)
    if given.dtype.kind not in "iu" or given.shape != (config.n_players,):
        raise ValueError(f"positions must be {config.n_players} integer casinos, got {given.dtype} {given.shape}")
    if given.min() < 0 or given.max() >= config.n_casinos:
        raise ValueError(f"positions must be in [0, {config.n_casinos - 1}], got {given.min()} to {given.max()}")
    return given.astype(np.int64)


def _grows(name: str) -> bool:
    return ".table" in name or ".states." in name or name.endswith("generator")
