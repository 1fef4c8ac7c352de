"""What the rules say of the mechanisms holds in the slow exact game, with which the package is compared elsewhere.

Expected values are the thresholds of [MPGG2025], worked out by hand from the payoffs; here they are confronted with
the payoffs of every agent. g = c (1 - r / n) is what a member of n gains by keeping.
"""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest

from tests.oracles.equilibrium_oracle import (
    cooperation_stands,
    location_equilibria,
    location_gain,
    optimum,
    stage_equilibria,
    stage_worth,
    welfare,
)
from tests.oracles.game_oracle import Board
from tests.oracles.mechanism_oracle import Rules, lotteries, member, paid, seats, settle
from tests.random_games import board_of, random_rules

pytestmark = pytest.mark.algorithm

LITTLE = Fraction(1, 10**6)


def casino(rng: random.Random, payoff: str = "text") -> tuple[Board, Fraction, Fraction, int, Fraction]:
    """A casino with a dilemma: board, c, r, n and the temptation g > 0."""
    while True:
        r, c, n = Fraction(rng.randint(9, 48), 8), Fraction(rng.randint(1, 16), 8), rng.randint(2, 7)
        g = c * (1 - r / n) if payoff == "text" else c - r / n
        if g > 0:
            return board_of([c], [r], payoff=payoff), c, r, n, g


def alone(**amounts: Any) -> Rules:
    return Rules(**{name: (amount,) for name, amount in amounts.items()})


def everywhere(casinos: int, **amounts: Any) -> Rules:
    return Rules(**{name: (amount,) * casinos for name, amount in amounts.items()})


@pytest.mark.parametrize("payoff", ["text", "code"])
def test_full_cooperation_stands_at_the_threshold_and_falls_just_below(payoff: str) -> None:
    rng = random.Random(0)
    for _ in range(60):
        board, c, r, n, g = casino(rng, payoff)
        unit = c if payoff == "text" else Fraction(1)
        cost = Fraction(rng.randint(0, 8), 4)
        thresholds = [
            (g, lambda p: alone(fine=p)),
            (g, lambda p: alone(subsidy=p)),
            (g * n / (n - 1), lambda p: alone(subsidy_local=p)),
            (g / (n - 1), lambda p: alone(punishment=p, punishment_cost=cost)),  # noqa: B023
            (g * n / (r * unit * (n - 1)), lambda p: alone(pigou=p)),
        ]
        for least, rules in thresholds:
            assert cooperation_stands(board, rules(least), 0, n)
            assert not cooperation_stands(board, rules(least - LITTLE), 0, n)
        assert not cooperation_stands(board, alone(fee=Fraction(5), surcharge=Fraction(3), toll_seats=1), 0, n)


def test_a_pigouvian_rate_of_one_always_suffices() -> None:
    rng = random.Random(1)
    for _ in range(40):
        board, c, r, n, _ = casino(rng)
        rules = alone(pigou=Fraction(1))
        assert stage_equilibria(board, rules, 0, n) == [n]
        for k in range(1, n):  # the giver has c (r - 1) and the keeper nothing, whatever the others do
            assert member(board, rules, 0, n, k, gives=True) == c * (r - 1)
            assert member(board, rules, 0, n, k, gives=False) == 0


def test_a_capacity_holds_up_to_the_gain_factor() -> None:
    rng = random.Random(2)
    for _ in range(25):
        board, c, r, n, _ = casino(rng)
        for kappa in range(1, n + 1):
            rules = alone(capacity=kappa)
            assert cooperation_stands(board, rules, 0, n) == (kappa <= r)
            assert welfare(board, rules, [n], [n]) == c * (r - 1) * kappa


