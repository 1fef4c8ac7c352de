"""Payoffs have no unit: with all costs and amounts of money multiplied by one number the equilibria are the same.

The numbers are tenths and parts of temptations, which floats are not, so that what is equal on paper differs by
rounding: by 1e-10 where costs are 1e5 and more, and by much less than anything that counts where they are 1e-13.
"""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mpgg_env import MPGGConfig
from mpgg_env.analysis import location_families, location_game, observe_n_game
from mpgg_env.analysis.best_response import best_response_dynamics
from mpgg_env.analysis.design import design
from mpgg_env.analysis.payoffs import Equilibrium
from mpgg_env.analysis.stage_game import stage_game
from mpgg_env.analysis.stage_mixed import symmetric_stage_equilibria
from mpgg_env.analysis.symmetric import symmetric_equilibrium
from mpgg_env.analysis.thresholds import cooperation_threshold, defection_threshold, fine_equilibria, temptation
from mpgg_env.games.mpgg.mechanisms import Fine, LocalSubsidy, Mechanism, PeerPunishment, Pigou, Subsidy, Toll

pytestmark = pytest.mark.algorithm

FACTORS = st.sampled_from([1e-13, 1e-6, 1e6, 1e12])
COSTS = st.integers(1, 10).map(lambda tenths: tenths / 10)
GAINS = st.sampled_from([1.1, 1.2, 1.5, 2.0, 2.4, 3.0, 3.3, 4.2])
# What C lacks against D in a casino of n members, over the n - 1 others: amounts at which something is tied.
AMOUNTS = st.builds(
    lambda cost, gain, n, parts: max(cost * (1 - gain / n), 0.0) / parts,
    COSTS,
    GAINS,
    st.integers(2, 4),
    st.sampled_from([1, 2, 3]),
)
MECHANISMS = st.one_of(
    st.none(),
    st.builds(Fine, amount=AMOUNTS),
    st.builds(Subsidy, amount=AMOUNTS),
    st.builds(LocalSubsidy, amount=AMOUNTS),
    st.builds(PeerPunishment, punishment=AMOUNTS, cost=AMOUNTS),
    st.builds(Pigou, rate=st.sampled_from([0.1, 0.3, 1.0])),
    st.builds(Toll, fee=AMOUNTS, surcharge=AMOUNTS, seats=st.integers(1, 3)),
)


@st.composite
def games(draw: st.DrawFn, mechanisms: st.SearchStrategy[Any] = MECHANISMS) -> MPGGConfig:
    """Up to three casinos, often alike, and up to four agents."""
    kinds = draw(st.lists(st.tuples(COSTS, GAINS), min_size=1, max_size=2))
    casinos = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=3))
    cost, gain = zip(*casinos, strict=True)
    return _row(draw(st.integers(1, 4)), cost, gain, mechanism=draw(mechanisms))


def _row(n_agents: int, cost: tuple[float, ...], gain: tuple[float, ...], **options: Any) -> MPGGConfig:
    return MPGGConfig(n_agents=n_agents, grid_shape=(1, len(cost)), cost=cost, gain=gain, payoff="text", **options)


def _scaled(config: MPGGConfig, factor: float) -> MPGGConfig:
    assert config.cost is not None
    mechanisms = tuple(_scaled_mechanism(mechanism, factor) for mechanism in config.mechanisms)
    return config.replace(cost=tuple(cost * factor for cost in config.cost), mechanism=mechanisms or None)


def _scaled_mechanism(mechanism: Mechanism, factor: float) -> Mechanism:
    money = {"amount", "punishment", "cost", "fee", "surcharge"} & set(mechanism.field_names())
    return dataclasses.replace(mechanism, **{name: getattr(mechanism, name) * factor for name in money})


def _profiles(equilibria: list[Equilibrium]) -> list[tuple[list[int], list[int]]]:
    return [(found.occupancy.tolist(), found.cooperators.tolist()) for found in equilibria]


@given(games(), st.integers(1, 6), FACTORS)
def test_the_stage_game(config: MPGGConfig, members: int, factor: float) -> None:
    plain, scaled = stage_game(config, 0, members), stage_game(_scaled(config, factor), 0, members)
    assert scaled.equilibria().tolist() == plain.equilibria().tolist()
    assert scaled.dominance == plain.dominance
    assert symmetric_stage_equilibria(scaled).indifferent == symmetric_stage_equilibria(plain).indifferent


# A subsidy of c (1 - r / 3) makes C and D equal among three, and with less D is dominant, by a millionth of c too.
@pytest.mark.parametrize("cost", [1e-13, 1.0, 1e5, 1e12])
@pytest.mark.parametrize(("missing", "dominance", "expected"), [(0.0, "indifferent", [0, 1, 2, 3]), (1e-6, "D", [0])])
def test_a_tie_among_three(cost: float, missing: float, dominance: str, expected: list[int]) -> None:
    subsidy = Subsidy(amount=1.9 * cost / 3 - missing * cost)
    game = stage_game(_row(3, (cost,), (1.1,), mechanism=subsidy), 0, 3)
    assert game.equilibria().tolist() == expected
    assert game.dominance == dominance
    assert symmetric_stage_equilibria(game).probabilities.tolist() == ([0.0] if missing else [0.0, 1.0])


# A lone member whose subsidy is c (1 - r): its payoffs are 0, and rounding is a part of c, not of them.
@pytest.mark.parametrize("cost", [1e-13, 1.0, 1e5, 1e12])
def test_rounding_is_relative_to_what_payoffs_are_made_of(cost: float) -> None:
    config = _row(1, (cost,), (0.9,), mechanism=Subsidy(amount=0.1 * cost))
    assert stage_game(config, 0, 1).equilibria().tolist() == [0, 1]
    assert len(location_game.pure_equilibria(config)) == 2


