"""The gap between finite games and their limit: its size, its slope, and the arithmetic of both."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy.stats import t

from mpgg_env.analysis.mean_field.finite_gap import finite_gap, fitted_slope, one_step_bound
from mpgg_env.analysis.mean_field.profiles import random_profile
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.finite import finite_game
from mpgg_env.games.mean_field.common.population import repeated_state
from mpgg_env.games.mean_field.common.rollout import rollout
from mpgg_env.games.mean_field.cyber_security.config import CyberSecurityConfig
from mpgg_env.games.mean_field.population_matching.config import PopulationMatchingConfig
from tests.mean_field_pairs import DEFAULT_PAIRS, NAMES
from tests.support import exactly, same

pytestmark = pytest.mark.algorithm

every_game = pytest.mark.parametrize("name", NAMES)


@pytest.mark.parametrize("feedback", [0.0, 1.0])
@pytest.mark.parametrize("name", ["population_matching", "cyber_security", "mpgg"])
def test_the_gap_closes_with_the_root_of_the_number_of_agents(name: str, feedback: float) -> None:
    config, _ = DEFAULT_PAIRS[name]()
    gap = finite_gap(config, random_profile(config, 1, feedback=feedback), sizes=(10, 100, 1000), replicas=12)
    assert -0.55 < gap.distance_slope.low < gap.distance_slope.mean < gap.distance_slope.high < -0.45
    assert (gap.returns_slope.mean < -0.4).all()


@every_game
def test_large_games_are_near_their_limit(name: str) -> None:
    """Within T times the error of one step: the errors of all steps add up at worst where the policies are constant."""
    config, _ = DEFAULT_PAIRS[name]()
    gap = finite_gap(config, random_profile(config), sizes=(5, 4000), replicas=2)
    assert gap.distance.mean[1] < gap.distance.mean[0] / 10
    assert gap.distance.mean[1] < (config.max_cycles + 1) * gap.bound[1]
    assert (np.abs(gap.bias.mean[1]) <= gap.returns.mean[1] + 1e-12).all()


def test_the_bound_of_one_step_holds_and_is_reached() -> None:
    """E |X / N - 1 / 2| by the binomial law, for each of two states; with one agent it is the bound itself."""
    for size in (1, 2, 3, 10, 41):
        error = sum(math.comb(size, k) * abs(Fraction(k, size) - Fraction(1, 2)) for k in range(size + 1)) / 2**size
        assert 2 * float(error) <= one_step_bound(2, size)
        if size == 1:
            assert 2 * error == one_step_bound(2, size) == 1


@every_game
def test_one_step_from_a_known_state_is_within_the_bound(name: str) -> None:
    """All agents in state 0: those in a state are binomial then, with E |X / N - p| at most sqrt(p (1 - p) / N)."""
    config, _ = DEFAULT_PAIRS[name]()
    batch, size = MeanFieldBatch(config), 400
    corner = batch.initial_state(
        [np.eye(states)[:1] for states, _ in batch.shapes], [0] if batch.rules.n_contexts else None
    )
    profile = random_profile(config)
    expected = rollout(batch, corner, profile, 1).states[1].distributions
    game = finite_game(config, (size,) * batch.n_coalitions)
    play = game.play(repeated_state(corner, 100), profile, steps=1)
    for mu, law in zip(play.distributions, expected, strict=True):
        error = np.abs(mu[:, 1] - law).sum(1).mean()
        deviation = np.sqrt(law * (1 - law) / size).sum()
        assert 0.6 * deviation < error < deviation <= one_step_bound(law.shape[1], size)


def test_all_numbers_are_those_of_the_episodes() -> None:
    config = CyberSecurityConfig(max_cycles=6)
    profile, batch = random_profile(config, feedback=1.0), MeanFieldBatch(config)
    gap = finite_gap(config, profile, sizes=(8, 16), replicas=(5, 3), seed=9)
    starts = batch.testing_state()
    limit = rollout(batch, starts, profile)
    play = finite_game(config, (16, 16)).play(repeated_state(starts, 3), profile, seed=9)
    apart, gain = np.zeros((8, 3)), np.zeros((8, 3, 2))
    for g, r in np.ndindex(8, 3):
        b = 3 * g + r
        apart[g, r] = max(
            sum(np.abs(play.distributions[i][b, k] - limit.states[k].distributions[i][g]).sum() for i in range(2))
            for k in range(7)
        )
        gain[g, r] = play.returns[b] - limit.returns[g]
    for estimate, values in ((gap.distance, apart), (gap.returns, np.abs(gain)), (gap.bias, gain)):
        samples = values.mean(0)
        expected = samples.mean(0)
        low, high = t.interval(0.95, 2, expected, samples.std(0, ddof=1) / math.sqrt(3))
        for mine, wanted in ((estimate.mean, expected), (estimate.low, low), (estimate.high, high)):
            np.testing.assert_allclose(mine[1], wanted, rtol=1e-9, atol=1e-12)
    assert gap.sizes.tolist() == [8, 16]
    assert gap.replicas.tolist() == [5, 3]
    assert gap.coalition_sizes.tolist() == [[8, 8], [16, 16]]
    np.testing.assert_array_equal(gap.limit_returns, limit.returns)
    np.testing.assert_allclose(gap.bound, [6 / (2 * math.sqrt(8)), 6 / (2 * 4)])  # 4 and 2 states


def test_a_power_law_is_found_with_its_interval() -> None:
    """Two sizes, two samples each: by hand.

    Means 3 and 0.3, relative variances of the means 0.02 / 2 = 0.01; the slope's is 0.02 / log(100)^2. Welch and
    Satterthwaite: 0.02^2 / (2 * 0.01^2) = 2 degrees of freedom, for which Student's t is 4.302653.
    """
    slope = fitted_slope([10, 1000], [3 * np.array([0.9, 1.1]), 0.3 * np.array([0.9, 1.1])])
    half = 4.302653 * math.sqrt(0.02) / math.log(100)
    assert [slope.mean, slope.low, slope.high] == pytest.approx([-0.5, -0.5 - half, -0.5 + half], abs=1e-6)


def test_slopes_of_errors_that_are_zero_are_unknown() -> None:
    samples = [np.array([[0.0, 1.0], [0.0, 1.0]]), np.array([[1.0, 0.1], [1.0, 0.1]])]
    slope = fitted_slope([10, 100], samples)
    np.testing.assert_allclose([slope.mean, slope.low, slope.high], [[np.nan, -1]] * 3)


def test_progress_goes_from_nothing_to_all() -> None:
    shares: list[float] = []
    config = PopulationMatchingConfig(max_cycles=2)
    options: dict[str, Any] = {"sizes": (2, 20), "replicas": 2}
    with_it = finite_gap(config, random_profile(config), progress=shares.append, **options)
    assert shares == sorted(shares)
    assert shares[0] == pytest.approx(2 / 22)
    assert shares[-1] == 1
    again = finite_gap(config, random_profile(config), state=MeanFieldBatch(config).testing_state(), **options)
    assert same(again.distance.mean, with_it.distance.mean)


def test_random_profiles_are_constant_or_react() -> None:
    config, _ = DEFAULT_PAIRS["mpgg"]()
    batch = MeanFieldBatch(config)
    states = [batch.drawn_state(np.random.default_rng(k), 2) for k in range(2)]
    for feedback in (0.0, 0.5):
        for policy in random_profile(config, feedback=feedback):
            first, second = policy(states[0]), policy(states[1])
            np.testing.assert_allclose(first[..., 1:].sum(-1), 1, rtol=0, atol=1e-12)
            assert same(first, second) == (feedback == 0)
    assert not same(*(policy(states[0]) for policy in random_profile(config)))


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"sizes": (10,)}, "sizes must be at least two increasing numbers of agents, got (10,)"),
    ({"sizes": (10, 10)}, "sizes must be at least two increasing numbers of agents, got (10, 10)"),
    ({"sizes": (0, 10)}, "sizes[0] must be >= 1, got 0"),
    ({"replicas": 1}, "replicas must be >= 2, got 1"),
    ({"replicas": (2, 1)}, "replicas[1] must be >= 2, got 1"),
    ({"replicas": (2, 2, 2)}, "replicas must be one number or one for each of the 2 sizes, got 3"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_wrong_arguments_are_refused(options: dict[str, Any], message: str) -> None:
    config = PopulationMatchingConfig()
    with pytest.raises(ValueError, match=exactly(message)):
        finite_gap(config, random_profile(config), **{"sizes": (2, 3), **options})
