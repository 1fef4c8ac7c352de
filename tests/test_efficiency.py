"""The optimum, the prices and the report: theorems, edge cases, and trying every profile of small games."""

import dataclasses
import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpgg_env.analysis.efficiency import (
    price_of_anarchy,
    price_of_stability,
    relative_welfare,
    social_optimum,
    sponsor_payments,
)
from mpgg_env.analysis.report import equilibrium_report
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.mechanisms import Capacity, Fine, PeerPunishment, Subsidy, Toll, casino_payoffs

pytestmark = pytest.mark.algorithm


def _row(n_agents: int, cost: tuple[float, ...], gain: tuple[float, ...], **options: object) -> MPGGConfig:
    return MPGGConfig(n_agents=n_agents, grid_shape=(1, len(cost)), cost=cost, gain=gain, **options)  # type: ignore[arg-type]


@settings(max_examples=40)
@given(
    st.integers(1, 5),
    st.tuples(*[st.sampled_from([0.0, 0.5, 1.0, 3.0])] * 3),
    st.tuples(*[st.sampled_from([0.5, 1.5, 2.0, 3.5])] * 3),
    st.integers(1, 3),
    st.sampled_from(["text", "code"]),
    st.sampled_from([None, 1, 2, (1, 3, 2)]),
)
def test_the_optimum_is_the_largest_welfare_of_all_profiles(
    n_agents: int, cost: tuple[float, ...], gain: tuple[float, ...], min_players: int, payoff: str, seats: object
) -> None:
    mechanism = None if seats is None else Capacity(seats=seats)  # type: ignore[arg-type]
    config = _row(n_agents, cost, gain, min_players=min_players, payoff=payoff, mechanism=mechanism)
    largest = -math.inf
    # Agents are alike: profiles that differ in their names alone give the same.
    for profile in itertools.combinations_with_replacement(itertools.product(range(3), (0, 1)), n_agents):
        members = [[action for casino, action in profile if casino == m] for m in range(3)]
        n, k = np.array([len(each) for each in members]), np.array([sum(each) for each in members])
        payoffs = casino_payoffs(config, np.arange(3), n, k)
        largest = max(largest, float(np.nansum(payoffs * np.stack([n - k, k], axis=-1))))
    assert social_optimum(config) == pytest.approx(largest, abs=1e-12)


def test_the_optimum_of_the_default_game() -> None:
    assert social_optimum(MPGGConfig()) == pytest.approx(750)
    assert social_optimum(MPGGConfig(mechanism=Capacity())) == pytest.approx(219)  # sum of v floor(r), 100 seats
    assert social_optimum(MPGGConfig(mechanism=PeerPunishment(punishment=1.0))) == pytest.approx(750)
    assert social_optimum(MPGGConfig(n_agents=10**6, grid_shape=(100, 100), mechanism=Capacity())) > 0


def test_prices() -> None:
    assert price_of_anarchy(12, [3, 4, 6]) == 4
    assert price_of_stability(12, [3, 4, 6]) == 2
    assert relative_welfare(3, 12) == 0.25


@pytest.mark.parametrize(
    ("optimum", "welfare", "anarchy", "stability"),
    [
        (12.0, [0.0, 6.0], math.inf, 2.0),
        (12.0, [0.0, 0.0], math.inf, math.inf),
        (12.0, [1e-15, 6.0], math.inf, 2.0),  # a rounding of 0
        (12.0, [], math.nan, math.nan),  # no equilibrium
        (12.0, [-1.0, 6.0], math.nan, 2.0),
        (12.0, [-2.0, -1.0], math.nan, math.nan),
        (0.0, [0.0], math.nan, math.nan),
        (12.0, [math.nan, 6.0], math.nan, math.nan),
    ],
)
def test_edge_cases_of_the_prices(optimum: float, welfare: list[float], anarchy: float, stability: float) -> None:
    found = (price_of_anarchy(optimum, welfare), price_of_stability(optimum, welfare))
    assert found == pytest.approx((anarchy, stability), nan_ok=True)


def test_efficiency_is_defined_where_prices_are_not() -> None:
    assert relative_welfare(-6.0, 12.0) == -0.5
    assert relative_welfare(0.0, 12.0) == 0
    assert math.isnan(relative_welfare(0.0, 0.0))


def test_what_a_sponsor_pays() -> None:
    # 3 of 4 cooperate, all play: 3 x .5. With 2 seats each plays with chance 1/2: half of it. Nobody in the other one.
    n, k = np.array([4, 0]), np.array([3, 0])
    plain = _row(4, (1.0, 1.0), (2.0, 2.0), mechanism=Subsidy(amount=0.5))
    seated = _row(4, (1.0, 1.0), (2.0, 2.0), mechanism=(Subsidy(amount=0.5), Capacity(seats=2)))
    assert sponsor_payments(plain, n, k).tolist() == [1.5, 0]
    assert sponsor_payments(seated, n, k).tolist() == [0.75, 0]
    assert sponsor_payments(MPGGConfig(n_agents=4, grid_shape=(1, 2)), n, k).tolist() == [0, 0]


