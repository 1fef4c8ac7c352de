"""What one agent meets among frozen policies: the law of the counts, estimated, and the decision process on it.

The deviator sees what the agents of the game see. Before a game its state is (m, n), with n_C where the policies look
at last actions; before a move it is (m, n, n_C, own action). Every round tells the law for all of its actions, since
the others act at the same time as it: what it would have met in each casino it might have moved to.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from mpgg_env.analysis.joint_states import casino_counts, member_payoffs
from mpgg_env.analysis.policies import Policies
from mpgg_env.analysis.simulation import Round
from mpgg_env.core.types import BoolArray, FloatArray, IntArray
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.rules import destinations

# Weight, in samples, of the coarser law in the law of a state that was seen rarely.
PRIOR: Final = 3.0


class Encounters:
    """Collects what one agent meets; `watch` is shown every round.

    Args:
        config: Rules of the game.
        policies: The frozen policies.
        agent: The deviator.
    """

    def __init__(self, config: MPGGConfig, policies: Policies, agent: int) -> None:
        self.config, self.agent = config, agent
        self.remembers = policies.sees_last_actions
        self._reached = destinations(config)[0]
        self._parts: list[tuple[IntArray, ...]] = []
        self._extras: list[FloatArray] = []

    def watch(self, played: Round) -> None:
        """Notes one round of all replicas."""
        me, n_casinos = self.agent, self.config.n_casinos
        replicas = np.arange(len(played.positions))
        mine, action = played.positions[:, me], played.actions[:, me]
        games = self.game_keys(played.positions, played.last_actions)
        occupancy, cooperators = casino_counts(played.positions, played.actions, n_casinos)
        others = cooperators[replicas, mine] - action
        moves = self.move_keys(mine, occupancy[replicas, mine], cooperators[replicas, mine], action)
        # What I would meet in each casino next round: the others there, and me.
        rest = np.delete(np.arange(self.config.n_players), me)
        next_n, next_k = casino_counts(played.next_positions[:, rest], played.actions[:, rest], n_casinos)
        targets = self._reached[mine]
        met_n = np.take_along_axis(next_n, targets, axis=1) + 1
        met_k = np.take_along_axis(next_k, targets, axis=1) + action[:, None]
        following = self._game_key(targets, met_n, met_k)
        paid = member_payoffs(self.config, mine, occupancy[replicas, mine], cooperators[replicas, mine], action)
        self._parts.append((games, others, moves, following))
        self._extras.append(played.payoffs[:, me] - paid)

    def game_keys(self, positions: IntArray, last_actions: IntArray) -> IntArray:
        """State of the deviator before a game, (R,)."""
        occupancy, cooperators = casino_counts(positions, last_actions, self.config.n_casinos)
        replicas, mine = np.arange(len(positions)), positions[:, self.agent]
        return self._game_key(mine, occupancy[replicas, mine], cooperators[replicas, mine])

    def move_states(self, positions: IntArray, actions: IntArray) -> IntArray:
        """State of the deviator before a move, (R,)."""
        occupancy, cooperators = casino_counts(positions, actions, self.config.n_casinos)
        replicas, mine = np.arange(len(positions)), positions[:, self.agent]
        return self.move_keys(mine, occupancy[replicas, mine], cooperators[replicas, mine], actions[:, self.agent])

    def move_keys(self, casinos: Any, occupancy: Any, cooperators: Any, actions: Any) -> IntArray:
        """Key of a state before a move."""
        counts = self.config.n_players + 1
        keys: IntArray = ((casinos * counts + occupancy) * counts + cooperators) * 2 + actions
        return keys

    def collected(self) -> tuple[IntArray, IntArray, IntArray, IntArray, FloatArray]:
        """Game states (S,), others' cooperators (S,), move states (S,), next game states (S, n_moves), rebates (S,)."""
        games, others, moves, following = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        return games, others, moves, following, np.concatenate(self._extras)

    def _game_key(self, casinos: Any, occupancy: Any, cooperators: Any) -> IntArray:
        counts = self.config.n_players + 1
        keys: IntArray = (casinos * counts + occupancy) * counts + (cooperators if self.remembers else 0)
        return keys


