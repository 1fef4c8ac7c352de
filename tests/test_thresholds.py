"""Thresholds of the mechanisms: against enumeration of the stage game, and against numbers worked out by hand."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mpgg_env import MPGGConfig
from mpgg_env.analysis.location_game import pure_equilibria
from mpgg_env.analysis.payoffs import exploitability
from mpgg_env.analysis.stage_game import stage_game
from mpgg_env.analysis.thresholds import (
    cooperation_threshold,
    defection_threshold,
    fine_equilibria,
    flat_fee,
    temptation,
    tipping_point,
    toll_jump,
)
from mpgg_env.games.mpgg.mechanisms import MECHANISMS, Capacity, Toll
from tests.support import exactly

pytestmark = pytest.mark.algorithm

PARAMETERS = {
    "fine": "amount",
    "subsidy": "amount",
    "subsidy_local": "amount",
    "toll": "fee",
    "pigou": "rate",
    "capacity": "seats",
    "peer": "punishment",
}
MONEY = [name for name in MECHANISMS if name != "capacity"]
# Costs and gains at which nothing is tied but by chance, and some at which ties are the rule.
COSTS = st.one_of(st.floats(0.05, 2), st.sampled_from([0.2, 0.25, 1.0]))
GAINS = st.one_of(st.floats(0.1, 8), st.sampled_from([0.6, 2.0, 3.0]))
MEMBERS = st.integers(1, 12)
PAYOFFS = st.sampled_from(["text", "code"])


def _equilibria(name: str, parameter: float, cost: float, gain: float, n: int, payoff: str, **more: float) -> set[int]:
    mechanism = MECHANISMS[name](**{PARAMETERS[name]: parameter, **more})
    config = MPGGConfig(n_agents=4, grid_shape=(1, 1), cost=(cost,), gain=(gain,), payoff=payoff, mechanism=mechanism)
    return set(stage_game(config, 0, n).equilibria().tolist())


def _around(threshold: float) -> list[tuple[float, int]]:
    """Parameters below (-1), at (0) and above (1) a threshold; far up if it is infinite."""
    if math.isinf(threshold):
        return [(0.0, -1), (1.0, -1), (1e6, -1)]
    below = [(threshold - 1e-9, -1)] if threshold > 1e-9 else []
    return [*below, (threshold, 0), (threshold + 1e-9, 1)]


@pytest.mark.parametrize("name", MONEY)
@given(COSTS, GAINS, MEMBERS, PAYOFFS)
def test_full_cooperation_is_an_equilibrium_from_the_threshold_on(
    name: str, cost: float, gain: float, n: int, payoff: str
) -> None:
    assume(abs(temptation(cost, gain, n, payoff=payoff)) > 1e-8 or gain in (0.6, 2.0, 3.0))
    threshold = cooperation_threshold(name, cost, gain, n, payoff=payoff)
    assert threshold >= 0
    for parameter, side in _around(threshold):
        assert (n in _equilibria(name, parameter, cost, gain, n, payoff)) == (side >= 0)


@pytest.mark.parametrize("name", MONEY)
@given(COSTS, GAINS, MEMBERS, PAYOFFS)
def test_universal_defection_is_an_equilibrium_up_to_the_threshold(
    name: str, cost: float, gain: float, n: int, payoff: str
) -> None:
    g = temptation(cost, gain, n, payoff=payoff)
    assume(abs(g) > 1e-8 or gain in (0.6, 2.0, 3.0))
    threshold = defection_threshold(name, cost, gain, n, payoff=payoff)
    # With a negative temptation it never was one, at a threshold of 0 either.
    for parameter, side in _around(threshold):
        assert (0 in _equilibria(name, parameter, cost, gain, n, payoff)) == (side <= (0 if g >= 0 else -1))


@given(COSTS, GAINS, MEMBERS, PAYOFFS)
def test_a_capacity_helps_up_to_the_threshold(cost: float, gain: float, n: int, payoff: str) -> None:
    most = cooperation_threshold("capacity", cost, gain, n, payoff=payoff)
    fewest = defection_threshold("capacity", cost, gain, n, payoff=payoff)
    assume(all(abs(gain / divisor - seats) > 1e-8 for divisor in (1, cost) for seats in range(1, 14)))
    for seats in range(1, 14):
        equilibria = _equilibria("capacity", seats, cost, gain, n, payoff)
        assert (n in equilibria) == (seats <= most)
        assert (0 in equilibria) == (seats > fewest)


# By hand, c = 1, r = 3, n = 6: g = 1/2.
@pytest.mark.parametrize(
    ("name", "full", "none"),
    [
        ("fine", 1 / 2, 1 / 10),
        ("subsidy", 1 / 2, 1 / 2),
        ("subsidy_local", 3 / 5, 3 / 5),
        ("toll", math.inf, math.inf),
        ("pigou", 1 / 5, 1 / 5),  # (6 - 3) / (3 * 5)
        ("capacity", 3, 3),
        ("peer", 1 / 10, math.inf),
    ],
)
def test_thresholds_worked_out_by_hand(name: str, full: float, none: float) -> None:
    assert cooperation_threshold(name, 1.0, 3.0, 6) == pytest.approx(full, rel=1e-15)
    assert defection_threshold(name, 1.0, 3.0, 6) == pytest.approx(none, rel=1e-15)


# With the code payoff, c = 1/2, r = 3/2, n = 6: g = 1/2 - 1/4, a cooperator adds 3/2, and three can play.
def test_thresholds_of_the_code_payoff_worked_out_by_hand() -> None:
    found = {name: cooperation_threshold(name, 0.5, 1.5, 6, payoff="code") for name in MECHANISMS}
    expected = {"fine": 0.25, "subsidy": 0.25, "subsidy_local": 0.3, "toll": math.inf, "pigou": 0.2, "peer": 0.05}
    assert found == pytest.approx({**expected, "capacity": 3})


# 0.6 / 0.2 is 2.9999999999999996 in doubles, and 0.2 - 0.6 / 3 is 2.8e-17: neither is more than rounding.
def test_rounding_makes_no_threshold() -> None:
    assert cooperation_threshold("capacity", 0.2, 0.6, 9, payoff="code") == 3
    assert {cooperation_threshold(name, 0.2, 0.6, 3, payoff="code") for name in MONEY} == {0.0}


@given(COSTS, GAINS, MEMBERS, PAYOFFS, st.one_of(st.floats(0, 3), st.integers(1, 12)))
def test_the_cooperators_under_a_fine_are_those_of_the_enumeration(
    cost: float, gain: float, n: int, payoff: str, fine: float
) -> None:
    g = temptation(cost, gain, n, payoff=payoff)
    # An integer stands for a fine at which n f / g is one.
    amount = fine if isinstance(fine, float) else fine * abs(g) / n
    if g > 0 and isinstance(fine, float):
        assume(all(abs(n * amount / g - k) > 1e-8 for k in range(n + 1)) and abs(amount * (n - 1) - g) > 1e-8)
    found = fine_equilibria(cost, gain, n, amount, payoff=payoff)
    assert set(found.tolist()) == _equilibria("fine", amount, cost, gain, n, payoff)


# By hand, c = 1, r = 3, n = 6, g = 1/2: n f / g = 12 f. At f = 1/4 it is exactly 3, and two are stable as well.
@pytest.mark.parametrize(
    ("amount", "cooperators"),
    [(0.0, [0]), (0.09, [0]), (0.1, [0, 1]), (0.12, [1]), (0.2, [2]), (0.25, [2, 3]), (0.49, [5]), (0.51, [6])],
)
def test_the_cooperators_under_a_fine_worked_out_by_hand(amount: float, cooperators: list[int]) -> None:
    assert fine_equilibria(1.0, 3.0, 6, amount).tolist() == cooperators


# The definition: below the tipping point D pays more, above it C does, and at it they pay the same.
@given(COSTS, GAINS, MEMBERS, PAYOFFS, st.floats(0.01, 2), st.floats(0, 2))
def test_the_tipping_point_separates_those_who_gain_by_defecting(
    cost: float, gain: float, n: int, payoff: str, punishment: float, punishment_cost: float
) -> None:
    tip = tipping_point(cost, gain, n, punishment, punishment_cost, payoff=payoff)
    mechanism = MECHANISMS["peer"](punishment=punishment, cost=punishment_cost)
    config = MPGGConfig(n_agents=4, grid_shape=(1, 1), cost=(cost,), gain=(gain,), payoff=payoff, mechanism=mechanism)
    others = np.arange(n)
    expected = (punishment + punishment_cost) * (others - tip)
    np.testing.assert_allclose(stage_game(config, 0, n).advantage, expected, atol=1e-9)


# By hand, c = 1, r = 3, n = 6, g = 1/2: (0.5 + 0.1 * 5) / (0.3 + 0.1) = 2.5.
def test_the_tipping_point_worked_out_by_hand() -> None:
    assert tipping_point(1.0, 3.0, 6, 0.3, 0.1) == pytest.approx(2.5)
    assert tipping_point(1.0, 3.0, 6, 0.0) == math.inf
    assert tipping_point(1.0, 3.0, 2, 0.0) == -math.inf
    assert math.isnan(tipping_point(1.0, 3.0, 3, 0.0))


# Two casinos, c = (1, 0.5), r = (3.5, 2.5): v = 2.5 and 0.75, seats 3 and 2. Fees v - 0.75 leave everybody 0.75; the
# surcharge of a fourth member of casino 0 is 1 - 3.5 / 4, that of a third of casino 1 is 0.5 (1 - 2.5 / 3).
def test_fees_and_jumps_worked_out_by_hand() -> None:
    assert flat_fee(2.5, 0.75) == 1.75
    assert flat_fee(0.75, 0.75) == 0.0
    assert toll_jump(1.0, 3.5) == pytest.approx(0.125)
    assert toll_jump(0.5, 2.5) == pytest.approx(1 / 12)
    assert toll_jump(0.5, 1.75, payoff="code") == pytest.approx(0.5 - 1.75 / 4)
    assert toll_jump(0.0, 2.5) == math.inf


# Without rebates an entrant of a full casino would get c r s / (s + 1) less fee and surcharge: just the level.
@given(COSTS, st.floats(1.2, 8), st.floats(0, 1))
def test_the_jump_leaves_an_entrant_of_a_full_casino_the_level(cost: float, gain: float, part: float) -> None:
    assume(abs(gain - round(gain)) > 1e-6)
    level = part * cost * (gain - 1)
    seats = math.floor(gain)
    mechanism = Toll(fee=flat_fee(cost * (gain - 1), level), surcharge=toll_jump(cost, gain))
    config = MPGGConfig(n_agents=seats + 1, grid_shape=(1, 2), cost=(cost,) * 2, gain=(gain,) * 2, mechanism=mechanism)
    defector = stage_game(config, 0, seats + 1).payoffs[seats, 0]
    assert defector == pytest.approx(level, abs=1e-9)
    assert stage_game(config, 0, seats).payoffs[seats, 1] == pytest.approx(level, abs=1e-9)


# Fees v - u with u the lowest v leave every cooperator u wherever it goes, if no fee comes back. A free seat in
# each casino keeps defecting unattractive: an entrant gets c r n / (n + 1) - v + u < u by it, since n + 1 < r.
@given(st.data(), st.integers(1, 4))
def test_flat_fees_hold_cooperators_in_casinos_with_a_free_seat(data: st.DataObject, casinos: int) -> None:
    cost = data.draw(st.lists(COSTS, min_size=casinos, max_size=casinos))
    gain = data.draw(st.lists(st.floats(2.1, 8), min_size=casinos, max_size=casinos))
    occupancy = [data.draw(st.integers(0, math.floor(r) - 1)) for r in gain]
    assume(sum(occupancy) > 0)
    values = [c * (r - 1) for c, r in zip(cost, gain, strict=True)]
    mechanism = Toll(fee=tuple(flat_fee(value, min(values)) for value in values), rebate="none")
    config = MPGGConfig(n_agents=sum(occupancy), grid_shape=(1, casinos), cost=cost, gain=gain, mechanism=mechanism)
    assert exploitability(config, occupancy, occupancy) < 1e-9


# Two full casinos tempt each other's members more than any fees can hold: p_A + p_B > v_A + v_B.
@given(COSTS, COSTS, st.floats(1.2, 6), st.floats(1.2, 6), st.floats(0, 5), st.floats(0, 5))
def test_flat_fees_never_hold_two_full_casinos(
    cost: float, other_cost: float, gain: float, other_gain: float, fee: float, other_fee: float
) -> None:
    full = [math.floor(gain), math.floor(other_gain)]
    assume(min(gain - full[0], other_gain - full[1]) > 1e-3)
    config = MPGGConfig(
        n_agents=sum(full),
        grid_shape=(1, 2),
        cost=(cost, other_cost),
        gain=(gain, other_gain),
        mechanism=Toll(fee=(fee, other_fee), rebate="none"),
    )
    assert exploitability(config, full, full) > 0


# A toll alone leaves more than r cooperators in no casino: every equilibrium with cooperation keeps n <= r.
def test_under_a_toll_cooperators_never_share_a_crowded_casino() -> None:
    mechanism = Toll(fee=(0.75, 0.0), surcharge=(2.0, 1.0))
    config = MPGGConfig(n_agents=5, grid_shape=(1, 2), cost=(1.0, 0.5), gain=(3.5, 2.5), mechanism=mechanism)
    for equilibrium in pure_equilibria(config):
        crowded = equilibrium.occupancy > np.array([3.5, 2.5])
        assert (equilibrium.cooperators[crowded] == 0).all()
    assert exploitability(config, [5, 0], [5, 0]) > 0.1


def test_what_is_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^mechanism must be one of .*, got 'fin'; did you mean 'fine'\?$"):
        cooperation_threshold("fin", 1.0, 3.0, 6)
    with pytest.raises(ValueError, match=exactly("members must be in [1, 2147483648], got 0")):
        cooperation_threshold("fine", 1.0, 3.0, 0)
    with pytest.raises(ValueError, match=exactly("cost must be finite and >= 0, got -1.0")):
        defection_threshold("fine", -1.0, 3.0, 6)
    with pytest.raises(
        ValueError, match=exactly("payoff must be one of 'text', 'code', got 'txt'; did you mean 'text'?")
    ):
        temptation(1.0, 3.0, 6, payoff="txt")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^level must be in \[-inf, 2\], got 2.5$"):
        flat_fee(2.0, 2.5)


@pytest.mark.parametrize("seats", [1, 3])
def test_where_cooperation_costs_and_brings_nothing_universal_defection_stands_with_any_seats(seats: int) -> None:
    assert defection_threshold("capacity", 0.0, 2.0, 4) == 0
    config = MPGGConfig(n_agents=4, grid_shape=(1, 1), cost=(0.0,), gain=(2.0,), mechanism=Capacity(seats=seats))
    assert 0 in stage_game(config, 0, 4).equilibria()


@pytest.mark.parametrize(
    ("cost", "gain", "payoff", "message"),
    [
        (1.0, 1e10, "text", r"^gain must be below 2147483648, got 10000000000\.0 with cost 1\.0$"),
        (5e-324, 6.0, "code", r"^gain / cost must be below 2147483648, got 6\.0 with cost 5e-324$"),
    ],
)
def test_a_toll_jump_of_a_casino_that_never_fills_is_refused(
    cost: float, gain: float, payoff: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        toll_jump(cost, gain, payoff=payoff)
