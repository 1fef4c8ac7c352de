"""What must hold in every mean-field-type game, whatever the parameters, distributions and actions."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from tests.mean_field_pairs import NAMES, contexts, plain, random_pair, stacked
from tests.oracles.mean_field_oracle import DOORS, Game, MigratoryGame
from tests.random_mean_field import Rows, random_actions, random_distributions

pytestmark = pytest.mark.algorithm

seeds = st.integers(0, 2**32 - 1)


def played(config: Any, start: Rows, actions: list[Rows], home: int = 0, xp: Any = np) -> tuple[list[Any], Any]:
    """Distributions after a step and rewards of a single game."""
    batch = MeanFieldBatch(config, xp)
    state = batch.initial_state(stacked([start], batch), contexts(batch, [home]))
    following, rewards = batch.step(state, stacked([actions], batch))
    return [plain(mu)[0] for mu in following.distributions], plain(rewards)[0]


def drawn(rng: random.Random, game: Game) -> tuple[Rows, list[Rows]]:
    return random_distributions(rng, game), random_actions(rng, game)


@pytest.mark.parametrize("name", NAMES)
@given(seed=seeds)
@settings(max_examples=25)
def test_mass_is_conserved(name: str, seed: int) -> None:
    rng = random.Random(seed)
    config, game = random_pair(rng, name)
    for mu in played(config, *drawn(rng, game), xp=rng.choice([np, torch]))[0]:
        assert (mu >= 0).all()
        assert mu.sum() == pytest.approx(1, abs=1e-14)


@given(row=st.integers(0, 9), column=st.integers(0, 9), seed=seeds)
@settings(max_examples=60)
def test_rooms_are_left_through_doors_alone(row: int, column: int, seed: int) -> None:
    """A step is two moves: who is more than one move away from every door stays in its room, others may leave it."""
    rng = random.Random(seed)
    config, game = random_pair(rng, "four_rooms")
    start = [[float(s == row * 10 + column) for s in range(100)]] * 2
    following, _ = played(replace(config, noise=0.5), start, [[[0.2] * 5] * 100] * 2)
    room = following[0].reshape(2, 5, 2, 5).sum((1, 3))[row // 5, column // 5]
    cells = [cell for door in DOORS for cell in door if game.room(cell) == game.room((row, column))]  # type: ignore[attr-defined]
    away = min(abs(row - r) + abs(column - c) for r, c in cells)
    assert room == pytest.approx(1, abs=1e-14) if away > 1 else room < 0.99


@given(seed=seeds)
@settings(max_examples=25)
def test_the_forbidden_cell_stays_empty(seed: int) -> None:
    rng = random.Random(seed)
    config, game = random_pair(rng, "distribution_planning")
    for mu in played(config, *drawn(rng, game))[0]:
        assert mu[12] == 0


def test_no_mass_can_start_on_the_forbidden_cell() -> None:
    batch = MeanFieldBatch(random_pair(random.Random(0), "distribution_planning")[0])
    with pytest.raises(ValueError, match=r"distributions\[1\] must be 0 in the states \[12\]"):
        batch.initial_state([np.eye(25)[[0]], np.eye(25)[[12]]])


@given(seed=seeds)
@settings(max_examples=25)
def test_what_predators_win_prey_loses(seed: int) -> None:
    """Without costs of moving the rewards sum to 0; with them to what all pay."""
    rng = random.Random(seed)
    config, game = random_pair(rng, "predator_prey")
    start, actions = drawn(rng, game)
    assert played(replace(config, move_cost=0.0), start, actions)[1].sum() == pytest.approx(0, abs=1e-12)
    moved = sum(m * (1 - row[2]) for mu, a in zip(start, actions, strict=True) for m, row in zip(mu, a, strict=True))
    assert played(config, start, actions)[1].sum() == pytest.approx(-config.move_cost * moved, abs=1e-11)


@given(seed=seeds, turn=st.integers(1, 2))
@settings(max_examples=25)
def test_the_ring_has_no_first_place(seed: int, turn: int) -> None:
    rng = random.Random(seed)
    config, game = random_pair(rng, "population_matching")
    start, actions = drawn(rng, game)
    turned = [[mu[turn:] + mu[:turn] for mu in start], [a[turn:] + a[:turn] for a in actions]]
    (before, paid), (after, again) = played(config, start, actions), played(config, *turned)
    np.testing.assert_allclose(paid, again, rtol=0, atol=1e-14)
    for mu, nu in zip(before, after, strict=True):
        np.testing.assert_allclose(np.roll(mu, -turn), nu, rtol=0, atol=1e-14)


@given(seed=seeds)
@settings(max_examples=40)
def test_coalitions_of_the_migratory_game_have_no_order(seed: int) -> None:
    rng = random.Random(seed)
    config, game = random_pair(rng, "mpgg")
    start, actions = drawn(rng, game)
    order = rng.sample(range(len(start)), len(start))
    other = replace(config, weights=tuple(config.shares[k] for k in order))
    (before, paid), (after, again) = (
        played(config, start, actions),
        played(other, [start[k] for k in order], [actions[k] for k in order]),
    )
    np.testing.assert_allclose(paid[order], again, rtol=0, atol=1e-12)
    for k, mu in zip(order, after, strict=True):
        np.testing.assert_allclose(before[k], mu, rtol=0, atol=1e-15)


@given(seed=seeds)
@settings(max_examples=40)
def test_what_a_casino_pays_is_what_cooperators_put_in_times_its_gain(seed: int) -> None:
    """All payoffs of a casino sum to (r - 1) c times its cooperators ([MPGG2025] section 2.1)."""
    rng = random.Random(seed)
    config, game = random_pair(rng, "mpgg")
    assert isinstance(game, MigratoryGame)
    start, actions = drawn(rng, game)
    welfare = sum(
        w * mu[m] * rows[m][0] * c * (r - 1)
        for w, mu, rows in zip(game.weights, start, actions, strict=True)
        for m, (c, r) in enumerate(zip(game.costs, game.gains, strict=True))
    )
    assert np.dot(config.shares, played(config, start, actions)[1]) == pytest.approx(welfare, abs=1e-11)


@given(seed=seeds)
@settings(max_examples=40)
def test_cooperating_pays_where_gain_times_share_exceeds_one(seed: int) -> None:
    """d reward / d p = mu c (r q - 1) with q the coalition's share of the agents in the casino."""
    rng = random.Random(seed)
    config, game = random_pair(rng, "mpgg")
    assert isinstance(game, MigratoryGame)
    batch = MeanFieldBatch(config, torch)
    start, actions = drawn(rng, game)
    k = rng.randrange(len(start))
    chosen = [action.requires_grad_() for action in stacked([actions], batch)]
    _, rewards = batch.step(batch.initial_state(stacked([start], batch)), tuple(chosen))
    (gradient,) = torch.autograd.grad(rewards[0, k], [chosen[k]])
    for m, (c, r) in enumerate(zip(game.costs, game.gains, strict=True)):
        crowd = sum(w * mu[m] for w, mu in zip(game.weights, start, strict=True))
        share = game.weights[k] * start[k][m] / crowd if crowd else 0
        assert float(gradient[0, m, 0]) == pytest.approx(start[k][m] * c * (r * share - 1), abs=1e-12)