@dataclass(frozen=True, slots=True)
class EncounterResponse:
    """What the estimated process says is best in the states that were met, the agent's own policy elsewhere.

    A `policies.Deviation`.

    Attributes:
        encounters: Tells the states.
        game_states: Sorted states before a game, (G,).
        games: Game actions, (rounds, G); one round stands for all when the game has no end.
        move_states: Sorted states before a move, (K,).
        moves: Moves, (rounds, K).
        exploration: Share of rounds in which the agent draws from all legal actions alike instead.
    """

    encounters: Encounters
    game_states: IntArray
    games: IntArray
    move_states: IntArray
    moves: IntArray
    exploration: float = 0.0

    def exploring(self, share: float) -> "EncounterResponse":
        """The same with another exploration."""
        return replace(self, exploration=share)

    def cooperation(self, step: int, positions: IntArray, last_actions: IntArray, own: FloatArray) -> FloatArray:
        """Probability of C, (S,)."""
        found, known = _find(self.game_states, self.encounters.game_keys(positions, last_actions))
        chosen = self.games[step if len(self.games) > 1 else 0][found]
        chances: FloatArray = np.where(known, chosen, own)
        return (1 - self.exploration) * chances + self.exploration / 2

    def migration(self, step: int, positions: IntArray, actions: IntArray, own: FloatArray) -> FloatArray:
        """Probability of every move, (S, n_moves)."""
        found, known = _find(self.move_states, self.encounters.move_states(positions, actions))
        chosen = np.eye(own.shape[-1])[self.moves[step if len(self.moves) > 1 else 0][found]]
        chances = np.where(known[:, None], chosen, own)
        return explored(chances, self.encounters.config, positions[:, self.encounters.agent], self.exploration)


@dataclass(frozen=True, slots=True)
class Wandering:
    """A deviation that draws from all legal actions alike in a share of the rounds, and else follows the own policy.

    Attributes:
        config: Rules of the game.
        agent: Who wanders.
        exploration: The share, in [0, 1].
    """

    config: MPGGConfig
    agent: int
    exploration: float

    def cooperation(self, step: int, positions: IntArray, last_actions: IntArray, own: FloatArray) -> FloatArray:
        """Probability of C, (S,)."""
        return (1 - self.exploration) * own + self.exploration / 2

    def migration(self, step: int, positions: IntArray, actions: IntArray, own: FloatArray) -> FloatArray:
        """Probability of every move, (S, n_moves)."""
        return explored(own, self.config, positions[:, self.agent], self.exploration)


def explored(chances: FloatArray, config: MPGGConfig, casinos: IntArray, share: float) -> FloatArray:
    """Probabilities of the moves (S, n_moves) from `casinos` (S,) when a share of them is drawn from all legal ones."""
    if share == 0:
        return chances
    legal = destinations(config)[1][casinos]
    mixed: FloatArray = (1 - share) * chances + share * legal / legal.sum(axis=1, keepdims=True)
    return mixed


