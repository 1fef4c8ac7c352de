"""The market's exact equilibrium: by hand, by brute force in rational numbers, and by two derivations that agree."""

import numpy as np
import pytest

from mpgg_env.analysis.market_equilibrium import IllPosedMarketError, MarketEquilibrium, check_well_posed, solve_market
from mpgg_env.analysis.market_profile import LinearProfile
from mpgg_env.games.market.config import MarketConfig
from tests.oracles import market_oracle

pytestmark = pytest.mark.algorithm

DIFFERENT = {
    "n_agents": 3,
    "transaction_cost": (0.1, 0.2, 0.15),
    "terminal_penalty": (0.1, 0.3, 0.0),
    "running_penalty": (0.0, 0.1, 0.2),
}
ALIKE = [
    {},
    {"impact": "none"},
    {"impact": "none", "n_agents": 9},
    *({"n_agents": n} for n in (2, 3, 4, 6)),
    {"dt": 0.1},
    {"dt": 1.0, "n_agents": 2},
    {"running_penalty": 0.2, "dt": 0.25},
    {"mean_reversion": 0.0, "volatility": 0.0, "transient_decay": 0.0},
    {"n_agents": 12, "dt": 0.125},
    *({"n_agents": n, "impact_scaling": "mean_field"} for n in (2, 20, 40)),
]


def _market(**options: object) -> MarketConfig:
    return MarketConfig(**{"impact": "linear", **options})  # type: ignore[arg-type]


def test_the_last_step_by_hand() -> None:
    # With e = eta + gamma = .07, the condition dt (s.X + e V dt) + e dt q' - 2 b1 v dt - 2 b2 q' dt = 0, q' = q + v dt,
    # is (2 b1 + 2 b2 dt - e dt) v - e dt V = s.X + (e - 2 b2) q: .265 v - .035 V = -.25 z + (exp(-.25) - 1) Y - .13 q.
    # The sum over five traders is .09 V = 5 (s.X) - .13 sum q.
    rows = solve_market(_market()).profile.full_gains()[-1]
    shared = np.array([-0.25, np.exp(-0.25) - 1])
    np.testing.assert_allclose(rows[:, :2], np.tile(shared / 0.09, (5, 1)), rtol=1e-13)
    equal = -0.13 / 0.09  # the row's sum over equal inventories
    np.testing.assert_allclose(rows[:, 2:], np.eye(5) * -0.13 / 0.265 + (equal + 0.13 / 0.265) / 5, rtol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"n_agents": 2},
        {"n_agents": 4, "impact": "none", "dt": 0.25, "running_penalty": 0.05},
        {"n_agents": 6},
        {"n_agents": 6, "impact_scaling": "mean_field", "transaction_cost": (0.1, 0.1, 0.2, 0.2, 0.3, 0.05)},
        {**DIFFERENT, "horizon": 5.0},
        {**DIFFERENT, "impact": "none", "s0_var": "diffusion", "y0_var": 0.3},
    ],
)
def test_brute_force_in_rational_numbers_finds_the_same(options: dict[str, object]) -> None:
    config = _market(**{"horizon": 1.5, **options})
    rules, returns = market_oracle.equilibrium(config)
    found = solve_market(config)
    np.testing.assert_allclose(found.profile.full_gains(), rules, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.value, returns, rtol=1e-13)


@pytest.mark.parametrize("options", ALIKE)
def test_both_derivations_agree(options: dict[str, object]) -> None:
    reduced, full = (solve_market(_market(**options), method) for method in ("symmetric", "full"))
    np.testing.assert_allclose(reduced.profile.full_gains(), full.gains, rtol=0, atol=1e-12)
    np.testing.assert_allclose(reduced.value, full.value, rtol=1e-12)
    np.testing.assert_allclose(np.tile(reduced.curvature[:, None], full.curvature.shape[1]), full.curvature, rtol=1e-12)
    np.testing.assert_allclose(reduced.eigenvalue, full.eigenvalue, rtol=1e-12)
    np.testing.assert_allclose(reduced.condition, full.condition, rtol=1e-12)
    np.testing.assert_allclose(_expanded_forms(reduced), full.forms, rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.tile(reduced.constants[:, None], full.constants.shape[1]), full.constants, atol=1e-14)


