"""Symmetric equilibria of the one-shot game: published figures, theorems, and weighing every choice of the others."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpgg_env.analysis.symmetric import (
    expected_payoffs,
    mean_inverse_group,
    symmetric_equilibrium,
    symmetric_profile,
)
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.mechanisms import Fine

pytestmark = pytest.mark.algorithm

# N: efficiency and cooperation rate on the default board, relative to 5 N, from an independent program.
DEFAULT_BOARD = {
    5: (1.0, 1.0),
    6: (1.0, 1.0),
    7: (0.820, 0.846),
    25: (0.640, 0.816),
    50: (0.400, 0.660),
    75: (0.200, 0.442),
    100: (0.092, 0.310),
    110: (0.0, 0.0),
    125: (0.0, 0.0),
    150: (0.0, 0.0),
    300: (0.0, 0.0),
}


def _row(n_agents: int, cost: tuple[float, ...], gain: tuple[float, ...], **options: object) -> MPGGConfig:
    return MPGGConfig(n_agents=n_agents, grid_shape=(1, len(cost)), cost=cost, gain=gain, **options)  # type: ignore[arg-type]


def _weighed(config: MPGGConfig, x: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Expected payoffs (M, 2) when every other agent is elsewhere, here as a defector or here as a cooperator."""
    assert config.cost is not None
    assert config.gain is not None
    payoffs = np.zeros((config.n_casinos, 2))
    for m, (c, r) in enumerate(zip(config.cost, config.gain, strict=True)):
        chances = {"elsewhere": 1 - x[m], "D": x[m] * (1 - q[m]), "C": x[m] * q[m]}
        for others in itertools.product(chances, repeat=config.n_agents - 1):
            weight = float(np.prod([chances[other] for other in others]))
            n, k = 1 + sum(other != "elsewhere" for other in others), others.count("C")
            worth = c if config.payoff == "text" else 1.0
            payoffs[m] += weight * np.array([r * worth * k / n, r * worth * (k + 1) / n - c])
    return payoffs


@pytest.mark.parametrize(("n_agents", "expected"), DEFAULT_BOARD.items())
def test_the_default_board_gives_the_published_table(n_agents: int, expected: tuple[float, float]) -> None:
    found = symmetric_equilibrium(MPGGConfig(n_agents=n_agents))
    assert (found.welfare / (5 * n_agents), found.cooperation_rate) == pytest.approx(expected, abs=6e-4)
    assert found.exploitability < 1e-9


def test_the_published_small_game() -> None:
    # c = (1, .5), r = 2.5, N = 3; Gambit's logit_solve gives the same point.
    found = symmetric_equilibrium(_row(3, (1.0, 0.5), (2.5, 2.5)))
    np.testing.assert_allclose(found.probabilities, (0.829, 0.171), atol=5e-4)
    np.testing.assert_allclose(found.cooperation, (0.5, 1.0), atol=1e-12)
    assert found.welfare == pytest.approx(2.25)


def test_the_indifferent_probability_by_hand() -> None:
    # N = 2: h(x) = 1 - x / 2 = 1 / r gives x = 2 - 2 / r = 2 / 3 for r = 1.5. Twins of it sum to 4/3 > 1, so both are
    # marginal: half each, all C, and everybody gets v = .5. Three casinos of v = .5, 0, 0: the first gets 2/3, all D.
    twins = symmetric_equilibrium(_row(2, (1.0, 1.0), (1.5, 1.5)))
    np.testing.assert_allclose(twins.probabilities, (0.5, 0.5))
    np.testing.assert_allclose(twins.cooperation, (1, 1))
    assert twins.payoff == pytest.approx(0.5)
    crowd = symmetric_equilibrium(_row(2, (1.0, 0.0, 2.0), (1.5, 3.0, 1.0)))
    np.testing.assert_allclose(crowd.probabilities, (2 / 3, 1 / 6, 1 / 6))
    np.testing.assert_allclose(crowd.cooperation, 0)
    assert (crowd.payoff, crowd.exploitability) == (0, pytest.approx(0, abs=1e-15))


@pytest.mark.parametrize(
    ("n_agents", "cost", "gain", "payoff"),
    [
        (1, (1.0, 2.0), (1.5, 1.2), 0.5),  # alone: the casino of highest c (r - 1)
        (3, (1.0, 0.5), (3.0, 9.0), 4.0),  # r >= N in the best: everybody there, all C
        (3, (1.0,), (3.0,), 2.0),  # r = N
        (4, (1.0, 1.0), (0.5, 1.0), 0.0),  # r <= 1: cooperating never pays
        (4, (0.0, 0.0), (2.0, 3.0), 0.0),  # nothing to contribute
    ],
)
def test_edge_cases(n_agents: int, cost: tuple[float, ...], gain: tuple[float, ...], payoff: float) -> None:
    found = symmetric_equilibrium(_row(n_agents, cost, gain))
    assert found.payoff == pytest.approx(payoff, abs=1e-15)
    assert found.probabilities.sum() == pytest.approx(1)
    assert found.exploitability < 1e-12