class EstimatedGame:
    """The decision process of one agent with the laws that were seen.

    Args:
        encounters: What was met.
        gamma: Discount per round.
    """

    def __init__(self, encounters: Encounters, gamma: float) -> None:
        self.encounters, self.gamma = encounters, gamma
        games, others, moves, following, rebates = encounters.collected()
        self.game_states, game_of = np.unique(games, return_inverse=True)
        self._pairs, pair_of = np.unique(np.stack([game_of, others]), axis=1, return_inverse=True)
        seen = np.bincount(pair_of.ravel()).astype(np.float64)
        per_game = np.bincount(game_of)
        self._pair_chances = seen / per_game[self._pairs[0]]
        rebate = np.bincount(game_of, weights=rebates) / per_game
        self._rewards, reached = self._game_outcomes(rebate)
        self.move_states, places = np.unique(np.concatenate([reached.ravel(), moves]), return_inverse=True)
        self._pair_moves = places[: reached.size].reshape(reached.shape)
        counts = encounters.config.n_players + 1
        casinos = self.move_states // (2 * counts * counts)
        self._legal = destinations(encounters.config)[1][casinos]
        next_games = nearest(self.game_states, following)
        # From coarse to fine: the casino, its occupancy too, and the whole state; each with my action.
        action = self.move_states % 2
        crowd = self.move_states // (2 * counts)
        levels = [casinos * 2 + action, crowd * 2 + action, self.move_states]
        real = places[reached.size :]
        self._laws = [_Law(level, real, next_games, len(self.game_states)) for level in levels]

    def solve(self, rounds: int | None, tolerance: float = 1e-6) -> EncounterResponse:
        """The best response to the estimated laws: by value iteration, or by backward induction over `rounds`."""
        values = np.zeros(len(self.game_states))
        largest = float(np.abs(self._rewards).max(initial=0.0))
        games: list[IntArray] = []
        moves: list[IntArray] = []
        while rounds is None or len(games) < rounds:
            before = values
            values, game, move = self._improved(values)
            games, moves = ([game], [move]) if rounds is None else ([game, *games], [move, *moves])
            if rounds is None and np.abs(values - before).max() <= tolerance * max(largest, 1e-300):
                break
        return EncounterResponse(self.encounters, self.game_states, np.stack(games), self.move_states, np.stack(moves))

    def _game_outcomes(self, rebate: FloatArray) -> tuple[FloatArray, IntArray]:
        """Payoff (P, 2) of D and C for every pair of game state and others' cooperators, and the next move states."""
        counts = self.encounters.config.n_players + 1
        state, others = self.game_states[self._pairs[0]], self._pairs[1]
        casino, occupancy = state // (counts * counts), state // counts % counts
        rewards, reached = [], []
        for action in (0, 1):
            cooperators, chosen = others + action, np.full(len(state), action)
            paid = member_payoffs(self.encounters.config, casino, occupancy, cooperators, chosen)
            rewards.append(paid + rebate[self._pairs[0]])
            reached.append(self.encounters.move_keys(casino, occupancy, cooperators, chosen))
        return np.stack(rewards, axis=1), np.stack(reached, axis=1)

    def _improved(self, values: FloatArray) -> tuple[FloatArray, IntArray, IntArray]:
        expected = np.full(self._legal.shape, values.mean())
        for law in self._laws:
            expected = law.expected(values, expected)
        expected = np.where(self._legal, self.gamma * expected, -np.inf)
        later = expected.max(axis=1)[self._pair_moves]
        weighted = self._pair_chances[:, None] * (self._rewards + later)
        totals = np.stack(
            [np.bincount(self._pairs[0], weights=weighted[:, a], minlength=len(values)) for a in (0, 1)], axis=1
        )
        return totals.max(axis=1), totals.argmax(axis=1), expected.argmax(axis=1)


class _Law:
    """The law of the next game state by move, in groups of states before a move.

    Args:
        groups: Group of each state before a move, (K,).
        seen: Such a state of each sample, (S,).
        following: Next game state of each sample by move, (S, n_moves).
        n_states: Number of game states.
    """

    def __init__(self, groups: IntArray, seen: IntArray, following: IntArray, n_states: int) -> None:
        from scipy.sparse import csr_array

        distinct, self._group = np.unique(groups, return_inverse=True)
        n_moves = following.shape[1]
        rows = (self._group[seen][:, None] * n_moves + np.arange(n_moves)).ravel()
        shape = (len(distinct) * n_moves, n_states)
        self._counts: Any = csr_array((np.ones(rows.size), (rows, following.ravel())), shape=shape)
        self._sizes = np.bincount(self._group[seen], minlength=len(distinct)).astype(np.float64)
        self._n_moves = n_moves

    def expected(self, values: FloatArray, coarser: FloatArray) -> FloatArray:
        """Expected value of each move, (K, n_moves), drawn towards `coarser` (K, n_moves) where little was seen."""
        totals = (self._counts @ values).reshape(-1, self._n_moves)[self._group]
        mixed: FloatArray = (totals + PRIOR * coarser) / (self._sizes[self._group][:, None] + PRIOR)
        return mixed


def nearest(states: IntArray, keys: IntArray) -> IntArray:
    """Index of the sorted state that is nearest to each key; near keys mean the same casino and like counts."""
    above = np.searchsorted(states, keys).clip(max=len(states) - 1)
    below = (above - 1).clip(min=0)
    closer: IntArray = np.where(np.abs(states[above] - keys) < np.abs(keys - states[below]), above, below)
    return closer


def _find(states: IntArray, keys: IntArray) -> tuple[IntArray, BoolArray]:
    places = np.searchsorted(states, keys).clip(max=len(states) - 1)
    return places, states[places] == keys
