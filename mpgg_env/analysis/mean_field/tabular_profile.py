"""Profiles of a discretised game: for every joint state a mixture of central actions of each coalition."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mpgg_env.core.philox import fill_words
from mpgg_env.core.types import BoolArray, FloatArray, IntArray, UInt32Array
from mpgg_env.core.validation import check_integer
from mpgg_env.games.mean_field.common.discretised import DiscretisedGame
from mpgg_env.games.mean_field.common.state import Array, MeanFieldState

SUM_TOLERANCE = 1e-9
WORDS = 2.0**32
# What the draws of coalition 0 are for; the next numbers are the other coalitions'. Learners, whose seeds these may be,
# use small numbers.
MIXTURES: Final = 2**30


@dataclass(frozen=True, slots=True, eq=False)
class TabularProfile:
    """What all coalitions do in a discretised game.

    A mixture is one over central actions, each a whole matrix; the coalitions draw independently. It is not the mean of
    these matrices, which is another central action with other rewards.

    Attributes:
        game: The discretised game.
        strategies: For each coalition the probabilities of its central actions, (states, A_i).
    """

    game: DiscretisedGame
    strategies: tuple[FloatArray, ...]

    def __post_init__(self) -> None:
        shapes = [(self.game.n_states, count) for count in self.game.n_actions]
        if [strategy.shape for strategy in self.strategies] != shapes:
            raise ValueError(f"strategies must have the shapes {shapes}, got {[s.shape for s in self.strategies]}")
        for i, strategy in enumerate(self.strategies):
            if not (strategy >= 0).all() or not (abs(strategy.sum(1) - 1) <= SUM_TOLERANCE).all():
                raise ValueError(f"strategies[{i}] must be nonnegative with rows that sum to 1")

    @classmethod
    def pure(cls, game: DiscretisedGame, actions: Sequence[IntArray]) -> "TabularProfile":
        """The profile of one central action of each coalition in each state, (states,) each."""
        strategies = (np.eye(count)[own] for count, own in zip(game.n_actions, actions, strict=True))
        return cls(game, tuple(strategies))

    @property
    def mixed(self) -> BoolArray:
        """In which states somebody mixes, (states,)."""
        return np.asarray(np.stack([(strategy > 0).sum(1) > 1 for strategy in self.strategies]).any(0))

    @property
    def actions(self) -> tuple[IntArray, ...]:
        """Each coalition's likeliest central action in each state, the first one of equals, (states,)."""
        return tuple(strategy.argmax(1) for strategy in self.strategies)

    def policies(self, seed: int | None = None) -> tuple["TabularPolicy", ...]:
        """The policies of the coalitions in the exact game, whose states go to the nearest points first.

        Args:
            seed: Seed of the draws from mixtures; None for the likeliest actions without any draw. These are what the
                coalitions most often do, not an equilibrium where they mix.
        """
        if seed is not None:
            check_integer("seed", seed, 0, 2**64 - 1)
        return tuple(TabularPolicy(self, i, seed) for i in range(self.game.n_coalitions))


@dataclass(frozen=True, slots=True, eq=False)
class TabularPolicy:
    """The policy of one coalition in the exact game; see `TabularProfile.policies`.

    A draw is a function of seed, coalition, step of the episode and number of the game in the batch.
    """

    profile: TabularProfile
    coalition: int
    seed: int | None = None

    def __call__(self, state: MeanFieldState) -> Array:
        """The action (B, S_i, columns), of the state's library."""
        states = self.profile.game.index(state)
        number = self._likeliest(states) if self.seed is None else self._drawn(states, state.step, self.seed)
        return _like(state.distributions[self.coalition], self.profile.game.actions[self.coalition][number])

    def _likeliest(self, states: IntArray) -> IntArray:
        return self.profile.actions[self.coalition][states]

    def _drawn(self, states: IntArray, step: int, seed: int) -> IntArray:
        words: UInt32Array = np.empty((4, len(states)), np.uint32)
        fill_words(words, 0, np.uint64(seed), step, MIXTURES + self.coalition)
        strategy = self.profile.strategies[self.coalition][states]
        # Divided by the last sum, which rounding leaves a little beside 1: no draw is beyond the last action.
        sums = np.cumsum(strategy, 1)
        return np.asarray((words[0][:, None] / WORDS >= sums / sums[:, -1:]).sum(1))


def _like(distribution: Array, action: FloatArray) -> Any:
    return action if isinstance(distribution, np.ndarray) else distribution.new_tensor(action)
