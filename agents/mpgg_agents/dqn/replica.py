"""One replica of the game with its deep Q-learners, and how it is stored."""

import threading
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from mpgg_agents.dqn.agent import DQNAgents, has_illegal_moves
from mpgg_agents.dqn.config import DQNConfig
from mpgg_agents.engine_state import engine_arrays, note_game, restore_engine
from mpgg_agents.record import Record
from mpgg_agents.stored import Arrays
from mpgg_env.core.types import IntArray
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.observation import upper_bounds
from mpgg_env.games.mpgg.vector import MPGGVectorEnv

ENDLESS: Final = 2**62


class Replica:
    """One game on the array engine with its agents.

    Args:
        config: Rules of the game.
        agent: Hyper-parameters.
        seed: Seed of the game and of the agents.
        rounds: Rounds of each episode.
    """

    def __init__(self, config: MPGGConfig, agent: DQNConfig, seed: int, rounds: int) -> None:
        self.rounds = rounds
        self.engine = MPGGVectorEnv(config)
        self.engine.max_cycles = ENDLESS  # episodes are ended here, and greedy rounds follow the last one
        self.agents = DQNAgents(
            agent,
            upper_bounds(config),
            config.n_players,
            self.engine.n_actions,
            seed,
            restricted=has_illegal_moves(config),
        )
        self._observations = self.engine.reset([seed])[0]

    def play(self, windows: IntArray, record: Record, b: int, stop: threading.Event) -> None:
        """Plays rounds and notes them as replica `b` of the record.

        Args:
            windows: The window of the record that each round belongs to, (rounds,).
            record: The record.
            b: Index of this replica.
            stop: When it is set, this returns after the round that is being played.
        """
        agents = self.agents
        for t, window in enumerate(windows.tolist()):
            if stop.is_set():
                return
            if agents.learns and agents.round and agents.round % self.rounds == 0:
                self._observations = self.engine.reset()[0]
                agents.begin_episode()
            self._play_round(record, (b, t), window)

    def _play_round(self, record: Record, place: tuple[int, int], window: int) -> None:
        agents, engine = self.agents, self.engine
        agents.see_games(self._observations[0])
        observations, rewards, _, _, infos = engine.step(agents.choose_games()[None])
        note_game(record, place, window, engine, rewards[0])
        agents.receive(rewards[0])
        agents.see_migration(observations[0], infos["action_mask"][0])
        casinos, moves = engine.state.positions[0].copy(), agents.choose_moves()
        self._observations = engine.step(moves[None])[0]
        record.note_moves(place[0], window, casinos, moves)
        agents.end_round()

    def arrays(self) -> Arrays:
        """Everything that the rest of the training depends on, as new numeric arrays by name."""
        arrays = {**engine_arrays(self.engine), **self.agents.arrays()}
        return {name: np.array(array) for name, array in arrays.items()}

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """The inverse of `arrays`; the names, types and shapes have been checked.

        Raises:
            ValueError: A number is out of its range.
        """
        restore_engine(self.engine, arrays, int(arrays["round"]))
        self.agents.restore(arrays)
        self._observations = self.engine.observer.observe(self.engine.state)
