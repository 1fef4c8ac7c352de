"""Population dynamics: published figures, known solutions, and fixed points that are what they claim."""

import numpy as np
import pytest

from mpgg_env.analysis.dynamics import integrate, logit_fixed_point
from mpgg_env.analysis.symmetric import expected_payoffs
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.mechanisms import Fine

pytestmark = pytest.mark.algorithm

# beta: cooperation rate and mean payoff of the logit fixed point of the default game, from an independent program.
LOGIT = {1: (0.434, 1.037), 2: (0.370, 0.855), 5: (0.265, 0.495), 10: (0.174, 0.266), 20: (0.068, 0.091)}


def _row(n_agents: int, cost: tuple[float, ...], gain: tuple[float, ...]) -> MPGGConfig:
    return MPGGConfig(n_agents=n_agents, grid_shape=(1, len(cost)), cost=cost, gain=gain)


@pytest.mark.parametrize(("beta", "expected"), LOGIT.items())
def test_the_logit_fixed_points_of_the_default_game(beta: float, expected: tuple[float, float]) -> None:
    found = logit_fixed_point(MPGGConfig(), beta)
    assert (found.profile.cooperation_rate, found.profile.payoff) == pytest.approx(expected, abs=6e-4)
    assert found.residual < 1e-12


@pytest.mark.parametrize("n_agents", [6, 60, 150])
@pytest.mark.parametrize("beta", [0.0, 3.0, 20.0, 50.0])
@pytest.mark.parametrize("mean_field", [False, True])
def test_a_fixed_point_is_the_logit_choice_against_itself(n_agents: int, beta: float, mean_field: bool) -> None:
    config = MPGGConfig(n_agents=n_agents)
    profile = logit_fixed_point(config, beta, mean_field=mean_field).profile
    payoffs = expected_payoffs(config, profile.probabilities, profile.cooperation, mean_field=mean_field)
    weights = np.exp(beta * (payoffs - payoffs.max()))
    shares = np.stack([1 - profile.cooperation, profile.cooperation], axis=-1) * profile.probabilities[:, None]
    np.testing.assert_allclose(shares, weights / weights.sum(), atol=1e-10)


def test_no_precision_is_random_choice() -> None:
    profile = logit_fixed_point(MPGGConfig(), 0.0).profile
    np.testing.assert_allclose(profile.probabilities, 1 / 25)
    np.testing.assert_allclose(profile.cooperation, 0.5)
    assert profile.payoff == pytest.approx(0.96)  # random play from the start: mean of v / 2 = 1.92 / 2


@pytest.mark.parametrize("beta", [1.0, 20.0])
def test_the_logit_dynamics_end_where_the_continuation_in_beta_ends(beta: float) -> None:
    config = MPGGConfig(n_agents=60)
    start = np.random.default_rng(3).dirichlet(np.ones(50)).reshape(25, 2)
    path = integrate(config, "logit", np.array([0.0, 100.0, 200.0]), beta=beta, start=start)
    fixed = logit_fixed_point(config, beta)
    assert path.speed < 1e-6
    assert path.cooperation[-1] == pytest.approx(fixed.profile.cooperation_rate, abs=1e-6)
    assert path.payoff[-1] == pytest.approx(fixed.profile.payoff, abs=1e-6)
    assert path.welfare[-1] == pytest.approx(60 * fixed.profile.payoff, abs=1e-4)


def test_the_replicator_in_one_casino_has_a_known_solution() -> None:
    # One casino, N = 4: cooperating costs c (1 - r / n) = 1 - 2 / 4 whatever the others do, so the odds of
    # cooperation fall as e^(-t / 2) from 1.
    times = np.linspace(0, 12, 7)
    path = integrate(_row(4, (1.0,), (2.0,)), "replicator", times)
    np.testing.assert_allclose(path.cooperation, 1 / (1 + np.exp(times / 2)), rtol=1e-6)
    np.testing.assert_allclose(path.payoff, path.cooperation, rtol=1e-6)  # v = c (r - 1) = 1 per cooperator
    np.testing.assert_allclose(path.shares.sum(axis=(1, 2)), 1)


def test_the_replicator_survives_shares_smaller_than_any_float() -> None:
    path = integrate(_row(4, (1.0,), (2.0,)), "replicator", np.array([0.0, 2000.0, 4000.0]))
    assert np.isfinite(path.shares).all()
    np.testing.assert_allclose(path.shares[-1], [[1, 0]], atol=1e-300)


def test_mutation_alone_levels_all_strategies() -> None:
    # Nothing to contribute, so nothing to gain: y - 1 / 4 shrinks as e^(-mutation t).
    start = np.array([[0.7, 0.1], [0.1, 0.1]])
    times = np.array([0.0, 1.0, 4.0])
    path = integrate(_row(5, (0.0, 0.0), (2.0, 3.0)), "replicator", times, start=start, mutation=0.5)
    expected = 0.25 + (start - 0.25) * np.exp(-0.5 * times)[:, None, None]
    np.testing.assert_allclose(path.shares, expected, atol=1e-7)


