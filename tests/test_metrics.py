"""Measures of efficiency and crowding: by hand on tiny states, where they are undefined, and their ranges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mpgg_env import MPGGConfig, MPGGVectorEnv
from mpgg_env.analysis import metrics
from mpgg_env.core.rounding import whole_part

# Three casinos: cooperators among themselves earn 1, 2 and 4; there are 2, 3 and 3 seats.
VALUES = np.array([1.0, 2.0, 4.0])
GAIN = np.array([2.5, 3.0, 3.9])

counts = arrays(np.int64, array_shapes(min_dims=1, max_dims=2, min_side=1, max_side=6), elements=st.integers(0, 9))
amounts = arrays(np.float64, st.integers(1, 12), elements=st.floats(0, 100))


def test_default_board_has_the_welfare_of_the_specification():
    # The default board: V = 1 (6 - 1) = 5, 100 seats worth 219 in all, .96 per head for random play.
    config = MPGGConfig()
    engine = MPGGVectorEnv(config)
    values = engine.cost * (engine.gain - 1)
    assert whole_part(engine.gain).sum() == 100
    assert metrics.carrying_capacity(150, engine.gain, values) == pytest.approx(219, abs=0.5)
    assert metrics.random_welfare(metrics.initial_occupancy(config), values) / 150 == pytest.approx(0.96, abs=0.005)
    assert metrics.relative_to_random(np.array(750.0), config, values) == 1


def test_excluded_are_those_beyond_the_seats_of_a_capacity():
    occupancy = np.array([[3, 0, 5], [2, 2, 0], [0, 0, 0]])
    assert metrics.excluded(occupancy, np.array([2, 1, 0])).tolist() == pytest.approx(
        [6 / 8, 1 / 4, np.nan], nan_ok=True
    )
    assert metrics.excluded(occupancy[0], 9) == 0


def test_gross_welfare_counts_cooperators_alone():
    cooperators = np.array([[1, 0, 2], [0, 3, 0]])
    assert metrics.gross_welfare(cooperators, VALUES).tolist() == [9, 6]


def test_gross_welfare_is_the_sum_of_all_payoffs():
    config = MPGGConfig(n_agents=20, grid_shape=(2, 3), cell_values="center")
    engine = MPGGVectorEnv(config, n_replicas=4)
    engine.reset(list(range(4)))
    actions = np.random.default_rng(0).integers(0, 2, (4, 20))
    _, payoffs, *_ = engine.step(actions)
    gross = metrics.gross_welfare(engine.state.cooperators, engine.cost * (engine.gain - 1))
    np.testing.assert_allclose(gross, payoffs.sum(axis=1))


def test_efficiency_is_undefined_where_nothing_can_be_earned():
    assert metrics.efficiency(np.array([0.0, 8.0, -4.0]), 4, 4.0).tolist() == [0, 0.5, -0.25]
    assert np.isnan(metrics.efficiency(np.array([0.0, 1.0]), 4, 0.0)).all()
    assert np.isnan(metrics.efficiency(np.array(1.0), 4, -1.0))  # r < c with the payoff of the code


def test_seats_are_whole_gain_factors_in_spite_of_rounding():
    assert whole_part(np.array([0.0, 0.99, 1.0, 2.4, 6.0])).tolist() == [0, 0, 1, 2, 6]
    almost_three = 0.1 + 0.7 + 2.2 - 4.5e-16
    assert almost_three < 3
    assert whole_part(np.array([almost_three])).tolist() == [3]
    assert whole_part(np.array([1e300])).tolist() == [2**31]


@pytest.mark.parametrize(
    ("agents", "welfare"),
    [(0, 0), (2, 8), (3, 12), (5, 16), (6, 18), (7, 19), (8, 20), (100, 20)],
)
def test_casinos_are_filled_from_the_best_one_down(agents, welfare):
    assert metrics.carrying_capacity(agents, GAIN, VALUES) == welfare


def test_casinos_in_which_cooperating_does_not_pay_stay_empty():
    assert metrics.carrying_capacity(10, np.array([2.0, 2.0]), np.array([-1.0, 0.5])) == 1
    assert np.isnan(metrics.carrying_capacity_efficiency(np.array(1.0), 10, np.array([0.5]), np.array([1.0])))
    assert metrics.carrying_capacity_efficiency(np.array(24.0), 6, GAIN, VALUES) == pytest.approx(4 / 3)


@pytest.mark.parametrize(
    ("remainder", "expected"),
    [("random", [2.5, 2.5]), ("first", [3, 2]), ("drop", [2, 2])],
)
def test_initial_occupancy_counts_the_leftover_agents(remainder, expected):
    config = MPGGConfig(n_agents=5, grid_shape=(1, 2), remainder=remainder)
    assert metrics.initial_occupancy(config).tolist() == expected
    assert metrics.initial_occupancy(config).sum() == config.n_players


def test_relative_to_random_play_by_hand():
    # Four agents, two casinos worth 1 and 3: random play gives 2/2 + 6/2 = 4, the optimum is 4 * 3 = 12.
    config, values = MPGGConfig(n_agents=4, grid_shape=(1, 2)), np.array([1.0, 3.0])
    assert metrics.relative_to_random(np.array([4.0, 12.0, 8.0, 0.0]), config, values).tolist() == [0, 1, 0.5, -0.5]
    assert np.isnan(metrics.relative_to_random(np.array(0.0), config, np.zeros(2)))
    # Cooperating loses 1 everywhere: the optimum is that nobody does, random play loses 2.
    assert metrics.relative_to_random(np.array([0.0, -2.0, -4.0]), config, -np.ones(2)).tolist() == [1, 0, -1]


def test_cooperation_is_weighted_by_agents_not_by_casinos():
    occupancy, cooperators = np.array([1, 3, 6]), np.array([1, 0, 3])
    # n < r in the first casino alone: 1 < 2.5, but 3 is not below 3 and 6 not below 3.9.
    share, free, dilemma = metrics.conditional_cooperation(occupancy, cooperators, GAIN)
    assert [float(share), float(free), float(dilemma)] == pytest.approx([0.1, 1, 3 / 9])
    assert metrics.cooperation_rate(occupancy, cooperators) == pytest.approx(0.4)


def test_conditional_rates_of_absent_classes_are_undefined():
    share, free, dilemma = metrics.conditional_cooperation(np.array([1, 1, 1]), np.array([1, 0, 0]), GAIN)
    assert (float(share), float(free)) == pytest.approx((1, 1 / 3))
    assert np.isnan(dilemma)
    share, free, dilemma = metrics.conditional_cooperation(np.array([3, 3, 0]), np.array([0, 0, 0]), GAIN)
    assert (float(share), float(dilemma)) == (0, 0)
    assert np.isnan(free)
    assert np.isnan(metrics.cooperation_rate(np.zeros(3, int), np.zeros(3, int)))


def test_seats_and_crowding_by_hand():
    seated = metrics.seated(np.array([[5, 0, 1], [2, 3, 3]]), GAIN)  # 2, 3 and 3 seats
    assert seated.tolist() == [3, 8]
    assert metrics.seat_use(seated, GAIN).tolist() == [3 / 8, 1]
    assert metrics.overcrowding(seated, np.array([6, 8])).tolist() == [0.5, 0]
    assert np.isnan(metrics.seat_use(np.array(0), np.array([0.5])))


@given(counts)
def test_overcrowding_is_at_least_what_lack_of_seats_makes_it(occupancy):
    gain = np.linspace(0.5, 4.5, occupancy.shape[-1])
    agents = occupancy.sum(axis=-1)
    share = metrics.overcrowding(metrics.seated(occupancy, gain), agents)
    least = np.maximum(0, 1 - whole_part(gain).sum() / np.maximum(agents, 1))
    np.testing.assert_array_equal(np.isnan(share), agents == 0)
    assert ((share >= least - 1e-12) & (share <= 1))[agents > 0].all()


def test_concentration_and_entropy_by_hand():
    occupancy = np.array([[2, 2, 2, 2], [8, 0, 0, 0], [4, 4, 0, 0], [0, 0, 0, 0]])
    concentration = metrics.concentration(metrics.squared_counts(occupancy), occupancy.sum(axis=-1))
    assert concentration.tolist() == pytest.approx([0.25, 1, 0.5, np.nan], nan_ok=True)
    # ln 2 / ln 4 = 1/2
    assert metrics.occupancy_entropy(occupancy).tolist() == pytest.approx([1, 0, 0.5, np.nan], nan_ok=True)
    assert np.isnan(metrics.occupancy_entropy(np.array([7])))


@given(counts)
def test_concentration_and_entropy_keep_their_ranges(occupancy):
    agents, casinos = occupancy.sum(axis=-1), occupancy.shape[-1]
    known = agents > 0
    concentration = metrics.concentration(metrics.squared_counts(occupancy), agents)
    assert ((concentration >= 1 / casinos - 1e-12) & (concentration <= 1))[known].all()
    entropy = metrics.occupancy_entropy(occupancy)
    assert np.isnan(entropy[~known]).all()
    if casinos > 1:
        assert ((entropy >= 0) & (entropy <= 1 + 1e-12))[known].all()


def pairwise_gini(values):
    """The double sum of its definition."""
    total = sum(abs(x - y) for x in values for y in values)
    return total / (2 * len(values) ** 2 * (sum(values) / len(values)))


def test_gini_by_hand():
    assert metrics.gini(np.array([0.0, 0, 0, 8])) == pytest.approx(0.75)  # 1 - 1/N, one has everything
    assert metrics.gini(np.array([3.0, 3, 3])) == 0
    assert metrics.gini(np.array([1.0, 3.0])) == pytest.approx(0.25)  # |1 - 3| twice, over 2 * 4 * 2
    assert metrics.gini(np.array([[1.0, 3.0], [2.0, 2.0]])).tolist() == [0.25, 0]


@pytest.mark.parametrize("amounts", [[0.0, 0.0], [-1.0, 5.0], [-2.0, 1.0], [np.nan, 1.0]], ids=str)
def test_gini_of_negative_or_no_amounts_is_undefined(amounts):
    assert np.isnan(metrics.gini(np.array(amounts)))


@given(amounts)
def test_gini_is_its_double_sum_within_its_range(values):
    found = float(metrics.gini(values))
    if values.sum() < 1e-6:
        return
    assert found == pytest.approx(pairwise_gini(values.tolist()), abs=1e-9)
    assert -1e-12 <= found <= 1 - 1 / len(values) + 1e-12


@pytest.mark.parametrize("amounts", [np.zeros(0), np.zeros((3, 0)), np.float64(1.0)])
def test_inequality_needs_agents(amounts: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"^amounts must have shape \(\.\.\., N\) with N >= 1"):
        metrics.gini(amounts)
