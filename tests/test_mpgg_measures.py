"""Measures of the migratory public goods game between many agents, by hand."""

from typing import Any

import numpy as np
import pytest
import torch

from mpgg_env.analysis.mean_field.mpgg_measures import (
    casino_values,
    chase,
    cooperation_rate,
    mpgg_measures,
    optimal_welfare,
    own_share_index,
    own_shares,
    panel_of,
    threshold_agreement,
    threshold_rule,
)
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.rollout import Rollout
from mpgg_env.games.mean_field.common.state import MeanFieldState
from mpgg_env.games.mean_field.mpgg.config import MeanFieldMPGGConfig
from tests.support import exactly

# Two casinos: r = 2.4 and 1.2, c = 1 and 2; two coalitions, of a quarter and three quarters of all agents.
GAME = MeanFieldMPGGConfig(
    grid_shape=(1, 2), gain=(2.4, 1.2), cost=(1.0, 2.0), n_coalitions=2, weights=(0.25, 0.75), max_cycles=1
)
# Coalition 0 is in casino 0; coalition 1 half and half: 0.25 + 0.375 = 0.625 in casino 0, 0.375 in casino 1.
PLACES = np.array([[[1.0, 0.0], [0.5, 0.5]]])
SHARES = np.array([[[0.4, 0.0], [0.6, 1.0]]])


def _played(game: MeanFieldMPGGConfig, cooperation: list[list[float]], xp: Any = np) -> Rollout:
    """One step from `PLACES` in which nobody moves and agents cooperate with these probabilities, per coalition."""
    batch = MeanFieldBatch(game, xp)
    state = batch.initial_state([PLACES[:, k] for k in range(2)])
    stay = np.array([1.0, 0, 0, 0, 0])
    actions = tuple(batch.asarray([[[p, *stay] for p in row]]) for row in cooperation)
    following, rewards = batch.step(state, actions)
    return Rollout((state, following), (actions,), rewards[:, None], rewards)


def test_own_shares_are_those_of_the_agents_present() -> None:
    np.testing.assert_allclose(own_shares(GAME, PLACES), SHARES)
    # Nobody is in casino 1: nobody has a share of it.
    np.testing.assert_array_equal(own_shares(GAME, np.array([[1.0, 0], [1.0, 0]])), [[0.25, 0], [0.75, 0]])


def test_coalitions_cooperate_where_gain_times_share_exceeds_one() -> None:
    # 2.4 * 0.4 = 0.96 < 1, 2.4 * 0.6 = 1.44 > 1, 1.2 * 1 = 1.2 > 1; an empty share never cooperates.
    np.testing.assert_array_equal(threshold_rule(GAME, PLACES), [[[False, False], [True, True]]])


def test_the_threshold_is_where_the_reward_changes_its_slope() -> None:
    # The rule follows from the rewards: more cooperation pays a coalition exactly where the rule says so.
    for coalition, casino in ((0, 0), (1, 0), (1, 1)):
        levels = [[0.5, 0.5], [0.5, 0.5]]
        before = _played(GAME, levels).returns[0, coalition]
        levels[coalition][casino] = 0.6
        assert (_played(GAME, levels).returns[0, coalition] > before) == threshold_rule(GAME, PLACES)[
            0, coalition, casino
        ]


@pytest.mark.parametrize("xp", [np, torch])
def test_agreement_and_cooperation_are_means_over_agents(xp: Any) -> None:
    panel = panel_of(_played(GAME, [[0.1, 0.7], [0.8, 0.4]], xp))
    # Coalition 0: 0.9 defect, as demanded. Coalition 1: half 0.8, half 0.4 cooperate, as demanded.
    np.testing.assert_allclose(threshold_agreement(GAME, panel), [[0.25 * 0.9 + 0.75 * 0.6]])
    np.testing.assert_allclose(cooperation_rate(GAME, panel), [[0.25 * 0.1 + 0.75 * 0.6]])


def test_the_own_share_index_is_between_mixed_and_segregated() -> None:
    np.testing.assert_allclose(own_share_index(GAME, PLACES), [0.25 * 0.4 + 0.75 * (0.5 * 0.6 + 0.5)])
    equal = GAME.replace(weights=None)
    np.testing.assert_allclose(own_share_index(equal, np.array([[0.3, 0.7], [0.3, 0.7]])), 0.5)
    np.testing.assert_allclose(own_share_index(equal, np.array([[1.0, 0], [0, 1]])), 1)


