"""Many games at once are moved without the kernel's zeros: to the same places."""

import random

import numpy as np
import pytest

from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.motion import flow_of, following_distribution
from mpgg_env.games.mean_field.common.moves import FEW, MovesRules, arriving
from mpgg_env.games.mean_field.registry import config_class
from tests.mean_field_pairs import contexts, random_pair, stacked
from tests.random_mean_field import random_actions, random_distributions

pytestmark = pytest.mark.algorithm

MOVING = ("four_rooms", "predator_prey", "distribution_planning", "mpgg")


@pytest.mark.parametrize("name", MOVING)
def test_many_games_move_as_by_the_product_with_the_kernel(name: str) -> None:
    rng = random.Random(4)
    for size in (FEW - 1, FEW, 3 * FEW):
        config, game = random_pair(rng, name)
        batch = MeanFieldBatch(config)
        assert isinstance(batch.rules, MovesRules)
        starts, choices = ([draw(rng, game) for _ in range(size)] for draw in (random_distributions, random_actions))
        state = batch.initial_state(stacked(starts, batch), contexts(batch, [1] * size))
        actions = stacked(choices, batch)
        found = batch.step(state, actions)[0].distributions
        for mu, action, kernel, moved in zip(
            state.distributions, actions, batch.rules.kernels(state.distributions), found, strict=True
        ):
            expected = following_distribution(batch.rules.movement(flow_of(mu, action)), kernel)
            np.testing.assert_allclose(moved, expected, rtol=0, atol=1e-15)


def test_what_arrives_on_three_cells_in_a_row() -> None:
    # Moves left, right, stay; the cells 0, 1, 2. In 0 end its own left and stay and the left of 1, and so on.
    table = np.array([[0, 1, 0], [0, 2, 1], [1, 2, 2]])
    assert sorted(map(sorted, arriving(table).T.tolist())) == [[0, 2, 3], [1, 5, 6], [4, 7, 8]]


def test_moves_that_are_no_pairs_are_refused_and_those_from_where_nobody_is_do_not_count() -> None:
    # Cell 1 can be left, but not entered.
    table = np.array([[0, 0, 0], [0, 2, 1], [2, 2, 2]])
    with pytest.raises(AssertionError, match="opposite pairs"):
        arriving(table)
    assert sorted(arriving(table, (1,))[:, 1]) == [3, 4, 5]


@pytest.mark.parametrize("name", MOVING)
def test_games_that_fill_several_blocks_are_the_same_games(name: str) -> None:
    batch, rng = MeanFieldBatch(config_class(name)()), np.random.default_rng(5)
    size = 2 * batch.block + 7
    state = batch.drawn_state(rng, size)
    actions = batch.normalised(tuple(rng.random((size, *shape)) for shape in batch.shapes))
    following, rewards = batch.step(state, actions)
    assert rewards.shape == (size, batch.n_coalitions)
    for k in (0, batch.block - 1, batch.block, size - 1):
        one = slice(k, k + 1)
        context = None if state.context is None else state.context[one]
        alone = batch.initial_state(tuple(mu[one] for mu in state.distributions), context)
        after, paid = batch.step(alone, tuple(action[one] for action in actions))
        np.testing.assert_allclose(rewards[one], paid, rtol=0, atol=1e-12)
        for mu, nu in zip(following.distributions, after.distributions, strict=True):
            np.testing.assert_allclose(mu[one], nu, rtol=0, atol=1e-15)
    assert following.context is state.context
    assert following.step == 1
