"""The package's mean-field-type games, in numpy and torch, do what the slow oracle does path by path."""

from __future__ import annotations

import random
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
import torch

from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.rollout import rollout
from mpgg_env.games.mean_field.common.state import MeanFieldState
from tests.mean_field_pairs import DEFAULT_PAIRS, NAMES, contexts, plain, random_pair, stacked
from tests.oracles import mean_field_testing_sets as listed
from tests.oracles.mean_field_oracle import Game, MigratoryGame, step
from tests.oracles.simplex_oracle import factored_normalised, row_normalised
from tests.random_mean_field import random_actions, random_distributions, shapes

pytestmark = pytest.mark.algorithm

LIBRARIES = [np, torch]
CLOSE = 1e-11
library = pytest.mark.parametrize("xp", LIBRARIES, ids=lambda xp: xp.__name__)
every_game = pytest.mark.parametrize("name", NAMES)


def agree(batch: MeanFieldBatch, game: Game, rng: random.Random, size: int) -> None:
    """Plays one step of several random games in both ways."""
    starts, choices = ([draw(rng, game) for _ in range(size)] for draw in (random_distributions, random_actions))
    homes = [rng.randrange(4) for _ in range(size)]
    state = batch.initial_state(stacked(starts, batch), contexts(batch, homes))
    following, rewards = batch.step(state, stacked(choices, batch))
    for b in range(size):
        expected, paid = step(game, starts[b], choices[b], homes[b])
        np.testing.assert_allclose(plain(rewards)[b], [float(r) for r in paid], rtol=0, atol=CLOSE)
        for mu, wanted in zip(following.distributions, expected, strict=True):
            np.testing.assert_allclose(plain(mu)[b], np.array(wanted, float), rtol=0, atol=CLOSE)
    assert following.step == 1


@library
@every_game
@pytest.mark.parametrize("size", [1, 6, 40])  # many games at once may be played in another way than few
def test_a_step_is_the_oracles(size: int, name: str, xp: Any) -> None:
    config, game = DEFAULT_PAIRS[name]()
    batch = MeanFieldBatch(config, xp)
    assert list(batch.shapes) == shapes(game)
    agree(batch, game, random.Random(1), size)


@library
@every_game
def test_a_step_with_other_parameters_is_the_oracles(name: str, xp: Any) -> None:
    rng = random.Random(2)
    for _ in range(12 if name == "mpgg" else 5):
        config, game = random_pair(rng, name)
        agree(MeanFieldBatch(config, xp), game, rng, rng.choice([3, 17]))


@library
@every_game
def test_an_episode_is_the_oracles(name: str, xp: Any) -> None:
    """Under actions that never change: T steps, and their discounted rewards."""
    config, game = DEFAULT_PAIRS[name]()
    batch, rng = MeanFieldBatch(config, xp), random.Random(3)
    start, actions = random_distributions(rng, game), random_actions(rng, game)
    chosen = stacked([actions], batch)
    state = batch.initial_state(stacked([start], batch), contexts(batch, [2]))
    played = rollout(batch, state, [lambda _, action=action: action for action in chosen])  # type: ignore[misc]
    expected: list[Any] = list(start)
    returns = np.zeros(len(start))
    for t in range(config.max_cycles):
        expected, paid = step(game, expected, actions, 2)
        returns += config.discount**t * np.array(paid, float)
    np.testing.assert_allclose(plain(played.returns)[0], returns, rtol=0, atol=100 * CLOSE)
    assert played.states[-1].step == config.max_cycles
    for mu, wanted in zip(played.states[-1].distributions, expected, strict=True):
        np.testing.assert_allclose(plain(mu)[0], np.array(wanted, float), rtol=0, atol=CLOSE)


