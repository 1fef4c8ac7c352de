"""The repeated game of one deviator against frozen policies, as a Markov decision process on all joint states.

Before a game the state is (positions, last actions), where the last actions are left out if no policy looks at them;
before the moves it is (positions, actions). Joint positions and joint actions have the index of
`policies.joint_index`. Shapes: X = M**N joint positions, A = 2**N joint actions, L = A or 1 (last actions).
"""

import math
from typing import Any

import numpy as np

from mpgg_env.analysis.joint_states import agent_payoffs, has_rebates
from mpgg_env.analysis.policies import Policies
from mpgg_env.core.compiled import compiled
from mpgg_env.core.types import BoolArray, FloatArray, IntArray
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.rules import destinations

_BLOCK = 2**20  # entries that are written out at once


def transition_bound(config: MPGGConfig, *, remembers: bool = False) -> float:
    """How many transitions the process of one deviator may have, at least: no array of it is larger.

    M**N 2**N states before the moves, times the largest of what the N - 1 others may do then, the moves of all agents,
    the last actions if they matter, and the casinos if there is a toll; infinity for a number beyond all bounds.

    Args:
        config: Rules of the game.
        remembers: Whether the policies look at last actions.
    """
    agents = config.n_players
    others = (agents - 1) * math.log2(min(config.n_moves, config.n_casinos))
    moves = math.log2(agents * config.n_moves)
    casinos = math.log2(config.n_casinos) if has_rebates(config) else 0.0
    exponent = agents * math.log2(2 * config.n_casinos) + max(others, moves, agents * remembers, casinos)
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
        self.legal: BoolArray = legal[mine]  # (X, n_moves)
        self.own_cooperation: FloatArray = game.cooperation[..., agent]  # (X, L)
        self.own_migration: FloatArray = game.migration[:, :, agent]  # (X, A, n_moves)
        self._rewards: FloatArray = game.payoffs[..., agent]  # (X, A)
        self._others = _others_actions(game, agent)  # (X, L, A)
        self._mine_cooperates: BoolArray = game.actions[:, agent] == 1
        self._mine = mine
        self._targets, self._slots = _targets(reached, min(config.n_moves, config.n_casinos))
        self._transitions = self._others_transitions()

    def _others_transitions(self) -> Any:
        """Where the others go, and what is remembered: a sparse matrix (X A, M**(N - 1) L)."""
        game = self.game
        others = np.arange(game.config.n_players) != self.agent
        there, theirs = game.positions[:, others], game.migration[:, :, others]
        shape = (*theirs.shape[:3], self._targets.shape[1])
        states = (shape[0] * shape[1], *shape[2:])
        slots = np.broadcast_to(self._slots[there][:, None], theirs.shape)
        chances = _target_chances(theirs, slots, shape[3]).reshape(states)
        targets = np.broadcast_to(self._targets[there][:, None], shape).reshape(states)
        last = game.shape[1]
        memories = np.tile(np.arange(shape[1]) if last > 1 else np.zeros(shape[1], np.int64), shape[0])
        return _transition_matrix(chances, targets, memories, game.config.n_casinos, last)

    def move_values(self, values: FloatArray) -> FloatArray:
        """Value of every move, (X, A, n_moves), where the next round begins with `values` (X, L); -inf if illegal."""
        agents, n_casinos = self.game.config.n_players, self.game.config.n_casinos
        rolled = np.moveaxis(values.reshape(*[n_casinos] * agents, -1), self.agent, agents - 1)
        by_others = rolled.reshape(-1, n_casinos, values.shape[1])  # (others' positions, my casino, L)
        found: FloatArray = np.empty((len(values), len(self.game.actions), self._targets.shape[1]))
        matrix = self._transitions
        fill_expected_values(
            matrix.indptr.astype(np.int64, copy=False),
            matrix.indices,
            matrix.data,
            self._targets[self._mine],
            np.ascontiguousarray(np.moveaxis(by_others, 1, 2)).reshape(-1, n_casinos),
            found,
        )
        found = self.gamma * np.take_along_axis(found, self._slots[self._mine][:, None], axis=2)
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


