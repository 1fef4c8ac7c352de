"""Which equilibrium of a stage game the central players select."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mpgg_agents.mean_field.dnashq.stage import MIXED, fill_best, note_value, solve_stage
from mpgg_agents.nash_q.solver import strides_of
from mpgg_env.core.types import FloatArray
from tests.oracles.dnashq_oracle import best_pure, least_regret, regrets


def best_of(payoffs: FloatArray) -> FloatArray:
    counts = payoffs.shape[1:]
    best = np.full((len(counts), math.prod(counts) // min(counts)), -math.inf)
    fill_best(payoffs.reshape(len(counts), -1), np.array(counts), strides_of(counts), best)
    return best


def selected(payoffs: FloatArray) -> tuple[int, FloatArray, FloatArray]:
    """The joint action or MIXED, the strategies (m, K) and the worth (m,)."""
    counts = payoffs.shape[1:]
    m, widest, size = len(counts), max(counts), math.prod(counts)
    strategies, worth = np.zeros((m, widest)), np.empty(m)
    profile = solve_stage(
        np.ascontiguousarray(payoffs.reshape(m, -1), np.float64),
        best_of(payoffs),
        np.array(counts),
        strides_of(counts),
        np.empty((m, size)),
        np.empty((m, widest)),
        np.empty((2, widest, 2 * widest + 1)),
        np.empty((2, widest), np.int64),
        np.empty(m),
        strategies,
        worth,
    )
    return profile, strategies, worth


def gain(payoffs: FloatArray, strategies: FloatArray) -> float:
    """The largest gain of two players from a deviation."""
    first, second = strategies[0, : payoffs.shape[1]], strategies[1, : payoffs.shape[2]]
    rows, columns = payoffs[0] @ second, first @ payoffs[1]
    return float(max(rows.max() - first @ rows, columns.max() - columns @ second))


@pytest.mark.parametrize("counts", [(5,), (3, 3), (4, 2), (2, 6), (3, 2, 4), (2, 2, 2, 3)])
@pytest.mark.parametrize("levels", [3, 40])
def test_the_selection_is_that_of_trying_everything(counts: tuple[int, ...], levels: int) -> None:
    # Few levels of payoffs make many equilibria with equal sums, many levels make games without pure ones.
    generator = np.random.default_rng(levels)
    kinds = set()
    for _ in range(60):
        payoffs = generator.integers(0, levels, (len(counts), *counts)) / 7
        expected = best_pure(payoffs)
        profile, strategies, worth = selected(payoffs)
        kinds.add("pure" if expected is not None else "mixed" if profile == MIXED else "regret")
        if expected is None and len(counts) == 2:
            assert profile == MIXED
            assert gain(payoffs, strategies) < 1e-6
            joint = strategies[0, : counts[0]], strategies[1, : counts[1]]
            np.testing.assert_allclose(worth, np.einsum("iab,a,b->i", payoffs, *joint), atol=1e-9)
            continue
        if expected is None:
            expected = least_regret(payoffs)
        assert np.unravel_index(profile, counts) == expected
        assert worth.tolist() == [own[expected] for own in payoffs]
    assert "pure" in kinds


def test_without_pure_equilibrium_three_players_take_the_least_regret() -> None:
    # Matching pennies between the first two, and a third who gains nothing whatever it does.
    payoffs = np.zeros((3, 2, 2, 2))
    payoffs[0] = np.array([[1, -1], [-1, 2]])[:, :, None]
    payoffs[1] = np.array([[-1, 1], [1, -1]])[:, :, None]
    assert best_pure(payoffs) is None
    # Regrets of (0, 0): 2; of (0, 1): 3; of (1, 0): 2; of (1, 1): 2. The first one of equals.
    assert [max(regrets(payoffs, (a, b, 0))) for a in (0, 1) for b in (0, 1)] == [2, 3, 2, 2]
    profile, _, worth = selected(payoffs)
    assert (profile, worth.tolist()) == (0, [1, -1, 0])


def test_equilibria_within_the_tolerance_count_and_sums_are_compared_at_nine_decimals() -> None:
    # (0, 0) misses by 5e-10 and has the larger sum; (1, 1) is exact.
    near = np.array([[[2.0, 0], [2.0 + 5e-10, 1]], [[2.0, 0], [0, 1]]])
    assert selected(near)[0] == 0
    # It misses by 2e-9: not an equilibrium.
    far = np.array([[[2.0, 0], [2.0 + 2e-9, 1]], [[2.0, 0], [0, 1]]])
    assert selected(far)[0] == 3
    # The second has the larger sum by 2e-10: equal at nine decimals, so that the first one is taken.
    equal = np.array([[[1.0, 0], [0, 1.0 + 1e-10]], [[1.0, 0], [0, 1.0 + 1e-10]]])
    assert selected(equal)[0] == 0
    larger = np.array([[[1.0, 0], [0, 1.0 + 1e-8]], [[1.0, 0], [0, 1.0 + 1e-8]]])
    assert selected(larger)[0] == 3


def test_mixed_equilibria_are_those_of_the_first_label() -> None:
    # By hand: the first player mixes 2/3, 1/3 to make the second indifferent, this one 1/4, 3/4.
    payoffs = np.array([[[3.0, 0], [0, 1.0]], [[0, 1.0], [2.0, 0]]])
    profile, strategies, worth = selected(payoffs)
    assert profile == MIXED
    np.testing.assert_allclose(strategies, [[2 / 3, 1 / 3], [1 / 4, 3 / 4]], atol=1e-12)
    np.testing.assert_allclose(worth, [3 / 4, 2 / 3], atol=1e-12)


def test_best_payoffs_stay_right_while_values_change() -> None:
    generator = np.random.default_rng(0)
    counts, strides = np.array([3, 4, 2]), strides_of((3, 4, 2))
    payoffs = generator.integers(0, 4, (3, 24)).astype(float)
    best = best_of(payoffs.reshape(3, 3, 4, 2))
    for _ in range(500):
        player, profile = int(generator.integers(3)), int(generator.integers(24))
        value = float(generator.integers(0, 4))
        note_value(payoffs[player], profile, player, value, counts, strides, best[player])
        assert (best == best_of(payoffs.reshape(3, 3, 4, 2))).all()


def positions_game(gains: tuple[float, float], points: int = 20) -> tuple[FloatArray, FloatArray]:
    """Two coalitions of equal size choose for ever how much of them is in the second of two casinos.

    They cooperate by the threshold rule: where the gain times the own share of the casino exceeds 1. Costs are 1/2.

    Returns:
        Payoffs per round (2, points + 1, points + 1), and the share of all agents that cooperates.
    """
    payoffs, cooperation = np.zeros((2, points + 1, points + 1)), np.zeros((points + 1, points + 1))
    for place in np.ndindex(points + 1, points + 1):
        mass = np.array([[1 - k / points, k / points] for k in place])
        crowd = mass.sum(0)
        share = np.divide(mass, crowd, out=np.zeros((2, 2)), where=crowd > 0)
        cooperates = np.array(gains) * share > 1 + 1e-12
        fraction = np.divide((mass * cooperates).sum(0), crowd, out=np.zeros(2), where=crowd > 0)
        payoffs[(slice(None), *place)] = (mass * 0.5 * (np.array(gains) * fraction - cooperates)).sum(1)
        cooperation[place] = (mass * cooperates).sum() / 2
    return payoffs, cooperation


def test_positions_above_the_line_have_full_welfare() -> None:
    payoffs, cooperation = positions_game((1.5, 2.5))
    profile, _, worth = selected(payoffs)
    # Everybody in the casino with the gain 2.5 > 2 coalitions: 0.5 * (2.5 - 1) for each.
    assert np.unravel_index(profile, (21, 21)) == (20, 20)
    np.testing.assert_allclose(worth, 0.75)
    assert cooperation[20, 20] == 1


def test_equal_casinos_below_the_line_have_two_partly_segregated_equilibria() -> None:
    payoffs, _ = positions_game((1.6, 1.6))
    found = [(a, b) for a in range(21) for b in range(21) if max(regrets(payoffs, (a, b))) <= 1e-9]
    assert found == [(7, 13), (13, 7)]  # 0.35 and 0.65
    profile, _, worth = selected(payoffs)
    assert np.unravel_index(profile, (21, 21)) == (7, 13)
    np.testing.assert_allclose(worth.mean() / (0.5 * 0.6), 0.65)  # of the optimum, all in one casino


@pytest.mark.parametrize("gains", [(1.3, 1.6), (1.1, 1.9), (1.2, 1.7)])
def test_unequal_casinos_below_the_line_have_none_but_mixed_ones(gains: tuple[float, float]) -> None:
    payoffs, cooperation = positions_game(gains)
    assert best_pure(payoffs) is None
    profile, (first, second), worth = selected(payoffs)
    assert profile == MIXED
    assert gain(payoffs, np.stack([first, second])) < 1e-9
    assert 0.37 <= first @ cooperation @ second <= 0.42
    assert 0.25 <= worth.mean() / (0.5 * (max(gains) - 1)) <= 0.6
