"""Correlated equilibria: published figures, theorems, and incentives weighed agent by agent."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpgg_env.analysis.correlated import CorrelatedEquilibrium, correlated_equilibria, incentive_violation
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.mechanisms import Fine, Toll

pytestmark = pytest.mark.algorithm

Profile = tuple[tuple[int, int], ...]  # (casino, action) of every agent


def _row(n_agents: int, cost: tuple[float, ...], gain: tuple[float, ...], **options: object) -> MPGGConfig:
    return MPGGConfig(n_agents=n_agents, grid_shape=(1, len(cost)), cost=cost, gain=gain, **options)  # type: ignore[arg-type]


def _pay(config: MPGGConfig, profile: Profile, agent: int) -> float:
    """An agent's payoff, in plain words."""
    assert config.cost is not None
    assert config.gain is not None
    m, action = profile[agent]
    n = sum(casino == m for casino, _ in profile)
    k = sum(casino == m and chosen for casino, chosen in profile)
    return config.gain[m] * config.cost[m] * k / n - action * config.cost[m]


def _largest_regret(config: MPGGConfig, found: CorrelatedEquilibrium, kind: str) -> float:
    """The first agent's largest gain when the count vector drawn is dealt to the agents in every order alike."""
    strategies = [(m, action) for m in range(config.n_casinos) for action in (0, 1)]
    regret = np.zeros((len(strategies), len(strategies)))
    for weight, n, k in zip(found.probabilities, found.occupancy, found.cooperators, strict=True):
        parts = [(m, 0) for m in range(config.n_casinos) for _ in range(n[m] - k[m])]
        parts += [(m, 1) for m in range(config.n_casinos) for _ in range(k[m])]
        deals = list(itertools.permutations(parts))
        for deal in deals:
            for j, instead in enumerate(strategies):
                gain = _pay(config, (instead, *deal[1:]), 0) - _pay(config, deal, 0)
                regret[strategies.index(deal[0]), j] += weight * gain / len(deals)
    return float(regret.sum(axis=0).max() if kind == "coarse" else regret.max())


@pytest.mark.parametrize(("n_agents", "lowest", "highest"), [(4, 2.66, 3.22), (5, 0, 3.88), (6, 0, 0)])
def test_the_published_ranges(n_agents: int, lowest: float, highest: float) -> None:
    found = correlated_equilibria(_row(n_agents, (1.0, 0.5), (2.5, 2.5)))
    assert (found.lowest.welfare, found.highest.welfare) == pytest.approx((lowest, highest), abs=6e-3)
    assert max(found.lowest.violation, found.highest.violation) < 1e-9


def test_where_n_meets_r_everywhere_something_is_left() -> None:
    # Three agents fit each of two casinos with r = 3, N = 6: C costs nothing there. A seventh agent ends it.
    assert correlated_equilibria(_row(6, (1.0, 1.0), (3.0, 3.0))).highest.welfare > 0.1
    assert correlated_equilibria(_row(7, (1.0, 1.0), (3.0, 3.0))).highest.welfare == pytest.approx(0, abs=1e-9)


def test_with_few_agents_the_unique_equilibrium_is_the_only_correlated_one() -> None:
    # N <= floor(r) of the best casino: the optimum is the only Nash equilibrium, and here it is strictly dominant.
    found = correlated_equilibria(_row(2, (1.0, 0.1), (2.5, 2.5)))
    assert found.lowest.welfare == found.highest.welfare == pytest.approx(3)
    assert found.highest.occupancy.tolist() == [[2, 0]]


def test_one_crowded_casino_is_a_prisoners_dilemma() -> None:
    config = _row(3, (1.0,), (1.5,))
    for kind in ("correlated", "coarse"):
        found = correlated_equilibria(config, kind=kind)  # type: ignore[arg-type]
        assert (found.lowest.welfare, found.highest.welfare) == pytest.approx((0, 0), abs=1e-12)


@settings(max_examples=25)
@given(
    st.integers(1, 4),
    st.tuples(*[st.sampled_from([0.0, 0.5, 1.0])] * 2),
    st.tuples(*[st.sampled_from([1.5, 2.0, 2.5, 3.0])] * 2),
    st.sampled_from(["correlated", "coarse"]),
)
def test_nobody_regrets_its_part_when_it_is_dealt_in_every_order(
    n_agents: int, cost: tuple[float, ...], gain: tuple[float, ...], kind: str
) -> None:
    config = _row(n_agents, cost, gain)
    found = correlated_equilibria(config, kind=kind)  # type: ignore[arg-type]
    for each in (found.lowest, found.highest):
        assert each.probabilities.sum() == pytest.approx(1, abs=1e-12)
        assert (each.occupancy.sum(axis=1) == n_agents).all()
        assert each.violation < 1e-9
        assert _largest_regret(config, each, kind) < 1e-9
    assert found.lowest.welfare <= found.highest.welfare + 1e-9


