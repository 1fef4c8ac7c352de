"""Mean-field games on grids: their tables, and exact values and best responses there."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch

from mpgg_env import DilemmaWarning
from mpgg_env.analysis.mean_field.tabular_profile import TabularProfile
from mpgg_env.analysis.mean_field.tabular_response import best_response, exploitability, profile_values
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.discretised import DiscretisedGame
from mpgg_env.games.mean_field.common.rollout import rollout
from mpgg_env.games.mean_field.cyber_security.config import CyberSecurityConfig
from mpgg_env.games.mean_field.four_rooms.config import FourRoomsConfig
from mpgg_env.games.mean_field.mpgg.config import MeanFieldMPGGConfig
from mpgg_env.games.mean_field.population_matching.config import PopulationMatchingConfig
from tests.oracles.mean_field_oracle import CyberSecurity, PopulationMatching, step
from tests.oracles.simplex_oracle import largest_remainder

pytestmark = pytest.mark.filterwarnings(f"ignore::{DilemmaWarning.__module__}.{DilemmaWarning.__name__}")


def casinos(columns: int, **settings: Any) -> MeanFieldMPGGConfig:
    return MeanFieldMPGGConfig(grid_shape=(1, columns), **settings)


MATCHING = DiscretisedGame(PopulationMatchingConfig(), 2, 1)
CASINOS = DiscretisedGame(casinos(2), 3, 1)
CYBER = DiscretisedGame(CyberSecurityConfig(), 2, 1)


def random_profile(game: DiscretisedGame, seed: int, support: int) -> TabularProfile:
    """Mixtures of a few central actions each."""
    generator = np.random.default_rng(seed)
    strategies = []
    for count in game.n_actions:
        weights = generator.random((game.n_states, count)) + 1e-3
        weights[generator.random(weights.shape).argsort(1) >= support] = 0.0
        strategies.append(weights / weights.sum(1, keepdims=True))
    return TabularProfile(game, tuple(strategies))


def solved_values(profile: TabularProfile) -> FloatArray:
    """Values by one system of linear equations, (m, states)."""
    game = profile.game
    first, second = profile.strategies
    joint = first[:, :, None] * second[:, None, :]
    chain = np.zeros((game.n_states, game.n_states))
    for s in range(game.n_states):
        np.add.at(chain[s], game.next_index[s].ravel(), joint[s].ravel())
    rewards = (joint * game.rewards).sum((2, 3))
    return np.asarray(np.linalg.solve(np.eye(game.n_states) - game.config.discount * chain, rewards.T).T)


@pytest.mark.parametrize(
    ("config", "n_states_grid", "sizes"),
    [
        # 21 points of 3 states, all maps of 3 states to 3 actions.
        (PopulationMatchingConfig(), 5, (441, 27, 27)),
        # Two casinos: 11 points; in each C or D, and stay or the one move that is not blocked.
        (casinos(2), 10, (121, 16, 16)),
        # Three: 21 points; the middle one has two moves: 4 * 6 * 4.
        (casinos(3), 5, (441, 96, 96)),
        (casinos(2, n_coalitions=3), 2, (27, 16, 16, 16)),
        (casinos(2, n_coalitions=1), 4, (5, 16)),
        # C(7, 3) and 4 points; keep or switch in 4 and 2 states.
        (CyberSecurityConfig(), 4, (35 * 5, 16, 4)),
    ],
)
def test_sizes(config: Any, n_states_grid: int, sizes: tuple[int, ...]) -> None:
    game = DiscretisedGame(config, n_states_grid, 1)
    assert (game.n_states, *game.n_actions) == sizes


def test_actions_of_two_casinos_are_the_legal_ones() -> None:
    # P(C), then stay, up, down, left, right.
    stay, right, left = [1, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 1, 0]
    first, second = CASINOS.batch.rules.action_rows(0, 1)
    assert first.tolist() == [[0, *stay], [0, *right], [1, *stay], [1, *right]]
    assert second.tolist() == [[0, *stay], [0, *left], [1, *stay], [1, *left]]
    assert CASINOS.actions[0][5].tolist() == [[0, *right], [0, *left]]


def test_on_a_torus_of_two_casinos_left_and_right_are_one_action() -> None:
    assert DiscretisedGame(casinos(2, boundary="torus"), 2, 1).n_actions == (16, 16)


def test_finer_actions_of_casinos() -> None:
    game = DiscretisedGame(casinos(2), 2, 2)
    # P(C) in {0, 1/2, 1}, and 0, 1/2 or 1 of the mass leaves.
    assert game.n_actions == (81, 81)
    assert {float(p) for p in game.actions[0][:, :, 0].ravel()} == {0.0, 0.5, 1.0}
    np.testing.assert_allclose(game.actions[0][:, :, 1:].sum(-1), 1.0)


@pytest.mark.parametrize(
    ("game", "oracle"), [(MATCHING, PopulationMatching()), (CYBER, CyberSecurity())], ids=["matching", "cyber"]
)
def test_tables_are_one_step_of_the_oracle_and_then_the_nearest_point(game: DiscretisedGame, oracle: Any) -> None:
    generator = np.random.default_rng(0)
    for _ in range(100):
        s, *chosen = (int(generator.integers(size)) for size in game.next_index.shape)
        before = [mu[0].tolist() for mu in game.distributions(np.array([s]))]
        actions = [game.actions[i][a].tolist() for i, a in enumerate(chosen)]
        after, rewards = step(oracle, before, actions)[:2]
        expected = [largest_remainder([float(share) for share in mu], game.n_states_grid) for mu in after]
        reached = game.distributions(np.array([game.next_index[(s, *chosen)]]))
        assert [(mu[0] * game.n_states_grid).round().astype(int).tolist() for mu in reached] == expected
        np.testing.assert_allclose(game.rewards[(slice(None), s, *chosen)], [float(r) for r in rewards], atol=1e-12)


def test_states_are_numbered_with_the_first_coalition_first() -> None:
    states = np.arange(MATCHING.n_states)
    state = MATCHING.batch.initial_state(MATCHING.distributions(states))
    assert MATCHING.index(state).tolist() == states.tolist()
    assert [own.tolist() for own in MATCHING.own_indices(np.array([0, 1, 6]))] == [[0, 0, 1], [0, 1, 0]]
    tensors = MeanFieldBatch(MATCHING.config, torch).initial_state(state.distributions)
    assert MATCHING.index(tensors).tolist() == states.tolist()


def test_games_that_are_too_large_are_refused_with_their_sizes() -> None:
    text = "got 10^150: 10^10 states times 10^70 times 10^70 actions, with n_states_grid = 3 and n_actions_grid = 1"
    with pytest.raises(ValueError, match=re.escape(text)):
        DiscretisedGame(FourRoomsConfig(), 3, 1)
    with pytest.raises(ValueError, match=r"got 76,317,696: 8,281 states times 96 times 96 actions"):
        DiscretisedGame(casinos(3), 12, 1)
    with pytest.raises(ValueError, match=r"^n_states_grid must be >= 1, got 0$"):
        DiscretisedGame(PopulationMatchingConfig(), 0, 1)


@pytest.mark.parametrize("game", [MATCHING, CASINOS], ids=["matching", "casinos"])
@pytest.mark.parametrize("support", [1, 3])
def test_values_of_profiles_solve_their_equations(game: DiscretisedGame, support: int) -> None:
    profile = random_profile(game, 0, support)
    np.testing.assert_allclose(profile_values(profile), solved_values(profile), atol=1e-10)


@pytest.mark.parametrize("game", [MATCHING, CASINOS], ids=["matching", "casinos"])
@pytest.mark.parametrize("support", [1, 3])
def test_best_responses_are_worth_what_they_say_and_nothing_is_better(game: DiscretisedGame, support: int) -> None:
    profile = random_profile(game, 1, support)
    for coalition in range(2):
        response = best_response(profile, coalition)
        own = np.eye(game.n_actions[coalition])[response.actions]
        strategies = [own if i == coalition else profile.strategies[i] for i in range(2)]
        deviating = solved_values(TabularProfile(game, tuple(strategies)))[coalition]
        np.testing.assert_allclose(response.values, deviating, atol=1e-10)
        # Bellman's equation: no other first action is better, so that no other policy is.
        gains = game.rewards[coalition] + game.config.discount * deviating[game.next_index]
        others = profile.strategies[1 - coalition]
        expected = np.einsum("sab,sb->sa" if coalition == 0 else "sba,sb->sa", gains, others)
        assert (expected <= deviating[:, None] + 1e-10).all()
        gain = deviating - solved_values(profile)[coalition]
        np.testing.assert_allclose(exploitability(profile)[coalition], gain, atol=1e-10)


def test_with_a_horizon_of_one_step_values_are_rewards() -> None:
    profile = random_profile(MATCHING, 2, 3)
    first, second = profile.strategies
    rewards = np.einsum("sa,sb,isab->is", first, second, MATCHING.rewards)
    np.testing.assert_allclose(profile_values(profile, 1), rewards, atol=1e-12)
    best = np.einsum("sa,sab->sb", first, MATCHING.rewards[1]).max(1)
    np.testing.assert_allclose(best_response(profile, 1, 1).values, best, atol=1e-12)


def test_values_with_a_horizon_are_those_of_play_that_stays_on_the_grid() -> None:
    # Without noise and with whole moves, the exact game never leaves the points of the grid.
    game = DiscretisedGame(PopulationMatchingConfig(noise=(1.0, 0.0, 0.0), max_cycles=7), 3, 1)
    generator = np.random.default_rng(0)
    profile = TabularProfile.pure(game, [generator.integers(0, n, game.n_states) for n in game.n_actions])
    start = game.batch.initial_state(game.distributions(np.arange(game.n_states)))
    played = rollout(game.batch, start, profile.policies())
    np.testing.assert_allclose(played.returns.T, profile_values(profile, 7), atol=1e-10)
    tensors = MeanFieldBatch(game.config, torch)
    again = rollout(tensors, tensors.initial_state(start.distributions), profile.policies())
    np.testing.assert_allclose(again.returns.numpy(), played.returns, atol=1e-12)


def test_mixtures_are_drawn_as_often_as_they_say_and_the_coalitions_draw_apart() -> None:
    profile = random_profile(CASINOS, 3, 3)
    size, s = 20_000, 5
    state = CASINOS.batch.initial_state(CASINOS.distributions(np.full(size, s)))
    drawn = []
    for i, policy in enumerate(profile.policies(seed=7)):
        same = (policy(state)[:, None] == CASINOS.actions[i]).all((2, 3))
        assert (same.sum(1) == 1).all()
        drawn.append(same.astype(float))
        # Four standard deviations of a share are at most 4 * 0.5 / sqrt(20000) = 0.014.
        np.testing.assert_allclose(same.mean(0), profile.strategies[i][s], atol=0.015)
        assert (policy(state) == profile.policies(seed=7)[i](state)).all()
        assert (policy(state) != profile.policies(seed=8)[i](state)).any()
    joint = np.einsum("ba,bc->ac", *drawn) / size
    np.testing.assert_allclose(joint, np.outer(profile.strategies[0][s], profile.strategies[1][s]), atol=0.015)


def test_without_a_seed_the_likeliest_action_is_played() -> None:
    profile = random_profile(CASINOS, 4, 2)
    assert profile.mixed.all()
    state = CASINOS.batch.initial_state(CASINOS.distributions(np.arange(CASINOS.n_states)))
    for i, policy in enumerate(profile.policies()):
        assert (policy(state) == CASINOS.actions[i][profile.strategies[i].argmax(1)]).all()


def test_profiles_of_another_shape_or_sum_are_refused() -> None:
    first, second = random_profile(CASINOS, 0, 2).strategies
    with pytest.raises(ValueError, match=r"^strategies must have the shapes \[\(16, 16\), \(16, 16\)\], got "):
        TabularProfile(CASINOS, (first, second[:-1]))
    with pytest.raises(ValueError, match=r"^strategies\[1\] must be nonnegative with rows that sum to 1$"):
        TabularProfile(CASINOS, (first, 2 * second))
