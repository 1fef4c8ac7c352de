"""Trains `NashQAgent`s on any PettingZoo `ParallelEnv` with discrete actions and few distinct states."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from gymnasium.spaces import Discrete
from pettingzoo.utils.env import ParallelEnv

from mpgg_agents.nash_q.agent import NashQAgent
from mpgg_agents.nash_q.config import NashQConfig
from mpgg_agents.nash_q.many_players import check_available
from mpgg_agents.nash_q.tables import Legal, QTables, Sight, check_size
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.core.validation import check_integer
from mpgg_env.games.mpgg.config import MPGGConfig

Env = ParallelEnv[str, Any, Any]
MPGG_ROUND_STEPS = 2


class StepResult(NamedTuple):
    """One step of all agents.

    Attributes:
        actions: What each agent did, (N,).
        rewards: What each agent got, (N,).
        ended: Whether the episode ended with it.
    """

    actions: IntArray
    rewards: FloatArray
    ended: bool


class NashQPopulation:
    """The learners of one environment.

    A state is the environment's `state()`, where it has one and `config.state` is "all", together with the observations
    and the legal actions of all agents. `state()` alone would not do: that of the migratory public goods game counts
    agents and does not say who is where, so that the next state would not follow from it and the joint action.

    Args:
        env: An environment with `Discrete` action spaces that start at 0, whose agents all stay until the episode
            ends. Where actions are illegal, it says so in `info["action_mask"]`.
        config: Hyper-parameters.
        seed: Seed of the learners, in [0, 2**64).
        round_steps: Steps that make a round, which `gamma` and `decay` are about; None for 2 in the migratory public
            goods game and 1 in any other.
        shared: All agents read one set of tables, which is updated once per step. The numbers are the same.

    Raises:
        ValueError: The environment has too few or too many agents or actions, or other action spaces.
        MissingExtraError: There are more than two agents and quantecon is not installed.
    """

    def __init__(
        self, env: Env, config: NashQConfig, seed: int, *, round_steps: int | None = None, shared: bool = False
    ) -> None:
        self.env, self.names = env, list(env.possible_agents)
        self.n_actions = [_n_actions(env, name) for name in self.names]
        check_size(self.n_actions)
        if len(self.names) > 2:
            check_available("agent 'nash_q' with more than two agents")
        seed = check_integer("seed", seed, 0, 2**64 - 1)
        self.config, self.shared = config, shared
        self.round_steps = _round_steps(env) if round_steps is None else check_integer("round_steps", round_steps, 1)
        discount = config.gamma ** (1 / self.round_steps)
        tables = [QTables(config, discount) for _ in (self.names[:1] if shared else self.names)]
        self.agents = [
            NashQAgent(i, config, seed, tables[0 if shared else i], self.round_steps) for i in range(len(self.names))
        ]
        self.learns = True
        self.episode_step = 0
        self._everything = {name: np.ones(n, np.int8) for name, n in zip(self.names, self.n_actions, strict=True)}
        self._legal: dict[bytes, Legal] = {}
        self._has_state = False
        self._sight: Sight | None = None

    @property
    def key_bytes(self) -> int:
        """Bytes of the key of the state that comes next."""
        return 0 if self._sight is None else len(self._sight.key)

    def begin_episode(self, seed: int | None = None, options: Mapping[str, Any] | None = None) -> None:
        """Resets the environment; the tables and the exploration rate go on."""
        observations, infos = self.env.reset(seed=seed, options=None if options is None else dict(options))
        self.episode_step = 0
        self._has_state = self.config.state == "all" and _has_state(self.env)
        self._sight = self._seen(observations, infos)

    def play_step(self, *, last: bool = False) -> StepResult:
        """One step: all choose at once, all learn.

        Args:
            last: The episode's time limit comes with this step, whether or not the environment says so. If it does
                not, the next step goes on from there unless an episode is begun.

        Raises:
            RuntimeError: No episode is under way.
            ValueError: Some agents have left the game and others have not.
        """
        if self._sight is None:
            raise RuntimeError("call begin_episode() first: no episode is under way")
        sight = self._sight
        actions = [agent.choose(sight) for agent in self.agents]
        chosen = dict(zip(self.names, actions, strict=True))
        observations, paid, terminated, truncated, infos = self.env.step(chosen)
        rewards = [float(paid[name]) for name in self.names]
        over, terminal = self._ending(terminated, truncated)
        self.episode_step += 1
        ended = over or last
        worthless = terminal or (ended and self.config.horizon == "finite")
        following = None if over and worthless else self._seen(observations, infos)
        if self.learns:
            for agent in self.agents[: 1 if self.shared else None]:
                agent.learn(sight, actions, rewards, None if worthless else following)
        for agent in self.agents:
            agent.end_step()
        self._sight = None if over else following
        return StepResult(np.array(actions, np.int64), np.array(rewards), ended)

    def resume(self, observations: Mapping[str, Any], infos: Mapping[str, Any], step: int, episode_step: int) -> None:
        """Goes on in mid-episode: the environment has been brought there, and the tables have been restored.

        Args:
            observations: What the agents see now.
            infos: Their infos.
            step: Steps since the beginning of the run.
            episode_step: Steps since the beginning of the episode.
        """
        for agent in self.agents:
            agent.step = step
        self.episode_step = episode_step
        self._sight = self._seen(observations, infos)

    def greedy(self) -> None:
        """From now on nobody explores and nobody learns."""
        self.learns = False
        for agent in self.agents:
            agent.explores = False

    def _ending(self, terminated: Mapping[str, bool], truncated: Mapping[str, bool]) -> tuple[bool, bool]:
        """Whether the environment has ended, and whether by its rules and not by a time limit."""
        out = [bool(terminated[name] or truncated[name]) for name in self.names]
        if any(out) and not all(out):
            left = ", ".join(name for name, is_out in zip(self.names, out, strict=True) if is_out)
            raise ValueError(
                f"env must end for all agents at once, since a stage game needs them all; {left} left alone"
            )
        return all(out), all(out) and any(terminated[name] for name in self.names)

    def _seen(self, observations: Mapping[str, Any], infos: Mapping[str, Any]) -> Sight:
        masks = [infos[name].get("action_mask", self._everything[name]) for name in self.names]
        parts = [] if self.config.horizon == "infinite" else [np.int64(self.episode_step).tobytes()]
        if self._has_state:
            parts.append(_as_bytes("state()", self.env.state()))
        parts.extend(_as_bytes(f"the observation of {name}", observations[name]) for name in self.names)
        parts.extend(np.asarray(mask, np.int8).tobytes() for mask in masks)
        key = b"".join(parts)
        if key not in self._legal:
            self._legal[key] = tuple(map(_legal, self.names, masks, self.n_actions))
        return Sight(key, self._legal[key])


def train(
    env: Env, config: NashQConfig, rounds: int, seed: int, *, round_steps: int | None = None
) -> Iterator[tuple[NashQPopulation, StepResult]]:
    """Trains Nash Q-learners, `config.episodes` episodes of at most `rounds` rounds, and yields after every step.

    Args:
        env: A `ParallelEnv`, as `NashQPopulation` takes it. If it has an attribute `max_cycles`, this is set to the
            steps of an episode.
        config: Hyper-parameters.
        rounds: Rounds of each episode, unless the game ends earlier.
        seed: Seed of the environment and of the learners, in [0, 2**64).
        round_steps: Steps that make a round; None for 2 in the migratory public goods game and 1 in any other.

    Yields:
        The population, whose tables have learned the step, and what happened in the step.

    Raises:
        ValueError: An argument is out of range, or the environment is not one that `NashQPopulation` takes.
        MissingExtraError: There are more than two agents and quantecon is not installed.
    """
    check_integer("rounds", rounds, 1)
    population = NashQPopulation(env, config, seed, round_steps=round_steps)
    steps = rounds * population.round_steps
    if hasattr(env.unwrapped, "max_cycles"):
        env.unwrapped.max_cycles = steps
    for episode in range(config.episodes):
        population.begin_episode(seed if episode == 0 else None)
        for step in range(steps):
            result = population.play_step(last=step == steps - 1)
            yield population, result
            if result.ended:
                break


def _round_steps(env: Env) -> int:
    return MPGG_ROUND_STEPS if isinstance(getattr(env.unwrapped, "config", None), MPGGConfig) else 1


def _n_actions(env: Env, name: str) -> int:
    space = env.action_space(name)
    if not isinstance(space, Discrete) or space.start != 0:
        raise ValueError(f"env must have Discrete action spaces that start at 0, got {space} for {name}")
    return int(space.n)


def _has_state(env: Env) -> bool:
    try:
        env.state()
    except NotImplementedError:
        return False
    return True


def _legal(name: str, mask: Any, n_actions: int) -> tuple[int, ...]:
    legal = tuple(np.flatnonzero(mask).tolist())
    if len(mask) != n_actions or not legal:
        raise ValueError(f"action_mask of {name} must have {n_actions} entries and allow an action, got {mask}")
    return legal


def _as_bytes(what: str, seen: Any) -> bytes:
    array = np.asarray(seen)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{what} must be numbers or an array of numbers, got {type(seen).__name__}")
    # Of one type, and without a negative zero, so that equal numbers are equal bytes.
    return (array.astype(np.float64) + 0.0).tobytes()
