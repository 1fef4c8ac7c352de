"""The slow oracle of the mean-field-type games gives what comes out by hand; the package is compared with it elsewhere.

Fractions make the calculations exact; the decimals in the comments are how a person would write them down.
"""

from __future__ import annotations

import math
import random
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from tests.oracles.mean_field_oracle import (
    CyberSecurity,
    DistributionPlanning,
    FourRooms,
    Game,
    MigratoryGame,
    PopulationMatching,
    PredatorPrey,
    agents_step,
    empirical,
    next_distributions,
    overlap,
    step,
)
from tests.oracles.simplex_oracle import (
    compositions,
    distance,
    factored_normalised,
    largest_remainder,
    nearest,
    row_normalised,
)
from tests.random_mean_field import random_actions, random_distributions

pytestmark = pytest.mark.algorithm

HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)
MOVES = {"left": 0, "right": 1, "stay": 2, "up": 3, "down": 4}
TWO_BY_TWO = MigratoryGame(2, 2, [HALF, HALF, 1, 1], [2, 4, 2, 4], [QUARTER, 1 - QUARTER])
GAMES: list[Game] = [
    PopulationMatching(),
    FourRooms(),
    PredatorPrey(),
    DistributionPlanning(),
    CyberSecurity(),
    TWO_BY_TWO,
    replace(TWO_BY_TWO, boundary="torus"),
]


def on(board: Any, masses: dict[tuple[int, int], Any]) -> list[Any]:
    """A distribution on the cells of a board."""
    return [masses.get(divmod(s, board.columns), 0) for s in range(board.rows * board.columns)]


def doing(board: Any, choices: dict[tuple[int, int], dict[str, Any]]) -> list[list[Any]]:
    """An action that stays wherever nothing is said."""
    cells = [divmod(s, board.columns) for s in range(board.rows * board.columns)]
    return [[choices.get(cell, {"stay": 1}).get(name, 0) for name in MOVES] for cell in cells]


def masses(board: Any, distribution: list[Any]) -> dict[tuple[int, int], Any]:
    """Where the mass is."""
    return {divmod(s, board.columns): mass for s, mass in enumerate(distribution) if mass}


def decimals(*words: str) -> list[Fraction]:
    return [Fraction(word) for word in words]


def test_matching_one_stays_and_one_goes_round_the_ring() -> None:
    # Coalition 0 stays in 0: 0.96 there, noise takes 0.02 to 2 and to 1. Coalition 1 goes right from 2, to 0, alike.
    stay, right = [[1, 0, 0]] * 3, [[0, 0, 1]] * 3
    following, rewards = step(PopulationMatching(), [[1, 0, 0], [0, 0, 1]], [stay, right])
    assert following == [decimals("0.96", "0.02", "0.02")] * 2
    assert rewards == [0, -2]  # |1 - 0| + |0 - 1|


def test_matching_with_split_mass_and_a_split_choice() -> None:
    # Half in 0 goes left, to 2; half in 1 stays or goes right, to 2: intended (0, 1/4, 3/4). Noise:
    # 0: 0.02 * 3/4 (from 2 to the right) + 0.02 * 1/4 (from 1 to the left) = 0.015 + 0.005
    # 1: 0.96 * 1/4 + 0.02 * 3/4 (from 2 to the left) = 0.24 + 0.015; 2: 0.96 * 3/4 + 0.02 * 1/4 = 0.72 + 0.005
    action = [[0, 1, 0], [HALF, 0, HALF], [1, 0, 0]]
    following, rewards = step(
        PopulationMatching(), [[HALF, HALF, 0], [QUARTER, QUARTER, HALF]], [action, [[1, 0, 0]] * 3]
    )
    assert following[0] == decimals("0.02", "0.255", "0.725")
    assert rewards == [-2 * (HALF + QUARTER), -1]  # moved 3/4; |1/4| + |1/4| + |-1/2|


def test_four_rooms_a_door_lets_through_and_a_wall_does_not() -> None:
    # (2,4) right: the door to (2,5); noise may go back through it. (4,4) down: a wall below, and one to the right.
    game = FourRooms()
    first, second = on(game, {(2, 4): 1}), on(game, {(4, 4): 1})
    actions = [doing(game, {(2, 4): {"right": 1}}), doing(game, {(4, 4): {"down": 1}})]
    following, rewards = step(game, [first, second], actions, 0)
    small = Fraction("0.025")
    assert masses(game, following[0]) == {
        (2, 5): Fraction("0.9"),
        (2, 4): small,
        (2, 6): small,
        (1, 5): small,
        (3, 5): small,
    }
    assert masses(game, following[1]) == {(4, 4): Fraction("0.95"), (4, 3): small, (3, 4): small}
    assert rewards == [0, 0]  # one cell has no entropy, they do not meet, and (4,4) is in room 0
    assert game.rewards([first, second], actions, 1) == [0, -5]