def test_the_report_of_the_default_game() -> None:
    report = equilibrium_report(MPGGConfig())
    assert report.notes == ()
    assert (report.optimum, report.carrying_capacity) == pytest.approx((750, 219))
    assert report.random_play == pytest.approx(0.96 * 150)
    assert report.observe_n is not None
    assert (report.observe_n.best_efficiency, report.observe_n.worst_efficiency) == pytest.approx((0.291, 0), abs=5e-4)
    assert report.observe_n.price_of_stability == pytest.approx(750 / 218.44, rel=1e-4)
    assert report.observe_n.price_of_anarchy == math.inf
    assert report.observe_n_symmetric is not None
    assert report.observe_n_symmetric.efficiency == pytest.approx(0.0450, abs=5e-5)
    assert report.location_symmetric is not None
    assert report.location_symmetric.welfare == 0
    # c (1 - r / n) = 1 - 6 / 150 for who defects in the best casino, where all others cooperate.
    assert report.gathering_gain == pytest.approx(0.96)
    # N = 150 >= 120 = sum of ceil(r): all pure equilibria of the location game are tragedies.
    assert report.location is not None
    assert (report.location.exists, report.location.best_welfare) == (True, 0)
    assert report.location.price_of_stability == math.inf


def test_a_game_between_the_optimum_and_the_tragedy_has_no_pure_equilibrium() -> None:
    # 6 < N = 50 < 120: theorem of the location game with distinct v and fractional r (here r = 6 in the best casino).
    location = equilibrium_report(MPGGConfig(n_agents=50)).location
    assert location is not None
    assert not location.exists
    assert math.isnan(location.price_of_anarchy)
    assert math.isnan(location.best_welfare)


def test_few_agents_reach_the_optimum_in_every_game() -> None:
    report = equilibrium_report(MPGGConfig(n_agents=5))
    for part in (report.observe_n, report.location):
        assert part is not None
        assert (part.price_of_anarchy, part.price_of_stability, part.exact) == (1, 1, True)
        assert part.exploitability < 1e-9
    for mixed in (report.observe_n_symmetric, report.location_symmetric):
        assert mixed is not None
        assert mixed.efficiency == pytest.approx(1)


def test_a_fine_that_makes_cooperation_dominant_has_price_one() -> None:
    report = equilibrium_report(_row(5, (1.0, 0.5), (2.5, 2.5), mechanism=Fine(amount=(1.0, 0.5))))
    assert report.observe_n is not None
    assert report.location is not None
    assert report.observe_n.price_of_anarchy == report.location.price_of_anarchy == 1
    assert report.gathering_gain == 0
    assert report.location_symmetric is None
    assert [note.partition(":")[0] for note in report.notes] == ["location_symmetric"]


def test_a_sponsors_money_is_no_welfare() -> None:
    # s = g = c (1 - r / n) makes all C in the one casino: 4 x 1 gross, and 4 x .5 from outside.
    report = equilibrium_report(_row(4, (1.0,), (2.0,), mechanism=Subsidy(amount=0.5)))
    assert report.observe_n is not None
    assert (report.optimum, report.observe_n.best_welfare) == pytest.approx((4, 4))
    assert report.observe_n_symmetric is not None
    assert (report.observe_n_symmetric.welfare, report.observe_n_symmetric.payoff) == pytest.approx((4, 1.5))


def test_what_a_method_does_not_cover_is_noted() -> None:
    report = equilibrium_report(MPGGConfig(n_agents=40, mechanism=Toll(fee=0.1)))
    assert report.location is None
    assert report.location_symmetric is None
    assert len(report.notes) >= 2
    assert all(note.partition(":")[0] in dataclasses.asdict(report) for note in report.notes)
    with pytest.raises(ValueError, match="stage must be one of 'best', 'worst', got 'bets'"):
        equilibrium_report(MPGGConfig(), stage="bets")  # type: ignore[arg-type]


def test_the_report_goes_to_plain_values() -> None:
    values = equilibrium_report(MPGGConfig(n_agents=5)).to_dict()
    assert values["observe_n"]["price_of_anarchy"] == 1
    assert values["notes"] == ()


@pytest.mark.parametrize("price", [price_of_anarchy, price_of_stability])
def test_no_welfare_is_above_the_optimum(price: Callable[[float, list[float]], float]) -> None:
    with pytest.raises(ValueError, match=r"^welfare must be at most the optimum 12, which is that of society, got 13$"):
        price(12.0, [3.0, 13.0])
    assert price(0.3, [0.1 + 0.2]) == 1  # above by rounding alone


def test_where_nothing_can_be_gained_the_closed_form_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("176,851 equilibria were enumerated")

    monkeypatch.setattr("mpgg_env.analysis.report.pure_equilibria", refuse)
    location = equilibrium_report(_row(100, (0.0, 0.0), (2.0, 2.0))).location
    assert location is not None
    assert (location.exists, location.best_welfare, location.exact) == (True, 0, True)
