"""A mean-field-type game on grids: finitely many joint states and central actions ([Shao2024] section 3)."""

import functools
import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from mpgg_env.core.simplex import action_grid, grid_size, index_table, simplex_grid
from mpgg_env.core.simplex_compiled import project_all
from mpgg_env.core.types import FloatArray, Int32Array, IntArray
from mpgg_env.core.validation import check_integer
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.config import Episodic
from mpgg_env.games.mean_field.common.state import MeanFieldState

LARGEST_GAME: Final = 10_000_000  # pairs of joint state and joint action; each costs some 20 bytes and m Q values
BLOCK: Final = 2**15


class DiscretisedGame:
    """The discretised game: after each step every distribution goes to the nearest point of its grid.

    A joint state is the number s of the points of all coalitions, that of coalition 0 most significant; a joint action
    is numbered alike.

    Args:
        config: Parameters of the game.
        n_states_grid: Units n_S of the grids of distributions, at least 1.
        n_actions_grid: Units n_A of the grids of the rows of an action, at least 1; with 1 they are deterministic.

    Attributes:
        batch: The exact game, in numpy.
        points: For each coalition the distributions of its grid, (P_i, S_i).
        actions: For each coalition its central actions, (A_i, S_i, columns).

    Raises:
        ValueError: An argument is out of range, or there are more than ten million pairs of state and joint action.
    """

    def __init__(self, config: Episodic, n_states_grid: int, n_actions_grid: int) -> None:
        self.config = config
        self.n_states_grid = check_integer("n_states_grid", n_states_grid, 1)
        self.n_actions_grid = check_integer("n_actions_grid", n_actions_grid, 1)
        self.batch = MeanFieldBatch(config)
        self._ways = [index_table(n_states, n_states_grid) for n_states, _ in self.batch.shapes]
        rows = [self.batch.rules.action_rows(i, n_actions_grid) for i in range(self.n_coalitions)]
        self._check_size(rows)
        self.points = tuple(simplex_grid(n_states, n_states_grid) / n_states_grid for n_states, _ in self.batch.shapes)
        self.actions = tuple(action_grid(own) for own in rows)

    @property
    def n_coalitions(self) -> int:
        """Number m of coalitions."""
        return self.batch.n_coalitions

    @property
    def n_points(self) -> tuple[int, ...]:
        """Points of each coalition's grid."""
        return tuple(map(len, self.points))

    @property
    def n_states(self) -> int:
        """Number of joint states."""
        return math.prod(self.n_points)

    @property
    def n_actions(self) -> tuple[int, ...]:
        """Central actions of each coalition."""
        return tuple(map(len, self.actions))

    @property
    def next_index(self) -> Int32Array:
        """The joint state after a joint action, (states, A_1, ..., A_m)."""
        return self._tables[0]

    @property
    def rewards(self) -> FloatArray:
        """(m, states, A_1, ..., A_m)."""
        return self._tables[1]

    @property
    def worst_values(self) -> FloatArray:
        """Of each coalition the lowest reward of all for ever, (m,): no value is below."""
        return np.asarray(self.rewards.reshape(self.n_coalitions, -1).min(1) / (1 - self.config.discount))

    def index(self, state: MeanFieldState) -> IntArray:
        """The joint states nearest to the states of B games, of numpy or torch, (B,)."""
        return self._index([self.batch.asarray(_numpy(mu)) for mu in state.distributions])

    def own_indices(self, states: IntArray) -> tuple[IntArray, ...]:
        """The points of the coalitions' grids in joint states (B,), (B,) each."""
        return tuple(np.asarray(own, np.int64) for own in np.unravel_index(states, self.n_points))

    def distributions(self, states: IntArray) -> tuple[FloatArray, ...]:
        """The distributions of joint states (B,), (B, S_i) each."""
        return tuple(points[own] for points, own in zip(self.points, self.own_indices(states), strict=True))

    def testing_states(self) -> IntArray:
        """The joint states nearest to the testing set."""
        return self.index(self.batch.testing_state())

    def _check_size(self, rows: Sequence[Sequence[FloatArray]]) -> None:
        states = math.prod(grid_size(n_states, self.n_states_grid) for n_states, _ in self.batch.shapes)
        actions = [math.prod(map(len, own)) for own in rows]
        entries = states * math.prod(actions)
        if entries > LARGEST_GAME:
            raise ValueError(
                f"the discretised game must have at most {LARGEST_GAME:,} pairs of joint state and joint action, got "
                f"{_short(entries)}: {_short(states)} states times {' times '.join(map(_short, actions))} actions, "
                f"with n_states_grid = {self.n_states_grid} and n_actions_grid = {self.n_actions_grid}"
            )

    @functools.cached_property
    def _tables(self) -> tuple[Int32Array, FloatArray]:
        # Made when they are first asked for: who only plays a profile does not need them.
        cube = (self.n_coalitions, self.n_states, *self.n_actions)
        next_index: Int32Array = np.empty(cube[1:], np.int32)
        all_rewards: FloatArray = np.empty(cube)
        following, rewards = next_index.reshape(-1), all_rewards.reshape(self.n_coalitions, -1)
        for block in _blocks(len(following)):
            states, *chosen = np.unravel_index(block, cube[1:])
            before = MeanFieldState(0, self.distributions(np.asarray(states)))
            actions = tuple(own[number] for own, number in zip(self.actions, chosen, strict=True))
            after, paid = self.batch.step(before, actions)
            following[block], rewards[:, block] = self._index(after.distributions), paid.T
        return next_index, all_rewards

    def _index(self, distributions: Sequence[FloatArray]) -> IntArray:
        own = []
        for mu, ways in zip(distributions, self._ways, strict=True):
            width = mu.shape[1]
            indices: IntArray = np.empty(len(mu), np.int64)
            contiguous = np.ascontiguousarray(mu)
            project_all(contiguous, self.n_states_grid, ways, np.empty(width, np.int64), np.empty(width), indices)
            own.append(indices)
        return np.ravel_multi_index(own, self.n_points)


def _blocks(size: int) -> Iterator[IntArray]:
    for start in range(0, size, BLOCK):
        yield np.arange(start, min(start + BLOCK, size))


def _numpy(mu: object) -> FloatArray:
    return np.asarray(mu if isinstance(mu, np.ndarray) else mu.detach().cpu().numpy(), np.float64)  # type: ignore[attr-defined]


def _short(number: int) -> str:
    return f"{number:,}" if number < 10**9 else f"10^{math.log10(number):.0f}"