@library
@every_game
def test_points_of_the_box_become_actions_as_the_oracle_says(name: str, xp: Any) -> None:
    config, game = DEFAULT_PAIRS[name]()
    batch, generator = MeanFieldBatch(config, xp), np.random.default_rng(4)
    boxes = [generator.choice([-1.0, 0.0, 0.25, 3.0], (8, *shape)) for shape in batch.shapes]
    boxes = [np.where(generator.random((*box.shape[:2], 1)) < 0.2, -0.5, box) for box in boxes]  # nothing is left
    normalised = factored_normalised if isinstance(game, MigratoryGame) else row_normalised
    found = batch.normalised(tuple(batch.asarray(box) for box in boxes))
    for box, action in zip(boxes, found, strict=True):
        expected = [[[float(p) for p in normalised(row)] for row in rows] for rows in box.tolist()]
        np.testing.assert_allclose(plain(action), expected, rtol=0, atol=1e-15)


@every_game
def test_clipped_rows_do_not_spoil_gradients(name: str) -> None:
    batch = MeanFieldBatch(DEFAULT_PAIRS[name]()[0], torch)
    boxes = tuple(torch.zeros((2, *shape), dtype=torch.float64, requires_grad=True) for shape in batch.shapes)
    start = batch.testing_state()  # masses of 0 and 1 are among it
    two = batch.initial_state([mu[:2] for mu in start.distributions], contexts(batch, [0, 1]))
    gradients_are_finite(paid_in_three_steps(batch, two, batch.normalised(boxes)), list(boxes))


def paid_in_three_steps(batch: MeanFieldBatch, state: MeanFieldState, actions: tuple[Any, ...]) -> Any:
    """The sum of all rewards: in some games actions change only later ones."""
    return rollout(batch, state, [lambda _, action=action: action for action in actions], 3).rewards.sum()  # type: ignore[misc]


def gradients_are_finite(value: Any, points: list[Any]) -> None:
    """The value depends on every point, and no gradient is infinite or NaN."""
    assert all(bool(torch.isfinite(g).all()) for g in torch.autograd.grad(value, points))


def soft(logits: Any, factored: bool) -> Any:
    """Logits as actions that are inside of the simplex."""
    if not factored:
        return torch.softmax(logits, -1)
    return torch.cat([torch.sigmoid(logits[..., :1]), torch.softmax(logits[..., 1:], -1)], -1)


@every_game
def test_gradients_of_returns_are_those_of_finite_differences(name: str) -> None:
    """Along random directions in the logits of all coalitions; the differences are taken in numpy."""
    config, game = DEFAULT_PAIRS[name]()
    differentiable, plain_batch = MeanFieldBatch(config, torch), MeanFieldBatch(config, np)
    factored, generator = isinstance(game, MigratoryGame), torch.Generator().manual_seed(5)
    drawn = plain_batch.drawn_state(np.random.default_rng(5), 3)
    logits, directions = (
        [torch.randn((3, *shape), dtype=torch.float64, generator=generator) for shape in differentiable.shapes]
        for _ in range(2)
    )
    weights = torch.randn((3, len(logits)), dtype=torch.float64, generator=generator)

    def returns(batch: MeanFieldBatch, points: list[Any]) -> Any:
        actions = [soft(point, factored) for point in points]
        actions = actions if batch is differentiable else [action.numpy() for action in actions]
        state = batch.initial_state(drawn.distributions, drawn.context)
        played = rollout(batch, state, [lambda _, action=action: action for action in actions], 4)  # type: ignore[misc]
        return (played.returns * batch.asarray(weights.numpy())).sum()

    for logit in logits:
        logit.requires_grad_()
    gradients = torch.autograd.grad(returns(differentiable, logits), logits)
    slope = sum(float((g * d).sum()) for g, d in zip(gradients, directions, strict=True))
    h = 1e-5
    with torch.no_grad():
        ahead, behind = (
            returns(plain_batch, [x + sign * h * d for x, d in zip(logits, directions, strict=True)])
            for sign in (1, -1)
        )
    assert slope == pytest.approx((ahead - behind) / (2 * h), rel=1e-5, abs=1e-6)
    assert abs(slope) > 1e-3  # otherwise nothing was compared


