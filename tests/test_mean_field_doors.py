"""What comes into the mean-field-type games from outside is checked, stored and refused by name."""

from __future__ import annotations

import copy
import pickle
import random
from typing import Any

import numpy as np
import pytest
import torch

from mpgg_env import DilemmaWarning, MPGGConfig
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.cyber_security.config import CyberSecurityConfig
from mpgg_env.games.mean_field.four_rooms.config import FourRoomsConfig
from mpgg_env.games.mean_field.mpgg.config import MeanFieldMPGGConfig
from mpgg_env.games.mean_field.population_matching.config import PopulationMatchingConfig
from mpgg_env.games.mean_field.predator_prey.config import PredatorPreyConfig
from mpgg_env.games.mean_field.registry import config_class, rules_class
from mpgg_env.games.mpgg.mechanisms import Fine
from tests.mean_field_pairs import DEFAULT_PAIRS, NAMES, contexts, migratory_pair, random_pair, stacked
from tests.random_mean_field import random_actions, random_distributions

library = pytest.mark.parametrize("xp", [np, torch], ids=lambda xp: xp.__name__)
HERE, THERE = [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]


@library
@pytest.mark.parametrize(
    ("starts", "words"),
    [
        ([[HERE]], r"distributions must be 2, one per coalition, got 1"),
        ([[HERE], [HERE, THERE]], r"distributions must be of as many games each, got \[1, 2\]"),
        ([[HERE], [[0.5, 0.5]]], r"distributions\[1\] must be \(B, 3\), got \(1, 2\)"),
        ([HERE, THERE], r"distributions\[0\] must be \(B, 3\), got \(3,\)"),
        ([[HERE], [[1.5, -0.5, 0.0]]], r"distributions\[1\] must be nonnegative with rows that sum to 1"),
        ([[[0.5, 0.4, 0.0]], [HERE]], r"distributions\[0\] must be nonnegative with rows that sum to 1.*0\.9"),
        ([[[float("nan"), 1.0, 0.0]], [HERE]], r"distributions\[0\] must be nonnegative"),
    ],
)
def test_starts_that_are_no_distributions_are_refused(xp: Any, starts: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        MeanFieldBatch(PopulationMatchingConfig(), xp).initial_state(starts)


@library
def test_contexts_are_checked(xp: Any) -> None:
    rooms = MeanFieldBatch(FourRoomsConfig(), xp)
    corner = [np.eye(100)[[0]]] * 2
    for wrong in ([4], [-1], [0, 1], [0.9]):
        with pytest.raises(ValueError, match=r"context must be \(1,\) integers in \[0, 3\], got"):
            rooms.initial_state(corner, wrong)
    with pytest.raises(ValueError, match=r"context must be given, integers in \[0, 3\]"):
        rooms.initial_state(corner)
    with pytest.raises(ValueError, match="context must be None in this game, got"):
        MeanFieldBatch(PopulationMatchingConfig(), xp).initial_state([[HERE], [HERE]], [0])


@library
def test_rounding_of_a_start_is_taken_away(xp: Any) -> None:
    state = MeanFieldBatch(PopulationMatchingConfig(), xp).initial_state([[[0.5, 0.5 + 4e-7, 0.0]], [HERE]])
    assert float(state.distributions[0].sum()) == pytest.approx(1, abs=1e-15)


@library
def test_a_row_with_nan_does_not_become_an_action(xp: Any) -> None:
    batch = MeanFieldBatch(PopulationMatchingConfig(), xp)
    (action, _) = batch.normalised((batch.asarray([[[float("nan"), 1, 0]] * 3]), batch.asarray([[HERE] * 3])))
    assert bool(xp.isnan(action).all())


@library
@pytest.mark.parametrize("name", NAMES)
def test_a_batch_that_was_copied_or_pickled_plays_on(name: str, xp: Any) -> None:
    rng = random.Random(1)
    config, game = random_pair(rng, name)
    batch = MeanFieldBatch(config, xp, dtype=xp.float32)
    start, actions = random_distributions(rng, game), random_actions(rng, game)
    state = batch.initial_state(stacked([start], batch), contexts(batch, [3]))
    for other in (copy.deepcopy(batch), pickle.loads(pickle.dumps(batch))):
        assert (other.config, other.dtype) == (config, xp.float32)
        rewards = [one.step(state, stacked([actions], one))[1] for one in (batch, other)]
        assert (rewards[0] == rewards[1]).all()


@pytest.mark.parametrize("name", NAMES)
def test_configurations_survive_a_dict_and_know_their_game(name: str) -> None:
    config, _ = random_pair(random.Random(2), name)
    assert type(config) is config_class(name)
    assert config_class(name).from_dict(config.to_dict()) == config
    assert rules_class(config)(config).shapes == MeanFieldBatch(config).shapes


def test_a_game_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="game must be"):
        config_class("four_room")
    with pytest.raises(TypeError, match=r"config must be one of PopulationMatchingConfig, .*got MPGGConfig"):
        rules_class(MPGGConfig())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: PopulationMatchingConfig(max_cycles=0), r"max_cycles must be .*0"),
        (lambda: PopulationMatchingConfig(discount=1.0), r"discount must be .*1"),
        (lambda: PopulationMatchingConfig(move_cost=-1.0), r"move_cost must be .*-1"),
        (lambda: PopulationMatchingConfig(noise=(0.9, 0.2, 0.2)), r"noise must sum to 1, got"),
        (lambda: PopulationMatchingConfig(noise=(1.2, -0.2, 0.0)), r"noise\[0\] must be .*1\.2"),
        (lambda: FourRoomsConfig(noise=1.5), r"noise must be .*1\.5"),
        (lambda: PredatorPreyConfig(concentrated=-0.5), r"concentrated must be .*-0\.5"),
        (lambda: CyberSecurityConfig(dt=0.0), r"dt must be .*0"),
        # The fastest exit is from DS: 0.8 to switch, 0.4 + 0.4 to be infected, 1.6 in all.
        (lambda: CyberSecurityConfig(dt=0.7), r"dt must be at most 1 / 1\.6, the rate of leaving a state, got 0\.7"),
        (lambda: MeanFieldMPGGConfig(weights=(0.5, 0.6)), r"weights must sum to 1"),
        (lambda: MeanFieldMPGGConfig(weights=(1.0,)), r"weights must be one for each of the 2 coalitions, got 1"),
        (lambda: MeanFieldMPGGConfig(weights=(0.0, 1.0)), r"weights\[0\] must be .*0"),
        (lambda: MeanFieldMPGGConfig(n_coalitions=0), r"n_coalitions must be .*0"),
        (lambda: MeanFieldMPGGConfig(boundary="mask"), "boundary must be 'torus' or 'wall' in the mean-field game"),
        (lambda: MeanFieldMPGGConfig(payoff="code"), "payoff must be 'text' in the mean-field game, got 'code'"),
        (lambda: MeanFieldMPGGConfig(min_players=2), "min_players must be 1 in the mean-field game, got 2"),
        (lambda: MeanFieldMPGGConfig(mechanism=Fine(amount=1)), "mechanism must be None in the mean-field game"),
        (lambda: MeanFieldMPGGConfig(n_coalitions=3, strict_dilemma=True), "n_coalitions = 3; strict_dilemma=True"),
    ],
)
def test_parameters_out_of_range_are_refused(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


def test_no_dilemma_is_warned_of() -> None:
    with pytest.warns(DilemmaWarning, match=r"gains 1\.2 to 3 and n_coalitions = 4"):
        MeanFieldMPGGConfig(n_coalitions=4)


def test_the_finite_game_and_back() -> None:
    config, _ = migratory_pair(grid_shape=(2, 3), gain_range=(1.5, 4.0), n_coalitions=3)
    finite = config.finite(60, rounds=7)
    assert (finite.n_agents, finite.max_cycles, finite.grid_shape, finite.boundary) == (60, 14, (2, 3), "wall")
    back = MeanFieldMPGGConfig.of(finite, n_coalitions=3)
    assert (back.grid_shape, back.gain_range, back.n_agents) == ((2, 3), (1.5, 4.0), 60)


def test_with_moves_to_anywhere_the_weights_say_where_agents_are_next() -> None:
    # Half of coalition 0 in each casino: 1/2 (0.3, 0.7) + 1/2 (1, 0) = (0.65, 0.35).
    config, _ = migratory_pair(grid_shape=(1, 2), moves="anywhere")
    batch = MeanFieldBatch(config)
    action = np.array([[[0.5, 0.3, 0.7], [0.5, 1.0, 0.0]]])
    following, _ = batch.step(batch.initial_state([[[0.5, 0.5]], [[0.5, 0.5]]]), (action, action))
    np.testing.assert_allclose(following.distributions[0], [[0.65, 0.35]], rtol=0, atol=1e-15)


def test_default_pairs_cover_every_game() -> None:
    assert {type(pair()[0]) for pair in DEFAULT_PAIRS.values()} == {config_class(name) for name in NAMES}
