"""One replica of the compiled trainer: its casinos, its blocks of agents and their tables."""

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any, Final

import numpy as np
from gymnasium.utils.seeding import np_random

from mpgg_agents.iql.compiled import rounds
from mpgg_agents.iql.compiled.allocation import new_block, new_casinos, new_tables
from mpgg_agents.iql.compiled.arrays import Trace
from mpgg_agents.iql.compiled.checks import check_stored
from mpgg_agents.iql.compiled.program import Program
from mpgg_agents.iql.compiled.tables import (
    StateIndex,
    Table,
    index_of,
    largest_fill,
    new_index,
    restored_table,
    table_arrays,
    with_room,
)
from mpgg_agents.iql.rules import GAME, MIGRATION
from mpgg_agents.stored import Arrays, generator_array, stored_generator
from mpgg_env.core.types import IntArray, UInt64Array
from mpgg_env.games.mpgg.rules import initial_positions

Map = Callable[[Callable[[int], None], Iterable[int]], Iterable[None]]

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
        self.casinos = new_casinos(n_casinos)
        self.indices: list[StateIndex] = [new_index(6), new_index(6)]
        bounds = np.linspace(0, config.n_players, program.n_blocks + 1).astype(int).tolist()
        self.blocks = [new_block(program, first, end) for first, end in pairwise(bounds)]
        self.tables: list[list[Table]] = [new_tables(program, len(block.positions)) for block in self.blocks]
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
            "generator": generator_array(self.generator),
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
        """The inverse of `arrays`; the caller has checked that the names, shapes and types fit.

        Raises:
            ValueError: A number is out of its range; nothing is changed.
        """
        check_stored(arrays, self.program, len(self.blocks))
        self.generator = stored_generator(arrays["generator"])
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
        if program.game.rules.terms.limits:
            rounds.seat_all(program.game, casinos)
            for block in self.blocks:
                rounds.seat_block(casinos, block, seed, step)
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
