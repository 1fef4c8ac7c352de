"""The repeated game of one deviator against frozen policies, as a Markov decision process on all joint states.

Before a game the state is (positions, last actions), where the last actions are left out if no policy looks at them;
before the moves it is (positions, actions). Joint positions and joint actions have the index of
`policies.joint_index`. Shapes: X = M**N joint positions, A = 2**N joint actions, L = A or 1 (last actions).
"""

import math
from typing import Any

import numpy as np

from mpgg_env.analysis.joint_states import agent_payoffs
from mpgg_env.analysis.policies import Policies
from mpgg_env.core.types import BoolArray, FloatArray, IntArray
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.rules import destinations

_BLOCK = 2**20  # entries of the transition matrix that are written out at once


def transition_bound(config: MPGGConfig) -> float:
    """How many transitions the process of one deviator may have.

    M**N 2**N states before the moves, times what the N - 1 others may do then; infinity for a number beyond all bounds.
    """
    reach = min(config.n_moves, config.n_casinos)
    agents = config.n_players
    exponent = agents * math.log2(2 * config.n_casinos) + (agents - 1) * math.log2(reach)
    return float(round(2.0**exponent)) if exponent < 1000 else math.inf


class JointGame:
    """What the frozen policies do in every joint state.

    Attributes:
        positions: Joint positions, (X, N).
        actions: Joint actions, (A, N).
        memories: Last actions of each state before a game, (L, N).
        cooperation: Probability of C, (X, L, N).
        migration: Probability of each move, (X, A, N, n_moves).
        payoffs: Expected payoffs, (X, A, N).

    Args:
        config: Rules of the game.
        policies: The policies of all.

    Raises:
        ValueError: The policies do not give probabilities, or move where no move leads.
    """

    def __init__(self, config: MPGGConfig, policies: Policies) -> None:
        agents = config.n_players
        self.config = config
        self.positions = _digits(config.n_casinos, agents)
        self.actions = _digits(2, agents)
        self.memories = self.actions if policies.sees_last_actions else np.zeros((1, agents), np.int64)
        legal = destinations(config)[1][self.positions]
        self.cooperation = _on_pairs(
            lambda *pair: check_cooperation(policies.cooperation(*pair), pair[0].shape), self.positions, self.memories
        )
        self.migration = _on_pairs(policies.migration, self.positions, self.actions)
        check_migration(self.migration, np.repeat(legal[:, None], len(self.actions), axis=1))
        self.payoffs = _on_pairs(lambda *pair: agent_payoffs(config, *pair), self.positions, self.actions)

    @property
    def shape(self) -> tuple[int, int]:
        """Shape (X, L) of the states before a game."""
        return len(self.positions), len(self.memories)


class DeviatorGame:
    """The decision process of one agent in a joint game.

    Args:
        game: The joint game.
        agent: Who deviates.
        gamma: Discount per round.
    """

    def __init__(self, game: JointGame, agent: int, gamma: float) -> None:
        self.game, self.agent, self.gamma = game, agent, gamma
        config = game.config
        reached, legal = destinations(config)
        mine = game.positions[:, agent]
        self._reached: IntArray = reached[mine]  # (X, n_moves)
        self.legal: BoolArray = legal[mine]  # (X, n_moves)
        self.own_cooperation: FloatArray = game.cooperation[..., agent]  # (X, L)
        self.own_migration: FloatArray = game.migration[:, :, agent]  # (X, A, n_moves)
        self._rewards: FloatArray = game.payoffs[..., agent]  # (X, A)
        self._others = _others_actions(game, agent)  # (X, L, A)
        self._mine_cooperates: BoolArray = game.actions[:, agent] == 1
        to_casinos = _destination_chances(game, reached)
        self._transitions = [_others_transitions(to_casinos[:, a], agent) for a in range(len(game.actions))]

    def move_values(self, values: FloatArray) -> FloatArray:
        """Value of every move, (X, A, n_moves), where the next round begins with `values` (X, L); -inf if illegal."""
        agents, n_casinos = self.game.config.n_players, self.game.config.n_casinos
        rolled = np.moveaxis(values.reshape(*[n_casinos] * agents, -1), self.agent, agents - 1)
        by_others = rolled.reshape(-1, n_casinos, values.shape[1])  # (others' positions, my casino, L)
        found = np.empty((len(values), len(self._transitions), self._reached.shape[1]))
        for a, transitions in enumerate(self._transitions):
            expected = transitions @ np.ascontiguousarray(by_others[..., a if values.shape[1] > 1 else 0])
            found[:, a] = np.take_along_axis(expected, self._reached, axis=1)
        found *= self.gamma
        found[~np.broadcast_to(self.legal[:, None], found.shape)] = -np.inf
        return found

    def game_values(self, later: FloatArray) -> FloatArray:
        """Value of D and of C, (X, L, 2), where a game is followed by what `later` (X, A) says."""
        weighted = self._others * (self._rewards + later)[:, None]
        cooperating = weighted[..., self._mine_cooperates].sum(axis=-1)
        return np.stack([weighted[..., ~self._mine_cooperates].sum(axis=-1), cooperating], axis=-1)

    def own_later(self, move_values: FloatArray) -> FloatArray:
        """What the moves of the agent's own policy are worth, (X, A)."""
        return mixture(self.own_migration, move_values)

    def own_value(self, game_values: FloatArray) -> FloatArray:
        """What the games of the agent's own policy are worth, (X, L)."""
        chance = self.own_cooperation
        return mixture(np.stack([1 - chance, chance], axis=-1), game_values)


