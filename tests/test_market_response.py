"""Linear rules in the market: what they earn, in exact moments and simulated, and what a trader gains by leaving."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from mpgg_env.analysis.market_equilibrium import IllPosedMarketError, solve_market
from mpgg_env.analysis.market_moments import expected_returns, state_moments
from mpgg_env.analysis.market_profile import LinearProfile
from mpgg_env.analysis.market_response import best_response, exploitability
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.vector import MarketBatch

pytestmark = pytest.mark.algorithm

DIFFERENT = {
    "transaction_cost": (0.1, 0.2, 0.15, 0.12),
    "terminal_penalty": (0.1, 0.3, 0.0, 0.2),
    "running_penalty": (0.0, 0.1, 0.2, 0.05),
}
MARKETS = [
    {},
    {"n_agents": 2, "impact": "none"},
    {"running_penalty": 0.1, "dt": 0.25},
    {"n_agents": 4, **DIFFERENT},
    {"n_agents": 20, "impact_scaling": "mean_field"},
]


def _market(**options: object) -> MarketConfig:
    return MarketConfig(**{"impact": "linear", **options})  # type: ignore[arg-type]


def _disturbed(config: MarketConfig, seed: int = 0, share: float = 0.1) -> LinearProfile:
    """The equilibrium's rules, each gain off by some share."""
    gains = solve_market(config).gains
    return LinearProfile(config, gains * (1 + share * np.random.default_rng(seed).standard_normal(gains.shape)))


def _deviating(config: MarketConfig, player: int) -> LinearProfile:
    rng = np.random.default_rng(7)
    rules = 0.9 * solve_market(config.replace(transaction_cost=0.1, terminal_penalty=0.1, running_penalty=0.0)).gains
    own = rules * (1 + 0.3 * rng.standard_normal(rules.shape))
    return LinearProfile(config, rules, deviator=player, deviator_gains=own)


def _as_full(profile: LinearProfile) -> LinearProfile:
    return LinearProfile(profile.config, profile.full_gains())


def _simulated(profile: LinearProfile, episodes: int) -> np.ndarray:
    config, rng = profile.config, np.random.default_rng(1)
    batch = MarketBatch(config)
    state = batch.drawn_state(
        *(rng.standard_normal(shape) for shape in ((episodes, config.n_agents), episodes, episodes))
    )
    returns = np.zeros((episodes, config.n_agents))
    for _ in range(config.n_steps):
        state, rewards = batch.step(state, profile(state), rng.standard_normal(episodes))
        returns += rewards
    return returns


@pytest.mark.parametrize(
    "make",
    [
        lambda: solve_market(_market()).profile,
        lambda: solve_market(_market(n_agents=4, **DIFFERENT)).profile,
        lambda: solve_market(_market(n_agents=3, impact="none", y0_var=20.0, volatility=0.5)).profile,
        lambda: _deviating(_market(n_agents=4, **DIFFERENT), 2),
    ],
)
def test_the_simulator_pays_what_the_moments_say(make: Callable[[], LinearProfile]) -> None:
    profile = make()
    returns = _simulated(profile, 100_000)
    errors = returns.std(0) / len(returns) ** 0.5
    expected = expected_returns(profile)
    assert np.all(errors < 0.03 * np.abs(expected))
    assert np.all(np.abs(returns.mean(0) - expected) < 4 * errors)


@pytest.mark.parametrize("options", MARKETS)
def test_values_are_the_returns_of_the_rules(options: dict[str, object]) -> None:
    # Backwards over quadratic values, and forwards over second moments.
    found = solve_market(_market(**options))
    np.testing.assert_allclose(expected_returns(found.profile), found.value, rtol=1e-12)


@pytest.mark.parametrize("options", MARKETS)
def test_nobody_gains_by_leaving_the_equilibrium(options: dict[str, object]) -> None:
    found = solve_market(_market(**options))
    gains = exploitability(found.profile)
    assert gains.absolute.shape == gains.share.shape == (found.config.n_agents,)
    assert 0 <= gains.absolute.max() < 1e-9
    assert gains.share.max() < 1e-9
    response = best_response(found.profile, 1)
    assert abs(expected_returns(response.profile)[1] - found.value[1]) < 1e-12


def test_ten_thousand_traders() -> None:
    found = solve_market(_market(n_agents=10_000, impact_scaling="mean_field"))
    assert exploitability(found.profile).absolute.max() < 1e-9
    response = best_response(_disturbed(found.config), 9_999)
    returns = expected_returns(response.profile)
    before = expected_returns(_disturbed(found.config))
    assert returns[9_999] - before[9_999] == pytest.approx(response.gain, rel=1e-9)


@pytest.mark.parametrize("options", MARKETS)
def test_a_best_response_gains_what_it_says_and_nothing_near_it_gains_more(options: dict[str, object]) -> None:
    profile = _disturbed(_market(**options))
    response, own = best_response(profile, 1), expected_returns(profile)[1]
    best = expected_returns(response.profile)[1]
    assert response.gain > 1e-4
    assert best - own == pytest.approx(response.gain, rel=1e-9)
    assert best_response(response.profile, 1).gain < 1e-15
    for seed in range(5):
        shift = 0.01 * np.random.default_rng(seed).standard_normal(response.gains.shape)
        assert expected_returns(_with_own(profile, response.gains + shift))[1] < best


def _with_own(profile: LinearProfile, own: np.ndarray) -> LinearProfile:
    if profile.is_symmetric:
        return LinearProfile(profile.config, profile.gains, deviator=1, deviator_gains=own)
    gains = profile.gains.copy()
    gains[:, 1] = own
    return LinearProfile(profile.config, gains)