@pytest.mark.parametrize("name", ["four_rooms", "distribution_planning"])
def test_gradients_are_finite_where_entropy_and_distance_have_none(name: str) -> None:
    """Mass 1 in one cell (log 0 elsewhere), and a coalition exactly on its target (distance 0)."""
    batch = MeanFieldBatch(DEFAULT_PAIRS[name]()[0], torch)
    states = batch.shapes[0][0]
    target = np.zeros((1, states))
    target[0, [0, 1, 5]] = 1 / 3
    starts = [batch.asarray(target).requires_grad_(), batch.asarray(np.eye(states)[[7]]).requires_grad_()]
    logits = [torch.zeros((1, *shape), dtype=torch.float64, requires_grad=True) for shape in batch.shapes]
    state = batch.initial_state(starts, contexts(batch, [0]))
    value = paid_in_three_steps(batch, state, tuple(soft(logit, False) for logit in logits))
    gradients_are_finite(value, [*starts, *logits])


@library
@every_game
def test_single_precision_stays_single(name: str, xp: Any) -> None:
    config, game = DEFAULT_PAIRS[name]()
    batch, exact, rng = MeanFieldBatch(config, xp, dtype=xp.float32), MeanFieldBatch(config), random.Random(6)
    start, actions = random_distributions(rng, game), random_actions(rng, game)
    found = [
        one.step(one.initial_state(stacked([start], one), contexts(one, [1])), one.normalised(stacked([actions], one)))
        for one in (batch, exact)
    ]
    (state, rewards), (_, expected) = found
    arrays = (*state.distributions, rewards, batch.observations(state))
    assert {str(array.dtype).removeprefix("torch.") for array in arrays} == {"float32"}
    np.testing.assert_allclose(plain(rewards), expected, rtol=1e-4, atol=1e-4)


@every_game
def test_agents_go_where_the_oracle_says_with_its_probabilities(name: str) -> None:
    """Draws spread evenly over [0, 1) turn probabilities into counts, exact up to one per outcome."""
    rng, draws = random.Random(7), 1000
    uniform = (np.arange(draws) + 0.5)[None] / draws
    for config, game in (DEFAULT_PAIRS[name](), random_pair(rng, name), random_pair(rng, name)):
        rules = MeanFieldBatch(config).rules
        mu = random_distributions(rng, game)
        arrays = [np.array([row]) for row in mu]
        for i, (states, columns) in enumerate(shapes(game)):
            moves = columns - isinstance(game, MigratoryGame)
            for state, action in product(np.flatnonzero(rules.support(i)), range(moves)):
                ends = rules.agent_next(i, np.full((1, draws), state), np.full((1, draws), action), uniform, arrays)
                expected = np.zeros(states)
                for probability, end in game.outcomes(i, state, action, mu):
                    expected[end] += float(probability)
                counts = np.bincount(ends[0], minlength=states) / draws
                np.testing.assert_allclose(counts, expected, rtol=0, atol=5 / draws)


def listed_starts(name: str) -> tuple[list[Any], list[int] | None]:
    """A testing set from the list."""
    if name == "four_rooms":
        tests = [[listed.on_cells(cells, 10, 10) for cells in test] for test, _ in listed.FOUR_ROOMS]
        return tests, [home for _, home in listed.FOUR_ROOMS]
    if name in ("predator_prey", "distribution_planning"):
        cells = listed.PREDATOR_PREY if name == "predator_prey" else listed.DISTRIBUTION_PLANNING
        return [[listed.on_cells(one, 5, 5) for one in test] for test in cells], None
    return {"population_matching": listed.POPULATION_MATCHING, "cyber_security": listed.CYBER_SECURITY}[name], None


@library
@pytest.mark.parametrize("name", NAMES[:-1])
def test_testing_sets_are_as_listed(name: str, xp: Any) -> None:
    state = MeanFieldBatch(DEFAULT_PAIRS[name]()[0], xp).testing_state()
    tests, homes = listed_starts(name)
    for i, mu in enumerate(state.distributions):
        np.testing.assert_allclose(plain(mu), np.array([test[i] for test in tests], float), rtol=0, atol=1e-15)
    assert (None if state.context is None else state.context.tolist()) == homes


