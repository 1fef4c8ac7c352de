"""The solver of stage games: every equilibrium is one, in degenerate games too, and the selection is as named."""

import itertools
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mpgg_agents.errors import MissingExtraError
from mpgg_agents.nash_q import pure_equilibria, solve_stage_game, solve_stage_games
from mpgg_agents.nash_q.compiled import games
from mpgg_agents.nash_q.exact import exact_equilibrium
from mpgg_agents.nash_q.many_players import equilibrium_of_many
from mpgg_agents.nash_q.solver import METHODS
from tests.support import exactly

pytestmark = pytest.mark.algorithm

PENNIES = [[[1, -1], [-1, 1]], [[-1, 1], [1, -1]]]
# Both hunt the stag: 4. Who hunts the hare gets 3, who hunts the stag alone nothing.
STAG_HUNT = [[[4, 0], [3, 3]], [[4, 3], [0, 3]]]
SHAPE = "payoffs must have shape (N, m_1, ..., m_N) with N axes of at least one action"
ROCK_PAPER_SCISSORS = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])


def regret(payoffs, strategies):
    """The largest gain from a deviation, by walking through all joint actions."""
    gains = []
    for i, own in enumerate(strategies):
        worth = [0.0] * len(own)
        for joint in itertools.product(*(range(len(s)) for s in strategies)):
            chance = 1.0
            for j, action in enumerate(joint):
                chance *= strategies[j][action] if j != i else 1.0
            worth[joint[i]] += chance * payoffs[i][joint]
        gains.append(max(worth) - sum(p * w for p, w in zip(own, worth, strict=True)))
    return max(gains)


def check(payoffs, solved):
    payoffs = np.asarray(payoffs, float)
    scale = max(np.ptp(payoffs.reshape(len(payoffs), -1), axis=1).max(), 1e-300)
    for own in solved.strategies:
        assert (own >= 0).all()
        assert abs(own.sum() - 1) < 1e-12
    assert solved.exploitability <= 1e-9 * scale
    assert regret(payoffs, solved.strategies) <= 1e-9 * max(scale, np.abs(payoffs).max())


def brute_force(payoffs):
    """The pure equilibria of one game, one deviation after the other."""
    found = np.zeros(payoffs.shape[1:], bool)
    for joint in np.ndindex(found.shape):
        gains = [
            payoffs[(i, *joint[:i], action, *joint[i + 1 :])] - payoffs[(i, *joint)]
            for i in range(len(payoffs))
            for action in range(found.shape[i])
        ]
        found[joint] = max(gains) <= 0
    return found


def test_games_of_the_textbooks() -> None:
    pennies = solve_stage_game(PENNIES)
    np.testing.assert_allclose(pennies.strategies, 0.5, atol=1e-15)
    np.testing.assert_allclose(pennies.values, 0, atol=1e-15)
    assert pennies.method == "lemke_howson"
    game = solve_stage_game([ROCK_PAPER_SCISSORS, -ROCK_PAPER_SCISSORS])
    np.testing.assert_allclose(game.strategies, 1 / 3, atol=1e-15)
    # Prisoner's dilemma, actions C and D: D is dominant.
    dilemma = solve_stage_game([[[3, 0], [5, 1]], [[3, 5], [0, 1]]])
    assert dilemma.method == "pure"
    assert dilemma.exploitability == 0
    assert [own.tolist() for own in dilemma.strategies] == [[0, 1], [0, 1]]
    assert dilemma.values.tolist() == [1, 1]


def test_a_game_with_a_mixed_equilibrium_of_known_probabilities() -> None:
    # Either mixes so that the other one is indifferent: 3 (1 - p) = 2 p, and 4 q = 1 - q.
    solved = solve_stage_game([[[4, 0], [0, 1]], [[0, 2], [3, 0]]])
    np.testing.assert_allclose(solved.strategies[0], [3 / 5, 2 / 5], atol=1e-14)
    np.testing.assert_allclose(solved.strategies[1], [1 / 5, 4 / 5], atol=1e-14)
    np.testing.assert_allclose(solved.values, [4 / 5, 6 / 5], atol=1e-14)


