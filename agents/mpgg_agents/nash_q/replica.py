"""One replica of the migratory public goods game with its Nash Q-learners, and how it is stored."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from mpgg_agents.engine_state import engine_arrays, note_game, restore_engine
from mpgg_agents.nash_q.config import NashQConfig
from mpgg_agents.nash_q.training import MPGG_ROUND_STEPS, NashQPopulation
from mpgg_agents.record import Games, Record
from mpgg_agents.stored import Arrays, section
from mpgg_env.core.types import IntArray
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.env import MPGGParallelEnv

ENDLESS: Final = 2**62


class Replica:
    """One game with its learners, who share one set of tables.

    Args:
        config: Rules of the game.
        agent: Hyper-parameters.
        seed: Seed of the game and of the learners.
        rounds: Rounds of each episode.

    Attributes:
        last_game: The last game, (N,) each; empty before the first one.
    """

    def __init__(self, config: MPGGConfig, agent: NashQConfig, seed: int, rounds: int) -> None:
        self.rounds = rounds
        self.env = MPGGParallelEnv(config)
        self.env.max_cycles = ENDLESS  # episodes are ended here, and greedy rounds follow the last one
        self.population = NashQPopulation(self.env, agent, seed, shared=True)
        self.rounds_done = 0
        self.last_game = Games(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
        self.population.begin_episode(seed)

    def play(self, windows: IntArray, record: Record, b: int) -> None:
        """Plays rounds and notes them as replica `b` of the record.

        Args:
            windows: The window of the record that each round belongs to, (rounds,).
            record: The record.
            b: Index of this replica.
        """
        for t, window in enumerate(windows.tolist()):
            if self.rounds_done and self.rounds_done % self.rounds == 0 and self._begins_anew():
                self.population.begin_episode()
            self._play_round(record, (b, t), window)
            self.rounds_done += 1

    def evaluate(self, windows: IntArray, record: Record, b: int) -> None:
        """Plays rounds without exploration and learning, and notes them."""
        if self.population.learns:
            self.population.greedy()
            self.rounds_done = 0
            if self._begins_anew():
                self.population.begin_episode()
        self.play(windows, record, b)

    def _begins_anew(self) -> bool:
        """Greedy rounds go on with the last episode, unless the tables know nothing of what comes after its end."""
        return self.population.learns or self.population.config.horizon == "finite"

    def _play_round(self, record: Record, place: tuple[int, int], window: int) -> None:
        payoffs = self.population.play_step().rewards
        engine, state = self.env.engine, self.env.engine.state
        note_game(record, place, window, engine, payoffs)
        casinos = state.positions[0].copy()
        self.last_game = Games(casinos, state.last_actions[0].astype(np.int64), payoffs)
        moves = self.population.play_step(last=(self.rounds_done + 1) % self.rounds == 0).actions
        record.note_moves(place[0], window, casinos, moves)

    def arrays(self) -> Arrays:
        """Everything that the rest of the training depends on, as new numeric arrays by name."""
        arrays: Arrays = {"rounds_done": np.array(self.rounds_done, np.int64), **engine_arrays(self.env.engine)}
        tables = self.population.agents[0].tables.arrays()
        arrays |= {f"tables.{name}": array for name, array in tables.items()}
        return {name: np.array(array) for name, array in arrays.items()}

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """The inverse of `arrays`; the names, types and shapes have been checked.

        Raises:
            ValueError: A number is out of its range.
        """
        engine, population = self.env.engine, self.population
        restore_engine(engine, arrays, int(arrays["rounds_done"]))
        population.agents[0].tables.restore(section(arrays, "tables"), population.n_actions, population.key_bytes)
        self.rounds_done = int(arrays["rounds_done"])
        done_in_episode = (
            self.rounds_done - (self.rounds_done - 1) // self.rounds * self.rounds if self.rounds_done else 0
        )
        masks = engine.action_masks()[0]
        names = population.names
        population.resume(
            dict(zip(names, engine.observer.observe(engine.state)[0], strict=True)),
            {name: {"action_mask": mask} for name, mask in zip(names, masks, strict=True)},
            MPGG_ROUND_STEPS * self.rounds_done,
            MPGG_ROUND_STEPS * done_in_episode,
        )