def test_rare_mutants_keep_the_default_game_in_motion_and_frequent_ones_spoil_it() -> None:
    # Published: mean payoff 3.8 +- 1.0 and cooperation .85 +- .21 in time at 1e-4, payoff .05 at 1e-2.
    times = np.linspace(0, 2000, 2001)
    rare = integrate(MPGGConfig(), "replicator", times, mutation=1e-4)
    late = slice(1000, None)
    assert rare.payoff[late].mean() == pytest.approx(3.8, abs=0.1)
    assert rare.payoff[late].std() == pytest.approx(1.0, abs=0.1)
    assert rare.cooperation[late].mean() == pytest.approx(0.85, abs=0.02)
    assert rare.cooperation[late].std() == pytest.approx(0.21, abs=0.02)
    frequent = integrate(MPGGConfig(), "replicator", np.array([0.0, 500.0, 1000.0]), mutation=1e-2)
    assert frequent.payoff[-1] == pytest.approx(0.05, abs=0.005)
    assert frequent.speed < 1e-6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dynamics": "logti"}, "dynamics must be one of 'replicator', 'logit', got 'logti'; did you mean 'logit'"),
        ({"times": np.array([0.0])}, "times must be at least two finite numbers in increasing order"),
        ({"mutation": -1.0}, "mutation must be finite and >= 0, got -1.0"),
        ({"beta": -1.0}, "beta must be finite and >= 0, got -1.0"),
        ({"start": np.zeros((25, 2))}, r"start must be positive numbers of shape \(25, 2\)"),
        ({"config": MPGGConfig(mechanism=Fine(amount=1.0))}, "mechanism must be None for population dynamics"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, object], message: str) -> None:
    usual = {"config": MPGGConfig(), "dynamics": "logit", "times": np.array([0.0, 1.0])}
    with pytest.raises(ValueError, match=message):
        integrate(**{**usual, **arguments})  # type: ignore[arg-type]


@pytest.mark.parametrize("n_agents", [1, 2, 3, 4])
def test_few_agents_have_logit_fixed_points_too(n_agents: int) -> None:
    # Agents who fill a casino together all go there or stay away: steps in beta get too long for Newton's method.
    rng = np.random.default_rng(n_agents)
    for trial in range(25):
        casinos, mean_field = int(rng.integers(1, 7)), trial % 2 == 1
        config = _row(n_agents, tuple(rng.uniform(0.1, 2, casinos)), tuple(rng.uniform(0.5, 6, casinos)))
        beta = float(rng.choice([1, 5, 20, 100, 500]))
        found = logit_fixed_point(config, beta, mean_field=mean_field)
        profile = found.profile
        payoffs = expected_payoffs(config, profile.probabilities, profile.cooperation, mean_field=mean_field)
        weights = np.exp(beta * (payoffs - payoffs.max()))
        shares = np.stack([1 - profile.cooperation, profile.cooperation], axis=-1) * profile.probabilities[:, None]
        np.testing.assert_allclose(shares, weights / weights.sum(), atol=1e-9)


@pytest.mark.parametrize("beta", [20.0, 50.0, 200.0])
def test_four_agents_on_the_default_board_have_a_logit_fixed_point(beta: float) -> None:
    assert logit_fixed_point(MPGGConfig(n_agents=4), beta).residual < 1e-9


def test_a_lone_agent_chooses_by_payoffs_that_depend_on_nobody() -> None:
    # Alone, C pays v = c (r - 1) = 1 and D nothing.
    profile = logit_fixed_point(_row(1, (1.0,), (2.0,)), 3.0).profile
    assert profile.cooperation[0] == pytest.approx(1 / (1 + np.exp(-3.0)))


def test_a_fixed_point_that_is_not_found_names_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpgg_env.analysis.dynamics._MOST_REFINEMENTS", 0)
    with pytest.raises(RuntimeError, match=r"steps=20 and 0 more"):
        logit_fixed_point(MPGGConfig(n_agents=4), 200.0)


def test_each_dynamics_refuses_the_others_parameter() -> None:
    times = np.array([0.0, 1.0])
    with pytest.raises(ValueError, match=r"mutation must be 0 with the logit dynamics, got 0\.1"):
        integrate(MPGGConfig(), "logit", times, mutation=0.1)
    with pytest.raises(ValueError, match=r"beta must be None with the replicator dynamics, got 5\.0"):
        integrate(MPGGConfig(), "replicator", times, beta=5.0)


def test_a_trajectory_keeps_its_own_times() -> None:
    times = np.array([0.0, 1.0])
    path = integrate(_row(4, (1.0,), (2.0,)), "replicator", times)
    times[1] = 7.0
    assert path.times.tolist() == [0, 1]