def mixture(probabilities: FloatArray, values: FloatArray) -> FloatArray:
    """Mean of the values on the last axis; those of probability 0 may be infinite."""
    terms: FloatArray = np.where(probabilities > 0, probabilities, 0.0) * np.where(probabilities > 0, values, 0.0)
    total: FloatArray = terms.sum(axis=-1)
    return total


def check_cooperation(chances: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Raises ValueError unless these are probabilities of C of all agents in all states, of this shape."""
    if chances.shape != shape:
        raise ValueError(f"policies must give probabilities of C of shape {shape}, got {chances.shape}")
    if not ((chances >= 0) & (chances <= 1)).all():
        raise ValueError("policies must give probabilities of C in [0, 1], got others")
    return chances


def check_migration(chances: FloatArray, legal: BoolArray) -> None:
    """Raises ValueError unless these are probabilities of legal moves with sum 1, shaped as `legal`, (..., n_moves)."""
    if chances.shape != legal.shape:
        raise ValueError(f"policies must give probabilities of the moves of shape {legal.shape}, got {chances.shape}")
    if not ((chances >= 0).all() and np.allclose(chances.sum(axis=-1), 1, rtol=0, atol=1e-9)):
        raise ValueError("policies must give probabilities of the moves that sum to 1, got others")
    if (chances * ~legal).any():
        raise ValueError("policies must give illegal moves probability 0, got more")


def _digits(base: int, length: int) -> IntArray:
    return np.indices((base,) * length).reshape(length, -1).T.astype(np.int64)


def _on_pairs(function: Any, positions: IntArray, flags: IntArray) -> FloatArray:
    """`function` of every pair of joint positions and joint actions, (X, len(flags), ...)."""
    values = function(np.repeat(positions, len(flags), axis=0), np.tile(flags, (len(positions), 1)))
    if len(values) != len(positions) * len(flags):
        raise ValueError(f"policies must answer for all {len(positions) * len(flags)} states, got {len(values)}")
    return np.asarray(values, np.float64).reshape(len(positions), len(flags), *values.shape[1:])


def _others_actions(game: JointGame, agent: int) -> FloatArray:
    """Probability that the others do their parts of each joint action, (X, L, A)."""
    chances = np.ones((*game.shape, len(game.actions)))
    for j in range(game.config.n_players):
        if j != agent:
            cooperates = game.cooperation[..., j, None]
            chances *= np.where(game.actions[:, j] == 1, cooperates, 1 - cooperates)
    return chances


def _destination_chances(game: JointGame, reached: IntArray) -> FloatArray:
    """Probability of each agent's next casino, (X, A, N, M)."""
    chances = np.zeros((*game.migration.shape[:3], game.config.n_casinos))
    targets = np.broadcast_to(reached[game.positions][:, None], game.migration.shape)
    for move in range(targets.shape[-1]):
        place = targets[..., move, None]
        np.put_along_axis(
            chances,
            place,
            np.take_along_axis(chances, place, axis=-1) + game.migration[..., move, None],
            axis=-1,
        )
    return chances


def _others_transitions(to_casinos: FloatArray, agent: int) -> Any:
    """Sparse matrix of where the others go, (X, M**(N - 1)), from each agent's next casino, (X, N, M)."""
    from scipy.sparse import csr_array, vstack

    states, agents, n_casinos = to_casinos.shape
    others = [j for j in range(agents) if j != agent]
    reach = max(1, int((to_casinos > 0).sum(axis=-1).max()))
    rows = max(1, _BLOCK // reach ** len(others))
    blocks = []
    for first in range(0, states, rows):
        index, chance = _products(to_casinos[first : first + rows, others], reach)
        pointers = np.arange(len(index) + 1) * index.shape[1]
        shape = (len(index), n_casinos ** len(others))
        block = csr_array((chance.ravel(), index.ravel(), pointers), shape=shape)
        block.eliminate_zeros()
        blocks.append(block)
    return vstack(blocks, format="csr")


def _products(to_casinos: FloatArray, reach: int) -> tuple[IntArray, FloatArray]:
    """Joint index and probability, (X, reach**n) each, of what n agents may do, who reach `reach` casinos at most."""
    states, agents, n_casinos = to_casinos.shape
    casinos = np.argsort(-to_casinos, axis=-1, kind="stable")[..., :reach]
    chances = np.take_along_axis(to_casinos, casinos, axis=-1)
    index, chance = np.zeros((states, 1), np.int64), np.ones((states, 1))
    for j in range(agents):
        index = (index[:, :, None] * n_casinos + casinos[:, j, None, :]).reshape(states, -1)
        chance = (chance[:, :, None] * chances[:, j, None, :]).reshape(states, -1)
    return index, chance
