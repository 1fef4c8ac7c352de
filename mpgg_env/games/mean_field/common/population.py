"""Finite games of many agents beside their limits: one place per agent, coalitions of any sizes."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

import numpy as np

from mpgg_env.core.types import FloatArray, IntArray, UInt64Array
from mpgg_env.core.validation import check_choice, check_flag, check_integer
from mpgg_env.games.mean_field.common.batch import TOLERANCE, MeanFieldBatch
from mpgg_env.games.mean_field.common.config import Episodic
from mpgg_env.games.mean_field.common.draws import choice_thresholds, draw_block, quota_places, replica_keys
from mpgg_env.games.mean_field.common.rollout import Policy
from mpgg_env.games.mean_field.common.state import MeanFieldState

MOST_AGENTS: Final = 2**31 - 1
AGENTS_AT_ONCE: Final = 2**20
NUMBERS_AT_ONCE: Final = 2**24

StartKind = Literal["sampled", "quota"]
FloatArrays = tuple[FloatArray, ...]
IntArrays = tuple[IntArray, ...]


@dataclass(frozen=True, slots=True)
class Crowd:
    """Where all agents of B replicas of a finite game are.

    Attributes:
        step: Steps played since the start of the episode.
        places: For each coalition the state of each of its agents, (B, N_i).
        keys: Seed of each replica, (B,): with the step and the number of an agent it is the address of a draw.
        context: As in `MeanFieldState`.
    """

    step: int
    places: IntArrays
    keys: UInt64Array
    context: IntArray | None = None


@dataclass(frozen=True, slots=True)
class FinitePlay:
    """T steps of B replicas of a finite game.

    Attributes:
        distributions: For each coalition the share of its agents in each state at times 0 to T, (B, T + 1, S_i).
        rewards: Mean reward of the agents of each coalition, (B, T, m).
        returns: Discounted sums of the rewards, (B, m).
        flows: For each coalition the share of its agents in each state that took each action, (B, T, S_i, A_i); empty
            unless they were asked for.
    """

    distributions: FloatArrays
    rewards: FloatArray
    returns: FloatArray
    flows: FloatArrays = ()


class FinitePopulation(ABC):
    """The finite game of N_i agents in each coalition i, whose limit is a mean-field-type game.

    Each agent draws its action from the row of its state of its coalition's policy, which is evaluated at the
    empirical distributions mu^N, and then moves by a draw of its own ([Shao2024] section 2). A draw is a function of
    the seed, the sizes, and the numbers of replica, agent and step: what a replica plays depends neither on how many
    others there are nor on how many are played at a time.

    Args:
        config: Parameters of the game.
        sizes: Number N_i of agents of each coalition, at least 1; at most 2^31 - 1 together.
        agents_at_once: Replicas are played together as long as they have no more agents than that. It bounds the
            memory, about 16 bytes per agent and ten times as much in the MPGG, and changes no result.

    Attributes:
        batch: The limit, in numpy.
        sizes: N_i of each coalition.
    """

    def __init__(self, config: Episodic, sizes: Sequence[int], *, agents_at_once: int = AGENTS_AT_ONCE) -> None:
        self.config = config
        self.batch = MeanFieldBatch(config)
        self.rules = self.batch.rules
        self.sizes = _checked_sizes(sizes, self.batch.n_coalitions)
        self.agents_at_once = check_integer("agents_at_once", agents_at_once, 1)

    def play(
        self,
        state: MeanFieldState,
        policies: Sequence[Policy],
        *,
        seed: int = 0,
        start: StartKind = "sampled",
        steps: int | None = None,
        keep_flows: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> FinitePlay:
        """Plays one episode in each of B replicas.

        Args:
            state: The distributions that replicas 0 to B - 1 start from, (B, S_i), such as `repeated_state` makes.
            policies: One per coalition, for arrays of numpy; called with the empirical distributions of some replicas
                at a time.
            seed: At least 0.
            start: "sampled": the agents' first states are independent draws; "quota": the numbers in each state are
                as near to the distribution as they can be, and no draw is needed.
            steps: Length T of the episodes; None for the game's.
            keep_flows: Whether the play has the flows too, which are its largest part.
            progress: Told after each part how many more replicas are done.

        Raises:
            ValueError: An argument is out of range, or an action is none.
        """
        length = self.config.max_cycles if steps is None else check_integer("steps", steps, 1)
        replicas = check_integer("the number of games of state", len(state.distributions[0]), 1)
        keys = replica_keys(check_integer("seed", seed, 0), self.sizes, replicas)
        keep = check_flag("keep_flows", keep_flows)
        parts = []
        for chunk in self._chunks(len(keys), length):
            part = self._played(self.crowd(state.part(chunk), keys[chunk], start), policies, length)
            parts.append(part if keep else replace(part, flows=()))
            if progress is not None:
                progress(len(part.returns))
        return _joined(parts)

    def crowd(self, state: MeanFieldState, keys: UInt64Array, start: StartKind = "sampled") -> Crowd:
        """The agents at the start of an episode; `keys` (B,) are the seeds of the replicas."""
        check_choice("start", start, get_args(StartKind))
        checked = self.batch.initial_state(state.distributions, state.context)
        if start == "quota":
            places = tuple(quota_places(mu, n) for mu, n in zip(checked.distributions, self.sizes, strict=True))
            return Crowd(state.step, places, keys, checked.context)
        crowd = Crowd(state.step, tuple(np.zeros((len(keys), n), np.int64) for n in self.sizes), keys, checked.context)
        for i, mu in enumerate(checked.distributions):
            thresholds = choice_thresholds(mu[:, None, :])
            for block, choices, _ in self.drawn(
                crowd, i, thresholds, np.zeros(mu[:, None].shape, np.int64), first=True
            ):
                crowd.places[i][:, block] = choices
        return crowd

    def empirical(self, crowd: Crowd) -> MeanFieldState:
        """The empirical distributions mu^N of a crowd."""
        from mpgg_env.games.mean_field.common.kernels import count

        found = []
        for places, (n_states, _) in zip(crowd.places, self.batch.shapes, strict=True):
            counts = np.empty((len(places), n_states), np.int64)
            count(places, counts)
            found.append(counts / places.shape[1])
        return MeanFieldState(crowd.step, tuple(found), crowd.context)

    def drawn(
        self, crowd: Crowd, coalition: int, thresholds: FloatArray, counts: IntArray, *, first: bool = False
    ) -> Iterator[tuple[slice, IntArray, FloatArray]]:
        """Draws a choice of every agent of a coalition, in blocks of agents.

        Args:
            crowd: The agents.
            coalition: Number of the coalition.
            thresholds: As `draws.choice_thresholds` makes them from the choices' probabilities.
            counts: Agents of each state that took each choice, (B, S, A); they are added to it.
            first: Whether these are the draws of the start.

        Yields:
            Which agents, their choices, and a number in [0, 1) for each, (B, n); the next block overwrites both.
        """
        address = sum(self.sizes[:coalition])
        return draw_block(crowd.places[coalition], thresholds, crowd.keys, address, crowd.step, counts, first=first)

    def actions(self, state: MeanFieldState, policies: Sequence[Policy]) -> FloatArrays:
        """What the policies say at a state, each (B, S_i, A_i).

        Raises:
            ValueError: The policies are not one per coalition, or what one says is no action.
        """
        if len(policies) != self.batch.n_coalitions:
            raise ValueError(f"policies must be {self.batch.n_coalitions}, one per coalition, got {len(policies)}")
        replicas = len(state.distributions[0])
        return tuple(self._checked_action(i, policy(state), replicas) for i, policy in enumerate(policies))

    @abstractmethod
    def episode(
        self, crowd: Crowd, policies: Sequence[Policy], length: int
    ) -> tuple[list[MeanFieldState], list[FloatArrays], FloatArray]:
        """Plays an episode: empirical states at times 0 to T, flows at times 0 to T - 1, rewards (B, T, m)."""

    def _checked_action(self, coalition: int, action: Any, replicas: int) -> FloatArray:
        """An action that sums to 1 where it moves the agents, and is in [0, 1]."""
        found = np.asarray(action, np.float64)
        name, shape = f"the action of policies[{coalition}]", (replicas, *self.batch.shapes[coalition])
        if found.shape != shape:
            raise ValueError(f"{name} must be {shape}, got {found.shape}")
        inside = (found >= 0) & (found <= 1 + TOLERANCE)  # NaN is not
        if not inside.all():
            raise ValueError(f"{name} must be in [0, 1], got {found[~inside][0]}")
        totals = self.rules.movement(found).sum(-1)
        wrong = np.abs(totals - 1) > TOLERANCE
        if wrong.any():
            raise ValueError(f"{name} must have rows that sum to 1, got the sum {totals[wrong][0]}")
        return found

    def _chunks(self, replicas: int, length: int) -> Iterator[slice]:
        """Replicas that are played together."""
        numbers = length * sum(states * columns for states, columns in self.batch.shapes)
        size = max(1, min(self.agents_at_once // sum(self.sizes), NUMBERS_AT_ONCE // numbers))
        return (slice(begin, begin + size) for begin in range(0, replicas, size))

    def _played(self, crowd: Crowd, policies: Sequence[Policy], length: int) -> FinitePlay:
        states, flows, rewards = self.episode(crowd, policies, length)
        distributions = tuple(np.stack(mu, 1) for mu in zip(*(state.distributions for state in states), strict=True))
        weights = self.config.discount ** np.arange(length)
        # The sum over one axis at a time, in its order: a matrix product's would depend on the number of replicas.
        returns = (rewards * weights[:, None]).sum(1)
        return FinitePlay(
            distributions, rewards, returns, tuple(np.stack(flow, 1) for flow in zip(*flows, strict=True))
        )


def repeated_state(state: MeanFieldState, times: int) -> MeanFieldState:
    """Every game of a state so many times, one after the other: game g becomes g * times to (g + 1) * times - 1."""
    check_integer("times", times, 1)
    context = None if state.context is None else np.repeat(state.context, times)
    return MeanFieldState(state.step, tuple(np.repeat(mu, times, 0) for mu in state.distributions), context)


def _joined(parts: Sequence[FinitePlay]) -> FinitePlay:
    def joined(arrays: Iterator[FloatArrays]) -> FloatArrays:
        return tuple(np.concatenate(pieces) for pieces in zip(*arrays, strict=True))

    rewards, returns = joined((part.rewards, part.returns) for part in parts)
    return FinitePlay(
        joined(part.distributions for part in parts), rewards, returns, joined(part.flows for part in parts)
    )


def _checked_sizes(sizes: Any, n_coalitions: int) -> tuple[int, ...]:
    if hasattr(sizes, "tolist"):  # an array of numpy
        sizes = sizes.tolist()
    if isinstance(sizes, str) or not isinstance(sizes, Sequence) or len(sizes) != n_coalitions:
        raise ValueError(f"sizes must be {n_coalitions} numbers of agents, one per coalition, got {sizes!r}")
    checked = tuple(check_integer(f"sizes[{i}]", size, 1) for i, size in enumerate(sizes))
    if sum(checked) > MOST_AGENTS:
        raise ValueError(f"sizes must be at most {MOST_AGENTS} agents together, got {sum(checked)}")
    return checked
