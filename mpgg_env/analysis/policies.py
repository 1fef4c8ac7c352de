"""Stationary policies of all agents as functions of the joint state, whose exploitability can be computed.

A profile of policies says for a batch of S joint states how every agent acts. Its own agents may see less than the
joint state, as those of the game do, or all of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from mpgg_env.analysis.joint_states import OBSERVED_PARTS, own_counts
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.core.validation import check_real
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.rules import destinations


class Policies(Protocol):
    """The stationary policies of all N agents."""

    @property
    def sees_last_actions(self) -> bool:
        """Whether what an agent does in a game may depend on the games before, through the last actions."""

    def cooperation(self, positions: IntArray, last_actions: IntArray) -> FloatArray:
        """Probability of C of every agent before a game, (S, N).

        Args:
            positions: Casino of each agent, (S, N).
            last_actions: Last game action of each agent, (S, N), 0 before the first game.
        """

    def migration(self, positions: IntArray, actions: IntArray) -> FloatArray:
        """Probability of every move of every agent after a game, (S, N, n_moves), 0 for illegal moves.

        Args:
            positions: Casino of each agent, (S, N).
            actions: What each agent did in the game just played, (S, N).
        """


class Deviation(Protocol):
    """What one agent does in the place of its own policy."""

    def cooperation(self, step: int, positions: IntArray, last_actions: IntArray, own: FloatArray) -> FloatArray:
        """Probability of C of the agent in round `step`, (S,), where `own` (S,) is that of its own policy."""

    def migration(self, step: int, positions: IntArray, actions: IntArray, own: FloatArray) -> FloatArray:
        """Probability of each move in round `step`, (S, n_moves), where `own` is that of its own policy."""


class DeviatingPolicies:
    """The policies of all agents in one round, one of whom deviates.

    Args:
        policies: The policies of all.
        agent: Who deviates.
        deviation: What it does instead.
        step: The round, for deviations that depend on it.
    """

    def __init__(self, policies: Policies, agent: int, deviation: Deviation, step: int = 0) -> None:
        self._policies, self._agent, self._deviation, self._step = policies, agent, deviation, step

    @property
    def sees_last_actions(self) -> bool:
        """A deviator may see everything."""
        return True

    def cooperation(self, positions: IntArray, last_actions: IntArray) -> FloatArray:
        """Probability of C of every agent, (S, N)."""
        probabilities = np.array(self._policies.cooperation(positions, last_actions))
        own = probabilities[:, self._agent]
        probabilities[:, self._agent] = self._deviation.cooperation(self._step, positions, last_actions, own)
        return probabilities

    def migration(self, positions: IntArray, actions: IntArray) -> FloatArray:
        """Probability of every move of every agent, (S, N, n_moves)."""
        probabilities = np.array(self._policies.migration(positions, actions))
        own = probabilities[:, self._agent]
        probabilities[:, self._agent] = self._deviation.migration(self._step, positions, actions, own)
        return probabilities


@dataclass(frozen=True, slots=True)
class FixedPolicies:
    """Policies that look at nothing but the casino.

    Attributes:
        chances: Probability of C of each agent in each casino, (N, M).
        moves: Probability of each move of each agent in each casino, (N, M, n_moves).
    """

    chances: FloatArray
    moves: FloatArray

    @property
    def sees_last_actions(self) -> bool:
        """They do not."""
        return False

    def cooperation(self, positions: IntArray, last_actions: IntArray) -> FloatArray:
        """Probability of C of every agent, (S, N)."""
        return self.chances[np.arange(len(self.chances)), positions]

    def migration(self, positions: IntArray, actions: IntArray) -> FloatArray:
        """Probability of every move of every agent, (S, N, n_moves)."""
        return self.moves[np.arange(len(self.moves)), positions]


def staying(config: MPGGConfig, cooperation: float) -> FixedPolicies:
    """Everybody stays where it is and cooperates with the same probability, in [0, 1]."""
    chance = check_real("cooperation", cooperation, 0, 1)
    reached, legal = destinations(config)
    stays = legal & (reached == np.arange(config.n_casinos)[:, None])
    first = np.eye(config.n_moves)[stays.argmax(axis=1)]
    return FixedPolicies(np.full((config.n_players, config.n_casinos), chance), _for_all(config, first))


def uniform(config: MPGGConfig) -> FixedPolicies:
    """Everybody draws from all legal actions alike, as agents do who explore in every round."""
    legal = destinations(config)[1]
    moves = legal / legal.sum(axis=1, keepdims=True)
    return FixedPolicies(np.full((config.n_players, config.n_casinos), 0.5), _for_all(config, moves))


def _for_all(config: MPGGConfig, moves: FloatArray) -> FloatArray:
    return np.broadcast_to(moves, (config.n_players, *moves.shape))


class ObservingPolicies:
    """Policies of agents who see what the configuration shows them: casino, n and n_C, or less.

    Args:
        config: Rules of the game.
        game: Probability of C, (S, N), from casinos, n and n_C, (S, N) each, 0 where they are hidden.
        migration: Probability of every move, (S, N, n_moves), from the same; legal moves alone, with sum 1.
    """

    def __init__(
        self,
        config: MPGGConfig,
        game: Callable[[IntArray, IntArray, IntArray], FloatArray],
        migration: Callable[[IntArray, IntArray, IntArray], FloatArray],
    ) -> None:
        self.config, self._game, self._migration = config, game, migration

    @property
    def sees_last_actions(self) -> bool:
        """Whether the game observation shows who cooperated last round."""
        return self.config.obs_game == "m_n_nC"

    def cooperation(self, positions: IntArray, last_actions: IntArray) -> FloatArray:
        """Probability of C of every agent, (S, N)."""
        return self._game(*observed(self.config, self.config.obs_game, positions, last_actions))

    def migration(self, positions: IntArray, actions: IntArray) -> FloatArray:
        """Probability of every move of every agent, (S, N, n_moves)."""
        return self._migration(*observed(self.config, self.config.obs_migration, positions, actions))


def observed(
    config: MPGGConfig, shows: str, positions: IntArray, actions: IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """Casino, n and n_C that every agent sees, (S, N) each, 0 where `shows`, such as "m_n", hides a count."""
    parts = OBSERVED_PARTS[shows]
    nothing = np.zeros_like(positions)
    if parts == 1:
        return positions, nothing, nothing
    occupancy, cooperators = own_counts(positions, actions, config.n_casinos)
    return positions, occupancy, cooperators if parts == 3 else nothing


class Rows:
    """Rows of numbers by agent, casino, n and n_C, with a row for the states that are not listed.

    Args:
        config: Rules of the game.
        states: Agent, casino, n and n_C of each listed row, (R, 4), every state at most once.
        rows: The rows, (R, width).
        default: Row of a casino's other states, (M, width).
        smallest: Count that stands for each count in the table's states, (N + 1,); None for every count itself.
        shared: Whether agent 0's rows are those of all agents.

    Raises:
        ValueError: A state is out of range or listed twice, or the table has more states than an index can tell apart.
    """

    def __init__(
        self,
        config: MPGGConfig,
        states: IntArray,
        rows: FloatArray,
        default: FloatArray,
        *,
        smallest: IntArray | None = None,
        shared: bool = False,
    ) -> None:
        self._counts = config.n_players + 1
        self._n_casinos = config.n_casinos
        if config.n_players * config.n_casinos * self._counts**2 >= 2**63:
            raise ValueError(f"tables of {config.n_players} agents in {config.n_casinos} casinos have too many states")
        self._agents = np.zeros(config.n_players, np.int64) if shared else np.arange(config.n_players)
        self._smallest = np.arange(self._counts) if smallest is None else smallest
        limits = (config.n_players, config.n_casinos, self._counts, self._counts)
        if states.shape != (len(rows), 4) or (states < 0).any() or (states >= limits).any():
            raise ValueError(f"states must be (agent, casino, n, n_C) below {limits}, got shape {states.shape}")
        keys = self._keys(*states.T)
        order = np.argsort(keys, kind="stable")
        self._sorted, self._rows, self._default = keys[order], rows[order], default
        if (np.diff(self._sorted) == 0).any():
            raise ValueError("states must be distinct, got one twice")

    def __call__(self, casinos: IntArray, occupancy: IntArray, cooperators: IntArray) -> FloatArray:
        """The rows of all agents, (S, N, width), in what they see, (S, N) each."""
        keys = self._keys(self._agents, casinos, self._smallest[occupancy], self._smallest[cooperators])
        found = self._default[casinos]
        if len(self._sorted):
            places = np.minimum(np.searchsorted(self._sorted, keys), len(self._sorted) - 1)
            known = self._sorted[places] == keys
            found[known] = self._rows[places[known]]
        return found

    def _keys(self, agents: Any, casinos: Any, occupancy: Any, cooperators: Any) -> IntArray:
        keys: IntArray = ((agents * self._n_casinos + casinos) * self._counts + occupancy) * self._counts + cooperators
        return keys


class TablePolicies(ObservingPolicies):
    """Policies given by rows of probabilities.

    Args:
        config: Rules of the game.
        game: Probabilities of D and C.
        migration: Probabilities of the moves.
    """

    def __init__(self, config: MPGGConfig, game: Rows, migration: Rows) -> None:
        super().__init__(config, lambda *seen: game(*seen)[..., 1], migration)


class JointTablePolicies:
    """Policies given by tables over the joint states, as agents have them who see everything.

    Joint positions have the index that reads them as digits in base M, agent 0 first; joint actions in base 2.

    Args:
        config: Rules of the game.
        cooperation: Probability of C, (M**N, N), or (M**N, 2**N, N) where the last actions matter.
        migration: Probabilities of the moves, (M**N, 2**N, N, n_moves), by positions and the actions just played.

    Raises:
        ValueError: A shape is wrong, or probabilities are negative, on illegal moves, or do not sum to 1.
    """

    def __init__(self, config: MPGGConfig, cooperation: FloatArray, migration: FloatArray) -> None:
        agents, places, actions = config.n_players, config.n_casinos**config.n_players, 2**config.n_players
        shapes = [(places, agents), (places, actions, agents)]
        if cooperation.shape not in shapes:
            raise ValueError(f"cooperation must have shape {shapes[0]} or {shapes[1]}, got {cooperation.shape}")
        if migration.shape != (places, actions, agents, config.n_moves):
            raise ValueError(
                f"migration must have shape {(places, actions, agents, config.n_moves)}, got {migration.shape}"
            )
        if not ((cooperation >= 0) & (cooperation <= 1)).all():
            raise ValueError("cooperation must hold probabilities in [0, 1]")
        if not ((migration >= 0).all() and np.allclose(migration.sum(axis=-1), 1, rtol=0, atol=1e-9)):
            raise ValueError("migration must hold probabilities that sum to 1 over the moves")
        self.config, self._cooperation, self._migration = config, cooperation, migration

    @property
    def sees_last_actions(self) -> bool:
        """Whether the table of the games has the last actions."""
        return self._cooperation.ndim == 3

    def cooperation(self, positions: IntArray, last_actions: IntArray) -> FloatArray:
        """Probability of C of every agent, (S, N)."""
        places = joint_index(positions, self.config.n_casinos)
        if not self.sees_last_actions:
            return self._cooperation[places]
        return self._cooperation[places, joint_index(last_actions, 2)]

    def migration(self, positions: IntArray, actions: IntArray) -> FloatArray:
        """Probability of every move of every agent, (S, N, n_moves)."""
        return self._migration[joint_index(positions, self.config.n_casinos), joint_index(actions, 2)]


def joint_index(digits: IntArray, base: int) -> IntArray:
    """Index (S,) of joint positions or actions (S, N): their digits in this base, agent 0 first."""
    weights = base ** np.arange(digits.shape[1] - 1, -1, -1, dtype=np.int64)
    index: IntArray = digits @ weights
    return index
