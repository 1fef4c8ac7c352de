"""Correlated equilibria over count vectors are those over strategy profiles, where agents have names."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

from mpgg_env.analysis.correlated import correlated_equilibria
from tests.oracles.game_oracle import Board
from tests.oracles.mechanism_oracle import Rules, expected
from tests.random_games import board_of, config_of, random_board, random_rules

pytestmark = pytest.mark.algorithm


def named(board: Board, rules: Rules, n: int, kind: str) -> tuple[float, float]:
    """Lowest and highest welfare by a linear program over all strategy profiles and the deviations of every agent."""
    strategies = list(product(range(board.columns), (0, 1)))
    profiles = list(product(range(len(strategies)), repeat=n))
    payoffs = {}
    for profile in profiles:
        places, actions = zip(*(strategies[s] for s in profile), strict=True)
        payoffs[profile] = [float(amount) for amount in expected(board, rules, places, actions)]
    rows = []
    for agent, other in product(range(n), range(len(strategies))):
        gains = [payoffs[(*p[:agent], other, *p[agent + 1 :])][agent] - payoffs[p][agent] for p in profiles]
        if kind == "coarse":
            rows.append(gains)
        else:
            for told in range(len(strategies)):
                rows.append([gain * (p[agent] == told) for gain, p in zip(gains, profiles, strict=True)])
    total = np.array([sum(payoffs[profile]) for profile in profiles])
    found = []
    for sign in (1, -1):
        whole = np.ones((1, len(profiles)))
        result = linprog(sign * total, A_ub=np.array(rows), b_ub=np.zeros(len(rows)), A_eq=whole, b_eq=[1])
        assert result.status == 0
        found.append(sign * result.fun)
    return found[0], found[1]


@pytest.mark.parametrize("kind", ["correlated", "coarse"])
def test_names_do_not_matter(kind: Any) -> None:
    rng = random.Random(0)
    for _ in range(10):
        board = random_board(rng, 2, payoff=rng.choice(["text", "code"]))
        n = rng.randint(2, 3)
        rules = random_rules(rng, board.columns) if rng.random() < 0.7 else Rules()
        found = correlated_equilibria(config_of(board, rules, n), kind=kind)
        lowest, highest = named(board, rules, n, kind)
        assert found.lowest.welfare == pytest.approx(lowest, abs=1e-7)
        assert found.highest.welfare == pytest.approx(highest, abs=1e-7)
        assert max(found.lowest.violation, found.highest.violation) < 1e-9


def test_the_published_sizes() -> None:
    """c = (1, 1/2), r = 5/2 [MPGG2025]: N = 4 from 2.66 to 3.22, N = 6 none but the tragedy."""
    board = board_of([1, 0.5], [2.5, 2.5])
    four = correlated_equilibria(config_of(board, Rules(), 4))
    assert (round(four.lowest.welfare, 2), round(four.highest.welfare, 2)) == (2.66, 3.22)
    six = correlated_equilibria(config_of(board, Rules(), 6))
    assert six.highest.welfare == pytest.approx(0, abs=1e-9)