@pytest.mark.parametrize(
    ("selection", "actions"),
    # Losses from deviating alone: 1 x 1 where both hunt the stag, 3 x 3 where both hunt the hare.
    [("first", [0, 0]), ("social", [0, 0]), ("risk_dominant", [1, 1])],
)
def test_selection(selection, actions) -> None:
    solved = solve_stage_game(STAG_HUNT, selection)
    assert [int(own.argmax()) for own in solved.strategies] == actions


def test_first_is_lexicographic_and_social_sums_over_players() -> None:
    # Equilibria at (0, 1) and (1, 0), the second one with the higher sum.
    payoffs = [[[0, 2], [1, 0]], [[0, 1], [9, 0]]]
    assert [int(own.argmax()) for own in solve_stage_game(payoffs).strategies] == [0, 1]
    assert [int(own.argmax()) for own in solve_stage_game(payoffs, "social").strategies] == [1, 0]


def test_risk_dominance_does_not_depend_on_the_units_of_a_player() -> None:
    payoffs = np.array(STAG_HUNT, float)
    payoffs[0] = 1000 * payoffs[0] + 7
    assert [int(own.argmax()) for own in solve_stage_game(payoffs, "risk_dominant").strategies] == [1, 1]


def test_risk_dominance_looks_at_the_smallest_loss_of_each_player() -> None:
    # At (0, 0) everybody loses at least 2 and at most 9, at (1, 1) everybody loses 3 by any deviation: 4 against 9.
    own = np.array([[9, 0, 0], [7, 3, 0], [0, 0, 0]], float)
    payoffs = np.stack([own, own.T])
    assert brute_force(payoffs)[:2, :2].diagonal().all()
    assert [int(s.argmax()) for s in solve_stage_game(payoffs, "risk_dominant").strategies] == [1, 1]
    assert [int(s.argmax()) for s in solve_stage_game(payoffs, "social").strategies] == [0, 0]


def test_exploitability_is_that_of_the_strategies() -> None:
    # Both hunt the stag or the hare with even chances: the hare pays 3 for sure, the stag 2, the mixture 2.5.
    payoffs, half = np.array(STAG_HUNT, float).reshape(2, 4), np.full((2, 2), 0.5)
    values, gains = np.empty(2), np.empty(2)
    counts, strides = np.array([2, 2]), np.array([2, 1])
    largest = games.settle(payoffs, counts, strides, np.empty((2, 4)), np.empty((2, 2)), half, values, gains)
    assert values.tolist() == [2.5, 2.5]
    assert gains.tolist() == [0.5, 0.5]
    assert largest == 0.5 / 4


@given(
    st.tuples(st.integers(1, 4), st.integers(1, 4)).flatmap(
        lambda shape: arrays(np.float64, (2, *shape), elements=st.integers(0, 2).map(float))
    )
)
@settings(max_examples=300)
def test_degenerate_games_of_two_players(payoffs) -> None:
    solved = solve_stage_game(payoffs)
    check(payoffs, solved)
    assert (solved.method == "pure") == brute_force(payoffs).any()


@given(arrays(np.float64, (2, 3, 3), elements=st.floats(-1e300, 1e300)))
@settings(max_examples=200)
def test_payoffs_of_any_size(payoffs) -> None:
    solved = solve_stage_game(payoffs)
    scale = np.ptp(payoffs.reshape(2, -1), axis=1)
    assert solved.exploitability <= 1e-9 * max(scale.max(), 1e-300)


@pytest.mark.parametrize("scale", [1e-320, 1e-150, 1e150, 1e307])
def test_matching_pennies_of_any_size(scale) -> None:
    solved = solve_stage_game(scale * np.array(PENNIES, float))
    np.testing.assert_allclose(solved.strategies, 0.5, atol=1e-4 if scale < 1e-300 else 1e-14)


def test_payoffs_far_from_zero() -> None:
    solved = solve_stage_game(1e9 + np.array(PENNIES, float))
    np.testing.assert_allclose(solved.strategies, 0.5, atol=1e-14)
    assert solved.exploitability < 1e-9


