"""Independent Q-learning in the migratory public goods game: a second, slow implementation.

Written from the words of the specification and the pseudo-code of the source text, not from the package's code,
with dictionaries and loops alone. From the package it takes the two records of settings and reads their fields.

`replay` follows recorded actions and shows every table after every round; `train` plays and learns by itself.
"""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mpgg_agents.iql.config import IQLConfig
from mpgg_env import MPGGConfig

Key = tuple[int, ...]
Table = dict[Key, list[float]]
Choice = tuple[Any, int]  # an observation and the action taken there
Counter = Callable[[int], int]
Draw = Callable[[], float]  # a uniform number in [0, 1)

# (rows up, columns right): the row is the cost index, the column the gain index, up is towards higher cost.
VON_NEUMANN = ((0, 0), (1, 0), (-1, 0), (0, -1), (0, 1))
MOORE = (*VON_NEUMANN, (1, -1), (1, 1), (-1, -1), (-1, 1))


@dataclass
class Round:
    """What one round of a replay left behind; the tables are copies and hold rows with a non-zero entry only.

    Attributes:
        positions: Casino in which each agent played.
        payoffs: Payoff of each agent.
        next_positions: Casino of each agent after its move.
        game: Q_G of each agent, `{(casino, n): [q(D), q(C)]}`.
        migration: Q_M of each agent, `{(casino, n, n_C): [q(stay), q(up), ...]}`.
    """

    positions: list[int]
    payoffs: list[float]
    next_positions: list[int]
    game: list[Table]
    migration: list[Table]


@dataclass
class Transition:
    """An action that still waits for its consequences."""

    observation: Key
    action: int
    reward: float
    legal: Sequence[int] = ()


@dataclass
class Learner:
    """One agent's tables, its two pending transitions and its payoffs so far."""

    game: Table
    migration: Table
    pending_game: Transition | None = None
    pending_move: Transition | None = None
    payoffs: list[float] = field(default_factory=list)


def casino_costs_and_gains(game: MPGGConfig) -> list[tuple[float, float]]:
    """Cost and gain factor of every casino, in the order m = row * columns + column."""
    rows, columns = game.grid_shape
    pairs = []
    for row in range(rows):
        for column in range(columns):
            cost = between(game.cost_range, fraction(game.cell_values, row, rows))
            gain = between(game.gain_range, fraction(game.cell_values, column, columns))
            m = row * columns + column
            cost = cost if game.cost is None else game.cost[m]
            gain = gain if game.gain is None else game.gain[m]
            pairs.append((cost, gain))
    return pairs


def fraction(rule: str, index: int, count: int) -> float:
    """Place of cell `index` out of `count` on the unit interval."""
    if rule == "upper":
        return (index + 1) / count
    if rule == "center":
        return (index + 0.5) / count
    return 1.0 if count == 1 else index / (count - 1)


def between(bounds: tuple[float, float], share: float) -> float:
    """The value at `share` of the way from the lower to the upper bound."""
    low, high = bounds
    return low + (high - low) * share


def destination(game: MPGGConfig, casino: int, move: int) -> int | None:
    """Casino that a move leads to; None where the move does not exist."""
    if game.moves == "anywhere":
        return move
    rows, columns = game.grid_shape
    up, right = (MOORE if game.moves == "moore" else VON_NEUMANN)[move]
    row, column = casino // columns + up, casino % columns + right
    if game.boundary == "torus":
        return (row % rows) * columns + column % columns
    if 0 <= row < rows and 0 <= column < columns:
        return row * columns + column
    return casino if game.boundary == "wall" else None


def arrival(game: MPGGConfig, casino: int, move: int) -> int:
    """Casino that an existing move leads to."""
    target = destination(game, casino, move)
    if target is None:
        raise ValueError(f"move {move} does not exist in casino {casino}")
    return target


def legal_moves(game: MPGGConfig, casino: int) -> list[int]:
    """Moves that exist in a casino."""
    count = {"von_neumann": 5, "moore": 9, "anywhere": game.grid_shape[0] * game.grid_shape[1]}[game.moves]
    return [move for move in range(count) if destination(game, casino, move) is not None]


