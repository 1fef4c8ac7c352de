"""Asynchronous best responses: against a plain replay of the same draws, and figures measured elsewhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpgg_env import MPGGConfig
from mpgg_env.analysis.best_response import best_response_dynamics
from mpgg_env.analysis.payoffs import exploitability, measured, resident_payoffs
from mpgg_env.core.philox import below, draw_words
from mpgg_env.games.mpgg.mechanisms import Fine, Pigou, Toll
from tests.support import exactly

pytestmark = pytest.mark.algorithm


def _counts(strategies: list[int], casinos: int) -> tuple[np.ndarray, np.ndarray]:
    everybody = np.bincount(strategies, minlength=2 * casinos)
    return everybody[0::2] + everybody[1::2], everybody[1::2]


def _payoff(config: MPGGConfig, strategies: list[int], i: int) -> float:
    casino, action = divmod(strategies[i], 2)
    return float(resident_payoffs(config, *_counts(strategies, config.n_casinos))[casino, action])


def _replay(config: MPGGConfig, seed: int, updates: int) -> tuple[list[int], list[tuple[int, float]]]:
    """Every strategy tried by the agent whose turn it is; its own casino first, then casinos upwards, D before C."""
    casinos, agents = config.n_casinos, config.n_players
    starts = [draw_words(seed, i, 0, 1) for i in range(agents)]
    strategies = [2 * below(place, casinos) + below(action, 2) for place, action, _, _ in starts]
    series = []
    for step in range(updates):
        i = below(draw_words(seed, 0, step, 0)[0], agents)
        own = strategies[i]
        order = [own, own ^ 1, *(s for s in range(2 * casinos) if s // 2 != own // 2)]
        for s in order:
            tried = [*strategies[:i], s, *strategies[i + 1 :]]
            if _payoff(config, tried, i) > _payoff(config, strategies, i) + 1e-12:
                strategies = tried
        profile = measured(config, *_counts(strategies, casinos))
        series.append((int(profile.cooperators.sum()), profile.gross))
    return strategies, series


@given(
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(0, 2**64 - 1),
    st.sampled_from([None, Fine(amount=0.25), Toll(fee=0.25, surcharge=0.5, seats=2)]),
    st.booleans(),
)
def test_the_path_is_that_of_trying_every_strategy(
    casinos: int, agents: int, seed: int, mechanism: Fine | Toll | None, alike: bool
) -> None:
    cost, gain = (0.5, 1.0, 0.75, 1.0, 0.25)[:casinos], (2.5, 1.75, 3.25, 2.0, 1.25)[:casinos]
    if alike:  # then most replies are tied
        cost, gain = cost[:1] * casinos, gain[:1] * casinos
    config = MPGGConfig(n_agents=agents, grid_shape=(1, casinos), cost=cost, gain=gain, mechanism=mechanism)
    path = best_response_dynamics(config, seed, updates=12, windows=3)
    strategies, series = _replay(config, seed, 12)
    occupancy, cooperators = _counts(strategies, casinos)
    assert path.profile.occupancy.tolist() == occupancy.tolist()
    assert path.profile.cooperators.tolist() == cooperators.tolist()
    assert path.settled == (exploitability(config, occupancy, cooperators) <= 1e-12)
    means = np.array(series).reshape(3, 4, 2).mean(axis=1)
    highest = max(c * (r - 1) for c, r in zip(cost, gain, strict=True))
    np.testing.assert_allclose(path.cooperation_rate, means[:, 0] / agents, atol=1e-14)
    np.testing.assert_allclose(path.efficiency, means[:, 1] / (agents * highest), atol=1e-12)


# Figures of an independent program, default board, 4e5 updates: cooperation rate and efficiency to 0.01, never settled.
@pytest.mark.parametrize(
    ("agents", "cooperation", "efficiency"), [(60, 0.412, 0.216), (100, 0.274, 0.115), (150, 0.164, 0.061)]
)
def test_defectors_chase_cooperators_on_the_default_board(agents: int, cooperation: float, efficiency: float) -> None:
    path = best_response_dynamics(MPGGConfig(n_agents=agents), 1, updates=400_000)
    assert not path.settled
    assert path.updates == 400_000
    assert path.cooperation_rate[1:].mean() == pytest.approx(cooperation, abs=0.01)
    assert path.efficiency[1:].mean() == pytest.approx(efficiency, abs=0.01)


# With transfers of the full marginal contribution the potential is the welfare: every best response raises it.
def test_under_the_marginal_contribution_everybody_gathers_in_the_best_casino() -> None:
    path = best_response_dynamics(MPGGConfig(mechanism=Pigou()), 3, updates=10_000)
    assert path.settled
    assert path.updates < 10_000
    assert path.profile.exploitability < 1e-12
    assert (path.profile.occupancy[24], path.profile.cooperators[24]) == (150, 150)
    assert path.cooperation_rate[-1] == path.efficiency[-1] == 1.0


def test_a_path_from_an_equilibrium_stays_there() -> None:
    config = MPGGConfig(n_agents=120)
    # Defectors only, ceil(r) of them in every casino: the tragedy.
    start = np.tile([3, 4, 5, 6, 6], 5)
    path = best_response_dynamics(config, 0, updates=1000, start=(start, np.zeros(25, np.int64)))
    assert path.settled
    assert path.profile.occupancy.tolist() == start.tolist()
    assert path.cooperation_rate.tolist() == [0.0] * 10


def test_the_seed_decides() -> None:
    one, same, other = (best_response_dynamics(MPGGConfig(), seed, updates=1000) for seed in (5, 5, 6))
    assert one.profile.occupancy.tolist() == same.profile.occupancy.tolist()
    assert one.cooperation_rate.tolist() == same.cooperation_rate.tolist()
    assert one.profile.occupancy.tolist() != other.profile.occupancy.tolist()


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=exactly("updates must be a multiple of windows=10, got 5")):
        best_response_dynamics(MPGGConfig(), 0, updates=5)
    with pytest.raises(ValueError, match=r"^seed must be in \[0, 18446744073709551615\], got -1$"):
        best_response_dynamics(MPGGConfig(), -1)


def test_a_start_is_a_pair() -> None:
    with pytest.raises(TypeError, match=r"^start must be a pair"):
        best_response_dynamics(MPGGConfig(), 1, start=([150] + [0] * 24,))  # type: ignore[arg-type]
