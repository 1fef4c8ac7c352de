"""Under every mechanism the environments pay what the slow exact game pays, agent by agent."""

from __future__ import annotations

import random
from collections import Counter
from fractions import Fraction
from itertools import combinations

import numpy as np

from mpgg_env import MPGGParallelEnv, MPGGVectorEnv
from tests.oracles.mechanism_oracle import Rules, expected, lotteries, paid, settle
from tests.random_games import board_of, config_of, random_board, random_rules


def test_the_array_environment_pays_what_the_ledger_says() -> None:
    rng, numbers = random.Random(0), np.random.default_rng(0)
    excluded = 0
    for _ in range(30):
        board = random_board(rng, 4, payoff=rng.choice(["text", "code"]), min_players=rng.randint(1, 3))
        rules, n = random_rules(rng, board.columns), rng.randint(1, 9)
        env = MPGGVectorEnv(config_of(board, rules, n, moves="anywhere", remainder="first"), 3)
        env.reset(7, positions=numbers.integers(board.columns, size=(3, n)))
        for _ in range(2):
            positions, actions = env.state.positions.copy(), numbers.integers(2, size=(3, n))
            _, rewards, _, _, infos = env.step(actions)
            received = env.transfers
            for b in range(3):
                players = frozenset(np.flatnonzero(env.plays[b]).tolist())
                excluded += n - len(players)
                assert players in lotteries(board, rules, positions[b].tolist())
                ledger = settle(board, rules, positions[b].tolist(), actions[b].tolist(), players)
                np.testing.assert_allclose(rewards[b], np.array(paid(ledger), float), rtol=0, atol=1e-12)
                for name, amounts in received.items():
                    np.testing.assert_allclose(amounts[b], np.array(ledger[name], float), rtol=0, atol=1e-12)
                assert abs(env.produced[b] - float(sum(ledger["game"]))) < 1e-12
                money = paid({name: column for name, column in ledger.items() if name != "game"})
                if env.config.mechanisms:
                    np.testing.assert_allclose(infos["transfer"][b], np.array(money, float), rtol=0, atol=1e-12)
            env.step(numbers.integers(board.columns, size=(3, n)))
    assert excluded > 15


def test_the_dictionary_environment_pays_the_same() -> None:
    rng, numbers = random.Random(1), np.random.default_rng(1)
    for seed in range(25):
        board = random_board(rng, 4, payoff=rng.choice(["text", "code"]))
        rules, n = random_rules(rng, board.columns), rng.randint(1, 7)
        config = config_of(board, rules, n, moves="anywhere", max_cycles=6)
        env, arrays = MPGGParallelEnv(config), MPGGVectorEnv(config, 1)
        env.reset(seed=seed)
        arrays.reset(seed)
        while env.agents:
            positions, plays = env.positions.tolist(), env.phase == "game"
            actions = numbers.integers(2 if plays else board.columns, size=n)
            _, rewards, _, _, infos = env.step(dict(zip(env.agents, actions.tolist(), strict=True)))
            _, row, _, _, notes = arrays.step(actions[None])
            given = [rewards[agent] for agent in env.possible_agents]
            assert given == row[0].tolist()
            if config.mechanisms:
                assert [infos[agent]["transfer"] for agent in env.possible_agents] == notes["transfer"][0].tolist()
            if plays and not rules.capacity:
                ledger = settle(board, rules, positions, actions.tolist(), frozenset(range(n)))
                np.testing.assert_allclose(given, np.array(paid(ledger), float), rtol=0, atol=1e-12)


def test_every_set_of_players_is_drawn_equally_often() -> None:
    """Five agents, two seats: ten sets. Also over the rounds of one replica, and the mean pay is the expected one."""
    board, rules = board_of([1], [3]), Rules(capacity=(2,), fine=(Fraction(1, 2),))
    env = MPGGVectorEnv(config_of(board, rules, 5), 1000)
    env.reset(0)
    drawn: Counter[tuple[int, ...]] = Counter()
    total = np.zeros(5)
    for _ in range(10):
        _, rewards, _, _, _ = env.step(np.tile([1, 0, 1, 0, 0], (1000, 1)))
        total += rewards.sum(axis=0)
        drawn.update(tuple(np.flatnonzero(row).tolist()) for row in env.plays)
        env.step(np.zeros((1000, 5), int))
    assert set(drawn) == set(combinations(range(5), 2))
    # Mean 1000, standard deviation 30 each: the statistic has 9 degrees of freedom, 99.9 % are below 27.9.
    assert sum((count - 1000) ** 2 / 1000 for count in drawn.values()) < 27.9
    exact = np.array(expected(board, rules, [0] * 5, [1, 0, 1, 0, 0]), float)
    np.testing.assert_allclose(total / 10_000, exact, atol=0.05)
    pairs = Counter(tuple(np.flatnonzero(row).tolist()) for row in successive(env))
    assert sum((count - 300) ** 2 / 300 for count in pairs.values()) < 27.9


def successive(env: MPGGVectorEnv) -> list[np.ndarray]:
    """Who plays in 3,000 rounds of the first replica of a fresh start."""
    alone = MPGGVectorEnv(env.config.replace(max_cycles=6000), 1)
    alone.reset(3)
    seen = []
    for _ in range(3000):
        alone.step(np.zeros((1, 5), int))
        seen.append(alone.plays[0])
        alone.step(np.zeros((1, 5), int))
    return seen