def test_batches_agree_with_single_games_and_quantecon_accepts_them() -> None:
    from quantecon.game_theory import NormalFormGame

    games = np.random.default_rng(5).random((300, 2, 5, 5))
    solved = solve_stage_games(games)
    assert 50 < (solved.methods == METHODS.index("lemke_howson")).sum() < 200
    assert (solved.exploitability < 1e-12).all()
    for g, payoffs in enumerate(games):
        single = solve_stage_game(payoffs)
        profile = [own[g] for own in solved.strategies]
        assert all((a == b).all() for a, b in zip(profile, single.strategies, strict=True))
        theirs = NormalFormGame(np.moveaxis(payoffs, 0, -1).copy())
        assert theirs.is_nash(profile, tol=1e-9)


def test_the_only_equilibrium_of_a_game_is_the_one_that_quantecon_lists() -> None:
    from quantecon.game_theory import NormalFormGame, support_enumeration

    compared = 0
    for payoffs in np.random.default_rng(6).random((150, 2, 4, 3)):
        listed = support_enumeration(NormalFormGame(np.moveaxis(payoffs, 0, -1).copy()))
        if len(listed) == 1:
            compared += 1
            for own, theirs in zip(solve_stage_game(payoffs).strategies, listed[0], strict=True):
                np.testing.assert_allclose(own, theirs, atol=1e-9)
    assert compared > 50


def test_rational_arithmetic_gives_exact_equilibria_of_degenerate_games() -> None:
    generator = np.random.default_rng(7)
    for shape in [(3, 3), (2, 4), (1, 3), (4, 1)] * 20:
        first, second = generator.integers(0, 3, (2, *shape)).astype(float)
        x, y = exact_equilibrium(first, second)
        assert sum(x) == sum(y) == 1
        row_worth = [sum(Fraction(a) * q for a, q in zip(row, y, strict=True)) for row in first.tolist()]
        column_worth = [sum(Fraction(b) * p for b, p in zip(column, x, strict=True)) for column in second.T.tolist()]
        assert sum(p * w for p, w in zip(x, row_worth, strict=True)) == max(row_worth)
        assert sum(q * w for q, w in zip(y, column_worth, strict=True)) == max(column_worth)


def test_what_the_floating_pivots_leave_unsolved_is_solved_exactly(monkeypatch) -> None:
    monkeypatch.setattr(games, "solve_game", lambda *_: games.UNSOLVED)
    monkeypatch.setattr(games, "solve_games", lambda *arguments: arguments[-1].fill(games.UNSOLVED))
    solved = solve_stage_game([ROCK_PAPER_SCISSORS, -ROCK_PAPER_SCISSORS])
    assert solved.method == "exact"
    np.testing.assert_allclose(solved.strategies, 1 / 3, atol=1e-16)


@pytest.mark.parametrize(("n_players", "n_actions", "games"), [(3, 2, 60), (3, 3, 25), (4, 2, 25)])
def test_games_of_more_players(n_players, n_actions, games) -> None:
    generator = np.random.default_rng(n_players * n_actions)
    mixed = 0
    while mixed < games:
        whole = generator.integers(0, 4, (n_players, *(n_actions,) * n_players)).astype(float)
        payoffs = whole if mixed % 2 else generator.random(whole.shape)
        if not brute_force(payoffs).any():
            mixed += 1
            solved = solve_stage_game(payoffs)
            assert solved.method == "mclennan_tourky"
            check(payoffs, solved)


def test_three_players_with_known_probabilities() -> None:
    # Each of three wants to be the one who differs from the next one on a circle: nobody does in pure strategies but
    # all mix evenly.
    joint = np.indices((2, 2, 2))
    payoffs = np.stack([joint[i] != joint[(i + 1) % 3] for i in range(3)]).astype(float)
    assert not brute_force(payoffs).any()
    np.testing.assert_allclose(solve_stage_game(payoffs).strategies, 0.5, atol=1e-9)


def test_a_player_with_one_action_leaves_a_game_of_the_others() -> None:
    payoffs = np.zeros((3, 2, 1, 2))
    payoffs[0, :, 0], payoffs[2, :, 0], payoffs[1] = *np.array(PENNIES), 5
    solved = solve_stage_game(payoffs)
    assert solved.method == "lemke_howson"
    assert [len(own) for own in solved.strategies] == [2, 1, 2]
    for own in solved.strategies:
        np.testing.assert_allclose(own, 1 / len(own), atol=1e-15)
    np.testing.assert_allclose(solved.values, [0, 5, 0], atol=1e-15)