@pytest.mark.parametrize(("cell", "move", "end"), [((7, 5), "left", (7, 4)), ((4, 7), "down", (5, 7))])
def test_four_rooms_other_doors(cell: tuple[int, int], move: str, end: tuple[int, int]) -> None:
    game = FourRooms()
    assert divmod(game.after(cell[0] * 10 + cell[1], MOVES[move]), 10) == end


def test_four_rooms_has_eight_open_passages_between_rooms() -> None:
    game = FourRooms()
    ends = [(divmod(s, 10), divmod(game.after(s, move), 10)) for s in range(100) for move in range(5)]
    assert sum(game.room(start) != game.room(end) for start, end in ends) == 8  # 4 doors, both ways


def test_four_rooms_entropy_overlap_and_home() -> None:
    # H = ln 2 and ln 4; overlap 2 * 1/2 * 1/4 = 1/4, times 100; one of coalition 1's four cells is in room 1: 5 * 3/4.
    game = FourRooms()
    first = on(game, {(2, 2): HALF, (2, 7): HALF})
    second = on(game, dict.fromkeys([(2, 2), (2, 7), (7, 2), (7, 7)], QUARTER))
    rewards = game.rewards([first, second], [doing(game, {})] * 2, 1)
    assert rewards == pytest.approx([math.log(2) - 25, math.log(4) - 25 - 3.75], abs=1e-13)


def test_predator_prey_in_a_corner() -> None:
    # In (0,0) half goes left (blocked, stays) and half down. From (0,0) noise leaves 0.9 + 2 * 0.025 there and takes
    # 0.025 to (0,1) and to (1,0); from (1,0) it leaves 0.9 + 0.025 and takes 0.025 to (1,1), (0,0), (2,0).
    game = PredatorPrey()
    corner, still = on(game, {(0, 0): 1}), on(game, {(4, 4): 1})
    actions = [doing(game, {(0, 0): {"left": HALF, "down": HALF}}), *[doing(game, {})] * 3]
    following, rewards = step(game, [corner, still, corner, corner], actions)
    assert masses(game, following[0]) == dict(
        zip(
            [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)],
            decimals("0.4875", "0.0125", "0.475", "0.0125", "0.0125"),
            strict=True,
        )
    )
    assert rewards == [-1, 0, 100, -100]  # a blocked move costs too; coalition 2 has all of 3 where it is


def test_predator_prey_food_chain() -> None:
    # <0,1> = <1,2> = <2,3> = 1/2. Moved: all of 0, nothing of 1, a quarter of 2, half of 3.
    game = PredatorPrey()
    distributions = [
        on(game, {(0, 0): 1}),
        on(game, {(0, 0): HALF, (1, 0): HALF}),
        on(game, {(1, 0): 1}),
        on(game, {(1, 0): HALF, (4, 4): HALF}),
    ]
    actions = [
        doing(game, {(0, 0): {"right": 1}}),
        doing(game, {}),
        doing(game, {(1, 0): {"up": QUARTER, "stay": 1 - QUARTER}}),
        doing(game, {(4, 4): {"up": 1}}),
    ]
    assert game.rewards(distributions, actions) == [50 - 1, -50 + 50, -50 + 50 - QUARTER, -50 - HALF]


def test_planning_the_forbidden_centre_blocks() -> None:
    # (2,1) right and (3,2) up run into (2,2). Distance to the target: sqrt(1 + 3 / 9).
    game = DistributionPlanning()
    distributions = [on(game, {(2, 1): 1}), on(game, {(3, 2): 1})]
    actions = [doing(game, {(2, 1): {"right": HALF, "up": HALF}}), doing(game, {(3, 2): {"up": 1}})]
    following, rewards = step(game, distributions, actions)
    assert masses(game, following[0]) == {(2, 1): HALF, (1, 1): HALF}
    assert masses(game, following[1]) == {(3, 2): 1}
    assert rewards == pytest.approx([-1 - 10 * math.sqrt(4 / 3)] * 2, abs=1e-13)


def test_planning_on_the_target_only_the_other_disturbs() -> None:
    # Overlap 1/3 * 1/2 = 1/6. Coalition 1: (1/2 on (0,0), 1/2 on (4,4)) less its target: sqrt(9/36 + 1/36 + 2 * 4/36).
    game = DistributionPlanning()
    first = on(game, dict.fromkeys([(0, 0), (0, 1), (1, 0)], Fraction(1, 3)))
    second = on(game, {(0, 0): HALF, (4, 4): HALF})
    rewards = game.rewards([first, second], [doing(game, {}), doing(game, {(0, 0): {"right": 1}})])
    assert rewards == pytest.approx([-5 / 3, -1 / 2 - 10 * math.sqrt(1 / 2) - 5 / 3], abs=1e-13)