def _expanded_forms(found: MarketEquilibrium) -> np.ndarray:
    """The forms on four numbers as forms on (z, Y, q_1, ..., q_N)."""
    n = found.config.n_agents
    reductions = np.zeros((n, 4, n + 2))
    reductions[:, :2, :2] = np.eye(2)
    reductions[:, 2, 2:], reductions[:, 3, 2:] = np.eye(n), (1 - np.eye(n)) / (n - 1)
    return np.einsum("iax,tab,iby->tixy", reductions, found.forms, reductions)


@pytest.mark.parametrize("n_agents", [5, 100, 10_000, 1_000_000])
def test_no_digits_are_lost_for_many_traders(n_agents: int) -> None:
    # In rational numbers, the best response to the equilibrium is the equilibrium.
    config = _market(n_agents=n_agents, impact_scaling="mean_field", running_penalty=0.05, horizon=2.0)
    gains = solve_market(config).gains
    np.testing.assert_allclose(market_oracle.response(config, gains.tolist()), gains, rtol=0, atol=1e-13)


def test_gains_converge_as_one_over_n() -> None:
    first, second, limit = (
        solve_market(_market(n_agents=n, impact_scaling="mean_field")).gains for n in (1000, 2000, 10**6)
    )
    np.testing.assert_allclose((first - limit) / (second - limit), 2.0, atol=0.01)


def test_a_trader_keeps_its_rule_when_all_are_renumbered() -> None:
    order = [2, 0, 1]
    names = ("transaction_cost", "terminal_penalty", "running_penalty")
    renumbered = {name: tuple(DIFFERENT[name][i] for i in order) for name in names}  # type: ignore[index]
    one, other = solve_market(_market(**DIFFERENT)), solve_market(_market(n_agents=3, **renumbered))
    columns = [0, 1, *(2 + i for i in order)]
    np.testing.assert_allclose(other.gains, one.gains[:, order][:, :, columns], atol=1e-13)
    np.testing.assert_allclose(other.value, one.value[order], rtol=1e-13)


def test_an_initial_impact_decays_and_moves_the_price_without_transient_impact() -> None:
    assert abs(solve_market(_market(impact="none")).gains[0, 1]) > 1
    assert np.all(solve_market(_market(impact="none", transient_decay=0.0)).gains[:, 1] == 0)


def test_auto_takes_the_reduction_where_it_applies() -> None:
    assert solve_market(_market()).method == "symmetric"
    assert solve_market(_market(**DIFFERENT)).method == "full"
    with pytest.raises(ValueError, match="method must be 'full' or 'auto' where the traders' costs"):
        solve_market(_market(**DIFFERENT), "symmetric")
    with pytest.raises(ValueError, match="did you mean 'symmetric'"):
        solve_market(_market(), "symetric")  # type: ignore[arg-type]


def test_a_root_is_refused_with_the_reason() -> None:
    with pytest.raises(
        ValueError, match=r"impact must be 'linear' or 'none' .* neither linear nor smooth.* got 'sqrt'"
    ):
        solve_market(MarketConfig())


def test_too_many_different_traders_are_refused() -> None:
    costs = tuple(0.1 + 1e-5 * i for i in range(1000))
    with pytest.raises(ValueError, match="n_agents is too large for the recursion on the whole state"):
        solve_market(_market(n_agents=1000, impact_scaling="mean_field", transaction_cost=costs))


