"""Trains deep Q-learners through the PettingZoo interface: slow, and on any two-phase environment of the contract."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box
from pettingzoo.utils.env import ParallelEnv

from mpgg_agents.dqn.agent import DQNAgents, has_illegal_moves
from mpgg_agents.dqn.config import DQNConfig
from mpgg_agents.dqn.encoding import N_GAME_ACTIONS, highest_product
from mpgg_agents.errors import MissingExtraError
from mpgg_agents.record import RoundResult
from mpgg_env.core.types import Float32Array, Int8Array
from mpgg_env.core.validation import check_integer
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.observation import upper_bounds

Env = ParallelEnv[str, Any, Any]


def new_agents(env: Env, config: DQNConfig, seed: int) -> DQNAgents:
    """Agents for an environment, who know nothing yet.

    Args:
        env: A two-phase environment with `action_mode="masked"` whose observations are those of the game, or stacks
            of them; it may be wrapped. Both game actions are always legal.
        config: Hyper-parameters.
        seed: Seed of the agents, in [0, 2**64).

    Raises:
        ValueError: The observations or the actions are not those of such an environment, or the device is not there.
    """
    first = env.possible_agents[0]
    seen, n_actions = env.observation_space(first), int(env.action_space(first).n)  # type: ignore[attr-defined]
    if not isinstance(seen, Box):
        raise ValueError(f"env must have observations that are vectors, without MaskInObs and the like, got {seen}")
    restricted, unit = True, None  # another environment of the contract may have illegal moves
    rules = getattr(env.unwrapped, "config", None)
    if isinstance(rules, MPGGConfig):
        if n_actions != max(N_GAME_ACTIONS, rules.n_moves):
            raise ValueError(f"env must have action_mode='masked', got one with {n_actions} actions")
        # Not by the bounds of the observations, which may be scaled.
        restricted, unit = has_illegal_moves(rules), highest_product(upper_bounds(rules))
    n_agents = len(env.possible_agents)
    return DQNAgents(config, seen.high, n_agents, n_actions, seed, restricted=restricted, payoff_unit=unit)


class DQNPopulation:
    """The agents of one environment, driven through its dictionaries.

    Args:
        env: The environment.
        agents: Agents for it, as `new_agents` or `load_agents` gives them.
    """

    def __init__(self, env: Env, agents: DQNAgents) -> None:
        self.env, self.agents, self.names = env, agents, list(env.possible_agents)
        self._observations: Mapping[str, Any] = {}
        self._infos: Mapping[str, Any] = {}

    def begin_episode(self, seed: int | None = None) -> None:
        """Resets the environment; networks, buffers and exploration go on.

        Raises:
            ValueError: Moves can be illegal and the infos do not tell which.
        """
        self._observations, self._infos = self.env.reset(seed=seed)
        if self.agents.restricted and any("action_mask" not in self._infos[name] for name in self.names):
            raise ValueError("env must tell the legal moves in its infos (action_mask='info'), since some are illegal")
        self.agents.begin_episode()

    def play_round(self) -> RoundResult:
        """One round: all play, all move, all learn.

        Raises:
            RuntimeError: No episode has begun.
            TrainingError: A loss is not finite.
        """
        if not self._observations:
            raise RuntimeError("call begin_episode() first")
        self.agents.see_games(self._observed())
        played = self.agents.choose_games()
        payoffs = self._step(played)
        self.agents.receive(payoffs)
        self.agents.see_migration(self._observed(), self._legal_moves())
        moved = self.agents.choose_moves()
        self._step(moved)
        self.agents.end_round()
        return RoundResult(played, payoffs, moved)

    def _observed(self) -> Float32Array:
        return np.stack([self._observations[name] for name in self.names])

    def _legal_moves(self) -> Int8Array:
        everything = np.ones(self.agents.n_moves, np.int8)
        return np.stack([self._infos[name].get("action_mask", everything) for name in self.names])

    def _step(self, actions: Any) -> Any:
        chosen = dict(zip(self.names, actions.tolist(), strict=True))
        self._observations, rewards, _, _, self._infos = self.env.step(chosen)
        return np.array([rewards[name] for name in self.names])


def train(env: Env, config: DQNConfig, rounds: int, seed: int) -> Iterator[tuple[DQNPopulation, RoundResult]]:
    """Trains deep Q-learners, `config.episodes` episodes of `rounds` rounds, and yields after every round.

    The numbers are those of `DQNTrainer`, bit for bit.

    Args:
        env: A two-phase `ParallelEnv`; its `max_cycles` is set to 2 `rounds`. `config.frames` observations are
            stacked by SuperSuit.
        config: Hyper-parameters.
        rounds: Rounds of each episode.
        seed: Seed of the environment and of the agents, in [0, 2**64).

    Raises:
        ValueError: An argument is out of range, or the environment is not one that `new_agents` takes.
        TrainingError: A loss is not finite.

    Yields:
        The population, whose networks have learned the round, and what happened in the round.
    """
    check_integer("rounds", rounds, 1)
    env.unwrapped.max_cycles = 2 * rounds  # type: ignore[attr-defined]
    if config.frames > 1:
        try:
            from supersuit import frame_stack_v1
        except ModuleNotFoundError as error:
            raise MissingExtraError("frames > 1", error) from error
        env, config = frame_stack_v1(env, config.frames), config.replace(frames=1)
    population = DQNPopulation(env, new_agents(env, config, seed))
    for episode in range(config.episodes):
        population.begin_episode(seed if episode == 0 else None)
        for _ in range(rounds):
            result = population.play_round()
            yield population, result
