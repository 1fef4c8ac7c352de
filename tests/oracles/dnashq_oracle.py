"""Nash Q-learning of central players in loops of Python over numpy tables, and the selection by trying everything."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mpgg_env.core.philox import draw_words

Array = Any
TOLERANCE = 1e-9


def joint_actions(payoffs: Sequence[Array]) -> Iterator[tuple[int, ...]]:
    """All joint actions, the first player's action changing slowest."""
    return itertools.product(*(range(count) for count in payoffs[0].shape))


def regrets(payoffs: Sequence[Array], joint: tuple[int, ...]) -> list[float]:
    """What each player would gain by deviating alone to its best action."""
    gains = []
    for player, own in enumerate(payoffs):
        others = [(*joint[:player], action, *joint[player + 1 :]) for action in range(own.shape[player])]
        gains.append(max(float(own[other]) for other in others) - float(own[joint]))
    return gains


def best_pure(payoffs: Sequence[Array]) -> tuple[int, ...] | None:
    """The pure equilibrium with the largest payoff sum at nine decimals, then the lowest actions."""
    found = [joint for joint in joint_actions(payoffs) if max(regrets(payoffs, joint)) <= TOLERANCE]
    return min(found, key=lambda joint: (-round(sum(float(own[joint]) for own in payoffs), 9), joint), default=None)


def least_regret(payoffs: Sequence[Array]) -> tuple[int, ...]:
    """The joint action whose largest regret is smallest, then the lowest actions."""
    return min(joint_actions(payoffs), key=lambda joint: (max(regrets(payoffs, joint)), joint))


def quick_pure(first: Array, second: Array) -> int:
    """`best_pure` of two players, with numpy, as the number of the joint action."""
    pure = (first >= first.max(0) - TOLERANCE) & (second >= second.max(1, keepdims=True) - TOLERANCE)
    if not pure.any():
        raise ValueError("this game has no pure equilibrium")
    return int(np.where(pure, np.round(first + second, 9), -np.inf).argmax())


def nash_values(next_index: Array, rewards: Array, discount: float, start: float, sweeps: int) -> Array:
    """Value iteration of two players in which every stage game has a pure equilibrium, (2, states)."""
    values = np.full((2, len(next_index)), start)
    for _ in range(sweeps):
        tables = rewards + discount * values[:, next_index]
        chosen = [quick_pure(tables[0, s], tables[1, s]) for s in range(len(next_index))]
        values = tables.reshape(2, len(next_index), -1)[:, np.arange(len(next_index)), chosen]
    return values


def dnashq(
    next_index: Array,
    rewards: Array,
    discount: float,
    steps: int,
    starts: Sequence[int],
    epsilons: Sequence[float],
    omega: float,
    initial: Sequence[float],
    seed: int,
) -> tuple[Array, Array]:
    """Episodes of two players from these states; Q values (2, states, A_1, A_2) and returns (episodes, 2)."""
    tables = np.array(initial)[:, None, None, None] * np.ones(rewards.shape)
    visits = np.zeros(next_index.shape, int)
    returns = np.zeros((len(starts), 2))
    for k, s in enumerate(starts):
        for t in range(steps):
            planned = np.unravel_index(quick_pure(tables[0, s], tables[1, s]), next_index.shape[1:])
            actions = []
            for player in range(2):
                explore, draw, _, _ = draw_words(seed, player, k * steps + t, 0)
                uniform = int(draw) * next_index.shape[1 + player] // 2**32
                actions.append(uniform if int(explore) < int(epsilons[k] * 2**32) else int(planned[player]))
            entry = (s, *actions)
            following = int(next_index[entry])
            worth = np.unravel_index(quick_pure(tables[0, following], tables[1, following]), next_index.shape[1:])
            later = [float(tables[(j, following, *worth)]) for j in range(2)]
            visits[entry] += 1
            alpha = float(visits[entry]) ** -omega
            for j in range(2):
                target = float(rewards[(j, *entry)]) + discount * later[j]
                tables[(j, *entry)] = (1 - alpha) * float(tables[(j, *entry)]) + alpha * target
                returns[k, j] += discount**t * float(rewards[(j, *entry)])
            s = following
    return tables, returns


def independent(
    next_index: Array,
    rewards: Array,
    discount: float,
    steps: int,
    starts: Sequence[int],
    epsilons: Sequence[float],
    omega: float,
    initial: Sequence[float],
    seed: int,
    points: tuple[int, int],
) -> list[Array]:
    """The same episodes of players who see their own point of the grid alone; Q values (points, actions) of each."""
    tables = [np.full((points[i], next_index.shape[1 + i]), initial[i]) for i in range(2)]
    visits = [np.zeros(table.shape, int) for table in tables]
    for k, s in enumerate(starts):
        for t in range(steps):
            seen = divmod(s, points[1])
            actions = []
            for i in range(2):
                explore, draw, _, _ = draw_words(seed, i, k * steps + t, 0)
                uniform = int(draw) * next_index.shape[1 + i] // 2**32
                explores = int(explore) < int(epsilons[k] * 2**32)
                actions.append(uniform if explores else int(tables[i][seen[i]].argmax()))
            entry, s = (s, *actions), int(next_index[(s, *actions)])
            for i, after in enumerate(divmod(s, points[1])):
                own = (seen[i], actions[i])
                visits[i][own] += 1
                alpha = float(visits[i][own]) ** -omega
                target = float(rewards[(i, *entry)]) + discount * float(tables[i][after].max())
                tables[i][own] = (1 - alpha) * float(tables[i][own]) + alpha * target
    return tables