# n f / (j + 1) = g at j + 1 = 999,999.5: the number of cooperators is known to the last one among two million, though
# a lone one would get two million times the fine.
def test_a_fine_among_millions_leaves_one_number_of_cooperators() -> None:
    n, k = 2_000_000, 999_999
    config = _row(2, (1.0,), (0.0,), mechanism=Fine(amount=(k + 0.5) / n))
    assert stage_game(config, 0, n).equilibria().tolist() == [k]


@given(games(), FACTORS)
def test_the_one_shot_game(config: MPGGConfig, factor: float) -> None:
    found = location_game.pure_equilibria(_scaled(config, factor))
    assert _profiles(found) == _profiles(location_game.pure_equilibria(config))


@given(games(), FACTORS, st.sampled_from(["best", "worst"]))
def test_the_observe_n_game(config: MPGGConfig, factor: float, stage: Any) -> None:
    scaled = _scaled(config, factor)
    plain = observe_n_game.enumerate_equilibria(config, stage=stage)
    assert _profiles(observe_n_game.enumerate_equilibria(scaled, stage=stage)) == _profiles(plain)
    extremes = [observe_n_game.pure_equilibria(game, stage=stage) for game in (config, scaled)]
    best, worst = ([getattr(found, name).welfare for found in extremes] for name in ("best", "worst"))
    assert best[1] == pytest.approx(factor * best[0], abs=1e-9 * factor)
    assert worst[1] == pytest.approx(factor * worst[0], abs=1e-9 * factor)


# 0.7 * (1.2 - 1) and 0.1 * (2.4 - 1) are 0.14, and one or the other casino gathers a lone agent; 3.2 is no tie at all.
@example(_row(1, (0.7, 0.1), (1.2, 2.4)), 0, 1e12)
@example(_row(1, (0.1, 1.0), (1.1, 4.2)), 0, 1e-13)
@given(games(st.none()), st.sampled_from([0, 1, 3, 30]), FACTORS)
def test_the_families(config: MPGGConfig, more_agents: int, factor: float) -> None:
    larger = config.replace(n_agents=config.n_agents + more_agents)
    plain, scaled = (location_families.characterise(game) for game in (larger, _scaled(larger, factor)))
    assert [(family.name, family.count) for family in scaled.families] == [
        (family.name, family.count) for family in plain.families
    ]
    for name in ("best", "worst"):
        found = [[getattr(family, name) for family in families.families] for families in (scaled, plain)]
        assert _profiles(found[0]) == _profiles(found[1])


@given(st.sampled_from(["fine", "subsidy", "subsidy_local", "peer", "pigou", "capacity"]), COSTS, GAINS, FACTORS)
def test_the_thresholds(name: str, cost: float, gain: float, factor: float) -> None:
    unit = 1.0 if name in ("pigou", "capacity") else factor
    for n in range(1, 6):
        for threshold in (cooperation_threshold, defection_threshold):
            expected = unit * threshold(name, cost, gain, n)
            assert threshold(name, cost * factor, gain, n) == pytest.approx(expected, rel=1e-9, abs=0)


@given(COSTS, GAINS, st.integers(1, 6), st.integers(0, 12), FACTORS)
def test_the_cooperators_under_a_fine(cost: float, gain: float, n: int, part: int, factor: float) -> None:
    amount = max(temptation(cost, gain, n), 0.0) * part / 6
    expected = fine_equilibria(cost, gain, n, amount).tolist()
    assert fine_equilibria(cost * factor, gain, n, amount * factor).tolist() == expected


# 0.1 * 2.4 = 0.2 * 1.2 but for rounding, and v = 0.14 and 0.04: the tie is between the first and the last casino.
@given(FACTORS, st.integers(1, 30))
def test_the_symmetric_equilibrium(factor: float, agents: int) -> None:
    config = _row(agents, (0.1, 0.2, 0.7), (2.4, 1.2, 1.2))
    plain, scaled = symmetric_equilibrium(config), symmetric_equilibrium(_scaled(config, factor))
    np.testing.assert_allclose(scaled.probabilities, plain.probabilities, atol=1e-6)
    assert scaled.payoff == pytest.approx(factor * plain.payoff, rel=1e-6, abs=0)


# Powers of two change no digit of any payoff, so that the path must be the same agent by agent.
@given(games(), st.sampled_from([2.0**-50, 2.0**40]), st.integers(0, 99))
def test_best_responses(config: MPGGConfig, factor: float, seed: int) -> None:
    plain = best_response_dynamics(config, seed, updates=40, windows=8)
    scaled = best_response_dynamics(_scaled(config, factor), seed, updates=40, windows=8)
    assert _profiles([scaled.profile]) == _profiles([plain.profile])
    assert (scaled.settled, scaled.updates) == (plain.settled, plain.updates)
    assert scaled.cooperation_rate.tolist() == plain.cooperation_rate.tolist()


# Nine tenths of the optimum need everybody's cooperation, for which a fine must be a temptation, 0.7 (1 - 2.2 / 6).
@pytest.mark.parametrize("factor", [1e-13, 1.0, 1e6, 1e12])
def test_the_weakest_fine(factor: float) -> None:
    found = design(_scaled(_row(6, (0.3, 0.7), (1.5, 2.2)), factor), "fine", goal=0.9)
    assert found.strength == pytest.approx(factor * 0.7 * (1 - 2.2 / 6), rel=1e-11, abs=0)
    assert found.reached
    assert found.after.equilibrium.cooperators.tolist() == [0, 6]