def test_cyber_security_rates_depend_on_who_is_infected_and_who_attacks() -> None:
    # US -> UI: 0.2 (0.5 * 0.3 + 0.3 * 0.25 + 0.3 * 0.5) = 0.075; DI -> DS: 0.2 * 0.5 = 0.1; UI -> US: 0.2 * 0.4 = 0.08.
    keep = [[1, 0]]
    following, rewards = step(CyberSecurity(), [[HALF, 0, QUARTER, QUARTER], [HALF, HALF]], [keep * 4, keep * 2])
    assert following == [decimals("0.45", "0.05", "0.24875", "0.25125"), [HALF, HALF]]
    assert rewards == decimals("-0.105", "0.06")  # -0.2 (0.3/2 + 0.5*3/4), 0.2 (0.5*3/4 - 0.15/2)


def test_cyber_security_levels_are_switched_slowly() -> None:
    # Nobody is infected and nobody attacks. Half of DS asks to leave: 0.2 * 0.8 / 2; all attackers wake: 0.2 * 0.8.
    ask, half = [[0, 1]], [[HALF, HALF]]
    following, rewards = step(CyberSecurity(), [[0, 1, 0, 0], [0, 1]], [half * 4, ask * 2])
    assert following == [decimals("0", "0.92", "0", "0.08"), decimals("0.16", "0.84")]
    assert rewards == [Fraction("-0.06"), 0]


def test_cyber_security_defended_hosts_are_infected_at_rates_of_their_own() -> None:
    # DS -> DI: 0.2 (1 * 0.4 + 0.4 * 0.1 + 0.4 * 0.4) = 0.2 * 0.6 = 0.12.
    keep = [[1, 0]]
    mu = decimals("0.1", "0.5", "0.4", "0")
    following, _ = step(CyberSecurity(), [mu, [1, 0]], [keep * 4, keep * 2])
    assert following[0] == decimals("0.15", "0.45", "0.368", "0.032")  # 0.09 + 0.06, 0.44 + 0.01, 0.4 (1 - 0.08)


def test_migratory_game_payoffs() -> None:
    # Casino 0 (c = 1/2, r = 2): present 1/4 + 3/4 * 1/2 = 5/8, giving 1/4, x = 2/5. Coalition 0 gives: 1/2 (4/5 - 1).
    # Coalition 1 has half there that keeps: 1/2 * 1/2 * 4/5, and half alone in casino 1 (r = 4): 1/2 * 1/2 (4 - 1).
    stay = [1, 0, 0, 0, 0]
    actions = [[[1, *stay]] * 4, [[0, *stay], [1, *stay], [0, *stay], [0, *stay]]]
    assert TWO_BY_TWO.rewards([[1, 0, 0, 0], [HALF, HALF, 0, 0]], actions) == decimals("-0.1", "0.95")


@pytest.mark.parametrize(
    ("boundary", "first", "second"),
    [("wall", [HALF, 0, HALF, 0], [0, 0, HALF, HALF]), ("torus", [0, HALF, HALF, 0], [HALF, 0, 0, HALF])],
)
def test_migratory_game_moves(boundary: str, first: list[Any], second: list[Any]) -> None:
    # Coalition 0 in casino 0 = (row 0, column 0): half up to casino 2, half left, off the board: stays, or casino 1.
    # Coalition 1: half in casino 2 goes up, off the board: stays, or casino 0; half in casino 2 goes right, to 3.
    game = replace(TWO_BY_TWO, boundary=boundary)
    stay = [0, 1, 0, 0, 0, 0]
    actions = [[[0, 0, HALF, 0, HALF, 0], stay, stay, stay], [stay, stay, [1, 0, HALF, 0, 0, HALF], stay]]
    assert next_distributions(game, [[1, 0, 0, 0], [0, 0, 1, 0]], actions) == [first, second]