@pytest.mark.parametrize("options", [{}, {"n_agents": 4, **DIFFERENT}])
def test_the_identity_of_performance_differences(options: dict[str, object]) -> None:
    # J_1(pi, pi*_-1) = J* - E sum_t h_t (pi - pi*)^2 with h_t minus half the curvature, where (pi, pi*_-1) goes.
    found = solve_market(_market(**options), "full")
    shift = 0.2 * np.random.default_rng(3).standard_normal(found.gains[:, 0].shape)
    gains = found.gains.copy()
    gains[:, 0] += shift
    deviating = LinearProfile(found.config, gains)
    lost = -0.5 * found.curvature[:, 0] @ np.einsum("ta,tab,tb->t", shift, state_moments(deviating), shift)
    assert lost > 0.01
    assert expected_returns(deviating)[0] == pytest.approx(found.value[0] - lost, rel=1e-12)


@pytest.mark.parametrize("options", [{}, {"n_agents": 2}, {"n_agents": 4, **DIFFERENT}])
@pytest.mark.parametrize("player", [None, 1])
def test_the_few_numbers_of_one_rule_for_all_are_enough(options: dict[str, object], player: int | None) -> None:
    profile = _deviating(_market(**options), 1)
    if player is None:
        profile = LinearProfile(profile.config, profile.gains)
    full = _as_full(profile)
    np.testing.assert_allclose(expected_returns(profile), expected_returns(full), rtol=1e-12)
    reduced, whole = exploitability(profile), exploitability(full)
    np.testing.assert_allclose(reduced.absolute, whole.absolute, rtol=1e-10)
    np.testing.assert_allclose(reduced.share, whole.share, rtol=1e-10)


def test_shares_are_of_the_equilibrium_or_of_what_is_given() -> None:
    config = _market()
    gains = exploitability(_disturbed(config))
    np.testing.assert_allclose(gains.share, gains.absolute / abs(solve_market(config).value), rtol=1e-12)
    np.testing.assert_allclose(exploitability(_disturbed(config), 2.0).share, gains.absolute / 2, rtol=1e-12)
    ill_posed = LinearProfile(_market(n_agents=7), np.full((10, 4), -0.1))
    answer = exploitability(ill_posed)
    assert np.isfinite(answer.absolute).all()
    assert np.isnan(answer.share).all()


def test_where_there_is_no_best_response() -> None:
    idle = LinearProfile(_market(transaction_cost=0.0, terminal_penalty=0.0), np.zeros((10, 4)))
    for profile in (idle, _as_full(idle)):
        with pytest.raises(IllPosedMarketError, match="not concave in its own rate"):
            best_response(profile, 0)
    with pytest.raises(ValueError, match=r"player must be in \[0, 4\], got 5"):
        best_response(idle, 5)
    root = LinearProfile(MarketConfig(), np.zeros((10, 4)))
    for answer in (lambda: best_response(root, 0), lambda: expected_returns(root), lambda: state_moments(root)):
        with pytest.raises(ValueError, match="impact must be 'linear' or 'none'"):
            answer()


def test_rules_of_many_traders_are_not_written_out() -> None:
    found = solve_market(_market(n_agents=10_000, impact_scaling="mean_field"))
    with pytest.raises(ValueError, match="n_agents is too large for rules on every inventory"):
        found.profile.full_gains()


def _states(batch: MarketBatch, rng: np.random.Generator) -> Any:
    n = batch.config.n_agents
    return batch.drawn_state(*(rng.standard_normal(shape) for shape in ((8, n), 8, 8)))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_rules_play_in_numpy_and_in_torch(dtype: torch.dtype) -> None:
    config = _market(n_agents=4)
    for profile in (_deviating(config, 2), _as_full(_deviating(config, 2))):
        at_numpy = _states(MarketBatch(config), np.random.default_rng(0))
        at_torch = _states(MarketBatch(config, torch, dtype=dtype), np.random.default_rng(0))
        rates = profile(at_torch)
        assert rates.dtype == dtype
        by_hand = np.array([_rates(profile, at_numpy, market) for market in range(8)])
        np.testing.assert_allclose(profile(at_numpy), by_hand, rtol=1e-12)
        np.testing.assert_allclose(rates.numpy(), by_hand, rtol=1e-12 if dtype == torch.float64 else 1e-4)


def _rates(profile: LinearProfile, state: Any, market: int) -> list[float]:
    q, rates = state.inventory[market], []
    for i in range(4):
        rule = profile.gains[0]
        if rule.ndim == 2:
            x, row = [state.price[market] - 10, state.impact[market], *q], rule[i]
        else:
            x = [state.price[market] - 10, state.impact[market], q[i], (sum(q) - q[i]) / 3]
            row = profile.deviator_gains[0] if i == profile.deviator and profile.deviator_gains is not None else rule
        rates.append(sum(a * b for a, b in zip(x, row, strict=True)))
    return rates


def test_rules_refuse_other_markets_and_the_end() -> None:
    config = _market(horizon=0.5)
    profile, batch = solve_market(config).profile, MarketBatch(config)
    state = _states(batch, np.random.default_rng(0))
    over, _ = batch.step(state, profile(state), np.zeros(8))
    with pytest.raises(ValueError, match=r"state.step must be in \[0, 0\], got 1"):
        profile(over)
    with pytest.raises(ValueError, match="the state must have 5 traders, got 4"):
        profile(_states(MarketBatch(_market(n_agents=4)), np.random.default_rng(0)))