def test_welfare_is_measured_by_all_cooperating_in_the_best_casino() -> None:
    np.testing.assert_allclose(casino_values(GAME), [1.4, 0.4])
    assert optimal_welfare(GAME) == pytest.approx(1.4)
    # All cooperate where they are: 0.625 earn 1.4 each, 0.375 earn 0.4.
    found = mpgg_measures(GAME, _played(GAME, [[1, 1], [1, 1]]))
    np.testing.assert_allclose(found.welfare, [(0.625 * 1.4 + 0.375 * 0.4) / 1.4])
    np.testing.assert_allclose(found.best_casino, [0.625])
    np.testing.assert_allclose(found.cooperation, [1])
    np.testing.assert_allclose(found.agreement, [0.75])
    np.testing.assert_allclose(found.own_share, [0.7])


def test_without_a_gain_nobody_should_cooperate_and_there_is_no_share_of_the_optimum() -> None:
    poor = GAME.replace(gain=(0.9, 0.5))
    assert optimal_welfare(poor) == 0
    assert np.isnan(mpgg_measures(poor, _played(poor, [[0, 0], [0, 0]])).welfare).all()


def test_first_steps_may_be_left_out() -> None:
    one = _played(GAME, [[1, 1], [1, 1]])
    other = _played(GAME, [[0, 0], [0, 0]])
    both = Rollout(
        (one.states[0], other.states[0], other.states[1]),
        (*one.actions, *other.actions),
        np.concatenate([one.rewards, other.rewards], 1),
        one.returns,
    )
    np.testing.assert_allclose(mpgg_measures(GAME, both).cooperation, [0.5])
    np.testing.assert_allclose(mpgg_measures(GAME, both, 1).cooperation, [0])
    with pytest.raises(ValueError, match=exactly("first_step must be in [0, 1], got 2")):
        mpgg_measures(GAME, both, 2)


def _walk(*places: list[int]) -> Rollout:
    """Coalitions that are in one casino of four each at every time."""
    mu = np.eye(4)[np.array(places)]  # (K, T + 1, M)
    states = tuple(MeanFieldState(t, tuple(mu[:, None, t])) for t in range(mu.shape[1]))
    nothing = tuple(np.zeros((1, 4, 6)) for _ in places)
    return Rollout(
        states, (nothing,) * (len(states) - 1), np.zeros((1, len(states) - 1, len(places))), np.zeros((1, 2))
    )


def test_a_chaser_comes_as_much_later_as_it_is_behind() -> None:
    path = [0, 1, 2, 3, 3, 2, 0, 1, 1, 3]
    ahead, behind = path[2:], path[:-2]
    found = chase(_walk(ahead, behind), longest=3)
    np.testing.assert_array_equal(found.lags, [-3, -2, -1, 0, 1, 2, 3])
    np.testing.assert_array_equal(found.lag, [2])
    assert found.correlation[0, 5] == pytest.approx(1)
    np.testing.assert_array_equal(chase(_walk(ahead, behind), 1, 0, longest=3).lag, [-2])
    np.testing.assert_array_equal(chase(_walk(path, path), longest=3).lag, [0])


def test_the_correlation_of_changes_by_hand() -> None:
    # Changes: from 0 to 1, from 1 to 2; and from 0 to 1, none. At lag 0 the first ones agree: 2 / sqrt(4 * 2).
    found = chase(_walk([0, 1, 2], [0, 1, 1]), longest=0)
    assert found.correlation[0, 0] == pytest.approx(2 / np.sqrt(8))


def test_nobody_who_stays_is_chased() -> None:
    found = chase(_walk([0, 0, 0, 0], [0, 1, 2, 3]), longest=1)
    assert np.isnan(found.correlation).all()
    assert np.isnan(found.lag).all()
    with pytest.raises(ValueError, match=exactly("longest must be in [0, 1], got 2")):
        chase(_walk([0, 0, 0, 0], [0, 1, 2, 3]), longest=2)