def test_the_equilibria_of_a_fine() -> None:
    """k givers stand iff n f / g - 1 <= k <= n f / g, at the ends with care: alone one collects all fines or none.

    A giver among k gains f n / k by giving and pays g, a keeper would gain f n / (k + 1). Nobody's fine is collected
    when nobody gives, so the first giver gains only f (n - 1).
    """
    rng = random.Random(3)
    for _ in range(80):
        board, _, _, n, g = casino(rng)
        f = g * Fraction(rng.randint(0, 24), 16)
        expected = {k for k in range(2, n) if n * f / g - 1 <= k <= n * f / g}
        expected |= {0} if f * (n - 1) <= g else {1} if n > 2 and n * f <= 2 * g else set()
        expected |= {1} if f * (n - 1) == g else set()
        expected |= {n} if f >= g else set()
        assert set(stage_equilibria(board, alone(fine=f), 0, n)) == expected


def test_peer_punishment_has_two_equilibria_and_a_tipping_point() -> None:
    rng = random.Random(4)
    for _ in range(60):
        board, _, _, n, g = casino(rng)
        phi, cost = Fraction(rng.randint(0, 12), 8), Fraction(rng.randint(1, 12), 8)
        rules = alone(punishment=phi, punishment_cost=cost)
        tipping = (g + cost * (n - 1)) / (phi + cost)
        for others in range(n):
            give = member(board, rules, 0, n, others + 1, gives=True)
            keep = member(board, rules, 0, n, others, gives=False)
            assert (give > keep, give == keep) == (others > tipping, others == tipping)
        assert 0 in stage_equilibria(board, rules, 0, n)
        assert (n in stage_equilibria(board, rules, 0, n)) == (phi >= g / (n - 1))


def test_the_ledger_balances_in_every_state() -> None:
    rng = random.Random(5)
    for _ in range(150):
        n, casinos = rng.randint(1, 7), rng.randint(1, 3)
        board = board_of([Fraction(rng.randint(0, 4), 4) for _ in range(casinos)], [Fraction(5, 2)] * casinos)
        rules = random_rules(rng, casinos)
        positions = [rng.randrange(casinos) for _ in range(n)]
        actions = [rng.randint(0, 1) for _ in range(n)]
        players = rng.choice(lotteries(board, rules, positions))
        ledger = settle(board, rules, positions, actions, players)
        for name in ("fine", "subsidy_local", "pigou", "toll"):
            assert sum(ledger[name]) == 0
        playing = [agent for agent in players if actions[agent]]
        assert sum(ledger["game"]) == sum(board.cost(positions[a]) * Fraction(3, 2) for a in playing)
        assert sum(ledger["subsidy"]) == sum(rules.subsidy[positions[a]] for a in playing if rules.subsidy)
        assert all(paid({**ledger, "toll": [Fraction(0)] * n})[a] == 0 for a in set(range(n)) - players)


def small_location_games() -> list[tuple[Board, int]]:
    rng = random.Random(6)
    games = []
    for _ in range(25):
        casinos = rng.randint(1, 3)
        costs = [Fraction(rng.randint(1, 8), 8) for _ in range(casinos)]
        gains = [Fraction(rng.randint(9, 32), 8) for _ in range(casinos)]
        games.append((board_of(costs, gains), rng.randint(1, 5 if casinos < 3 else 4)))
    return games


def test_a_fine_of_the_cost_and_a_pigouvian_transfer_leave_only_the_optimum() -> None:
    for board, n in small_location_games():
        casinos = board.columns
        best = n * max(board.cost(m) * (board.gain(m) - 1) for m in range(casinos))
        cost = tuple(board.cost(m) for m in range(casinos))
        for rules in (Rules(fine=cost), everywhere(casinos, pigou=Fraction(1))):
            assert optimum(board, rules, n) == best
            assert {welfare(board, rules, *profile) for profile in location_equilibria(board, rules, n)} == {best}


def test_a_capacity_always_leaves_an_equilibrium_among_the_places() -> None:
    """With kappa = floor(r) the places are a congestion game with w = v min(1, kappa / n)."""
    for board, n in small_location_games():
        rules = Rules(capacity=seats(board))
        for m in range(board.columns):
            value, share = board.cost(m) * (board.gain(m) - 1), min(Fraction(1), Fraction(seats(board)[m], n))
            assert stage_worth(board, rules, best=True)(m, n) == value * share
        profiles = location_equilibria(board, rules, n)
        assert profiles
        assert all(0 < welfare(board, rules, *profile) <= optimum(board, Rules(), n) for profile in profiles)


