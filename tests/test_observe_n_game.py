"""The observe-n game against the published table, theorems, and the playing out of all small games."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpgg_env.analysis.observe_n_game import ObserveNGame, enumerate_equilibria, pure_equilibria, rosenthal_potential
from mpgg_env.analysis.observe_n_symmetric import _beta_upper_quantile, symmetric_equilibrium, symmetric_profile
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.mechanisms import Pigou

pytestmark = pytest.mark.algorithm

# N: efficiency of the best and of the worst pure equilibrium and of the symmetric one, relative to 5 N, for the default
# board, from an independent program. The worst is 0 once N >= 125 = sum floor(r) + M: every casino is spoilt.
DEFAULT_BOARD = {
    5: (1.0, 1.0, 1.0),
    6: (1.0, 1.0, 1.0),
    7: (0.974, 0.974, 0.816),
    25: (0.804, 0.804, 0.512),
    50: (0.653, 0.653, 0.325),
    75: (0.536, 0.536, 0.199),
    100: (0.438, 0.438, 0.129),
    110: (0.397, 0.099, 0.108),
    125: (0.350, 0.0, 0.080),
    150: (0.291, 0.0, 0.0450),
    300: (0.146, 0.0, 0.0006),
}


def _row(n_agents: int, cost: tuple[float, ...], gain: tuple[float, ...], **options: object) -> MPGGConfig:
    return MPGGConfig(n_agents=n_agents, grid_shape=(1, len(cost)), cost=cost, gain=gain, **options)  # type: ignore[arg-type]


def _stage_two(cost: float, gain: float, n: int, payoff: str = "text") -> float:
    """What a member gets when all cooperate if that pays each of them, in plain words, and nobody does otherwise."""
    own_share = gain * cost / n if payoff == "text" else gain / n
    together = gain * cost - cost if payoff == "text" else gain - cost
    return together if own_share >= cost - 1e-12 else 0.0


def _played_out(config: MPGGConfig) -> dict[tuple[int, ...], float]:
    """Occupancy and welfare of every profile of locations from which no agent gains by going elsewhere."""
    assert config.cost is not None
    assert config.gain is not None
    casinos = range(config.n_casinos)
    stable = {}
    for profile in itertools.product(casinos, repeat=config.n_agents):
        counts = [profile.count(m) for m in casinos]
        pay = [_stage_two(config.cost[m], config.gain[m], counts[m], config.payoff) for m in profile]
        tempted = any(
            _stage_two(config.cost[m], config.gain[m], counts[m] + 1, config.payoff) > own + 1e-12
            for here, own in zip(profile, pay, strict=True)
            for m in casinos
            if m != here
        )
        if not tempted:
            stable[tuple(counts)] = sum(pay)
    return stable


@pytest.mark.parametrize(("n_agents", "expected"), DEFAULT_BOARD.items())
def test_the_default_board_gives_the_published_table(n_agents: int, expected: tuple[float, float, float]) -> None:
    config = MPGGConfig(n_agents=n_agents)
    pure, mixed = pure_equilibria(config), symmetric_equilibrium(config)
    found = np.array([pure.best.welfare, pure.worst.welfare, mixed.welfare]) / (5 * n_agents)
    np.testing.assert_allclose(found, expected, atol=6e-4)
    assert pure.exact
    assert max(pure.best.exploitability, pure.worst.exploitability, mixed.exploitability) < 1e-9


def test_the_default_game_has_the_published_figures() -> None:
    assert symmetric_equilibrium(MPGGConfig()).cooperation_rate == pytest.approx(0.1395, abs=5e-5)
    assert pure_equilibria(MPGGConfig()).best.welfare == pytest.approx(218.4, abs=0.1)  # 219 less .56, see the theorem
    for cell_values, symmetric, best in (("center", 0.0136, 0.204), ("linspace", 0.0055, 0.192)):
        config = MPGGConfig(cell_values=cell_values)  # type: ignore[arg-type]
        highest = {"center": 0.9 * 4.55, "linspace": 5.0}[cell_values]
        assert symmetric_equilibrium(config).payoff / highest == pytest.approx(symmetric, abs=6e-5)
        assert pure_equilibria(config).best.welfare / (150 * highest) == pytest.approx(best, abs=6e-4)


def test_a_million_agents_on_ten_thousand_casinos() -> None:
    config = MPGGConfig(n_agents=10**6, grid_shape=(100, 100), gain_range=(1.5, 150.0))
    pure, mixed = pure_equilibria(config), symmetric_equilibrium(config)
    assert pure.best.occupancy.sum() == pure.worst.occupancy.sum() == 10**6
    assert mixed.probabilities.sum() == pytest.approx(1, abs=1e-12)
    assert max(pure.best.exploitability, pure.worst.exploitability, mixed.exploitability) < 1e-9
    # N exceeds all seats (757,400): the theorem's best loses the cheapest casino, the worst the 242,600 dearest
    gain = 1.5 + 148.5 * np.tile(np.arange(1, 101) / 100, 100)
    cost = np.repeat(np.arange(1, 101) / 100, 100)
    seats = np.floor(gain + 1e-9)
    worth = np.sort(seats * cost * (gain - 1))
    assert seats.sum() < 10**6
    assert pure.best.welfare == pytest.approx(worth.sum() - worth[0], rel=1e-12)
    assert pure.worst.welfare == pytest.approx(worth[: max(0, 10_000 - (10**6 - int(seats.sum())))].sum(), abs=1e-6)


GAMES = st.integers(1, 3).flatmap(
    lambda casinos: st.tuples(
        st.integers(1, 5),
        st.tuples(*[st.sampled_from([0.0, 0.3, 0.5, 1.0])] * casinos),
        st.tuples(*[st.sampled_from([0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.2])] * casinos),
    )
)


@given(GAMES, st.sampled_from(["text", "code"]))
def test_small_games_agree_with_playing_out_every_profile(
    game: tuple[int, tuple[float, ...], tuple[float, ...]], payoff: str
) -> None:
    config = _row(*game, payoff=payoff)
    expected = _played_out(config)
    found = {tuple(map(int, each.occupancy)): each.welfare for each in enumerate_equilibria(config)}
    assert found == pytest.approx(expected)
    extremes = pure_equilibria(config)
    assert extremes.best.welfare == pytest.approx(max(expected.values()))
    assert extremes.worst.welfare == pytest.approx(min(expected.values()))
    assert {tuple(map(int, extremes.best.occupancy)), tuple(map(int, extremes.worst.occupancy))} <= expected.keys()


@given(GAMES, st.integers(0, 2), st.integers(0, 2))
def test_a_move_changes_the_potential_by_its_gain(
    game: tuple[int, tuple[float, ...], tuple[float, ...]], source: int, target: int
) -> None:
    config = _row(*game)
    source, target = source % config.n_casinos, target % config.n_casinos
    before = np.zeros(config.n_casinos, dtype=np.int64)
    before[source] = config.n_agents
    after = before.copy()
    after[source] -= 1
    after[target] += 1
    payoffs = ObserveNGame(config).payoffs
    gain = payoffs(after)[target] - payoffs(before)[source]
    change = rosenthal_potential(config, after) - rosenthal_potential(config, before)
    assert change == pytest.approx(gain, abs=1e-12)


@settings(max_examples=40)
@given(st.integers(1, 1000), st.integers(1, 25), st.integers(0, 2**32 - 1))
def test_large_random_games_are_solved_exactly(n_agents: int, n_casinos: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    gain = rng.choice([1.5, 2.0, 3.0, 7.7, 40.0, 2000.0], n_casinos)
    config = _row(n_agents, tuple(rng.choice([0.0, 0.5, 1.0, 3.0], n_casinos)), tuple(gain))
    pure, mixed = pure_equilibria(config), symmetric_equilibrium(config)
    assert pure.best.occupancy.sum() == pure.worst.occupancy.sum() == n_agents
    assert pure.best.welfare >= pure.worst.welfare
    assert mixed.probabilities.sum() == pytest.approx(1, abs=1e-12)
    assert mixed.probabilities.min() >= 0
    assert max(pure.best.exploitability, pure.worst.exploitability, mixed.exploitability) < 1e-9


@given(GAMES)
def test_the_symmetric_equilibrium_against_the_binomial_law_by_hand(
    game: tuple[int, tuple[float, ...], tuple[float, ...]],
) -> None:
    """Each of the others is in casino m or not: all 2^(N - 1) possibilities are weighed one by one."""
    n_agents, cost, gain = game
    mixed = symmetric_equilibrium(_row(*game))
    expected = []
    for x, c, r in zip(mixed.probabilities, cost, gain, strict=True):
        total = 0.0
        for others in itertools.product((0, 1), repeat=n_agents - 1):
            weight = np.prod([x if there else 1 - x for there in others])
            total += weight * _stage_two(c, r, 1 + sum(others))
        expected.append(total)
    own = float(mixed.probabilities @ np.array(expected))
    assert mixed.payoff == pytest.approx(own, abs=1e-12)
    assert max(expected) - own < 1e-9


@pytest.mark.parametrize(
    ("seats", "n_agents", "chance"), [(2, 858_862, 0.3757), (5, 1_182_787, 0.4053), (400, 10**6, 0.1)]
)
def test_the_quantile_is_exact_where_the_library_is_not(seats: int, n_agents: int, chance: float) -> None:
    # At such points scipy's own quantile misses by 1e-11 now and then; the sum has more digits than a float.
    x = np.longdouble(_beta_upper_quantile(np.array([seats]), np.array([n_agents - seats]), np.array([chance]))[0])
    term = np.exp((n_agents - 1) * np.log1p(-x))
    total = term
    for others in range(1, seats):
        term *= (n_agents - others) / np.longdouble(others) * x / (1 - x)
        total += term
    assert float(total) == pytest.approx(chance, abs=1e-13)


def test_what_is_no_equilibrium_says_so() -> None:
    # v = (1, 3), two seats each. Together in the first casino two get 1, and one of them would get 3 in the second.
    game = ObserveNGame(_row(2, (1.0, 3.0), (2.0, 2.0)))
    assert game.equilibrium(np.array([2, 0])).exploitability == pytest.approx(2)
    assert game.equilibrium(np.array([0, 2])).exploitability == 0
    assert symmetric_profile(game, np.array([0.5, 0.5])).exploitability == pytest.approx(1)  # 3 instead of 2


def test_ties_of_stage_two_go_the_named_way() -> None:
    # r = n = 3 everywhere: all C in the best equilibrium of stage 2, all D in the worst.
    config = _row(3, (1.0,), (3.0,))
    assert pure_equilibria(config, stage="best").best.welfare == pytest.approx(6)
    assert pure_equilibria(config, stage="worst").best.welfare == 0
    assert pure_equilibria(config, stage="worst").best.cooperators.tolist() == [0]


def test_ties_are_filled_so_that_they_harm_least_and_most() -> None:
    # Level places are worth 0. Seats 2 x v 1, 2 x v 3, and one agent too many: it spoils one casino or the other.
    config = _row(5, (1.0, 3.0), (2.0, 2.0))
    extremes = pure_equilibria(config)
    assert extremes.best.occupancy.tolist() == [3, 2]
    assert extremes.best.welfare == pytest.approx(6)
    assert extremes.worst.occupancy.tolist() == [2, 3]
    assert extremes.worst.welfare == pytest.approx(2)


def test_a_casino_that_costs_nothing_takes_all_who_are_too_many() -> None:
    extremes = pure_equilibria(_row(9, (1.0, 0.0), (2.5, 2.5)))
    assert extremes.best.welfare == pytest.approx(3)  # 2 seats x 1.5
    assert extremes.worst.welfare == 0


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="stage must be one of 'best', 'worst', got 'bets'; did you mean 'best'"):
        pure_equilibria(MPGGConfig(), stage="bets")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must not rise with its occupancy"):
        symmetric_equilibrium(_row(4, (1.0, 1.0), (3.0, 3.0), min_players=2))
    with pytest.raises(ValueError, match="at most 50000000 combinations"):
        pure_equilibria(MPGGConfig(n_agents=10**6, mechanism=Pigou()))
    with pytest.raises(ValueError, match="at most 200000 count vectors"):
        enumerate_equilibria(MPGGConfig())