@pytest.mark.parametrize("shape", [(2, 2, 2), (2, 5, 3), (3, 2, 3, 2), (4, 2, 2, 2, 2), (2, 1, 4)])
def test_pure_equilibria_in_batches(shape) -> None:
    games = np.random.default_rng(8).integers(0, 3, (50, *shape)).astype(float)
    found = pure_equilibria(games)
    assert found.any()
    assert not found.all()
    for payoffs, marked in zip(games, found, strict=True):
        assert (marked == brute_force(payoffs)).all()


def test_without_quantecon_the_error_names_the_extra(monkeypatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "quantecon", None)
    monkeypatch.setitem(sys.modules, "quantecon.game_theory", None)
    with pytest.raises(MissingExtraError, match=r'needs quantecon, which .*: pip install "mpgg-env\[equilibria\]"$'):
        equilibrium_of_many(np.zeros((3, 2, 2, 2)))


@pytest.mark.parametrize(
    ("payoffs", "message"),
    [
        (np.zeros((2, 3)), f"{SHAPE}, got (2, 3)"),
        (np.zeros((2, 3, 0)), f"{SHAPE}, got (2, 3, 0)"),
        ([[[1, np.nan]], [[1, 2]]], "payoffs must be finite and within +-8e+307, got nan"),
        ([[[1, 1e308]], [[1, 2]]], "payoffs must be finite and within +-8e+307, got 1e+308"),
    ],
)
def test_bad_payoffs(payoffs, message) -> None:
    with pytest.raises(ValueError, match=exactly(message)):
        solve_stage_game(payoffs)


def test_bad_selection() -> None:
    with pytest.raises(ValueError, match=r"^selection must be one of .*'risk_dominant', got 'sociall'; did you mean"):
        solve_stage_game(PENNIES, "sociall")


@pytest.mark.parametrize("selection", ["first", "social", "risk_dominant"])
@pytest.mark.parametrize("sign", [1, -1])
def test_sums_of_the_largest_payoffs_do_not_overflow(selection, sign) -> None:
    # Three players who all get the same: the only equilibria are 0, 0, 0 and 1, 1, 1, of which the latter is better.
    payoffs = np.full((3, 2, 2, 2), -8e307)
    payoffs[:, 0, 0, 0], payoffs[:, 1, 1, 1] = (6e307, 7e307) if sign > 0 else (-7.9e307, -7.8e307)
    solved = solve_stage_game(payoffs, selection)
    assert solved.method == "pure"
    best = 0 if selection == "first" else 1
    assert [own.argmax() for own in solved.strategies] == [best] * 3
    assert solved.values.tolist() == payoffs[:, best, best, best].tolist()


@pytest.mark.parametrize("selection", ["first", "social", "risk_dominant"])
def test_the_lowest_payoffs_of_all_are_an_equilibrium_too(selection) -> None:
    solved = solve_stage_game(np.full((3, 2, 2, 2), -8e307), selection)
    assert (solved.method, [own.tolist() for own in solved.strategies]) == ("pure", [[1, 0]] * 3)


def test_no_games_have_no_equilibria() -> None:
    solved = solve_stage_games(np.zeros((0, 2, 3, 4)))
    assert [own.shape for own in solved.strategies] == [(0, 3), (0, 4)]
    assert (solved.values.shape, solved.exploitability.shape, solved.methods.shape) == ((0, 2), (0,), (0,))
    assert pure_equilibria(np.zeros((0, 2, 3, 4))).shape == (0, 3, 4)


@pytest.mark.parametrize(
    ("payoffs", "message"),
    [
        (np.zeros((2, 2, 2), complex), "payoffs must be real numbers, got complex128"),
        ([[["a"]]], "payoffs must be real numbers, got <U1"),
        ([[{}]], "payoffs must be real numbers: "),
    ],
)
def test_payoffs_that_are_no_numbers_are_named(payoffs, message) -> None:
    with pytest.raises(TypeError, match="^" + re.escape(message)):
        solve_stage_game(payoffs)


@pytest.mark.parametrize(
    ("payoffs", "message"),
    [
        ([[[1, 2], [3]]], "payoffs must be an array with rows of equal lengths: "),
        ([[[10**400]]], "payoffs must be fin"),
    ],
)
def test_payoffs_of_no_shape_or_size_are_named(payoffs, message) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        solve_stage_game(payoffs)