def payoff(game: MPGGConfig, cost: float, gain: float, n: int, cooperators: int, cooperates: bool) -> float:
    """Payoff of one member of a casino with `n` members of whom `cooperators` cooperate."""
    if n < game.min_players:
        return 0.0
    pot = gain * cooperators / n if game.payoff == "code" else gain * cost * cooperators / n
    return pot - cost if cooperates else pot


def counter(agent: IQLConfig) -> Counter:
    """The count as a table sees it: exact up to a limit, above it the first count of its geometric bin.

    The bins above the limit start at limit + 1; each next one starts at the last start times the ratio, rounded
    down, and at least one higher.
    """
    limit = agent.count_bins
    if limit is None:
        return lambda count: count

    def binned(count: int) -> int:
        if count <= limit:
            return count
        start = limit + 1
        while (following := max(start + 1, math.floor(start * agent.bin_ratio))) <= count:
            start = following
        return start

    return binned


def observe(shown: str, casino: int, n: int, cooperators: int, count: Counter) -> Key:
    """The part of (casino, n, n_C) that the configuration shows."""
    return (casino, count(n), count(cooperators))[: {"m": 1, "m_n": 2, "m_n_nC": 3}[shown]]


class Replay:
    """The game and every agent's tables along recorded actions."""

    def __init__(self, game: MPGGConfig, agent: IQLConfig, start: Sequence[int]) -> None:
        if not agent.learns_online:
            raise ValueError("replay knows no sampling from buffers: capacity and batch_size must be 1")
        self.game, self.agent = game, agent
        self.casinos = casino_costs_and_gains(game)
        self.legal = [legal_moves(game, casino) for casino in range(len(self.casinos))]
        self.n_moves = 1 + max(max(moves) for moves in self.legal)
        if game.boundary == "mask" and game.moves != "anywhere":
            self.n_moves = len(MOORE) if game.moves == "moore" else len(VON_NEUMANN)
        self.count = counter(agent)
        self.positions = [int(casino) for casino in start]
        self.last_actions = [0] * len(self.positions)
        shared: tuple[Table, Table] = ({}, {})
        alone = agent.table == "per_agent"
        self.learners = [Learner(*(({}, {}) if alone else shared)) for _ in self.positions]

    def play(self, game_actions: Sequence[int], moves: Sequence[int], last: bool) -> Round:
        """One round: the games, the moves, and the updates whose consequences are now known."""
        agents = range(len(self.positions))
        played_at = list(self.positions)
        seen_in_game = self.observations(self.game.obs_game)
        self.last_actions = [int(action) for action in game_actions]
        payoffs = self.pay()
        seen_in_migration = self.observations(self.game.obs_migration)
        for i in agents:
            self.learn_game(self.learners[i], seen_in_game[i], self.last_actions[i])
        for i in agents:
            self.learn_move(self.learners[i], payoffs[i], seen_in_migration[i], self.positions[i], int(moves[i]))
        for i in agents:
            learner = self.learners[i]
            learner.payoffs.append(payoffs[i])
            learner.pending_game = Transition(seen_in_game[i], self.last_actions[i], payoffs[i])
            learner.pending_move = Transition(seen_in_migration[i], int(moves[i]), self.mean_payoff(learner))
        self.positions = [arrival(self.game, self.positions[i], int(moves[i])) for i in agents]
        if last and self.agent.flush_last:
            for learner, observation in zip(self.learners, self.observations(self.game.obs_game), strict=True):
                self.learn_game(learner, observation, None)
        return Round(
            positions=played_at,
            payoffs=payoffs,
            next_positions=list(self.positions),
            game=[nonzero_rows(learner.game) for learner in self.learners],
            migration=[nonzero_rows(learner.migration) for learner in self.learners],
        )

    def counts(self) -> tuple[dict[int, int], dict[int, int]]:
        """Members of each occupied casino, and those among them whose last action was C."""
        members: dict[int, int] = {}
        cooperators: dict[int, int] = {}
        for casino, action in zip(self.positions, self.last_actions, strict=True):
            members[casino] = members.get(casino, 0) + 1
            cooperators[casino] = cooperators.get(casino, 0) + action
        return members, cooperators

    def observations(self, shown: str) -> list[Key]:
        """What each agent sees now."""
        members, cooperators = self.counts()
        return [observe(shown, m, members[m], cooperators[m], self.count) for m in self.positions]

    def pay(self) -> list[float]:
        """Everybody's payoff, once all actions are in."""
        members, cooperators = self.counts()
        return [
            payoff(self.game, *self.casinos[m], members[m], cooperators[m], action == 1)
            for m, action in zip(self.positions, self.last_actions, strict=True)
        ]

    def mean_payoff(self, learner: Learner) -> float:
        """Mean of the last payoffs, the one of the current round included: it precedes the move."""
        latest = learner.payoffs[-self.agent.move_reward_window :]
        return sum(latest) / len(latest)

    def learn_game(self, learner: Learner, observation: Key, action: int | None) -> None:
        """Applies the pending game transition, which leads to `observation` and the next action there."""
        if learner.pending_game is None:
            return
        following = self.row(learner.game, observation, 2)
        value = following[action] if self.agent.target == "sarsa" and action is not None else max(following)
        self.update(learner.game, learner.pending_game, learner.pending_game.reward, value, 2)

    def learn_move(self, learner: Learner, reward: float, observation: Key, casino: int, action: int) -> None:
        """Applies the pending move, which was paid `reward` and led to `observation` in `casino`."""
        pending = learner.pending_move
        if pending is None:
            return
        following = self.row(learner.migration, observation, self.n_moves)
        value = max(following[move] for move in self.legal[casino])
        if self.agent.target == "sarsa":
            value = following[action]
        if self.agent.move_reward == "past_mean":
            reward = pending.reward
        self.update(learner.migration, pending, reward, value, self.n_moves)

    def row(self, table: Table, observation: Key, actions: int) -> list[float]:
        """The values of an observation; a row that is not there yet has the initial value everywhere."""
        return table.get(observation) or [self.agent.initial_value] * actions

    def update(self, table: Table, pending: Transition, reward: float, value: float, actions: int) -> None:
        """Q <- (1 - eta) Q + eta (R + gamma Q')."""
        eta, gamma = self.agent.eta, self.agent.gamma
        row = table.setdefault(pending.observation, [self.agent.initial_value] * actions)
        row[pending.action] = (1 - eta) * row[pending.action] + eta * (reward + gamma * value)


