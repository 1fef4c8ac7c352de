"""The stage game: against every deviation in exact numbers, theorems, and QuantEcon.py."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpgg_env import MPGGConfig
from mpgg_env.analysis.stage_game import StageGame, normal_form, quantecon_equilibria, stage_game
from mpgg_env.analysis.stage_mixed import expected_advantage, symmetric_stage_equilibria
from mpgg_env.games.mpgg.mechanisms import Capacity, Fine, Mechanism, PeerPunishment, Subsidy, Toll
from tests.support import exactly

pytestmark = pytest.mark.algorithm


def _casino(cost: float, gain: float, **options: object) -> MPGGConfig:
    return MPGGConfig(n_agents=4, grid_shape=(1, 2), cost=(9.0, cost), gain=(9.0, gain), **options)


def _pays(action: int, n: int, k: int, cost: Fraction, gain: Fraction, code: bool, mechanism: Mechanism) -> Fraction:
    """Payoff from the words of the specification, in exact numbers: a fine or peer punishment."""
    pays = (gain if code else gain * cost) * k / Fraction(n) - cost * action
    if isinstance(mechanism, Fine) and k > 0:
        assert isinstance(mechanism.amount, float)
        amount = Fraction(mechanism.amount)
        pays += amount * (n - k) / Fraction(k) if action else -amount
    if isinstance(mechanism, PeerPunishment):
        assert isinstance(mechanism.punishment, float)
        assert isinstance(mechanism.cost, float)
        pays -= Fraction(mechanism.cost) * (n - k) if action else Fraction(mechanism.punishment) * k
    return pays


# Fractions of a power of two, which doubles hold exactly; n = 1, 2, 4, 8 then bring exact ties.
EIGHTHS = st.integers(0, 24).map(lambda eighths: eighths / 8)
MECHANISMS = st.one_of(
    st.builds(Fine, amount=EIGHTHS), st.builds(PeerPunishment, punishment=EIGHTHS, cost=EIGHTHS), st.none()
)


def _advantages(*gains: float) -> StageGame:
    """A game in which C gains this over D with 0, 1, ... other cooperators."""
    payoffs = np.array([[0.0, gain] for gain in (0.0, *gains)])
    return StageGame(
        casino=0, members=len(gains), payoffs=payoffs, gross=np.zeros(len(gains) + 1), value=1.0, tolerance=1e-12
    )


@given(EIGHTHS, EIGHTHS, st.integers(1, 9), st.booleans(), MECHANISMS)
def test_equilibria_are_the_profiles_from_which_nobody_gains(
    cost: float, gain: float, n: int, code: bool, mechanism: Mechanism
) -> None:
    def pays(action: int, k: int) -> Fraction:
        return _pays(action, n, k, Fraction(cost), Fraction(gain), code, mechanism)

    expected, welfare = [], []
    for k in range(n + 1):
        gains = [Fraction(0)]
        gains += [pays(0, k - 1) - pays(1, k)] if k > 0 else []
        gains += [pays(1, k + 1) - pays(0, k)] if k < n else []
        expected.append(max(gains))
        welfare.append((n - k) * pays(0, k) + k * pays(1, k))
    game = stage_game(_casino(cost, gain, payoff="code" if code else "text", mechanism=mechanism), 1, n)
    np.testing.assert_allclose(game.exploitability, [float(gain) for gain in expected], atol=1e-12)
    assert game.equilibria().tolist() == [k for k in range(n + 1) if expected[k] == 0]
    np.testing.assert_allclose(game.welfare, [float(w) for w in welfare], atol=1e-12)


# The theorem of the stage game, c = 1 and r = 3: C is dominant up to 2 members, D from 4 on, all is equal with 3.
@pytest.mark.parametrize(
    ("n", "dominance", "equilibria"),
    [
        (1, "C", [1]),
        (2, "C", [2]),
        (3, "indifferent", [0, 1, 2, 3]),
        (4, "D", [0]),
        (9, "D", [0]),
    ],
)
def test_dominance_without_a_mechanism(n: int, dominance: str, equilibria: list[int]) -> None:
    game = stage_game(_casino(1.0, 3.0), 1, n)
    assert (game.dominance, game.equilibria().tolist()) == (dominance, equilibria)
    np.testing.assert_allclose(game.efficiency, np.arange(n + 1) / n, atol=1e-15)
    # c (r / n - 1) k.
    np.testing.assert_allclose(game.potential, [(3 / n - 1) * k for k in range(n + 1)], atol=1e-12)


@pytest.mark.parametrize("n", [1, 3, 8])
def test_without_cost_everything_is_an_equilibrium(n: int) -> None:
    game = stage_game(_casino(0.0, 3.0), 1, n)
    assert (game.dominance, game.equilibria().tolist()) == ("indifferent", list(range(n + 1)))
    assert np.isnan(game.efficiency).all()


# By hand: g = 1 - 3 / 6 = 1/2. Peers: C gains -1/2 + 0.5 j over D, nothing with one other cooperator. A fine of 1/2
# makes C better except against cooperators alone, who leave the last one indifferent. Tolls change nothing, too few
# players leave no game.
@pytest.mark.parametrize(
    ("options", "dominance", "equilibria"),
    [
        ({"mechanism": PeerPunishment(punishment=0.5)}, "none", [0, 6]),
        ({"mechanism": Fine(amount=0.5)}, "weakly C", [5, 6]),
        ({"mechanism": Subsidy(amount=0.75)}, "C", [6]),
        ({"mechanism": Capacity(seats=2)}, "C", [6]),
        ({"mechanism": Toll(fee=5.0)}, "D", [0]),
        ({"min_players": 7}, "indifferent", [0, 1, 2, 3, 4, 5, 6]),
    ],
)
def test_dominance_with_mechanisms(options: dict[str, object], dominance: str, equilibria: list[int]) -> None:
    game = stage_game(_casino(1.0, 3.0, **options), 1, 6)
    assert (game.dominance, game.equilibria().tolist()) == (dominance, equilibria)


# Two of six members play, a cooperator among cooperators earns 2: a third of what six players would.
def test_efficiency_under_a_capacity_counts_the_seats() -> None:
    assert stage_game(_casino(1.0, 3.0, mechanism=Capacity(seats=2)), 1, 6).efficiency[-1] == pytest.approx(1 / 3)


# An exact potential changes with every member's deviation by just what that member gains.
def test_the_potential_is_exact_with_a_mechanism_too() -> None:
    config = _casino(1.0, 1.7, mechanism=(Fine(amount=0.3), PeerPunishment(punishment=0.2, cost=0.1)))
    potential, payoffs = stage_game(config, 1, 4).potential, normal_form(config, 1, 4)
    for actions in itertools.product(range(2), repeat=4):
        for i in range(4):
            other = (*actions[:i], 1 - actions[i], *actions[i + 1 :])
            gained = payoffs[(*other, i)] - payoffs[(*actions, i)]
            assert gained == pytest.approx(potential[sum(other)] - potential[sum(actions)], abs=1e-14)


# Peers: C gains -g + phi j - kappa (n - 1 - j), linear in j, so its mean vanishes at q = (g + kappa (n-1)) / ((phi +
# kappa) (n-1)) = (0.5 + 0.5) / (0.4 * 5) = 0.5.
def test_peer_punishment_has_one_mixture_between_the_two_pure_equilibria() -> None:
    game = stage_game(_casino(1.0, 3.0, mechanism=PeerPunishment(punishment=0.3, cost=0.1)), 1, 6)
    symmetric = symmetric_stage_equilibria(game)
    np.testing.assert_allclose(symmetric.probabilities, [0.0, 0.5, 1.0], atol=1e-14)
    assert symmetric.exploitability.max() < 1e-14
    assert not symmetric.indifferent


# Bernstein coefficients by hand: those of (q - 1/5) (q - 1/2) (q - 9/10) = q^3 - 8/5 q^2 + 73/100 q - 9/100 are -9/100,
# -9/100 + 73/300, -9/100 + 146/300 - 160/300 and 1/25; (q - 1/4)^2 has 1/16, -3/16, 9/16; q (q - 1/2) (1 - q) begins
# and ends with 0 and has -1/6 and 1/6 between.
@pytest.mark.parametrize(
    ("gains", "mixtures", "accuracy"),
    [
        ((-9 / 100, 46 / 300, -41 / 300, 1 / 25), [0.0, 0.2, 0.5, 0.9, 1.0], 1e-12),
        ((1 / 16, -3 / 16, 9 / 16), [0.25, 1.0], 1e-5),
        ((0.0, -1 / 6, 1 / 6, 0.0), [0.0, 0.5, 1.0], 1e-12),
        ((3.0, 3.0, 3.0), [1.0], 0),
    ],
)
def test_several_mixtures_and_a_touching_one_are_found(
    gains: tuple[float, ...], mixtures: list[float], accuracy: float
) -> None:
    found = symmetric_stage_equilibria(_advantages(*gains))
    assert found.probabilities.shape == (len(mixtures),)
    np.testing.assert_allclose(found.probabilities, mixtures, atol=accuracy)
    assert found.exploitability.max() < 1e-11


# Fine among two: C gains f - g with none, 2 f / 2 - g with one other cooperator: at f = g everybody is indifferent.
def test_an_indifferent_game_says_so() -> None:
    symmetric = symmetric_stage_equilibria(stage_game(_casino(1.0, 1.5, mechanism=Fine(amount=0.25)), 1, 2))
    assert symmetric.indifferent
    assert symmetric.probabilities.tolist() == [0.0, 1.0]


@given(EIGHTHS, EIGHTHS, st.integers(1, 40), MECHANISMS)
def test_mixtures_are_equilibria_and_none_is_overlooked(cost: float, gain: float, n: int, mechanism: Mechanism) -> None:
    game = stage_game(_casino(cost, gain, mechanism=mechanism), 1, n)
    symmetric = symmetric_stage_equilibria(game)
    # The mean over the binomial law of the others, added up term by term on a grid: no sign change without a root.
    grid = np.linspace(0, 1, 201)
    law = np.array([[math.comb(n - 1, j) * q**j * (1 - q) ** (n - 1 - j) for j in range(n)] for q in grid])
    mean = law @ game.advantage
    np.testing.assert_allclose([expected_advantage(game.advantage, q) for q in grid[::40]], mean[::40], atol=1e-11)
    assert symmetric.exploitability.max(initial=0.0) < 1e-11
    for low in np.flatnonzero(mean[:-1] * mean[1:] < -1e-20):
        inside = (symmetric.probabilities >= grid[low] - 1e-9) & (symmetric.probabilities <= grid[low + 1] + 1e-9)
        assert inside.any()
    assert (0.0 in symmetric.probabilities) == (0 in game.equilibria())
    assert (1.0 in symmetric.probabilities) == (n in game.equilibria())


@given(EIGHTHS, EIGHTHS, st.integers(2, 5), MECHANISMS)
def test_quantecon_finds_the_same_pure_equilibria(cost: float, gain: float, n: int, mechanism: Mechanism) -> None:
    config = _casino(cost, gain, mechanism=mechanism)
    found = {int(profile.sum()) for profile in quantecon_equilibria(config, 1, n)}
    assert found == set(stage_game(config, 1, n).equilibria().tolist())


# Two members, r = 1.7, g = 0.15; the mixture of the peers is (0.15 + 0.1) / 0.4 = 0.625.
def test_quantecon_finds_the_same_mixtures_of_two_members() -> None:
    config = _casino(1.0, 1.7, mechanism=PeerPunishment(punishment=0.3, cost=0.1))
    vertices = sorted(quantecon_equilibria(config, 1, 2, "vertices"), key=lambda profile: float(profile[0]))
    np.testing.assert_allclose(vertices, [[0, 0], [0.625, 0.625], [1, 1]], atol=1e-12)
    np.testing.assert_allclose(
        symmetric_stage_equilibria(stage_game(config, 1, 2)).probabilities, [0, 0.625, 1], atol=1e-14
    )
    (one,) = quantecon_equilibria(config, 1, 2, "lemke_howson")
    assert min(abs(one - vertex).max() for vertex in vertices) < 1e-12


def test_what_cannot_be_answered_is_refused() -> None:
    config = _casino(1.0, 3.0)
    with pytest.raises(ValueError, match=exactly("casino must be in [0, 1], got 2")):
        stage_game(config, 2, 3)
    with pytest.raises(ValueError, match=exactly("members must be in [1, 16], got 17")):
        normal_form(config, 0, 17)
    with pytest.raises(ValueError, match=r"^members \(with method='vertices'\) must be in \[2, 2\], got 3$"):
        quantecon_equilibria(config, 0, 3, "vertices")
    with pytest.raises(ValueError, match=r"^method must be one of 'pure', .*did you mean 'vertices'\?$"):
        quantecon_equilibria(config, 0, 2, "vertice")  # type: ignore[arg-type]


def test_mixed_equilibria_of_a_crowd_are_refused() -> None:
    config = MPGGConfig(n_agents=20_000, grid_shape=(1, 1), cost=(1.0,), gain=(2.0,), mechanism=Fine(amount=0.25))
    with pytest.raises(ValueError, match=r"members .* must be in \[1, 10000\], got 20000"):
        symmetric_stage_equilibria(stage_game(config, 0, 20_000))
