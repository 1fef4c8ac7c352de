"""The Q tables of one learner: for every state the stage game of all agents' Q values, and its selected equilibrium."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mpgg_agents.errors import TrainingError
from mpgg_agents.nash_q.config import NashQConfig
from mpgg_agents.nash_q.rules import learning_rate, updated_value
from mpgg_agents.nash_q.solver import StageSolver
from mpgg_agents.stored import Arrays
from mpgg_env.core.types import FloatArray, IntArray

FEWEST_AGENTS: Final = 2
MOST_AGENTS: Final = 4
MOST_JOINT_ACTIONS: Final = 10_000

Legal = tuple[tuple[int, ...], ...]  # the legal actions of every agent


@dataclass(frozen=True, slots=True)
class Sight:
    """What all learners see of a state.

    Attributes:
        key: The state, as bytes: two states with the same key are one.
        legal: The legal actions of every agent, ascending.
    """

    key: bytes
    legal: Legal


class StageGame:
    """Q^1(s, .), ..., Q^N(s, .) in one state s, over the legal joint actions.

    Attributes:
        legal: The legal actions of every agent.
        values: Q values, (N, P), the joint actions numbered as in an array of shape (legal actions of each agent).
        visits: Updates of each joint action, (P,).
    """

    __slots__ = ("_gains", "_solver", "_strategies", "_worth", "legal", "solved", "values", "visits")

    def __init__(self, legal: Legal, solver: StageSolver, initial_value: float) -> None:
        self.legal, self._solver = legal, solver
        n_agents = len(legal)
        self.values: FloatArray = np.full((n_agents, solver.n_profiles), initial_value)
        self.visits: IntArray = np.zeros(solver.n_profiles, np.int64)
        self._strategies: FloatArray = np.empty((n_agents, max(map(len, legal))))
        self._worth: FloatArray = np.empty(n_agents)
        self._gains: FloatArray = np.empty(n_agents)
        self.solved = False

    @property
    def strategies(self) -> FloatArray:
        """Probabilities of the legal actions in the selected equilibrium, (N, largest number of legal actions)."""
        self._solve()
        return self._strategies

    @property
    def worth(self) -> FloatArray:
        """NashQ^j(s): every agent's expected value in the selected equilibrium, (N,) ([Hu2003] section 3.2)."""
        self._solve()
        return self._worth

    @property
    def exploitability(self) -> float:
        """The largest gain of any agent from deviating from the selected equilibrium."""
        self._solve()
        return float(self._gains.max())

    @property
    def tables(self) -> FloatArray:
        """The Q values as an array (N, legal actions of each agent), a view."""
        return self.values.reshape(len(self.legal), *map(len, self.legal))

    def profile(self, actions: Sequence[int]) -> int:
        """The number of a joint action."""
        number = 0
        for action, legal in zip(actions, self.legal, strict=True):
            number = number * len(legal) + legal.index(action)
        return number

    def _solve(self) -> None:
        if not self.solved:
            self._solver.solve_into(self.values, self._strategies, self._worth, self._gains)
            self.solved = True