@compiled
def fill_expected_values(
    pointers: IntArray,
    columns: IntArray,
    chances: FloatArray,
    targets: IntArray,
    values: FloatArray,
    found: FloatArray,
) -> None:
    """Expected value in every casino that the deviator can reach, and in no other: the board may be large.

    Args:
        pointers: Where the transitions of each state begin, (X A + 1,).
        columns: What the others' moves lead to, (transitions,), in [0, Y).
        chances: Its probability, (transitions,).
        targets: The deviator's casinos from each joint position, (X, R).
        values: Values by what the others' moves lead to and by the deviator's casino, (Y, M).
        found: (X, A, R), modified in place.
    """
    n_actions = found.shape[1]
    for x in range(len(found)):
        for a in range(n_actions):
            state = x * n_actions + a
            for r in range(found.shape[2]):
                total = 0.0
                for k in range(pointers[state], pointers[state + 1]):
                    total += chances[k] * values[columns[k], targets[x, r]]
                found[x, a, r] = total


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
    """`function` of every pair of joint positions and joint actions, (X, len(flags), ...), asked block by block."""
    rows = max(1, _BLOCK // (len(flags) * positions.shape[1] ** 2))
    parts = []
    for first in range(0, len(positions), rows):
        some = positions[first : first + rows]
        values = function(np.repeat(some, len(flags), axis=0), np.tile(flags, (len(some), 1)))
        if len(values) != len(some) * len(flags):
            raise ValueError(f"policies must answer for all {len(some) * len(flags)} states, got {len(values)}")
        parts.append(np.asarray(values, np.float64).reshape(len(some), len(flags), *values.shape[1:]))
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _others_actions(game: JointGame, agent: int) -> FloatArray:
    """Probability that the others do their parts of each joint action, (X, L, A)."""
    chances = np.ones((*game.shape, len(game.actions)))
    for j in range(game.config.n_players):
        if j != agent:
            cooperates = game.cooperation[..., j, None]
            chances *= np.where(game.actions[:, j] == 1, cooperates, 1 - cooperates)
    return chances


def _targets(reached: IntArray, most: int) -> tuple[IntArray, IntArray]:
    """The distinct casinos that the moves lead to, (M, most), and which of them each move reaches, (M, n_moves).

    A casino that leads to fewer ones is filled up with its last one, which no move reaches there.
    """
    order = np.argsort(reached, axis=1, kind="stable")
    in_order = np.take_along_axis(reached, order, axis=1)
    new = np.diff(in_order, axis=1, prepend=in_order[:, :1]) != 0
    ranks = np.cumsum(new, axis=1)
    targets: IntArray = np.repeat(in_order[:, -1:], most, axis=1)
    np.put_along_axis(targets, ranks, in_order, axis=1)
    slots = np.empty_like(reached)
    np.put_along_axis(slots, order, ranks, axis=1)
    return targets, slots


def _target_chances(migration: FloatArray, slots: IntArray, most: int) -> FloatArray:
    """Probability (..., most) of each distinct casino from that of each move (..., n_moves) and what it reaches."""
    chances = np.zeros((*migration.shape[:-1], most))
    for move in range(slots.shape[-1]):
        slot = slots[..., move, None]
        more = np.take_along_axis(chances, slot, axis=-1) + migration[..., move, None]
        np.put_along_axis(chances, slot, more, axis=-1)
    return chances


def _transition_matrix(chances: FloatArray, targets: IntArray, memories: IntArray, n_casinos: int, n_last: int) -> Any:
    """Sparse matrix of the joint positions and last actions that the others' moves lead to.

    Args:
        chances: Probability of each target of each of n others, (S, n, R).
        targets: The casinos, (S, n, R).
        memories: Index of the last actions that follow, (S,).
        n_casinos: Number of casinos M.
        n_last: Number of last actions L.

    Returns:
        (S, M**n * L).
    """
    from scipy.sparse import csr_array, vstack

    states, others = chances.shape[:2]
    reach = max(1, int((chances > 0).sum(axis=-1).max(initial=1)))
    rows = max(1, _BLOCK // reach**others)
    blocks = []
    for first in range(0, states, rows):
        part = slice(first, first + rows)
        index, chance = _products(chances[part], targets[part], reach, n_casinos)
        index = index * n_last + memories[part, None]
        pointers = np.arange(len(index) + 1) * index.shape[1]
        block = csr_array((chance.ravel(), index.ravel(), pointers), shape=(len(index), n_casinos**others * n_last))
        block.eliminate_zeros()
        blocks.append(block)
    return blocks[0] if len(blocks) == 1 else vstack(blocks, format="csr")


def _products(chances: FloatArray, targets: IntArray, reach: int, n_casinos: int) -> tuple[IntArray, FloatArray]:
    """Joint index and probability, (S, reach**n) each, of what n agents do, of whom each reaches `reach` casinos."""
    states, agents = chances.shape[:2]
    likely = np.argsort(-chances, axis=-1, kind="stable")[..., :reach]
    casinos, weights = np.take_along_axis(targets, likely, axis=-1), np.take_along_axis(chances, likely, axis=-1)
    index, chance = np.zeros((states, 1), np.int64), np.ones((states, 1))
    for j in range(agents):
        index = (index[:, :, None] * n_casinos + casinos[:, j, None, :]).reshape(states, -1)
        chance = (chance[:, :, None] * weights[:, j, None, :]).reshape(states, -1)
    return index, chance
