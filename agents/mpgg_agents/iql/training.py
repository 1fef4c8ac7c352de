"""Trains `IQLAgent`s on any two-phase PettingZoo `ParallelEnv`, freely or along recorded actions."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from pettingzoo.utils.env import ParallelEnv

from mpgg_agents.iql.agent import N_GAME_ACTIONS, IQLAgent, Legal, ObservationKeys, QTable
from mpgg_agents.iql.config import IQLConfig
from mpgg_agents.iql.rules import OBSERVED_PARTS
from mpgg_agents.record import RoundResult
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.core.validation import check_integer
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.env import MPGGParallelEnv

Env = ParallelEnv[str, Any, Any]
Table = dict[tuple[int, ...], FloatArray]
KEY_SLOTS: Final = (2, 3, 6, 7)  # row, column, n and n_C in the observation


class AgentTables(NamedTuple):
    """The non-zero rows of one agent's tables, by `(casino, n)` and `(casino, n, n_C)` or what it observes of them."""

    game: Table
    migration: Table


class IQLPopulation:
    """The independent learners of one environment, one `IQLAgent` per agent.

    Args:
        env: A two-phase environment in which game actions are 0 and 1, with `action_mode="masked"`.
        config: Hyper-parameters of every agent.
        seed: Seed of the run, for the environment and the agents.
    """

    def __init__(self, env: Env, config: IQLConfig, seed: int) -> None:
        self.env, self.config = env, config
        self.seed = check_integer("seed", seed, 0, 2**64 - 1)
        self.n_moves = int(env.action_space(env.possible_agents[0]).n)  # type: ignore[attr-defined]
        shared = (QTable(N_GAME_ACTIONS, config), QTable(self.n_moves, config)) if config.table == "shared" else None
        self.agents = {
            name: IQLAgent(index, self.n_moves, config, self.seed, shared)
            for index, name in enumerate(env.possible_agents)
        }
        self._key = ObservationKeys(config)
        self._observations: Mapping[str, Any] = {}
        self._infos: Mapping[str, Any] = {}

    def begin_episode(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Resets the environment; the tables and the exploration rate go on."""
        self._observations, self._infos = self.env.reset(seed=seed, options=options)

    def play_round(self, game_actions: IntArray | None = None, moves: IntArray | None = None) -> RoundResult:
        """One round: all play, all move, all learn. Actions that are given replace the agents' own choices."""
        for name, agent in self.agents.items():
            agent.see_game(self._key(self._observations[name]), self._legal(name, N_GAME_ACTIONS))
        played = self._choices(IQLAgent.choose_game, IQLAgent.play_game, game_actions)
        rewards = self._step(played)
        for name, agent in self.agents.items():
            agent.receive(rewards[name])
            agent.see_migration(self._key(self._observations[name]), self._legal(name, self.n_moves))
        moved = self._choices(IQLAgent.choose_move, IQLAgent.play_move, moves)
        self._step(moved)
        for agent in self.agents.values():
            agent.end_round()
        return RoundResult(_row(played), np.array([rewards[name] for name in self.agents]), _row(moved))

    def end_episode(self) -> None:
        """Drops what is pending; to be called after the last round of an episode."""
        for name, agent in self.agents.items():
            agent.end_episode(self._key(self._observations[name]), self._legal(name, N_GAME_ACTIONS))

    def _choices(self, choose: Any, force: Any, forced: IntArray | None) -> dict[str, int]:
        if forced is None:
            return {name: choose(agent) for name, agent in self.agents.items()}
        return {name: force(agent, int(forced[agent.index])) for name, agent in self.agents.items()}

    def _step(self, actions: dict[str, int]) -> dict[str, float]:
        self._observations, rewards, _, _, self._infos = self.env.step(actions)
        return rewards

    def _legal(self, name: str, n_actions: int) -> Legal:
        mask = self._infos[name].get("action_mask")
        return tuple(range(n_actions)) if mask is None else tuple(np.flatnonzero(mask[:n_actions]).tolist())


def train(env: Env, config: IQLConfig, rounds: int, seed: int) -> Iterator[tuple[IQLPopulation, RoundResult]]:
    """Trains independent Q-learners, `config.episodes` episodes of `rounds` rounds, and yields after every round.

    Args:
        env: A two-phase `ParallelEnv`; its `max_cycles` is set to 2 `rounds`.
        config: Hyper-parameters.
        rounds: Rounds of each episode.
        seed: Seed of the environment and of the agents, in [0, 2**64).

    Yields:
        The population, whose tables have learned the round, and what happened in the round.
    """
    check_integer("rounds", rounds, 1)
    env.max_cycles = 2 * rounds  # type: ignore[attr-defined]
    population = IQLPopulation(env, config, seed)
    for episode in range(config.episodes):
        population.begin_episode(seed if episode == 0 else None)
        for t in range(rounds):
            result = population.play_round()
            if t == rounds - 1:
                population.end_episode()
            yield population, result


def learn_along(
    config: MPGGConfig, iql_config: IQLConfig, positions: Any, game_actions: Any, move_actions: Any
) -> Iterator[list[AgentTables]]:
    """Drives the agents along recorded actions.

    Args:
        config: Rules of the game.
        iql_config: Hyper-parameters.
        positions: Casino of each agent at the start, (n_agents,), or of every round, (rounds, n_agents), which
            are checked against the moves.
        game_actions: 0 = D, 1 = C, (rounds, n_agents).
        move_actions: Moves in the environment's coding, (rounds, n_agents).

    Yields:
        After every round one `AgentTables(game, migration)` per agent: the rows that have a non-zero entry, as
        `{(casino, n): q}` and `{(casino, n, n_C): q}` with q of shape (2,) and (n_moves,). The keys have just
        the parts that `config.obs_game` and `config.obs_migration` show.

    Raises:
        ValueError: An array has the wrong shape or an action is out of range or illegal.
        TypeError: An array does not hold integers.
    """
    games, moves = _recorded("game_actions", game_actions, config), _recorded("move_actions", move_actions, config)
    if len(games) != len(moves):
        raise ValueError(f"game_actions and move_actions must have equally many rounds, got {len(games)}, {len(moves)}")
    env = MPGGParallelEnv(config.replace(max_cycles=max(1, 2 * len(games))), strict=True)
    population = IQLPopulation(env, iql_config, seed=0)
    places = np.asarray(positions)
    recorded = places if places.ndim == 2 else None
    population.begin_episode(seed=0, options={"positions": places if recorded is None else places[0]})
    for t in range(len(games)):
        if recorded is not None and t < len(recorded) and (env.positions != recorded[t]).any():
            raise ValueError(f"positions of round {t} must follow from the moves, {env.positions}, got {recorded[t]}")
        population.play_round(games[t], moves[t])
        if t == len(games) - 1:
            population.end_episode()
        yield [_tables(agent, config) for agent in population.agents.values()]


def _tables(agent: IQLAgent, config: MPGGConfig) -> AgentTables:
    return AgentTables(_rows(agent.Q_G, config, config.obs_game), _rows(agent.Q_M, config, config.obs_migration))


def _rows(table: QTable, config: MPGGConfig, observed: str) -> Table:
    """The non-zero rows by casino and counts."""
    parts = OBSERVED_PARTS[observed]
    columns = config.grid_shape[1]
    rows = {}
    for key, values in table.rows.items():
        if values.any():
            row, column, n, cooperators = (int(key[slot]) for slot in KEY_SLOTS)  # type: ignore[index]
            rows[(row * columns + column, n, cooperators)[:parts]] = values.astype(np.float64)
    return rows


def _recorded(name: str, actions: Any, config: MPGGConfig) -> IntArray:
    array = np.asarray(actions)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers, got an array of {array.dtype}")
    if array.ndim != 2 or array.shape[1] != config.n_players:
        raise ValueError(f"{name} must have shape (rounds, {config.n_players}), got {array.shape}")
    return array.astype(np.int64)


def _row(actions: dict[str, int]) -> IntArray:
    return np.array(list(actions.values()), np.int64)