def two_full(rng: random.Random) -> tuple[Board, list[int]]:
    gains = [Fraction(rng.choice([12, 18, 20, 24, 26, 36]), 8) for _ in range(2)]
    board = board_of([Fraction(rng.randint(1, 8), 8) for _ in gains], gains)
    return board, list(seats(board))


def test_flat_fees_never_hold_two_full_casinos() -> None:
    """For agents who take the rebate for a lump sum: p_A + p_B > v_A + v_B."""
    rng = random.Random(7)
    for _ in range(150):
        board, full = two_full(rng)
        rules = Rules(fee=tuple(Fraction(rng.randint(0, 80), 8) for _ in full), surcharge=(0, 0), toll_seats=(9, 9))
        assert location_gain(board, rules, full, full, rebated=False) > 0


def test_an_agent_that_counts_the_rebates_can_be_held_by_flat_fees() -> None:
    """Why the statement above needs its condition.

    c = (1/4, 1), r = (9/4, 3/2), occupancy (2, 1), fees (5, 10). In the first casino one has 5/16 - 5 + 10/2 = 5/16.
    In the second, next to its member, a keeper would have 3/4 - 10 + 5/2 < 0. The lone member of the second has
    1/2 - 10 + 10 = 1/2, as it alone receives the tolls of the first; with them a keeper would have 3/8 - 5 + 5, since
    the tolls of a casino that holds everybody go back to who paid them.
    """
    board = board_of([Fraction(1, 4), 1], [Fraction(9, 4), Fraction(3, 2)])
    rules = Rules(fee=(Fraction(5), Fraction(10)), surcharge=(Fraction(0), Fraction(0)), toll_seats=(9, 9))
    assert location_gain(board, rules, [2, 1], [2, 1]) == 0
    assert location_gain(board, rules, [2, 1], [2, 1], rebated=False) > 0


def test_flat_fees_support_every_allocation_with_a_seat_to_spare() -> None:
    """tau_m = v_m - min v, n_m <= floor(r_m) - 1, all give; again the rebate is taken for a lump sum."""
    rng = random.Random(8)
    for _ in range(150):
        casinos = rng.randint(1, 3)
        board = board_of(
            [Fraction(rng.randint(1, 8), 8) for _ in range(casinos)],
            [Fraction(rng.randint(9, 40), 8) for _ in range(casinos)],
        )
        value = [board.cost(m) * (board.gain(m) - 1) for m in range(casinos)]
        rules = Rules(fee=tuple(v - min(value) for v in value), surcharge=(0,) * casinos, toll_seats=(9,) * casinos)
        slack = [rng.randint(0, s - 1) for s in seats(board)]
        assert location_gain(board, rules, slack, slack, rebated=False) <= 0


def test_a_toll_that_jumps_fills_every_seat() -> None:
    """tau_m(s + 1) >= c r s / (s + 1) - u holds full casinos, and the least bit less does not."""
    rng = random.Random(9)
    for _ in range(80):
        board, full = two_full(rng)
        if any(board.gain(m) == s for m, s in enumerate(full)):
            continue
        value = [board.cost(m) * (board.gain(m) - 1) for m in range(2)]
        fee = tuple(v - min(value) for v in value)
        entry = [board.cost(m) * board.gain(m) * s / (s + 1) - min(value) for m, s in enumerate(full)]
        surcharge = tuple(e - f for e, f in zip(entry, fee, strict=True))
        rules = Rules(fee=fee, surcharge=surcharge, toll_seats=tuple(full))
        assert location_gain(board, rules, full, full, rebated=False) <= 0
        lower = Rules(fee=fee, surcharge=(surcharge[0] - LITTLE, surcharge[1]), toll_seats=tuple(full))
        assert location_gain(board, lower, full, full, rebated=False) > 0
