"""Actors and critics of the mean-field games: the published forms, rows that are probabilities, stored profiles."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from mpgg_agents.mean_field.architecture import ARCHITECTURES, ArchitectureConfig
from mpgg_agents.mean_field.networks import Actor
from mpgg_agents.mean_field.policy import new_actor, new_critic, profile_of, profile_weights
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.rollout import rollout
from mpgg_env.games.mean_field.registry import GAMES
from tests.support import exactly
from tests.tiny_ddpg_mftg import game


def made(name: str, **fields: Any) -> tuple[MeanFieldBatch, ArchitectureConfig, list[Actor]]:
    """Dynamics, form and actors of a game, whose rows are not nearly uniform as at first."""
    batch = MeanFieldBatch(game(name), torch, dtype=torch.float32)
    architecture = ArchitectureConfig(**{**ARCHITECTURES[name], **fields})
    actors = [new_actor(batch, i, architecture, np.random.default_rng(i)) for i in range(batch.n_coalitions)]
    for actor in actors:
        actor.requires_grad_(False).net.output.weight.mul_(300)
    return batch, architecture, actors


# Shapes of the weights, without biases: from the words of [Shao2024] sections F.2, F.4 and F.5 and the sizes of the
# games; 200 units for each distribution, the context of four rooms and the action of critics.
SHAPES = {
    "distribution_planning": (
        [(200, 25), (200, 25), (200, 400), (125, 200)],
        [(200, 25), (200, 25), (200, 125), (200, 600), (1, 200)],
    ),
    "four_rooms": (
        [(200, 100), (200, 100), (200, 4), (200, 600), (200, 200), (500, 200)],
        [(200, 100), (200, 100), (200, 4), (200, 500), (200, 800), (200, 200), (1, 200)],
    ),
    "cyber_security": ([(100, 6), (100, 100), (8, 100)], [(100, 14), (100, 100), (1, 100)]),
    "predator_prey": (
        [(200, 25)] * 4 + [(200, 800), (125, 200)],
        [(200, 25)] * 4 + [(200, 125), (200, 1000), (1, 200)],
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_networks_have_the_published_layers(name: str) -> None:
    batch, architecture, actors = made(name)
    critic = new_critic(batch, 0, architecture, np.random.default_rng(0))
    for network, shapes in zip((actors[0], critic), SHAPES[name], strict=True):
        assert [tuple(p.shape) for key, p in network.named_parameters() if key.endswith("weight")] == shapes


@pytest.mark.parametrize("sight", ["joint", "own"])
@pytest.mark.parametrize("name", GAMES)
def test_actions_are_valid_and_stored_profiles_are_the_same(name: str, sight: str) -> None:
    batch, architecture, actors = made(name, sight=sight)
    arrays = {key: array.copy() for key, array in profile_weights(actors).items()}
    free = 1 if name == "mpgg" else 0
    plays = []
    for played in (batch, MeanFieldBatch(game(name))):
        profile = profile_of(game(name), architecture, arrays)
        play = rollout(played, played.testing_state(), profile)
        for action, shape in zip(play.actions[0], batch.shapes, strict=True):
            rows = np.asarray(action, float)
            assert rows.shape[1:] == shape
            assert rows.min() >= 0
            assert rows.max() <= 1
            np.testing.assert_allclose(rows[..., free:].sum(-1), 1, rtol=1e-6)
            assert rows.std() > 0.01
        plays.append(np.asarray(play.returns))
    np.testing.assert_allclose(plays[0], plays[1], rtol=1e-4, atol=1e-4)


def test_the_largest_probability_of_five_depends_on_the_scale_of_the_logits() -> None:
    # softmax of tanh: e / (e + 4 / e) = 0.649 at most; with logits of 10 tanh, e^10 / (e^10 + 4 e^-10).
    for scale, largest in ((1.0, math.e / (math.e + 4 / math.e)), (10.0, 1 / (1 + 4 * math.exp(-20)))):
        _, _, (actor, _) = made("distribution_planning", logit_scale=scale)
        raw = torch.full((1, 125), -100.0)
        raw[:, ::5] = 100.0
        assert float(actor.action_from(raw)[0, 0, 0]) == pytest.approx(largest, rel=1e-6)
        assert float(actor.action_from(raw).max()) <= largest * (1 + 1e-6)


def test_the_first_policy_is_nearly_uniform() -> None:
    batch = MeanFieldBatch(game("distribution_planning"), torch, dtype=torch.float32)
    actor = new_actor(batch, 0, ArchitectureConfig(), np.random.default_rng(0))
    with torch.no_grad():
        assert float((actor(batch.observations(batch.testing_state())) - 0.2).abs().max()) < 0.05


def test_weights_that_do_not_fit_are_refused() -> None:
    _, architecture, actors = made("cyber_security")
    arrays = profile_weights(actors)
    with pytest.raises(ValueError, match=exactly("the weights must be those of coalition_0, coalition_1, got other.x")):
        profile_of(game("cyber_security"), architecture, {**arrays, "other.x": np.zeros(1)})
    with pytest.raises(ValueError, match="the weights must be net"):
        profile_of(game("cyber_security"), architecture.replace(branch=20), arrays)
    with pytest.raises(ValueError, match=r"^net\.output\.bias must be finite float32 \(8,\), got float64 \(8,\)$"):
        profile_of(game("cyber_security"), architecture, {**arrays, "coalition_0.net.output.bias": np.zeros(8)})
