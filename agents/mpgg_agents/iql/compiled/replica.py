"""One replica of the compiled trainer: its casinos, its blocks of agents and their tables."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from gymnasium.utils.seeding import np_random

from mpgg_agents.iql.compiled import rounds
from mpgg_agents.iql.compiled.arrays import Block, Casinos, Game, Learning, Replay, Trace
from mpgg_agents.iql.compiled.choice import LARGEST_SET, members_of_sets
from mpgg_agents.iql.compiled.tables import (
    LARGEST_LOAD,
    StateIndex,
    Table,
    index_of,
    largest_fill,
    new_index,
    new_table,
    restored_table,
    table_arrays,
    with_room,
)
from mpgg_agents.iql.config import IQLConfig
from mpgg_agents.iql.rules import GAME, MIGRATION, bin_edges
from mpgg_env.core.types import BoolArray, IntArray, UInt64Array
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.rules import GAME_ACTIONS, casino_costs, casino_gains, destinations, initial_positions

Arrays = dict[str, np.ndarray[Any, Any]]
Map = Callable[[Callable[[int], None], Iterable[int]], Iterable[None]]

LARGEST_GROUPED: Final = 512  # agents up to which the grouped layout is the faster one
LARGEST_BLOCK: Final = 2**16  # a growing table needs its old and its new memory at once, of one block only
# First sizes. Untouched pages cost no memory, and a table that need not grow is not copied.
FIRST_GROUPED_VALUES: Final = 2**22
FIRST_VISITS: Final = 256
PARTS: Final = {"m": 1, "m_n": 2, "m_n_nC": 3}
AGENT_ARRAYS: Final = (
    "positions",
    "payoffs",
    "games",
    "game_states",
    "game_entries",
    "moves",
    "move_states",
    "move_entries",
    "history",
    "earned",
)


@dataclass(frozen=True, slots=True)
class Program:
    """What all replicas of a training have in common, in the kernels' form."""

    config: MPGGConfig
    agent: IQLConfig
    game: Game
    learning: Learning
    orders: tuple[Any, Any]
    rounds: int
    hashed: bool
    n_blocks: int

    @classmethod
    def of(cls, config: MPGGConfig, agent: IQLConfig, rounds: int, layout: str) -> "Program":
        """Translates the configurations; `rounds` is the length of the training, `layout` "auto" or a layout's name."""
        shared = agent.table == "shared"
        hashed = not shared and (layout == "hashed" or (layout == "auto" and config.n_players > LARGEST_GROUPED))
        n_blocks = 1 if shared else -(-config.n_players // LARGEST_BLOCK)
        orders = (
            _order(agent.game_order, len(GAME_ACTIONS), agent.tie),
            _order(agent.move_order, config.n_moves, agent.tie),
        )
        return cls(config, agent, _game(config, agent), _learning(agent), orders, rounds, hashed, n_blocks)

    @property
    def widths(self) -> tuple[int, int]:
        """Number of game actions and of moves."""
        return len(GAME_ACTIONS), self.config.n_moves


class Replica:
    """The state of one replica, and the round that advances it. Results do not depend on blocks or threads.

    Args:
        program: What is trained.
        seed: Seed of the replica.
        positions: Casino of each agent at the start of every episode; None for the configured start.
    """

    def __init__(self, program: Program, seed: int, positions: IntArray | None) -> None:
        self.program, self.seed = program, seed
        self._start = positions
        self.generator = np_random(seed)[0]
        config, n_casinos = program.config, program.config.n_casinos
        self.casinos = Casinos(
            occupancy=np.zeros(n_casinos, np.int64),
            cooperators=np.zeros(n_casinos, np.int64),
            present=np.zeros(n_casinos, np.int64),
            payoffs=np.zeros(2 * n_casinos),
            game_states=np.zeros(n_casinos, np.uint32),
            move_states=np.zeros(n_casinos, np.uint32),
        )
        self.indices: list[StateIndex] = [new_index(6), new_index(6)]
        bounds = np.linspace(0, config.n_players, program.n_blocks + 1).astype(int).tolist()
        self.blocks = [_block(program, first, end) for first, end in pairwise(bounds)]
        self.tables: list[list[Table]] = [self._new_tables(block) for block in self.blocks]
        self.begin_episode()

    def begin_episode(self) -> None:
        """Puts the agents at the start; tables stay."""
        positions = initial_positions(self.program.config, self.generator) if self._start is None else self._start
        for block in self.blocks:
            block.positions[:] = positions[block.first : block.first + len(block.positions)]
        self.casinos.occupancy[:] = np.bincount(positions, minlength=self.program.config.n_casinos)
        self.casinos.present[:] = 0

    @property
    def positions(self) -> IntArray:
        """Casino of each agent, (N,)."""
        return np.concatenate([block.positions for block in self.blocks]).astype(np.int64)

    @property
    def memory_bytes(self) -> int:
        """Size of the tables' rows in use and of all indices, in bytes."""
        index_bytes = sum(part.nbytes for index in self.indices for part in index)
        table_bytes = sum(
            part.nbytes
            for tables in self.tables
            for table, index in zip(tables, self.indices, strict=True)
            for part in table_arrays(table, int(index.size[0])).values()
        )
        return index_bytes + table_bytes

    def play(
        self,
        thresholds: UInt64Array,
        first_round: int,
        episode_round: int,
        trace: Trace,
        row: int,
        learns: bool,
        run: Map,
    ) -> None:
        """Plays `len(thresholds)` rounds within an episode; `run` maps a function over the blocks."""
        if len(self.blocks) > 1:
            for t in range(len(thresholds)):
                self._play_blocks(thresholds[t], first_round + t, episode_round + t, trace, row + t, learns, run)
            return
        done = 0
        while done < len(thresholds):
            self._make_room()
            played = rounds.play_rounds(
                self.program.game,
                self.program.learning,
                self.casinos,
                (self.indices[GAME], self.indices[MIGRATION]),
                (self.tables[0][GAME], self.tables[0][MIGRATION]),
                self.blocks[0],
                trace,
                thresholds[done:],
                self.program.orders,
                np.uint64(self.seed),
                first_round + done,
                episode_round + done,
                row + done,
                learns,
                (largest_fill(self.tables[0][GAME]), largest_fill(self.tables[0][MIGRATION])),
            )
            done += played

    def end_episode(self, last_round: int) -> None:
        """Drops the pending transitions, or applies the last games under `flush_last`."""
        if not self.program.agent.flush_last:
            return
        self._make_room()
        rounds.open_round(self.program.game, self.casinos, self.indices[GAME])
        for block, tables in zip(self.blocks, self.tables, strict=True):
            rounds.flush_games(
                self.program.learning, self.casinos, tables[GAME], block, np.uint64(self.seed), last_round
            )

    def arrays(self) -> Arrays:
        """Everything that the rest of the training depends on, as numeric arrays by name."""
        arrays: Arrays = {
            "generator": np.frombuffer(json.dumps(self.generator.bit_generator.state).encode(), np.uint8),
            "present": self.casinos.present,
        }
        for kind, index in enumerate(self.indices):
            arrays[f"states.{kind}"] = index.by_id[: index.size[0]]
        for b, (block, tables) in enumerate(zip(self.blocks, self.tables, strict=True)):
            arrays |= {f"block{b}.{name}": getattr(block, name) for name in AGENT_ARRAYS}
            for kind, replay in enumerate((block.game_replay, block.move_replay)):
                arrays |= {f"block{b}.replay{kind}.{name}": part for name, part in replay._asdict().items()}
                parts = table_arrays(tables[kind], int(self.indices[kind].size[0]))
                arrays |= {f"block{b}.table{kind}.{name}": part for name, part in parts.items()}
        return arrays

    def restore(self, arrays: Mapping[str, Any]) -> None:
        """The inverse of `arrays`; the caller has checked that the names, shapes and types fit."""
        self.generator.bit_generator.state = json.loads(bytes(arrays["generator"]))
        self.casinos.present[:] = arrays["present"]
        self.indices = [index_of(arrays[f"states.{kind}"], self.program.config.n_casinos) for kind in (GAME, MIGRATION)]
        for b, block in enumerate(self.blocks):
            for name in AGENT_ARRAYS:
                getattr(block, name)[:] = arrays[f"block{b}.{name}"]
            for kind, replay in enumerate((block.game_replay, block.move_replay)):
                for name, part in replay._asdict().items():
                    part[:] = arrays[f"block{b}.replay{kind}.{name}"]
                self.tables[b][kind] = restored_table(
                    self.tables[b][kind], arrays[f"block{b}.table{kind}.values"], arrays[f"block{b}.table{kind}.places"]
                )
        self.casinos.occupancy[:] = np.bincount(self.positions, minlength=self.program.config.n_casinos)

    def _play_blocks(
        self, threshold: np.uint64, step: int, episode_round: int, trace: Trace, row: int, learns: bool, run: Map
    ) -> None:
        """One round of several blocks: the same five steps as `rounds.play_rounds`."""
        program, casinos = self.program, self.casinos
        seed = np.uint64(self.seed)

        def play_games(b: int) -> None:
            table = self.tables[b][GAME] = self._roomy(self.tables[b][GAME], GAME)
            rounds.play_games(
                program.learning,
                casinos,
                table,
                self.blocks[b],
                threshold,
                program.orders[GAME],
                seed,
                step,
                episode_round,
                learns,
            )

        def play_migrations(b: int) -> None:
            self.tables[b][MIGRATION] = self._roomy(self.tables[b][MIGRATION], MIGRATION)
            rounds.play_migrations(
                program.game,
                program.learning,
                casinos,
                (self.tables[b][GAME], self.tables[b][MIGRATION]),
                self.blocks[b],
                threshold,
                program.orders[MIGRATION],
                seed,
                step,
                episode_round,
                learns,
            )

        self._make_index_room()
        rounds.open_round(program.game, casinos, self.indices[GAME])
        list(run(play_games, range(len(self.blocks))))
        casinos.cooperators[:] = sum(block.cooperators for block in self.blocks)
        rounds.settle_games(program.game, casinos, self.indices[MIGRATION], trace, row)
        list(run(play_migrations, range(len(self.blocks))))
        flows = np.sum([block.flows for block in self.blocks], axis=0)
        trace.casino_moves[row // trace.window] += flows
        rounds.close_round(program.game, casinos, flows, np.sum([block.arrived for block in self.blocks], axis=0))

    def _make_room(self) -> None:
        """Makes room for whatever one round may add."""
        self._make_index_room()
        for tables in self.tables:
            for kind in (GAME, MIGRATION):
                tables[kind] = self._roomy(tables[kind], kind)

    def _make_index_room(self) -> None:
        n_casinos = self.program.config.n_casinos
        for kind, index in enumerate(self.indices):
            known = int(index.size[0])
            if 2 * (known + n_casinos) > len(index.keys):
                self.indices[kind] = index_of(index.by_id[:known], known + n_casinos)

    def _roomy(self, table: Table, kind: int) -> Table:
        return with_room(table, int(self.indices[kind].size[0]), self.program.config.n_casinos)

    def _new_tables(self, block: Block) -> list[Table]:
        agent, hashed = self.program.agent, self.program.hashed
        columns = 1 if agent.table == "shared" else len(block.positions)
        # An agent sees at most one new state per round, so that a short run never grows.
        visits = min(FIRST_VISITS, self.program.rounds + 2)
        slots = int(visits / LARGEST_LOAD) + 2 if hashed else 0
        return [
            new_table(
                columns, width, self._capacity(columns, width, visits), slots, hashed, agent.dtype, agent.initial_value
            )
            for width in self.program.widths
        ]

    def _capacity(self, columns: int, width: int, visits: int) -> int:
        if self.program.hashed:
            return columns * visits
        return max(2 * self.program.config.n_casinos, FIRST_GROUPED_VALUES // (columns * width))


def _order(order: tuple[int, ...] | None, n_actions: int, tie: str) -> Any:
    """The order that breaks ties; a tuple for small sets, whose length the compiler then knows."""
    if order is not None and len(order) != n_actions:
        raise ValueError(f"an action order must have all {n_actions} actions, got {order}")
    natural = tuple(range(n_actions)) if order is None else order
    directed = natural[::-1] if tie == "last" else natural
    return directed if n_actions <= LARGEST_SET else np.array(directed)


def _game(config: MPGGConfig, agent: IQLConfig) -> Game:
    reached, legal = destinations(config)
    edges = bin_edges(agent.count_bins, agent.bin_ratio, config.n_players)
    bins = np.searchsorted(edges, np.arange(config.n_players + 1), side="right") - 1
    return Game(
        cost=casino_costs(config),
        gain=casino_gains(config),
        destinations=reached.reshape(-1).astype(np.uint32),
        legal_moves=_bit_sets(legal),
        restricted=not bool(legal.all()),
        pays_cost=config.payoff == "text",
        min_players=config.min_players,
        bins=bins.astype(np.int32),
        n_bins=len(edges),
        game_sees=PARTS[config.obs_game],
        migration_sees=PARTS[config.obs_migration],
    )


def _bit_sets(legal: BoolArray) -> UInt64Array:
    """The legal moves of each casino as a bit set, (M,); zeros for large sets of moves, which are all legal."""
    if legal.shape[1] > LARGEST_SET:
        return np.zeros(len(legal), np.uint64)
    bits: UInt64Array = (legal << np.arange(legal.shape[1])).sum(axis=1).astype(np.uint64)
    return bits


def _learning(agent: IQLConfig) -> Learning:
    shared = agent.table == "shared"
    return Learning(
        eta=agent.eta,
        gamma=agent.gamma,
        sarsa=agent.target == "sarsa",
        random_ties=agent.tie == "random",
        before_act=agent.update == "before_act",
        online=agent.learns_online and not shared,
        shared=shared,
        past_mean=agent.move_reward == "past_mean",
        capacity=agent.capacity,
        batch_size=agent.batch_size,
        members=members_of_sets(),
    )


def _block(program: Program, first: int, end: int) -> Block:
    n, agent, (n_casinos, n_moves) = end - first, program.agent, (program.config.n_casinos, program.config.n_moves)
    past_mean = agent.move_reward == "past_mean"
    online = program.learning.online
    capacity = 0 if online else agent.capacity

    def integers(size: int = n) -> Any:
        return np.zeros(size, np.uint32)

    def indices(size: int) -> Any:
        return np.zeros(size, np.uint64)

    return Block(
        first=first,
        positions=integers(),
        words=np.zeros((4, n), np.uint32),
        payoffs=np.zeros(n),
        games=integers(),
        game_states=integers(0 if online else n),
        game_entries=indices(n if online else 0),
        moves=integers(0 if online else n),
        move_states=integers(0 if online else n),
        move_entries=indices(n if online else 0),
        rows=indices(n),
        history=np.zeros((n, agent.move_reward_window if past_mean else 0)),
        earned=np.zeros(n if past_mean else 0),
        game_replay=_replay(n, capacity),
        move_replay=_replay(n, capacity),
        cooperators=np.zeros(n_casinos, np.int64),
        flows=np.zeros(n_casinos * n_moves, np.int64),
        arrived=np.zeros(n_casinos, np.int64),
    )


def _replay(n: int, capacity: int) -> Replay:
    shape = (n, capacity)
    return Replay(
        states=np.zeros(shape, np.uint32),
        actions=np.zeros(shape, np.uint32),
        rewards=np.zeros(shape),
        next_states=np.zeros(shape, np.uint32),
        next_legal=np.zeros(shape, np.uint64),
        next_actions=np.zeros(shape, np.uint32),
        stored=np.zeros(n if capacity else 0, np.int64),
    )
