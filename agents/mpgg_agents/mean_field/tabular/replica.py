"""One replica of a tabular training: what does not depend on the algorithm."""

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

import numpy as np

from mpgg_agents.draws import generator
from mpgg_agents.mean_field.tabular.config import TabularConfig
from mpgg_agents.mean_field.tabular.rules import falling_epsilon, fill_thresholds
from mpgg_agents.seed_trainer import Replica
from mpgg_agents.stored import Arrays
from mpgg_env.analysis.mean_field.tabular_profile import TabularPolicy, TabularProfile
from mpgg_env.core.types import FloatArray, Int32Array, IntArray, UInt64Array
from mpgg_env.games.mean_field.common.discretised import DiscretisedGame

STARTS: Final = 1  # what the draws of whole arrays are for
START_BLOCK: Final = 1024  # episodes whose starts are drawn together


class TabularReplica(Replica):
    """A replica that learns tables of values from visits.

    Args:
        game: The discretised game.
        config: Hyper-parameters.
        seed: Seed of all random numbers, in [0, 2**64).
    """

    def __init__(self, game: DiscretisedGame, config: TabularConfig, seed: int) -> None:
        self.game, self.config, self.seed = game, config, seed
        self.rounds_done = 0
        self._drawn: tuple[int, IntArray] = (-1, np.zeros(0, np.int64))

    @property
    @abstractmethod
    def values(self) -> FloatArray:
        """The Q values, not copied."""

    @property
    @abstractmethod
    def visits(self) -> Int32Array:
        """How often each entry of the table has been updated, not copied."""

    @property
    @abstractmethod
    def profile(self) -> TabularProfile:
        """What the coalitions do by the values of now, without exploration."""

    @abstractmethod
    def play(
        self, starts: IntArray, thresholds: UInt64Array, returns: FloatArray, errors: FloatArray, fresh: IntArray
    ) -> None:
        """Plays and learns episodes.

        Args:
            starts: Joint state in which each episode begins, (E,).
            thresholds: Exploration thresholds, (E,).
            returns: Discounted return of each coalition, (E, m), modified in place.
            errors: Mean absolute error of the values that were updated, (E,), modified in place.
            fresh: Entries that were visited for the first time, (E,), modified in place.
        """

    def revalued(self) -> None:
        """What has to be done after the values have been replaced."""

    @cached_property
    def initial(self) -> FloatArray:
        """Initial value of each coalition, (m,)."""
        given = self.config.initial_value
        return self.game.worst_values if given is None else np.full(self.game.n_coalitions, given)

    @property
    def exploration(self) -> float:
        """Exploration rate of the next episode; at the end of the last one."""
        return self._epsilon(min(self.rounds_done + 1, self.config.episodes))

    @property
    def policy(self) -> tuple[TabularPolicy, ...]:
        """The profile as policies in the exact game; mixtures are drawn under the replica's seed."""
        return self.profile.policies(self.seed)

    def iterate(self) -> dict[str, float]:
        """One episode; its measures, see `train`."""
        return {name: float(values[0]) for name, values in self.train(1).items()}

    def train(self, rounds: int) -> Arrays:
        """Several episodes.

        Returns:
            mean_return, the discounted return of the exploring episode, mean over the coalitions, and return_<i> of
            each; td_error, the mean absolute error of the values that were updated; visited, the share of entries that
            have been visited by then; exploration. Each (rounds,).
        """
        first = self.rounds_done
        returns, errors = np.empty((rounds, self.game.n_coalitions)), np.empty(rounds)
        fresh: IntArray = np.empty(rounds, np.int64)
        thresholds: UInt64Array = np.empty(rounds, np.uint64)
        c = self.config
        fill_thresholds(c.eps_0, c.eps_end, c.eps_share, first + 1, c.episodes, thresholds)
        visited = np.count_nonzero(self.visits)
        self.play(self._starts(first, rounds), thresholds, returns, errors, fresh)
        self.rounds_done += rounds
        return {
            "mean_return": returns.mean(1),
            **{f"return_{i}": own for i, own in enumerate(returns.T.copy())},
            "td_error": errors,
            "visited": (visited + np.cumsum(fresh)) / self.visits.size,
            "exploration": np.array([self._epsilon(first + 1 + e) for e in range(rounds)]),
        }

    def learned(self) -> Arrays:
        """The profile: `coalition_<i>.strategy`, the probabilities of its central actions, (states, A_i)."""
        return {f"coalition_{i}.strategy": strategy for i, strategy in enumerate(self.profile.strategies)}

    def arrays(self) -> Arrays:
        """Everything that the rest of the training depends on, by name."""
        return {"round": np.array(self.rounds_done, np.int64), "values": self.values, "visits": self.visits}

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """The inverse of `arrays`; names, types and shapes have been checked.

        Raises:
            ValueError: A value is not finite, or a number of visits is negative.
        """
        if not np.isfinite(arrays["values"]).all() or (arrays["visits"] < 0).any():
            raise ValueError("values must be finite and visits must be >= 0")
        self.values[:], self.visits[:] = arrays["values"], arrays["visits"]
        self.rounds_done = int(arrays["round"])
        self.revalued()

    def _epsilon(self, episode: int) -> float:
        c = self.config
        return falling_epsilon(c.eps_0, c.eps_end, c.eps_share, episode, c.episodes)

    def _starts(self, first: int, rounds: int) -> IntArray:
        """Joint states in which episodes begin, (rounds,). Whole blocks are drawn: the chunks must not matter."""
        blocks = range(first // START_BLOCK, (first + rounds - 1) // START_BLOCK + 1)
        starts = np.concatenate([self._block(number) for number in blocks])
        return starts[first - blocks[0] * START_BLOCK :][:rounds]

    def _block(self, number: int) -> IntArray:
        if self._drawn[0] != number:
            drawn = self.game.batch.drawn_state(generator(self.seed, STARTS, number), START_BLOCK)
            self._drawn = number, self.game.index(drawn)
        return self._drawn[1]
