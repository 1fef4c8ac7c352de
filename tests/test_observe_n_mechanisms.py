"""The observe-n game with mechanisms, and where payoffs rise with n: both stages and all moves played out."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpgg_env.analysis.design import outcome
from mpgg_env.analysis.efficiency import social_welfare
from mpgg_env.analysis.observe_n_game import ObserveNGame, enumerate_equilibria, pure_equilibria
from mpgg_env.analysis.observe_n_symmetric import symmetric_equilibrium
from mpgg_env.analysis.report import equilibrium_report
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.mechanisms import (
    Capacity,
    Fine,
    LocalSubsidy,
    PeerPunishment,
    Pigou,
    Subsidy,
    Toll,
    casino_payoffs,
    rebates,
)

pytestmark = pytest.mark.algorithm


def _row(n_agents: int, cost: tuple[float, ...], gain: tuple[float, ...], **options: object) -> MPGGConfig:
    return MPGGConfig(n_agents=n_agents, grid_shape=(1, len(cost)), cost=cost, gain=gain, **options)  # type: ignore[arg-type]


def test_under_a_capacity_everybody_cooperates_and_crowds_share() -> None:
    # w = v min(1, kappa / n): v = (1, .5), kappa = 2. With 4 agents 3 + 1 gives 2/3 and 1/2, 4 + 0 gives 1/2 against
    # 1/2 for an entrant; at 2 + 2 a member of the second gets 1/2 and would get 2/3.
    extremes = pure_equilibria(_row(4, (1.0, 0.5), (2.0, 2.0), mechanism=Capacity()))
    assert extremes.exact
    assert extremes.best.occupancy.tolist() == [3, 1]
    assert extremes.best.welfare == pytest.approx(2.5)
    assert extremes.worst.occupancy.tolist() == [4, 0]
    assert extremes.worst.welfare == pytest.approx(2)
    assert max(extremes.best.exploitability, extremes.worst.exploitability) < 1e-12


@pytest.mark.parametrize("mechanism", [Fine(amount=1.0), Pigou()])
def test_a_mechanism_that_makes_cooperation_dominant_brings_everybody_to_the_best_casino(mechanism: object) -> None:
    config = MPGGConfig(n_agents=40, mechanism=mechanism)
    extremes = pure_equilibria(config)
    assert extremes.best.welfare == extremes.worst.welfare == pytest.approx(200)
    assert symmetric_equilibrium(config).welfare == pytest.approx(200)


@pytest.mark.parametrize("stage", ["best", "worst"])
@pytest.mark.parametrize(
    "mechanism",
    [
        Fine(amount=0.3),
        Subsidy(amount=0.3),
        LocalSubsidy(amount=0.4),
        Pigou(rate=0.3),
        PeerPunishment(punishment=0.3, cost=0.1),
        Capacity(seats=2),
        (Capacity(seats=3), Fine(amount=0.2)),
    ],
)
def test_mechanisms_agree_with_playing_out_both_stages(mechanism: object, stage: str) -> None:
    config = _row(4, (1.0, 0.5), (1.8, 2.5), mechanism=mechanism)

    def members_mean(m: int, n: int) -> tuple[float, int]:
        """Mean payoff and cooperators of the stage equilibrium, found by letting each member reconsider."""
        pay = {k: casino_payoffs(config, m, n, k) for k in range(n + 1)}
        stable = [
            k
            for k in range(n + 1)
            if (k == n or pay[k + 1][1] <= pay[k][0] + 1e-12) and (k == 0 or pay[k - 1][0] <= pay[k][1] + 1e-12)
        ]
        means = [(np.nansum(pay[k] * [n - k, k]) / n, k) for k in stable]
        return max(means) if stage == "best" else min(means)

    expected = set()
    for n in range(5):
        counts = (n, 4 - n)
        own = [members_mean(m, counts[m])[0] if counts[m] else np.inf for m in (0, 1)]
        there = [members_mean(m, counts[m] + 1)[0] if counts[m] < 4 else -np.inf for m in (0, 1)]
        if own[0] >= there[1] - 1e-12 and own[1] >= there[0] - 1e-12:
            expected.add((counts, tuple(members_mean(m, counts[m])[1] if counts[m] else 0 for m in (0, 1))))
    found = enumerate_equilibria(config, stage=stage)  # type: ignore[arg-type]
    assert {(tuple(each.occupancy.tolist()), tuple(each.cooperators.tolist())) for each in found} == expected
    extremes = pure_equilibria(config, stage=stage)  # type: ignore[arg-type]
    assert extremes.best.welfare == pytest.approx(max(each.welfare for each in found), abs=1e-12)
    assert extremes.worst.welfare == pytest.approx(min(each.welfare for each in found), abs=1e-12)


def test_payoffs_that_rise_with_n_are_enumerated_or_searched_and_it_says_which() -> None:
    # r = 3, v = 2: a pair or three together get 2 each, a lone agent 0 as there is no game, four 0 as n > r.
    pair = _row(4, (1.0, 1.0), (3.0, 3.0), min_players=2)
    assert {tuple(map(int, each.occupancy)): each.welfare for each in enumerate_equilibria(pair)} == {
        (2, 2): pytest.approx(8),
        (1, 3): pytest.approx(6),  # the one would only spoil the three, and they get 2 wherever they go
        (3, 1): pytest.approx(6),
        (0, 4): pytest.approx(0),  # who leaves is alone
        (4, 0): pytest.approx(0),
    }
    small = pure_equilibria(pair)
    assert (small.exact, small.best.welfare, small.worst.welfare) == (True, pytest.approx(8), 0)
    large = pure_equilibria(MPGGConfig(n_agents=60, min_players=2))
    assert not large.exact
    assert large.best.exploitability < 1e-9


def test_tolls_that_are_paid_back_count_in_every_move() -> None:
    config = _row(3, (1.0, 1.0), (2.5, 2.5), mechanism=Toll(fee=(0.3, 0.0)))
    # (1, 2): the one pays .3, which the two share; (2, 1): two pay .3 each, and the one gets .6.
    # In (2, 1) a payer gets 1.5 - .3; at (1, 2) it would get 1.5 + .15. In (1, 2) the payer gets 1.2, at (0, 3) 0.
    found = {tuple(each.occupancy.tolist()): each for each in enumerate_equilibria(config)}
    assert set(found) == {(1, 2)}
    assert found[1, 2].welfare == pytest.approx(4.5)


@settings(max_examples=40)
@given(
    st.integers(1, 5),
    st.tuples(*[st.sampled_from([0.0, 0.1, 0.4, 2.0])] * 3),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.tuples(*[st.sampled_from([1.5, 2.5, 4.2])] * 3),
)
def test_with_tolls_every_move_is_followed_with_all_its_rebates(
    n_agents: int, fee: tuple[float, ...], surcharge: float, gain: tuple[float, ...]
) -> None:
    config = _row(n_agents, (1.0, 0.5, 0.8), gain, mechanism=Toll(fee=fee, surcharge=surcharge))
    game, casinos = ObserveNGame(config), np.arange(3)

    def received(occupancy: np.ndarray) -> np.ndarray:
        members = casino_payoffs(config, casinos, occupancy, game.cooperators(occupancy))
        # All of a casino do the same here, so that one of the two roles is NaN.
        return np.where(occupancy > 0, np.nanmax(np.nan_to_num(members, nan=-np.inf), axis=-1), 0) + rebates(
            config, occupancy
        )

    stable = {}
    for occupancy in map(np.array, itertools.product(range(n_agents + 1), repeat=3)):
        if occupancy.sum() != n_agents:
            continue
        largest = 0.0
        for source, target in itertools.permutations(casinos[:3], 2):
            if occupancy[source]:
                after = occupancy.copy()
                after[source] -= 1
                after[target] += 1
                largest = max(largest, received(after)[target] - received(occupancy)[source])
        assert game.location_gain(occupancy) == pytest.approx(largest, abs=1e-12)
        if largest < 1e-12:
            stable[tuple(map(int, occupancy))] = float(occupancy @ received(occupancy))
    extremes = pure_equilibria(config)
    assert extremes.exact
    assert extremes.best.welfare == pytest.approx(max(stable.values()), abs=1e-12)
    assert extremes.worst.welfare == pytest.approx(min(stable.values()), abs=1e-12)


def test_the_extremes_are_those_of_society_less_what_the_sponsor_pays() -> None:
    # v = (.5, 1.5) and s = (2, 1): everybody cooperates, and has v + s = 2.5 in either casino. Society has .5 n
    # + 1.5 (5 - n) with n agents in casino 0: from 7.5 at n = 0, the optimum, to 2.5 at n = 5.
    config = _row(5, (0.5, 1.0), (2.0, 2.5), mechanism=Subsidy(amount=(2.0, 1.0)))
    extremes, report = pure_equilibria(config), equilibrium_report(config).observe_n
    assert extremes.best.occupancy.tolist() == [0, 5]
    assert extremes.worst.occupancy.tolist() == [5, 0]
    assert report is not None
    assert (report.best_welfare, report.worst_welfare) == pytest.approx((7.5, 2.5))
    assert (report.price_of_stability, report.price_of_anarchy) == pytest.approx((1, 3))
    assert outcome(config, "best").welfare == pytest.approx(7.5)


@pytest.mark.parametrize("others", [(), (Toll(fee=(0.2, 0.0), surcharge=0.4, seats=2),), (Capacity(seats=(2, 4)),)])
@pytest.mark.parametrize("stage", ["best", "worst"])
def test_the_extremes_under_subsidies_agree_with_enumeration(others: tuple[object, ...], stage: str) -> None:
    rng = np.random.default_rng(len(others) + 2 * (stage == "best"))
    for _ in range(40):
        # Halves make ties, and with them several equilibria, frequent.
        cost, gain, amount = (tuple((rng.integers(1, 6, 2) / 2).tolist()) for _ in range(3))
        config = _row(int(rng.integers(2, 7)), cost, gain, mechanism=(Subsidy(amount=amount), *others))
        subsidies = np.array(amount)
        found = [
            each.welfare - subsidies @ (each.cooperators * _seated(config, each.occupancy) / each.occupancy.clip(1))
            for each in enumerate_equilibria(config, stage=stage)  # type: ignore[arg-type]
        ]
        extremes = pure_equilibria(config, stage=stage)  # type: ignore[arg-type]
        assert extremes.exact
        assert social_welfare(config, extremes.best) == pytest.approx(max(found), abs=1e-9)
        assert social_welfare(config, extremes.worst) == pytest.approx(min(found), abs=1e-9)


def _seated(config: MPGGConfig, occupancy: np.ndarray) -> np.ndarray:
    seats = next((each.seats for each in config.mechanisms if isinstance(each, Capacity)), occupancy)
    return np.minimum(occupancy, seats)
