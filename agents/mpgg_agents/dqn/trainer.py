"""The trainer of deep Q-learning on the array engine of the migratory public goods game."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from mpgg_agents.dqn.agent import DQNAgents, has_illegal_moves
from mpgg_agents.dqn.config import DQNConfig
from mpgg_agents.dqn.network import Arrays
from mpgg_agents.record import Record
from mpgg_env.core.types import IntArray
from mpgg_env.core.validation import check_integer
from mpgg_env.games.mpgg import kernels
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.observation import upper_bounds
from mpgg_env.games.mpgg.snapshot import generator_of
from mpgg_env.games.mpgg.state import check_array
from mpgg_env.games.mpgg.vector import MPGGVectorEnv

ENDLESS = 2**62


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

        Raises:
            ValueError: `rounds` goes beyond the end, or is not a multiple of the window though it does not reach it.
            TrainingError: A loss or a weight is not finite.
        """
        left = self.total_rounds - self.rounds_done
        if not left:
            raise ValueError(f"the training of {self.total_rounds} rounds is finished")
        check_integer("rounds", rounds, 1, left)
        if rounds % self.window and rounds != left:
            raise ValueError(f"rounds must be a multiple of the window {self.window} or all {left} left, got {rounds}")
        record = self._play(rounds)
        self.rounds_done += rounds
        for replica in self._replicas:
            replica.agents.check_finite()
        return record

    def evaluate(self, rounds: int) -> Record:
        """Plays `rounds` greedy rounds (no exploration, no learning) on from where the agents are.

        Raises:
            ValueError: The training is not finished.
        """
        check_integer("rounds", rounds, 1)
        if self.rounds_done < self.total_rounds:
            raise ValueError(f"train all {self.total_rounds} rounds before you evaluate, got {self.rounds_done}")
        for replica in self._replicas:
            replica.agents.learns = False
        return self._play(rounds)

    def state_arrays(self) -> Arrays:
        """Everything that the rest of the training depends on, as numeric arrays by name.

        Raises:
            TrainingError: A weight is not finite.
        """
        arrays: Arrays = {"rounds_done": np.array(self.rounds_done, np.int64)}
        for b, replica in enumerate(self._replicas):
            arrays |= {f"replica{b}.{name}": np.array(array) for name, array in replica.arrays().items()}
        return arrays

    def restore(self, arrays: Mapping[str, Any]) -> None:
        """Continues from `state_arrays()` of a trainer with the same arguments, to the same bits.

        Raises:
            ValueError: The arrays are of another training.
        """
        _check_like(arrays, self.state_arrays())
        check_integer("rounds_done", int(arrays["rounds_done"]), 0, self.total_rounds)
        for b, replica in enumerate(self._replicas):
            start = f"replica{b}."
            if arrays[f"{start}round"] != arrays["rounds_done"]:
                raise ValueError(f"{start}round must be rounds_done, got {arrays[f'{start}round']}")
            replica.restore({name.removeprefix(start): a for name, a in arrays.items() if name.startswith(start)})
        self.rounds_done = int(arrays["rounds_done"])

    def agents(self, replica: int) -> DQNAgents:
        """The live agents of one replica."""
        return self._replicas[replica].agents

    def networks(self, replica: int) -> Arrays:
        """The weights of one replica's networks: `Q_G.online.<name>`, `Q_G.target.<name>`, and those of `Q_M` alike.

        Independent networks are stacked, the first axis being the agent.
        """
        return self._replicas[replica].agents.weights()

    def _play(self, rounds: int) -> Record:
        record = Record.allocate(len(self.seeds), rounds, self.window, self.config.n_casinos, self.config.n_moves)
        # The calls for one pair of networks are so short that threads would only take the interpreter from each other:
        # two were slower than one. Those for N pairs are long and run without it.
        threads = 1 if self.agent.sharing == "shared" else self.threads
        with _one_thread_each(), ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda b: self._replicas[b].play(rounds, record, b, self.window), range(len(self.seeds))))
        return record


class Replica:
    """One game with its agents."""

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

    def play(self, rounds: int, record: Record, b: int, window: int) -> None:
        """Plays rounds and notes them as replica `b` of the record."""
        agents = self.agents
        for t in range(rounds):
            if agents.learns and agents.round and agents.round % self.rounds == 0:
                self._observations = self.engine.reset()[0]
                agents.begin_episode()
            self._play_round(record, (b, t), t // window)

    def _play_round(self, record: Record, place: tuple[int, int], window: int) -> None:
        agents, engine = self.agents, self.engine
        agents.see_games(self._observations[0])
        observations, rewards, _, _, infos = engine.step(agents.choose_games()[None])
        state = engine.state
        record.note_game(place, window, state.occupancy[0], state.cooperators[0], engine.gain, rewards[0])
        agents.receive(rewards[0])
        agents.see_migration(observations[0], infos["action_mask"][0])
        casinos, moves = state.positions[0].copy(), agents.choose_moves()
        self._observations = engine.step(moves[None])[0]
        record.note_moves(place[0], window, casinos, moves)
        agents.end_round()

    def arrays(self) -> Arrays:
        """Everything that the rest of the training depends on, as numeric arrays by name."""
        generator = json.dumps(self.engine.generators[0].bit_generator.state).encode()
        return {
            "generator": np.frombuffer(generator, np.uint8),
            "positions": self.engine.state.positions,
            "last_actions": self.engine.state.last_actions,
            **self.agents.arrays(),
        }

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """The inverse of `arrays`; the names, types and shapes have been checked.

        Raises:
            ValueError: A number is out of its range.
        """
        engine = self.engine
        state = engine.state.copy()
        state.positions[:], state.last_actions[:] = arrays["positions"], arrays["last_actions"]
        check_array("positions", state.positions, np.int64, state.positions.shape, self.engine.config.n_casinos - 1)
        check_array("last_actions", state.last_actions, np.int8, state.positions.shape, 1)
        kernels.count(state.positions, state.last_actions, state.occupancy, state.cooperators)
        engine.generators[0] = _stored_generator(arrays["generator"])
        engine.restore(state, 0, engine.illegal, ended=False)
        self.agents.restore(arrays)
        self._observations = engine.observer.observe(state)


def _stored_generator(stored: np.ndarray[Any, Any]) -> np.random.Generator:
    try:
        state = json.loads(bytes(stored))
    except ValueError:
        raise ValueError("generator must be the JSON state of a PCG64, got other bytes") from None
    return generator_of({"generator": state})


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Lets numpy and torch use one thread per replica.

    Products of this size gain nothing from more, the threads of one would wait busily for those of another, and the
    bits could depend on their number.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def _check_like(arrays: Mapping[str, Any], own: Arrays) -> None:
    """Raises ValueError unless the names, types and fixed sizes agree with those of this training."""
    if set(arrays) != set(own):
        raise ValueError(f"the arrays are of another training: {', '.join(sorted(set(arrays) ^ set(own))[:3])} ...")
    for name, array in own.items():
        given = np.asarray(arrays[name])
        grows = (".replay." in name and not name.endswith("counters")) or name.endswith("generator")
        same_shape = (
            given.shape[1:] == array.shape[1:] and given.ndim == array.ndim if grows else given.shape == array.shape
        )
        if given.dtype != array.dtype or not same_shape:
            raise ValueError(
                f"{name} must be {array.dtype} {array.shape}, got {given.dtype} {given.shape}: of another training"
            )
