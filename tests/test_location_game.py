"""The one-shot location game: against brute force over profiles of strategies in exact numbers, and theorems."""

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpgg_env import MPGGConfig
from mpgg_env.analysis.location_families import characterise
from mpgg_env.analysis.location_game import n_count_profiles, normal_form, pure_equilibria
from mpgg_env.analysis.payoffs import best_values, entrant_payoffs, exploitability, measured, resident_payoffs
from mpgg_env.analysis.stage_game import quantecon_theory
from mpgg_env.games.mpgg.mechanisms import Capacity, Fine, PeerPunishment, Pigou, Subsidy, Toll
from tests.support import exactly

pytestmark = pytest.mark.algorithm

Counts = tuple[int, ...]
# Numbers that doubles hold exactly, with integers among the gains, ties, and casinos without cost.
COSTS = st.sampled_from([0.0, 0.25, 0.5, 1.0])
GAINS = st.sampled_from([1.25, 1.5, 2.0, 2.5, 3.0, 3.75, 4.0])


def _game(cost: Counts, gain: Counts, agents: int, **options: object) -> MPGGConfig:
    return MPGGConfig(n_agents=agents, grid_shape=(1, len(cost)), cost=cost, gain=gain, **options)


def _pays(config: MPGGConfig, strategies: Counts, i: int) -> Fraction:
    """Payoff of agent i from the README's words: a share of the casino's pool, less the cost of cooperating."""
    casino, action = divmod(strategies[i], 2)
    assert config.cost is not None
    assert config.gain is not None
    cost, gain = Fraction(config.cost[casino]), Fraction(config.gain[casino])
    members = [s for s in strategies if s // 2 == casino]
    if len(members) < config.min_players:
        return Fraction(0)
    added = cost * gain if config.payoff == "text" else gain
    return sum(added for s in members if s % 2) / Fraction(len(members)) - cost * action


def _largest_gain(config: MPGGConfig, strategies: Counts) -> Fraction:
    """Over all agents and all their other strategies."""
    gains = [Fraction(0)]
    for i, s in itertools.product(range(len(strategies)), range(2 * config.n_casinos)):
        other = (*strategies[:i], s, *strategies[i + 1 :])
        gains.append(_pays(config, other, i) - _pays(config, strategies, i))
    return max(gains)


def _profiles(config: MPGGConfig) -> Iterator[Counts]:
    return itertools.combinations_with_replacement(range(2 * config.n_casinos), config.n_players)


def _counted(config: MPGGConfig, strategies: Counts) -> tuple[Counts, Counts]:
    occupancy = tuple(sum(s // 2 == m for s in strategies) for m in range(config.n_casinos))
    return occupancy, tuple(sum(s == 2 * m + 1 for s in strategies) for m in range(config.n_casinos))


@st.composite
def small_games(draw: st.DrawFn) -> MPGGConfig:
    casinos = draw(st.integers(1, 3))
    cost = tuple(draw(COSTS) for _ in range(casinos))
    gain = tuple(draw(GAINS) for _ in range(casinos))
    return _game(cost, gain, draw(st.integers(1, 4)), payoff=draw(st.sampled_from(["text", "code"])))


@given(small_games(), st.integers(1, 3))
def test_enumeration_and_exploitability_agree_with_every_deviation_of_every_agent(
    config: MPGGConfig, min_players: int
) -> None:
    config = config.replace(min_players=min_players)
    expected = {}
    for strategies in _profiles(config):
        gain, counts = _largest_gain(config, strategies), _counted(config, strategies)
        assert exploitability(config, *counts) == pytest.approx(float(gain), abs=1e-14)
        if gain == 0:
            expected[counts] = float(sum(_pays(config, strategies, i) for i in range(config.n_players)))
    found = {(tuple(e.occupancy.tolist()), tuple(e.cooperators.tolist())): e for e in pure_equilibria(config)}
    assert found.keys() == expected.keys()
    for counts, equilibrium in found.items():
        assert equilibrium.welfare == pytest.approx(expected[counts], abs=1e-13)
        assert equilibrium.gross == pytest.approx(expected[counts], abs=1e-13)
        assert equilibrium.exploitability < 1e-14


@given(small_games(), st.integers(0, 2))
def test_the_families_are_all_equilibria_there_are(config: MPGGConfig, more_agents: int) -> None:
    config = config.replace(n_agents=config.n_agents + more_agents)
    equilibria, known = pure_equilibria(config), characterise(config)
    assert known.count == len(equilibria)
    for family in known.families:
        assert max(family.best.exploitability, family.worst.exploitability) < 1e-12
        assert family.worst.welfare <= family.best.welfare
    if equilibria:
        assert known.best_welfare == pytest.approx(max(e.welfare for e in equilibria))
        assert known.worst_welfare == pytest.approx(min(e.welfare for e in equilibria))
    else:
        assert math.isnan(known.best_welfare)
        assert math.isnan(known.worst_welfare)


# Theorem for gains that are no integers and values that differ: c = (1, 0.5), r = (2.5, 2.25), v = (1.5, 0.625).
# Up to floor(2.5) = 2 agents everybody cooperates in the best casino, from 3 + 3 on nobody anywhere, in between
# there is no equilibrium. With 7 agents the seventh can be in either casino.
@pytest.mark.parametrize(
    ("agents", "expected"),
    [
        (1, [((1, 0), (1, 0), 1.5)]),
        (2, [((2, 0), (2, 0), 3.0)]),
        (3, []),
        (4, []),
        (5, []),
        (6, [((3, 3), (0, 0), 0.0)]),
        (7, [((3, 4), (0, 0), 0.0), ((4, 3), (0, 0), 0.0)]),
    ],
)
def test_the_best_casino_then_nothing_then_the_tragedy(agents: int, expected: list[object]) -> None:
    config = _game((1.0, 0.5), (2.5, 2.25), agents)
    found = [(tuple(e.occupancy.tolist()), tuple(e.cooperators.tolist()), e.welfare) for e in pure_equilibria(config)]
    assert found == expected
    assert [family.name for family in characterise(config).families] == (
        ["gathering"] if agents <= 2 else ["tragedy"] if agents >= 6 else []
    )


# By hand: K = 2, values c (r - 1) = 0.5 * 2.75, 2.5, 1 * 2.75, 5; six agents are exactly r = 6 in the best casino.
# A cooperator among k gets k - 1, which must be at least the second-best 2.75: k = 4, 5, 6 and W = 5 k.
def test_six_agents_on_two_by_two_have_three_equilibria() -> None:
    config = MPGGConfig(n_agents=6, grid_shape=(2, 2))
    assert [e.welfare for e in sorted(pure_equilibria(config), key=lambda e: e.welfare)] == [20.0, 25.0, 30.0]
    (family,) = characterise(config).families
    assert (family.name, family.count, family.worst.welfare, family.best.welfare) == ("gathering", 3, 20.0, 30.0)


# Three casinos with v = 2, r = 3: each occupied one may hold 2, so four agents sit as 2 2 0 or 2 1 1, in any order.
def test_agents_spread_over_tied_casinos_and_leave_a_seat() -> None:
    config = _game((1.0,) * 3, (3.0,) * 3, 4)
    occupancies = sorted(tuple(e.occupancy.tolist()) for e in pure_equilibria(config))
    assert occupancies == sorted({*itertools.permutations((2, 2, 0)), *itertools.permutations((2, 1, 1))})
    (family,) = characterise(config).families
    assert (family.name, family.count, family.best.welfare) == ("spread", 6, 8.0)


def test_without_any_cost_every_profile_is_an_equilibrium() -> None:
    config = _game((0.0, 0.0), (2.0, 3.0), 3)
    known = characterise(config)
    assert known.everything
    assert known.count == len(pure_equilibria(config)) == n_count_profiles(config) == 20


# Default board: five costs share each gain, ceil(2.4) + ceil(3.3) + ceil(4.2) + ceil(5.1) + 6 = 24.
@pytest.mark.parametrize(
    ("agents", "names", "welfare"),
    [(5, ["gathering"], 25), (6, ["gathering"], 30), (7, [], np.nan), (119, [], np.nan), (120, ["tragedy"], 0)],
)
def test_the_default_board(agents: int, names: list[str], welfare: float) -> None:
    known = characterise(MPGGConfig(n_agents=agents))
    assert [family.name for family in known.families] == names
    np.testing.assert_equal(known.best_welfare, welfare)


def test_a_million_agents_on_ten_thousand_casinos() -> None:
    known = characterise(MPGGConfig(n_agents=10**6, grid_shape=(100, 100)))
    (family,) = known.families
    assert (family.name, family.best.welfare, family.best.exploitability, known.count) == ("tragedy", 0, 0, None)
    assert family.best.occupancy.sum() == 10**6
    rich = _game((1.0,) * 100, (30000.5,) * 100, 10**6)
    (family,) = characterise(rich).families
    # Every agent earns v = r - 1.
    assert (family.name, family.best.welfare) == ("spread", pytest.approx(29999.5 * 10**6, rel=1e-12))


# f = c for every n, and the full marginal contribution, leave all agents in the best casino as the only equilibrium.
@pytest.mark.parametrize("mechanism", [Fine(amount=(1.0, 0.5)), Pigou()])
@pytest.mark.parametrize("agents", [2, 4, 6])
def test_a_fine_of_the_cost_and_the_marginal_contribution_leave_the_optimum_alone(
    mechanism: Fine | Pigou, agents: int
) -> None:
    (only,) = pure_equilibria(_game((1.0, 0.5), (2.5, 1.75), agents, mechanism=mechanism))
    assert only.occupancy.tolist() == only.cooperators.tolist() == [agents, 0]
    assert only.gross == only.welfare == pytest.approx(1.5 * agents)


# By hand: two seats at v = 1.5 and one at v = 0.375; the others draw lots. Four in the best casino get 1.5 * 2 / 4.
def test_under_a_capacity_agents_weigh_the_value_against_the_chance_of_a_seat() -> None:
    equilibria = pure_equilibria(_game((1.0, 0.5), (2.5, 1.75), 4, mechanism=Capacity(seats=(2, 1))))
    assert [(e.occupancy.tolist(), e.cooperators.tolist()) for e in equilibria] == [([4, 0], [4, 0])]
    assert equilibria[0].gross == pytest.approx(3.0)


# A subsidy of 0.5 is the sponsor's money: six cooperators, r = 2.5, c = 1, g = 1 - 2.5 / 6 < 0.6.
def test_money_of_a_sponsor_is_in_the_welfare_and_not_in_the_gross_welfare() -> None:
    profile = measured(_game((1.0,), (2.5,), 6, mechanism=Subsidy(amount=0.6)), [6], [6])
    assert (profile.welfare, profile.gross) == (pytest.approx(6 * 2.1), pytest.approx(9.0))
    assert profile.exploitability == 0.0


# By hand: c = 1, r = 2, three in casino 0 (two C), one C in casino 1, toll 0.3 per head wherever n > 1. The takings of
# casino 0, 0.9, go to the one outside.
def test_a_mover_changes_the_takings_of_both_casinos() -> None:
    config = _game((1.0, 1.0), (2.0, 2.0), 4, mechanism=Toll(surcharge=0.3, seats=1))
    payoffs = resident_payoffs(config, [3, 1], [2, 1])
    np.testing.assert_allclose(payoffs, [[4 / 3 - 0.3, 1 / 3 - 0.3], [np.nan, 1.0 + 0.9]], rtol=1e-14)
    np.testing.assert_allclose(entrant_payoffs(config, [3, 1], [2, 1])[1], [1.0 - 0.3, 1.0 - 0.3], rtol=1e-14)
    # The cooperators of casino 0 gain most. In casino 1 they would get 1, as C or D, pay 0.3, and have half of the 0.6
    # that casino 0 then takes.
    assert exploitability(config, [3, 1], [2, 1]) == pytest.approx(1.0 - (1 / 3 - 0.3), rel=1e-12)


@given(small_games(), st.data())
def test_the_normal_form_and_quantecon_see_the_same_game(config: MPGGConfig, data: st.DataObject) -> None:
    mechanisms = st.sampled_from([None, Fine(amount=0.25), PeerPunishment(punishment=0.5, cost=0.25)])
    config = config.replace(n_agents=min(config.n_agents, 3), mechanism=data.draw(mechanisms))
    payoffs = normal_form(config)
    profiles = list(itertools.product(range(2 * config.n_casinos), repeat=config.n_players))
    assert payoffs.shape == (2 * config.n_casinos,) * config.n_players + (config.n_players,)
    if not config.mechanisms:
        for strategies in profiles:
            expected = [float(_pays(config, strategies, i)) for i in range(config.n_players)]
            np.testing.assert_allclose(payoffs[strategies], expected, atol=1e-14)
    if config.n_players > 1:
        theory = quantecon_theory()
        pure = theory.pure_nash_brute(theory.NormalFormGame(payoffs), tol=1e-12)
        expected = {_counted(config, tuple(map(int, profile))) for profile in pure}
        equilibria = pure_equilibria(config)
        assert {(tuple(e.occupancy.tolist()), tuple(e.cooperators.tolist())) for e in equilibria} == expected


def test_the_values_are_what_a_cooperator_among_cooperators_earns() -> None:
    assert best_values(_game((2.0, 0.5), (3.0, 1.5), 2)).tolist() == [4.0, 0.25]
    assert best_values(_game((2.0, 0.5), (3.0, 1.5), 2, payoff="code")).tolist() == [1.0, 1.0]


def test_what_cannot_be_answered_is_refused() -> None:
    with pytest.raises(ValueError, match=exactly("occupancy must add up to the 3 agents of the game, got 2")):
        exploitability(_game((1.0,), (2.0,), 3), [2], [0])
    with pytest.raises(ValueError, match=exactly("cooperators of casino 0 must be in [0, 3], got 4")):
        exploitability(_game((1.0,), (2.0,), 3), [3], [4])
    with pytest.raises(TypeError, match=r"^occupancy must be integers, got an array of float64$"):
        exploitability(_game((1.0,), (2.0,), 3), [3.0], [0])
    with pytest.raises(ValueError, match=r"^config must have at most limit=100 profiles of counts, got 1716 for 6"):
        pure_equilibria(MPGGConfig(n_agents=6, grid_shape=(2, 2)), limit=100)
    with pytest.raises(ValueError, match=r"^config must have at most 10000000 payoffs in normal form"):
        normal_form(MPGGConfig(n_agents=10, grid_shape=(2, 2)))
    with pytest.raises(ValueError, match=exactly("gain must be above 1 for the closed form, got 0.5 in casino 1")):
        characterise(_game((1.0, 1.0), (2.0, 0.5), 3))
    with pytest.raises(ValueError, match=r"^mechanism must be None for the closed form"):
        characterise(_game((1.0,), (2.0,), 3, mechanism=Pigou()))
    with pytest.raises(ValueError, match=exactly("min_players must be 1 for the closed form, got 2")):
        characterise(_game((1.0,), (2.0,), 3, min_players=2))


@pytest.mark.parametrize("mechanism", [None, Toll(fee=(0.25, 0.5), surcharge=1.0, seats=1)])
def test_the_normal_form_has_everybodys_payoffs(mechanism: Toll | None) -> None:
    config = _game((1.0, 0.5), (2.0, 3.0), 3, mechanism=mechanism)
    form = normal_form(config)
    for strategies in itertools.product(range(4), repeat=3):
        casinos, actions = np.divmod(strategies, 2)
        occupancy = np.bincount(casinos, minlength=2)
        payoffs = resident_payoffs(config, occupancy, np.bincount(casinos[actions == 1], minlength=2))
        np.testing.assert_allclose(form[strategies], payoffs[casinos, actions], rtol=1e-12)


def test_the_normal_form_of_many_casinos_needs_no_room_for_all_of_them() -> None:
    # 640,000 profiles of two agents, times 400 casinos: 4 GB of payoffs alone.
    config = MPGGConfig(n_agents=2, grid_shape=(1, 400), cost=(1.0,) * 400, gain=(3.0,) * 400)
    form = normal_form(config)
    assert form[1, 1].tolist() == [2, 2]  # together, C and C: c (r - 1)
    assert form[1, 799].tolist() == [2, 2]  # far apart, each alone
    assert form[0, 1].tolist() == [1.5, 0.5]  # D and C together: r c / 2, less c
    with pytest.raises(ValueError, match=r"at most 10000000 combinations of a profile and a casino .* got 256000000"):
        normal_form(config.replace(mechanism=Toll(fee=1.0)))
