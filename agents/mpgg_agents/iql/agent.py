"""Independent Q-learning, readable next to the pseudo-code of [MPGG2025] section 2.2.3.

This is the teaching example of an agent. It speaks only the PettingZoo interface, so that it trains on any
two-phase environment of the same contract, and it is the oracle of the compiled trainer, which gives the same bits.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Final

import numpy as np

from mpgg_agents.iql.config import IQLConfig
from mpgg_agents.iql.rules import ACT, FLUSH, GAME, MIGRATION, SAMPLE, bin_edges, tie_order, updated_value
from mpgg_agents.replay import DualReplayBuffer, Transition
from mpgg_agents.schedules import exploration_threshold, exponential_decay
from mpgg_env.core.philox import below, draw_words
from mpgg_env.core.types import QArray

COUNT_SLOTS: Final = (6, 7)  # where the observation vector holds n and n_C
N_GAME_ACTIONS: Final = 2

Legal = tuple[int, ...]


class QTable:
    """Q values by observation; a row appears when it is first written."""

    def __init__(self, n_actions: int, config: IQLConfig) -> None:
        self.rows: dict[Hashable, QArray] = {}
        self._unseen: QArray = np.full(n_actions, config.initial_value, np.dtype(config.dtype))

    def __getitem__(self, observation: Hashable) -> list[float]:
        """The values of all actions."""
        values: list[float] = self.rows.get(observation, self._unseen).tolist()
        return values

    def __setitem__(self, entry: tuple[Hashable, int], value: float) -> None:
        observation, action = entry
        if observation not in self.rows:
            self.rows[observation] = self._unseen.copy()
        self.rows[observation][action] = value

    def best(self, observation: Hashable, legal: Legal) -> float:
        """max over the legal actions of Q(o, a)."""
        values = self[observation]
        return max(values[action] for action in legal)


class IQLAgent:
    """One agent with the tables `Q_G` (what to do) and `Q_M` (where to go), dual buffers and epsilon-greedy choice.

    Every round calls, in this order: `see_game`, `choose_game`, `receive`, `see_migration`, `choose_move`,
    `end_round`; an episode ends with `end_episode`.

    Args:
        index: Index of the agent, which gives it random numbers of its own.
        n_moves: Number of migration actions.
        config: Hyper-parameters.
        seed: Seed of the run, in [0, 2**64).
        tables: `Q_G` and `Q_M` to share with other agents; None for tables of its own.
    """

    def __init__(
        self, index: int, n_moves: int, config: IQLConfig, seed: int, tables: tuple[QTable, QTable] | None = None
    ) -> None:
        self.index, self.config, self.seed = index, config, seed
        self.Q_G, self.Q_M = tables or (QTable(N_GAME_ACTIONS, config), QTable(n_moves, config))
        self.buffers = DualReplayBuffer(config.capacity)
        self.round = 0
        self._last_game: tuple[Hashable, int] | None = None
        self._last_move: tuple[Hashable, int, float] | None = None
        self._payoffs: deque[float] = deque(maxlen=config.move_reward_window)
        self._game_order = tie_order(config.game_order, N_GAME_ACTIONS, config.tie)
        self._move_order = tie_order(config.move_order, n_moves, config.tie)

    @property
    def epsilon(self) -> float:
        """Exploration rate of this round."""
        return exponential_decay(self.config.eps_0, self.config.decay, self.config.eps_min, self.round)

    def see_game(self, observation: Hashable, legal: Legal) -> None:
        """o_G(t): it completes the transition of the last game."""
        self._complete_game(observation, legal)
        self._game_sight = observation, legal
        if self.config.update == "before_act":
            self._learn_games()

    def choose_game(self) -> int:
        """a_G(t), epsilon-greedy in Q_G."""
        observation, legal = self._game_sight
        words = draw_words(self.seed, self.index, self.round, ACT)
        return self.play_game(self._choose(self.Q_G[observation], legal, self._game_order, words[0], words[1]))

    def play_game(self, action: int) -> int:
        """Notes and returns the game action that is taken, the agent's own or a recorded one."""
        _note_next_action(self.buffers.buffer_G, action)
        self._last_game = self._game_sight[0], action
        return action

    def receive(self, reward: float) -> None:
        """R(t), the payoff of the game."""
        self._payoffs.append(reward)

    def see_migration(self, observation: Hashable, legal: Legal) -> None:
        """o_M(t): with R(t) it completes the transition of the last move."""
        if self._last_move is not None:
            last_observation, action, earned = self._last_move
            reward = self._payoffs[-1] if self.config.move_reward == "next_payoff" else earned
            self.buffers.buffer_M.append(Transition(last_observation, action, reward, observation, legal))
        self._migration_sight = observation, legal
        if self.config.update == "before_act":
            self._learn_moves()

    def choose_move(self) -> int:
        """a_M(t), epsilon-greedy in Q_M."""
        observation, legal = self._migration_sight
        words = draw_words(self.seed, self.index, self.round, ACT)
        return self.play_move(self._choose(self.Q_M[observation], legal, self._move_order, words[2], words[3]))

    def play_move(self, action: int) -> int:
        """Notes and returns the move that is taken, the agent's own or a recorded one."""
        _note_next_action(self.buffers.buffer_M, action)
        self._last_move = self._migration_sight[0], action, _mean(self._payoffs)
        return action

    def end_round(self) -> None:
        """The updates of the round, the buffers' two operations, and the decay of epsilon."""
        if self.config.update == "end_of_step":
            self._learn_games()
            self._learn_moves()
        self.buffers.clear_games()
        self.buffers.advance_moves()
        self.round += 1

    def end_episode(self, observation: Hashable, legal: Legal) -> None:
        """Drops the pending transitions; under `flush_last` the last game, whose next observation came, is applied."""
        if self.config.flush_last:
            self._complete_game(observation, legal)
            batch = self._sample(self.buffers.buffer_G, FLUSH, 1, self.round - 1)
            self._update(self.Q_G, batch)
            self.buffers.clear_games()
        self._forget_episode()

    def _complete_game(self, observation: Hashable, legal: Legal) -> None:
        if self._last_game is not None:
            last_observation, action = self._last_game
            self.buffers.buffer_G.append(Transition(last_observation, action, self._payoffs[-1], observation, legal))

    def _forget_episode(self) -> None:
        self._last_game = self._last_move = None
        self._payoffs.clear()

    def _choose(self, values: list[float], legal: Legal, order: Sequence[int], explore: Any, pick: Any) -> int:
        if explore < exploration_threshold(self.epsilon):
            return legal[below(pick, len(legal))]
        best = max(values[action] for action in legal)
        ties = [action for action in legal if values[action] == best]
        if self.config.tie == "random":
            return ties[below(pick, len(ties))]
        return next(action for action in order if action in ties)

    def _learn_games(self) -> None:
        self._update(self.Q_G, self._sample(self.buffers.buffer_G, SAMPLE + GAME, 2, self.round))

    def _learn_moves(self) -> None:
        self._update(self.Q_M, self._sample(self.buffers.buffer_M, SAMPLE + MIGRATION, 2, self.round))

    def _sample(self, buffer: deque[Transition], purpose: int, stride: int, step: int) -> list[Transition]:
        def draw(j: int, size: int) -> int:
            return below(draw_words(self.seed, self.index, step, purpose + stride * (j // 4))[j % 4], size)

        return self.buffers.sample_batch(buffer, self.config.batch_size, draw)

    def _update(self, table: QTable, batch: list[Transition]) -> None:
        for transition in batch:
            if self.config.target == "max":
                next_value = table.best(transition.next_observation, transition.next_legal)
            else:
                next_value = table[transition.next_observation][_known(transition.next_action)]
            value = table[transition.observation][transition.action]
            table[transition.observation, transition.action] = updated_value(
                value, self.config.eta, self.config.gamma, transition.reward, next_value
            )


class ObservationKeys:
    """Turns an observation vector into a table key, with the counts binned as the configuration says."""

    def __init__(self, config: IQLConfig) -> None:
        self._config = config
        self._edges: list[int] = []

    def __call__(self, observation: Any) -> tuple[float, ...]:
        """The key: the observation's numbers, each count replaced by the smallest count of its bin."""
        numbers: list[float] = observation.tolist()
        if self._config.count_bins is not None:
            for slot in COUNT_SLOTS:
                numbers[slot] = self._bin(int(numbers[slot]))
        return tuple(numbers)

    def _bin(self, count: int) -> int:
        if not self._edges or count >= self._edges[-1]:
            # Twice the count, so that the bin of `count` is followed by another edge and is final.
            self._edges = bin_edges(self._config.count_bins, self._config.bin_ratio, 2 * count + 2)
        return self._edges[bisect_right(self._edges, count) - 1]


def _note_next_action(buffer: deque[Transition], action: int) -> None:
    if buffer and buffer[-1].next_action is None:
        buffer[-1].next_action = action


def _mean(numbers: Iterable[float]) -> float:
    # Not `sum`, which adds with a compensation from Python 3.12 on: the bits would depend on the version.
    total, count = 0.0, 0
    for number in numbers:
        total += number
        count += 1
    return total / count


def _known(action: int | None) -> int:
    if action is None:
        raise AssertionError("a transition was used before its next action was chosen")
    return action