def test_migratory_game_cooperates_where_gain_times_share_exceeds_one() -> None:
    # Rewards are affine in p, so the whole difference is the derivative: mu c (r q - 1), q the share in the casino.
    rng = random.Random(3)
    for _ in range(50):
        distributions = [
            [Fraction(m).limit_denominator(99) for m in row] for row in random_distributions(rng, TWO_BY_TWO)
        ]
        actions = [[[Fraction(p) for p in row] for row in a] for a in random_actions(rng, TWO_BY_TWO)]
        k, m = rng.randrange(2), rng.randrange(4)
        gives, keeps = ([list(row) for row in actions[k]] for _ in range(2))
        gives[m][0], keeps[m][0] = Fraction(1), Fraction(0)
        high, low = (
            TWO_BY_TWO.rewards(distributions, [*actions[:k], own, *actions[k + 1 :]])[k] for own in (gives, keeps)
        )
        present = TWO_BY_TWO.weights[k] * distributions[k][m]
        crowd = overlap(TWO_BY_TWO.weights, [mu[m] for mu in distributions])
        share = present / crowd if crowd else 0
        assert high - low == distributions[k][m] * TWO_BY_TWO.costs[m] * (TWO_BY_TWO.gains[m] * share - 1)


def test_migratory_game_of_agents_pays_the_mean_of_their_payoffs() -> None:
    # Three agents in casino 2 (c = 1, r = 2): two give, get 2 * 2/3 - 1 each; the third keeps, gets 4/3. Weights 2 : 1.
    game = MigratoryGame(2, 2, [HALF, HALF, 1, 1], [2, 4, 2, 4], [Fraction(2, 3), Fraction(1, 3)])
    right, stay = [0, 0, 0, 0, 1], [1, 0, 0, 0, 0]
    ends, rewards = agents_step(game, [[2, 2], [2]], [[[1, *right]] * 4, [[0, *stay]] * 4], random.Random(0))
    assert (ends, rewards) == ([[3, 3], [2]], [Fraction(1, 3), Fraction(4, 3)])


@pytest.mark.parametrize("game", GAMES, ids=lambda game: type(game).__name__)
def test_many_agents_are_spread_as_the_mean_field_says(game: Game) -> None:
    """A count is binomial or tighter, given its expectation: five standard deviations and a half are a chance of 1e-5
    over all states of all games."""
    rng = random.Random(8)
    distributions, actions = random_distributions(rng, game), random_actions(rng, game)
    agents = [rng.choices(range(len(row)), row, k=1500) for row in distributions]
    start = [empirical(states, len(row)) for states, row in zip(agents, distributions, strict=True)]
    expected, rewards = step(game, start, actions, 2)
    ends, found = agents_step(game, agents, actions, rng, 2)
    for states, row in zip(ends, expected, strict=True):
        for got, p in zip(empirical(states, len(row)), row, strict=True):
            assert abs(got - p) <= 5.5 * math.sqrt(max(p * (1 - p), 0) / 1500) + 1e-9
    # A draw changes an agent's reward by at most 2, so the mean of 1500 has a standard deviation below 0.03.
    assert [float(r) for r in found] == pytest.approx([float(r) for r in rewards], abs=0.15)


def test_rows_of_a_box_become_probabilities() -> None:
    assert row_normalised([-1, 1, 3]) == [0, 0.25, 0.75]
    assert row_normalised([0, -2, 0]) == [Fraction(1, 3)] * 3
    assert factored_normalised([1.5, 0, 0, 0, 0, 0]) == [1, *[Fraction(1, 5)] * 5]
    assert factored_normalised([-0.5, 1, 0, 0, -1, 3]) == [0, 0.25, 0, 0, 0, 0.75]


@pytest.mark.parametrize(
    ("mu", "n", "units"),
    [
        ([0.5, 0.5], 1, [1, 0]),  # equal remainders: the lowest place
        ([0.1, 0.45, 0.45], 3, [0, 2, 1]),  # 0.3, 1.35, 1.35: one each, and the third to the larger 0.35, at place 1
        ([1 / 3, 1 / 3, 1 / 3], 5, [2, 2, 1]),
        ([0.29, 0.31, 0.4], 10, [3, 3, 4]),  # 2.9, 3.1, 4.0
        ([0, 0.25, 0.75], 4, [0, 1, 3]),
    ],
)
def test_largest_remainder_by_hand(mu: list[float], n: int, units: list[int]) -> None:
    assert largest_remainder(mu, n) == units


def test_largest_remainder_is_nearest_in_both_distances() -> None:
    rng = random.Random(5)
    for _ in range(300):
        places, n = rng.randint(1, 4), rng.randint(1, 6)
        weights = [rng.randint(0, 20) for _ in range(places)]
        weights[0] += not any(weights)
        mu = [Fraction(w, sum(weights)) for w in weights]
        for power in (1, 2):
            assert distance(mu, largest_remainder(mu, n), power) == nearest(mu, n, power)


def test_the_grid_has_as_many_points_as_the_binomial_coefficient_says() -> None:
    assert [len(list(compositions(n, 3))) for n in (1, 3, 5)] == [3, 10, 21]  # (n + 1)(n + 2) / 2