@pytest.mark.parametrize("name", NAMES)
def test_training_laws_are_reproducible_and_seeds_differ(name: str) -> None:
    batch = MeanFieldBatch(DEFAULT_PAIRS[name]()[0])
    first, again, other = (batch.drawn_state(np.random.default_rng(seed), 5) for seed in (1, 1, 2))
    for i, mu in enumerate(first.distributions):
        np.testing.assert_array_equal(mu, again.distributions[i])
    assert any((mu != other.distributions[i]).any() for i, mu in enumerate(first.distributions))


def drawn(name: str, size: int = 2000) -> tuple[list[Any], Any]:
    """Starts of the training law, checked to be distributions."""
    state = MeanFieldBatch(DEFAULT_PAIRS[name]()[0]).drawn_state(np.random.default_rng(9), size)
    for mu in state.distributions:
        assert (mu >= 0).all()
        np.testing.assert_allclose(mu.sum(1), 1, rtol=0, atol=1e-14)
    for one, two in pairwise(state.distributions):
        assert one.shape != two.shape or (one != two).any()  # coalitions are drawn apart
    return list(state.distributions), state.context


def ratios_are_of_uniform_entries(mu: Any) -> None:
    """Of two entries uniform in (0, 1) the first is below half the second with probability 1/4 (exponential: 1/3)."""
    assert (mu > 0).all()
    assert np.mean(mu[:, 0] < mu[:, 1] / 2) == pytest.approx(0.25, abs=0.04)


def weights_are_dirichlet(mu: Any) -> None:
    """1 to 4 cells, each number as often; of two weights the smaller is uniform in (0, 1/2), with the mean 1/4."""
    counts = (mu > 0).sum(1)
    np.testing.assert_allclose(np.bincount(counts, minlength=5) / len(mu), [0, *[0.25] * 4], atol=0.05)
    pairs = mu[counts == 2]
    assert np.where(pairs > 0, pairs, 1).min(1).mean() == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("name", ["population_matching", "cyber_security"])
def test_dense_training_laws(name: str) -> None:
    for mu in drawn(name)[0]:
        ratios_are_of_uniform_entries(mu)


def test_training_law_of_four_rooms() -> None:
    (first, second), homes = drawn("four_rooms")
    weights_are_dirichlet(first)
    weights_are_dirichlet(second)
    assert (first.sum(0) > 0).all()  # anywhere
    rooms = second.reshape(-1, 2, 5, 2, 5).sum((2, 4)).reshape(-1, 4)
    np.testing.assert_allclose(rooms[np.arange(len(homes)), homes], 1, rtol=0, atol=1e-14)
    np.testing.assert_allclose(np.bincount(homes, minlength=4) / len(homes), 0.25, atol=0.05)


@pytest.mark.parametrize("name", ["predator_prey", "mpgg"])
def test_half_of_a_training_law_is_concentrated(name: str) -> None:
    for mu in drawn(name)[0]:
        concentrated = (mu > 0).sum(1) <= 4
        assert np.mean(concentrated) == pytest.approx(0.5, abs=0.05)
        weights_are_dirichlet(mu[concentrated])
        ratios_are_of_uniform_entries(mu[~concentrated])


def test_training_law_of_distribution_planning() -> None:
    for mu in drawn("distribution_planning")[0]:
        assert set(np.unique(mu)) == {0.0, 1.0}
        share = mu.mean(0)
        assert share[12] == 0
        np.testing.assert_allclose(np.delete(share, 12), 1 / 24, atol=0.02)


@library
def test_observations_are_the_joint_state_and_the_home(xp: Any) -> None:
    batch = MeanFieldBatch(DEFAULT_PAIRS["four_rooms"]()[0], xp)
    state = batch.testing_state()
    seen = plain(batch.observations(state))
    np.testing.assert_array_equal(seen[:, :100], plain(state.distributions[0]))
    np.testing.assert_array_equal(seen[:, 100:200], plain(state.distributions[1]))
    assert seen[:, 200:].tolist() == [[0, 0, 0, 1], [0, 1, 0, 0], [1, 0, 0, 0]]
    assert [batch.own_observations(state, i).shape[1] for i in range(2)] == [100, 104]