def nonzero_rows(table: Table) -> Table:
    """A copy of the rows with an entry that is not 0."""
    return {observation: list(row) for observation, row in table.items() if any(row)}


def replay(game: MPGGConfig, agent: IQLConfig, positions: Any, game_actions: Any, moves: Any) -> Iterator[Round]:
    """Learns along recorded actions and yields every round.

    Args:
        game: Rules of the game.
        agent: Settings of the learners; nothing random (ties, exploration, replay) takes part.
        positions: Casinos at the start, `(n_agents,)`, or before every round, `(rounds, n_agents)`.
        game_actions: 0 = D, 1 = C, `(rounds, n_agents)`.
        moves: Index of each agent's move, `(rounds, n_agents)`.

    Raises:
        ValueError: A move does not exist, or the recorded positions are not where the moves lead.
    """
    recorded = [list(row) for row in positions] if hasattr(positions[0], "__len__") else None
    world = Replay(game, agent, positions if recorded is None else recorded[0])
    for t in range(len(game_actions)):
        if recorded is not None and recorded[t] != world.positions:
            raise ValueError(f"round {t}: the moves lead to {world.positions}, the record says {recorded[t]}")
        yield world.play(game_actions[t], moves[t], t == len(game_actions) - 1)


@dataclass
class Outcome:
    """What a free run recorded.

    Attributes:
        cooperators: Agents that cooperated, per round.
        occupancy: Agents in each casino when the games of a round were played, per round.
    """

    cooperators: list[int]
    occupancy: list[list[int]]