@pytest.mark.parametrize("n_agents", range(2, 13))
@pytest.mark.parametrize("method", ["symmetric", "full"])
def test_with_impact_on_the_sum_six_traders_are_well_posed_and_seven_are_not(n_agents: int, method: str) -> None:
    config = _market(n_agents=n_agents)
    if n_agents <= 6:
        found = solve_market(config, method)  # type: ignore[arg-type]
        assert found.curvature.max() < 0
        assert found.eigenvalue.max() < 0
        assert found.condition.max() < 10
        assert check_well_posed(config) is None
        return
    # By hand, for the last step: the eigenvalue for equal rates is (N + 1) e dt^2 - 2 b1 dt - 2 b2 dt^2, which is
    # .0175 (N + 1) - .15: negative up to N = 7, where the step before the last goes wrong instead.
    step, eigenvalue = (8, 0.09583) if n_agents == 7 else (9, 0.0175 * (n_agents + 1) - 0.15)
    text = rf"in step {step} of 0\.\.9 .* not stable: .* d2 Q_i / dv_i dv_j is {eigenvalue:.4g} and must be negative; "
    remedy = rf"take a smaller dt \(now 0\.5\), impact_scaling='mean_field', or fewer traders \(now {n_agents}\)"
    with pytest.raises(IllPosedMarketError, match=text + remedy):
        solve_market(config, method)  # type: ignore[arg-type]
    assert (check_well_posed(config) or "").startswith(f"the market is ill posed: in step {step} of 0..9")
    assert check_well_posed(config.replace(impact_scaling="mean_field")) is None
    assert check_well_posed(config.replace(dt=0.125)) is None


def test_a_return_that_is_not_concave_is_refused() -> None:
    # One step: 2 e dt^2 - 2 b1 dt - 2 b2 dt^2 = .035 - 0 for the own curvature.
    for method in ("symmetric", "full"):
        with pytest.raises(IllPosedMarketError, match=r"in step 9 .* not concave in its own rate: .* is 0\.035 and"):
            solve_market(_market(transaction_cost=0.0, terminal_penalty=0.0), method)  # type: ignore[arg-type]


def test_a_market_next_to_a_singular_one_is_refused() -> None:
    # 6 eta dt^2 = 2 b1 dt + 2 b2 dt^2 = .15 makes the last step singular at eta = .1.
    config = _market(impact="none", horizon=0.5, permanent_impact=0.1 - 1e-9)
    for method in ("symmetric", "full"):
        with pytest.raises(IllPosedMarketError, match=r"hardly determined: the condition number .* at most 1e\+06"):
            solve_market(config, method)  # type: ignore[arg-type]


def test_every_market_is_judged_and_substitutes_are_named() -> None:
    assert check_well_posed(MarketConfig()) is None
    assert check_well_posed(MarketConfig(n_agents=9)) is None
    root = check_well_posed(MarketConfig(n_agents=10)) or ""
    assert root.startswith(
        "the same market without transient impact, since nothing exact can be said with impact='sqrt'"
    )
    assert "mean costs" not in root
    costs = tuple(0.1 + 0.001 * i for i in range(30))
    many = check_well_posed(_market(n_agents=30, transaction_cost=costs)) or ""
    assert many.startswith("the same market of traders with the mean costs and penalties of these 30 is ill posed: ")
    few = _market(n_agents=8, transaction_cost=(0.1,) * 7 + (0.11,))
    assert (check_well_posed(few) or "").startswith("the market is ill posed: in step 9")
    assert check_well_posed(_market(**DIFFERENT)) is None
    assert check_well_posed(_market(n_agents=30, transaction_cost=costs, impact_scaling="mean_field")) is None


def test_a_profile_is_checked() -> None:
    config = _market()
    with pytest.raises(ValueError, match=r"gains must have the shape \(10, 4\) or \(10, 5, 7\), got \(10, 5\)"):
        LinearProfile(config, np.zeros((10, 5)))
    with pytest.raises(ValueError, match="gains must be finite"):
        LinearProfile(config, np.full((10, 4), np.nan))
    with pytest.raises(ValueError, match="deviator and deviator_gains must come together"):
        LinearProfile(config, np.zeros((10, 4)), deviator=1)
    with pytest.raises(ValueError, match=r"deviator must be in \[0, 4\], got 5"):
        LinearProfile(config, np.zeros((10, 4)), deviator=5, deviator_gains=np.zeros((10, 4)))
    with pytest.raises(ValueError, match="deviator must be None where each trader has a rule of its own"):
        LinearProfile(config, np.zeros((10, 5, 7)), deviator=1, deviator_gains=np.zeros((10, 4)))