COSTS = st.sampled_from([0.0, 0.3, 0.5, 1.0])
GAINS = st.sampled_from([0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.2])
GAMES = st.integers(1, 3).flatmap(
    lambda casinos: st.tuples(st.integers(1, 5), st.tuples(*[COSTS] * casinos), st.tuples(*[GAINS] * casinos))
)


@given(GAMES, st.sampled_from(["text", "code"]))
def test_no_deviation_pays_when_every_choice_of_the_others_is_weighed(
    game: tuple[int, tuple[float, ...], tuple[float, ...]], payoff: str
) -> None:
    config = _row(*game, payoff=payoff)
    found = symmetric_equilibrium(config)
    payoffs = _weighed(config, found.probabilities, found.cooperation)
    own = found.probabilities @ ((1 - found.cooperation) * payoffs[:, 0] + found.cooperation * payoffs[:, 1])
    assert own == pytest.approx(found.payoff, abs=1e-12)
    assert payoffs.max() - own < 1e-9
    assert found.probabilities.sum() == pytest.approx(1, abs=1e-12)


@given(GAMES, st.integers(0, 2**32 - 1), st.sampled_from(["text", "code"]))
def test_the_closed_forms_weigh_every_choice_of_the_others(
    game: tuple[int, tuple[float, ...], tuple[float, ...]], seed: int, payoff: str
) -> None:
    config = _row(*game, payoff=payoff)
    rng = np.random.default_rng(seed)
    x, q = rng.dirichlet(np.ones(config.n_casinos)), rng.random(config.n_casinos)
    np.testing.assert_allclose(expected_payoffs(config, x, q), _weighed(config, x, q), atol=1e-12)


@settings(max_examples=60)
@given(st.integers(1, 1000), st.integers(1, 25), st.integers(0, 2**32 - 1), st.booleans())
def test_large_random_games_are_solved_exactly(n_agents: int, n_casinos: int, seed: int, mean_field: bool) -> None:
    rng = np.random.default_rng(seed)
    cost, gain = rng.choice([0.0, 0.5, 1.0, 3.0], n_casinos), rng.choice([0.5, 1.0, 1.5, 2.0, 7.7, 40.0], n_casinos)
    found = symmetric_equilibrium(_row(n_agents, tuple(cost), tuple(gain)), mean_field=mean_field)
    assert found.probabilities.sum() == pytest.approx(1, abs=1e-12)
    assert found.probabilities.min() >= 0
    assert ((found.cooperation >= 0) & (found.cooperation <= 1)).all()
    assert found.exploitability < 1e-9


def test_a_million_agents_and_the_limit_of_many() -> None:
    config = MPGGConfig(n_agents=10**6, grid_shape=(100, 100), gain_range=(1.5, 400.0))
    exact, limit = symmetric_equilibrium(config), symmetric_equilibrium(config, mean_field=True)
    assert exact.payoff > 1
    assert max(exact.exploitability, limit.exploitability) < 1e-9
    np.testing.assert_allclose(exact.probabilities, limit.probabilities, atol=1e-6)


def test_the_mass_that_the_default_board_holds_in_the_limit() -> None:
    # (1 - e^-l) / l = 1 / r, summed over the casinos: 102.3. Up to it the payoff is positive, beyond it is 0.
    assert symmetric_equilibrium(MPGGConfig(n_agents=102), mean_field=True).payoff > 0
    assert symmetric_equilibrium(MPGGConfig(n_agents=103), mean_field=True).payoff == 0
    crowded = symmetric_equilibrium(_row(10**6, (1.0, 0.0), (1.5, 2.0)), mean_field=True)
    mass = 10**6 * crowded.probabilities[0]
    assert (1 - np.exp(-mass)) / mass == pytest.approx(1 / 1.5, rel=1e-9)


def test_the_mean_inverse_group_is_stable_at_both_ends() -> None:
    # Among 10^6 agents at 10^-12: 1 - (N - 1) x / 2, the next term being 10^-13; at x = 1 everybody is there.
    assert mean_inverse_group(np.array([1e-12]), 10**6)[0] == pytest.approx(1 - 0.5e-6, abs=1e-12)
    assert mean_inverse_group(np.array([0.0, 1.0]), 10**6).tolist() == [1, 1e-6]


def test_a_profile_that_is_no_equilibrium_says_so() -> None:
    # Two agents, one casino, r = 1.5, c = 1, all C: each gets .5 and would get .75.
    assert symmetric_profile(_row(2, (1.0,), (1.5,)), np.ones(1), np.ones(1)).exploitability == pytest.approx(0.25)


def test_what_the_closed_form_does_not_cover_is_refused() -> None:
    with pytest.raises(ValueError, match="mechanism must be None for the symmetric equilibrium"):
        symmetric_equilibrium(MPGGConfig(mechanism=Fine(amount=1.0)))
    with pytest.raises(ValueError, match="min_players must be 1 for the symmetric equilibrium in closed form, got 2"):
        symmetric_equilibrium(MPGGConfig(min_players=2))
    with pytest.raises(ValueError, match=r"probabilities must be numbers in \[0, 1\], one for each of 25 casinos"):
        expected_payoffs(MPGGConfig(), np.ones(3), np.ones(25))