def epsilon_greedy(row: list[float], epsilon: float, draw: Draw) -> int:
    """A uniformly random action with probability epsilon, else one of the best, uniformly."""
    if draw() < epsilon:
        return int(draw() * len(row))
    best = max(row)
    ties = [action for action, value in enumerate(row) if value == best]
    return ties[0] if len(ties) == 1 else ties[int(draw() * len(ties))]


def choose(
    tables: list[Table],
    seen: Sequence[Key],
    positions: list[int],
    actions: int,
    epsilon: float,
    draw: Callable[[], float],
) -> list[Choice]:
    """Every agent's observation and its epsilon-greedy action there."""
    choices = []
    for table, m in zip(tables, positions, strict=True):
        observation = seen[m]
        row = table.get(observation)
        if row is None:
            row = table[observation] = [0.0] * actions
        choices.append((observation, epsilon_greedy(row, epsilon, draw)))
    return choices


def learn(
    tables: list[Table], before: list[Choice], after: list[Choice], rewards: list[float], eta: float, gamma: float
) -> None:
    """Q <- (1 - eta) Q + eta (R + gamma max Q') for every agent, from its choice before to where it is after."""
    for table, (observation, action), (following, _), reward in zip(tables, before, after, rewards, strict=True):
        row = table[observation]
        row[action] = (1 - eta) * row[action] + eta * (reward + gamma * max(table[following]))


def train(game: MPGGConfig, agent: IQLConfig, rounds: int, seed: int) -> Outcome:
    """Plays and learns by itself, as the plain program that one would write from the pseudo-code.

    It knows the default options, with any number of agents that fills the casinos equally, any grid, ranges,
    cell values, payoff, learning rate, discount and exploration schedule. Random numbers come from
    `random.Random(seed)`. It is also the peer of the speed comparison: dictionaries, lists and loops with local
    names, one observation per casino and round, no arrays.
    """
    casinos = casino_costs_and_gains(game)
    if game.n_agents % len(casinos):
        raise ValueError(f"n_agents must be a multiple of the {len(casinos)} casinos, got {game.n_agents}")
    leads_to = [[arrival(game, m, move) for move in range(len(VON_NEUMANN))] for m in range(len(casinos))]
    draw = random.Random(seed).random
    q_game: list[Table] = [{} for _ in range(game.n_agents)]
    q_move: list[Table] = [{} for _ in range(game.n_agents)]
    positions = [i * len(casinos) // game.n_agents for i in range(game.n_agents)]
    games_before: list[Choice] = []
    moves_before: list[Choice] = []
    payoffs: list[float] = []
    outcome = Outcome([], [])
    for t in range(rounds):
        epsilon = max(agent.eps_min, agent.eps_0 * agent.decay**t)
        occupancy, cooperators = [0] * len(casinos), [0] * len(casinos)
        for m in positions:
            occupancy[m] += 1
        games = choose(q_game, list(enumerate(occupancy)), positions, 2, epsilon, draw)
        for (m, _), action in games:
            cooperators[m] += action
        counts = list(zip(range(len(casinos)), occupancy, cooperators, strict=True))
        paid = [[payoff(game, *casinos[m], n, k, c) for c in (False, True)] if n else [] for m, n, k in counts]
        last_payoffs, payoffs = payoffs, [paid[m][action] for (m, _), action in games]
        moves = choose(q_move, counts, positions, len(VON_NEUMANN), epsilon, draw)
        if t:
            learn(q_game, games_before, games, last_payoffs, agent.eta, agent.gamma)
            learn(q_move, moves_before, moves, payoffs, agent.eta, agent.gamma)
        positions = [leads_to[m][move] for m, (_, move) in zip(positions, moves, strict=True)]
        games_before, moves_before = games, moves
        outcome.cooperators.append(sum(cooperators))
        outcome.occupancy.append(occupancy)
    return outcome