class QTables:
    """All agents' Q tables as one learner keeps them ([Hu2003] section 3.2); a state appears when it is first updated.

    Args:
        config: Hyper-parameters.
        discount: Discount per step.
    """

    def __init__(self, config: NashQConfig, discount: float) -> None:
        self.config, self.discount = config, discount
        self.stages: dict[bytes, StageGame] = {}
        self._solvers: dict[tuple[int, ...], StageSolver] = {}

    def stage(self, sight: Sight) -> StageGame:
        """The stage game of a state; that of a state never seen before has the initial values and is not kept."""
        stage = self.stages.get(sight.key)
        return self._unseen(sight.legal) if stage is None else stage

    def new_stage(self, sight: Sight) -> StageGame:
        """The stage game of a state that is not known yet, which is kept from now on.

        Raises:
            ValueError: The state is known.
        """
        stage = self._unseen(sight.legal)
        if self.stages.setdefault(sight.key, stage) is not stage:
            raise ValueError("states must be distinct, got one twice")
        return stage

    def learn(
        self, sight: Sight, actions: Sequence[int], rewards: Sequence[float], next_worth: Sequence[float]
    ) -> None:
        """One update of all agents' tables.

        Args:
            sight: The state s.
            actions: The joint action a.
            rewards: Every agent's reward.
            next_worth: NashQ^j(s') of every agent; zeros where the game is over.

        Raises:
            TrainingError: A value is no longer finite.
        """
        stage = self.stages.get(sight.key) or self.new_stage(sight)
        profile = stage.profile(actions)
        stage.visits[profile] += 1
        alpha = learning_rate(self.config.alpha, self.config.alpha_power, int(stage.visits[profile]))
        for agent, (reward, worth) in enumerate(zip(rewards, next_worth, strict=True)):
            value = updated_value(float(stage.values[agent, profile]), alpha, self.discount, reward, worth)
            if not math.isfinite(value):
                raise TrainingError(f"a Q value of agent {agent} is {value}, from reward {reward} and value {worth}")
            stage.values[agent, profile] = value
        stage.solved = False

    def arrays(self) -> Arrays:
        """The tables as numeric arrays, all flat, the states in the order in which they appeared.

        Returns:
            `keys` of the states, `counts` of the legal actions of each agent, `legal` these actions, `values` (agents
            before joint actions) and `visits`.
        """
        stages = list(self.stages.values())
        return {
            "keys": np.frombuffer(b"".join(self.stages), np.uint8),
            "counts": np.array([len(own) for stage in stages for own in stage.legal], np.int64),
            "legal": np.array([action for stage in stages for own in stage.legal for action in own], np.int64),
            "values": np.concatenate([np.zeros(0), *(stage.values.ravel() for stage in stages)]),
            "visits": np.concatenate([np.zeros(0, np.int64), *(stage.visits for stage in stages)]),
        }

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]], n_actions: Sequence[int], key_bytes: int) -> None:
        """The inverse of `arrays`; the types have been checked.

        Args:
            arrays: What `arrays` gave.
            n_actions: Actions of every agent.
            key_bytes: Bytes of a key.

        Raises:
            ValueError: The arrays do not fit together, or a number is out of its range.
        """
        n_agents = len(n_actions)
        counts = _checked_counts(arrays, n_actions, key_bytes)
        profiles = counts.prod(axis=1)
        legal = _parts(arrays["legal"], counts.ravel())
        values, visits = _parts(arrays["values"], n_agents * profiles), _parts(arrays["visits"], profiles)
        self.stages = {}
        for s, key in enumerate(_parts(arrays["keys"], np.full(len(counts), key_bytes))):
            own = legal[s * n_agents : (s + 1) * n_agents]
            actions = tuple(_checked_actions(part, n) for part, n in zip(own, n_actions, strict=True))
            stage = self.new_stage(Sight(key.tobytes(), actions))
            stage.values[:] = values[s].reshape(stage.values.shape)
            stage.visits[:] = visits[s]

    def _unseen(self, legal: Legal) -> StageGame:
        counts = tuple(map(len, legal))
        if counts not in self._solvers:
            self._solvers[counts] = StageSolver(counts, self.config.selection)
        return StageGame(legal, self._solvers[counts], self.config.initial_value)


def check_size(n_actions: Sequence[int]) -> None:
    """Raises ValueError for a game whose stage games would be too large.

    Args:
        n_actions: Actions of every agent.
    """
    n_agents, joint = len(n_actions), math.prod(n_actions)
    size = f"{joint:,}" if joint < 10**9 else f"10^{math.log10(joint):.0f}"
    cost = f"every state costs {n_agents} tables of {size} joint actions and an equilibrium at each update"
    if not FEWEST_AGENTS <= n_agents <= MOST_AGENTS:
        raise ValueError(
            f"n_agents must be in [{FEWEST_AGENTS}, {MOST_AGENTS}] with agent 'nash_q', got {n_agents}: "
            f"{cost if n_agents > MOST_AGENTS else 'a stage game needs another player'}"
        )
    if joint > MOST_JOINT_ACTIONS:
        raise ValueError(
            f"joint actions must be at most {MOST_JOINT_ACTIONS:,} with agent 'nash_q', got {size}: {cost}"
        )


def _parts(array: np.ndarray[Any, Any], sizes: IntArray) -> list[np.ndarray[Any, Any]]:
    return np.split(array, np.cumsum(sizes)[:-1]) if len(sizes) else []


def _checked_counts(arrays: Mapping[str, np.ndarray[Any, Any]], n_actions: Sequence[int], key_bytes: int) -> IntArray:
    """Legal actions per state and agent, (S, N)."""
    n_agents, states = len(n_actions), len(arrays["keys"]) // key_bytes
    given: IntArray = arrays["counts"]
    if len(arrays["keys"]) != states * key_bytes or len(given) != states * n_agents:
        raise ValueError(f"keys must have {key_bytes} bytes per state, and counts a number per state and agent")
    counts = given.reshape(states, n_agents)
    if not ((counts >= 1) & (counts <= np.array(n_actions))).all():
        raise ValueError(f"counts must be in [1, actions of the agent], got {given.min()} to {given.max()}")
    profiles = int(counts.prod(axis=1).sum())
    for name, size in {"legal": int(counts.sum()), "values": n_agents * profiles, "visits": profiles}.items():
        if len(arrays[name]) != size:
            raise ValueError(f"{name} must have {size} entries, got {len(arrays[name])}")
    if not np.isfinite(arrays["values"]).all() or (arrays["visits"] < 0).any():
        raise ValueError("values must be finite and visits must be >= 0")
    return counts


def _checked_actions(actions: IntArray, n_actions: int) -> tuple[int, ...]:
    own = tuple(actions.tolist())
    if list(own) != sorted(set(own)) or not 0 <= own[0] <= own[-1] < n_actions:
        raise ValueError(f"legal actions must be distinct, ascending and in [0, {n_actions - 1}], got {own}")
    return own