@given(st.integers(2, 4), st.sampled_from(["correlated", "coarse"]))
def test_a_violation_is_what_an_agent_gains(n_agents: int, kind: str) -> None:
    # All C in one casino with r = 1.5: to defect gains c (1 - r / n) = 1 - 1.5 / n, for everybody.
    config = _row(n_agents, (1.0,), (1.5,))
    together = np.array([[n_agents]])
    found = incentive_violation(config, together, together, np.ones(1), kind=kind)  # type: ignore[arg-type]
    assert found == pytest.approx(1 - 1.5 / n_agents)


def test_coarse_equilibria_contain_the_correlated_ones() -> None:
    config = _row(4, (1.0, 0.5), (2.5, 2.5))
    narrow, wide = correlated_equilibria(config), correlated_equilibria(config, kind="coarse")
    assert wide.lowest.welfare <= narrow.lowest.welfare
    assert wide.highest.welfare >= narrow.highest.welfare
    each = narrow.highest
    assert incentive_violation(config, each.occupancy, each.cooperators, each.probabilities, kind="coarse") < 1e-9


def test_a_fine_of_the_cost_leaves_the_optimum_alone() -> None:
    # f = c makes the optimum the only Nash equilibrium, and C dominant: W = N V = 5 x 1.5.
    found = correlated_equilibria(_row(5, (1.0, 0.5), (2.5, 2.5), mechanism=Fine(amount=(1.0, 0.5))))
    assert found.lowest.welfare == found.highest.welfare == pytest.approx(7.5)


def test_tolls_are_paid_back_to_those_outside() -> None:
    # All cooperate, two pay .2 each in the first casino, one in the second gets their .4. One of the two gets 1.9 - .2;
    # in the second casino it would get 1.9 and half of what the last one pays, .1: .3 more. It is one with chance 2/3.
    # The other has nothing better: with all three together the tolls come back, and 2.9 x 2 / 3 < 2.3.
    config = _row(3, (1.0, 1.0), (2.9, 2.9), mechanism=Toll(fee=(0.2, 0.0)))
    profile = np.array([[2, 1]])
    for kind in ("correlated", "coarse"):
        found = incentive_violation(config, profile, profile, np.ones(1), kind=kind)  # type: ignore[arg-type]
        assert found == pytest.approx(0.3 * 2 / 3)
    # A prohibitive fee makes the other casino dominant, where both cooperate as r > 2.
    closed = correlated_equilibria(_row(2, (2.0, 1.0), (2.5, 2.5), mechanism=Toll(fee=(9.0, 0.0))))
    assert closed.lowest.welfare == closed.highest.welfare == pytest.approx(3)
    assert closed.highest.occupancy.tolist() == [[0, 2]]


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 20000 count vectors, got"):
        correlated_equilibria(MPGGConfig())
    with pytest.raises(ValueError, match="kind must be one of 'correlated', 'coarse', got 'course'"):
        correlated_equilibria(_row(2, (1.0,), (1.5,)), kind="course")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("n_agents", "casinos", "message"),
    [
        (2, 99, r"10000000 gains from deviations .* got 772358004 for 2 agents, 99 casinos and 19701 count vectors"),
        (1, 300, r"10000000 gains from deviations .* got 216000000"),  # 600 count vectors, 600 strategies
        (2300, 1, r"10000000 payoffs .* got 10589202"),  # 2 x 2301^2
    ],
)
def test_what_does_not_fit_into_memory_is_refused(n_agents: int, casinos: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        correlated_equilibria(_row(n_agents, (1.0,) * casinos, (2.0,) * casinos))


@pytest.mark.parametrize(
    ("occupancy", "cooperators", "probabilities", "message"),
    [
        ([[2, 2]], [[0, 0]], [1.0], "occupancy must add up to the 3 agents of the game, got 4"),
        ([[2, 1]], [[3, 0]], [1.0], r"cooperators of casino 0 must be in \[0, 2\], got 3"),
        ([[2, 1]], [[0, 0]], [0.5], "probabilities must be numbers >= 0, one per profile, that add up to 1"),
        ([[2, 1], [3, 0]], [[0, 0], [0, 0]], [1.5, -0.5], "probabilities must be numbers >= 0"),
        ([[2, 1]], [[0, 0]], [np.nan], "probabilities must be numbers >= 0"),
        ([[2, 1]], [[0, 0]], [0.5, 0.5], r"occupancy must have shape \(2, 2\), a row for each probability"),
        ([[2, 1]], [[0]], [1.0], r"cooperators must have shape \(1, 2\)"),
    ],
)
def test_a_violation_is_that_of_a_distribution_over_profiles(
    occupancy: list[list[int]], cooperators: list[list[int]], probabilities: list[float], message: str
) -> None:
    config = _row(3, (1.0, 1.0), (2.0, 2.0))
    with pytest.raises(ValueError, match=message):
        incentive_violation(
            config, np.array(occupancy), np.array(cooperators), np.array(probabilities), kind="correlated"
        )
