"""The model-gradient solver: whose gradients are taken, known answers in small games, bits of a resumed training."""

import io
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mpgg_agents.draws import generator
from mpgg_agents.errors import TrainingError
from mpgg_agents.mean_field.evaluation import judged
from mpgg_agents.mean_field.model_gradient import PRESETS, ModelGradientConfig, ModelGradientTrainer
from mpgg_agents.mean_field.model_gradient.play import action_entropy, play
from mpgg_agents.mean_field.model_gradient.replica import STARTS, ModelGradient
from mpgg_agents.training_record import TrainingRecord
from mpgg_env.analysis.mean_field.matching_reference import matching_exploitability
from mpgg_env.analysis.mean_field.mpgg_measures import mpgg_measures
from mpgg_env.analysis.mean_field.open_loop import recorded
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.rollout import rollout
from mpgg_env.games.mean_field.cyber_security.config import CyberSecurityConfig
from mpgg_env.games.mean_field.distribution_planning.config import DistributionPlanningConfig
from mpgg_env.games.mean_field.mpgg.config import MeanFieldMPGGConfig
from mpgg_env.games.mean_field.population_matching.config import PopulationMatchingConfig
from mpgg_env.games.mean_field.predator_prey.config import PredatorPreyConfig
from tests.support import exactly

pytestmark = pytest.mark.algorithm

MATCHING = PopulationMatchingConfig(max_cycles=5)
PLANNING = DistributionPlanningConfig(max_cycles=4)
QUICK: dict[str, Any] = {"branch": 0, "layers": (16,), "iterations": 6, "episodes": 4, "warm_up": 2}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _replica(game: Any, **options: Any) -> ModelGradient:
    return ModelGradient(game, ModelGradientConfig(**{**QUICK, **options}), 7)


def _start(replica: ModelGradient) -> Any:
    return replica.batch.drawn_state(generator(1, STARTS), 3)


# Whose gradients


@pytest.mark.parametrize("game", [PLANNING, PredatorPreyConfig(max_cycles=3), MATCHING])
def test_a_gradient_step_of_one_player_does_not_move_the_others(game: Any) -> None:
    replica = _replica(game)
    returns = play(replica.batch, _start(replica), replica.policy_in_training, replay=True).returns.sum(0)
    for i in range(len(returns)):
        for j, actor in enumerate(replica.actors):
            gradients = torch.autograd.grad(returns[i], list(actor.parameters()), retain_graph=True, allow_unused=True)
            moved = any(gradient is not None and bool(gradient.any()) for gradient in gradients)
            assert moved == (i == j)


@pytest.mark.parametrize("game", [PLANNING, PredatorPreyConfig(max_cycles=3), MeanFieldMPGGConfig(max_cycles=3)])
def test_against_replayed_opponents_the_gradient_is_that_of_playing_against_their_recorded_actions(game: Any) -> None:
    replica = _replica(game)
    start, batch = _start(replica), replica.batch
    policies = replica.policy_in_training
    together = play(batch, start, policies, replay=True).returns.sum(0)
    gradients = replica.gradients(together)
    played = rollout(batch, start, policies)
    expected: list[Tensor] = []
    torch.testing.assert_close(played.returns.sum(0), together)
    for i, actor in enumerate(replica.actors):
        alone = [policy if j == i else recorded(played, j) for j, policy in enumerate(policies)]
        own = rollout(batch, start, alone).returns[:, i].sum()
        expected += torch.autograd.grad(own, list(actor.parameters()))
    _assert_close(gradients, expected)


def test_with_reacting_opponents_the_gradient_goes_through_their_policies() -> None:
    replica = _replica(MATCHING, opponents="react")
    start, batch = _start(replica), replica.batch
    gradients = replica.gradients(play(batch, start, replica.policy_in_training, replay=False).returns.sum(0))
    expected: list[Tensor] = []
    for i, actor in enumerate(replica.actors):
        own = rollout(batch, start, replica.policy_in_training).returns[:, i].sum()
        expected += torch.autograd.grad(own, list(actor.parameters()))
    _assert_close(gradients, expected)
    # Coalition 1 pays for its distance from coalition 0, which sees it and reacts: replay leaves that out.
    replayed = _replica(MATCHING)
    others = replayed.gradients(play(batch, start, replayed.policy_in_training, replay=True).returns.sum(0))
    assert not torch.allclose(others[-1], gradients[-1], rtol=1e-3, atol=0)


def test_opponents_who_change_how_others_move_cannot_be_replayed() -> None:
    message = "opponents must be 'react' in cyber_security, where coalitions change how others move, got 'replay'"
    with pytest.raises(ValueError, match=exactly(message)):
        _replica(CyberSecurityConfig())
    assert PRESETS["cyber_security"]["default"].agent["opponents"] == "react"


# Steps


def test_the_step_size_warms_up_and_falls_along_a_half_cosine() -> None:
    replica = _replica(MATCHING, iterations=100, learning_rate=0.5, final_learning_rate=0.1, warm_up=4)
    rates = {}
    for done in (0, 1, 50, 100):
        replica.rounds_done = done
        rates[done] = replica.learning_rate
    assert rates[0] == pytest.approx(0.5 / 4)
    assert rates[1] == pytest.approx(0.25 * (0.1 + 0.9 * (1 + math.cos(math.pi / 100)) / 2))
    assert rates[50] == pytest.approx(0.5 * 0.55)
    assert rates[100] == pytest.approx(0.05)


def test_the_first_step_of_adam_moves_every_weight_by_the_step_size_up_its_gradient() -> None:
    replica = _replica(MATCHING, warm_up=0, learning_rate=1e-3, max_gradient_norm=1e9)
    before = [parameter.detach().clone() for actor in replica.actors for parameter in actor.parameters()]
    start = replica.batch.drawn_state(generator(7, STARTS, 0), 4)
    gradients = replica.gradients(play(replica.batch, start, replica.policy_in_training, replay=True).returns.mean(0))
    replica.iterate()
    after = [parameter.detach() for actor in replica.actors for parameter in actor.parameters()]
    for old, new, gradient in zip(before, after, gradients, strict=True):
        clear = gradient.abs() > 1e-5  # Adam adds 1e-8 to the size of the gradient
        torch.testing.assert_close((new - old)[clear], 1e-3 * gradient.sign()[clear], rtol=2e-2, atol=0)


def test_without_averaging_the_last_weights_come_out() -> None:
    last, mean = _replica(MATCHING, averaging=0.0), _replica(MATCHING, averaging=0.5)
    for replica in (last, mean):
        replica.iterate()
        replica.iterate()
    for name, weight in last.learned().items():
        np.testing.assert_array_equal(weight, last.arrays()[f"actors.{name.removeprefix('coalition_')}"])
    # After one round the average is 10/11 of the first weights after a step and 1/11 of the initial ones, and so on.
    assert any((weight != mean.learned()[name]).any() for name, weight in last.learned().items())


def test_the_entropy_of_actions_counts_agents_and_free_columns() -> None:
    batch = MeanFieldBatch(MATCHING, torch)
    state = batch.initial_state(([[0.25, 0.75, 0]], [[0, 0, 1]]))
    first = torch.tensor([[[1.0, 0, 0], [0.5, 0.5, 0], [1 / 3, 1 / 3, 1 / 3]]], dtype=torch.float64)
    found = action_entropy(batch, [state, state], [first, first])
    torch.testing.assert_close(found, torch.tensor([[0.75 * math.log(2), math.log(3)]], dtype=torch.float64))
    mpgg = MeanFieldBatch(MeanFieldMPGGConfig(grid_shape=(1, 2), n_coalitions=1), torch)
    action = torch.tensor([[[0.5, 0.2, 0.2, 0.2, 0.2, 0.2], [0, 1, 0, 0, 0, 0]]], dtype=torch.float64)
    start = mpgg.initial_state(([[0.5, 0.5]],))
    found = action_entropy(mpgg, [start], [action])
    torch.testing.assert_close(found, torch.tensor([[0.5 * (math.log(2) + math.log(5))]], dtype=torch.float64))


def test_returns_that_are_not_finite_end_the_training() -> None:
    with pytest.raises(TrainingError, match=r"^the returns of round 0 are not finite$"):
        _replica(PopulationMatchingConfig(move_cost=1e39)).iterate()  # no float32


# Known answers


def test_population_matching_is_solved() -> None:
    # The equilibrium is known, and the exploitability of any profile has a closed form.
    game = PopulationMatchingConfig()
    agent = ModelGradientConfig(branch=0, layers=(32, 32), iterations=100, learning_rate=0.01, averaging=0.9)
    trainer = ModelGradientTrainer(game, agent, [0])
    before = matching_exploitability(game, judged(MeanFieldBatch(game, torch), trainer.policy(0)))[:, 0]
    trainer.advance(100)
    after = matching_exploitability(game, judged(MeanFieldBatch(game, torch), trainer.policy(0)))
    assert (before > 10).all()  # two thirds of everybody move in each step, in vain
    assert (after[:, 0] < 1e-4).all()
    assert after[:, 1].mean() < 1


def test_coalitions_cooperate_where_their_gain_times_their_share_exceeds_one() -> None:
    game = MeanFieldMPGGConfig(grid_shape=(1, 2), gain=(1.5, 2.6), cost=(1.0, 1.0), max_cycles=8)
    agent = ModelGradientConfig(layers=(32,), branch=0, iterations=60, episodes=16, learning_rate=1e-2, averaging=0.9)
    trainer = ModelGradientTrainer(game, agent, [0])
    trainer.advance(60)
    found = mpgg_measures(game, judged(MeanFieldBatch(game, torch), trainer.policy(0)))
    assert found.agreement.mean() > 0.95
    assert found.welfare.mean() > 0.8


# Bits


def _trainer(seeds: tuple[int, ...] = (3, 4), **options: Any) -> ModelGradientTrainer:
    return ModelGradientTrainer(MATCHING, ModelGradientConfig(**{**QUICK, **options}), seeds)


@pytest.mark.parametrize("stop", [1, 4])
@pytest.mark.parametrize("options", [{}, {"opponents": "react", "entropy_bonus": 1.0}])
def test_a_resumed_training_has_the_same_bits(stop: int, options: dict[str, Any]) -> None:
    whole, first, second = (_trainer(**options) for _ in range(3))
    record = whole.advance(6)
    beginning = first.advance(stop)
    second.advance(2)  # what it has done so far is forgotten
    second.restore(_through_a_file(first.state_arrays()))
    joined = TrainingRecord.concatenate([beginning, second.advance(6 - stop)])
    for name, array in whole.state_arrays().items():
        np.testing.assert_array_equal(array, second.state_arrays()[name], err_msg=name)
    for name, series in record.measures.items():
        np.testing.assert_array_equal(series, joined.measures[name], err_msg=name)
    assert set(record.measures) == {"objective", "mean_return", "return_0", "return_1"}


def test_a_replica_depends_on_its_own_seed_alone() -> None:
    both, one = _trainer(), _trainer(seeds=(4,))
    both.advance(6)
    one.advance(6)
    assert all(np.array_equal(both.learned(1)[name], weight) for name, weight in one.learned(0).items())
    assert not np.array_equal(
        both.learned(0)["coalition_0.net.output.weight"], one.learned(0)["coalition_0.net.output.weight"]
    )


def test_weights_that_are_not_finite_are_not_taken() -> None:
    trainer = _trainer()
    arrays = {name: array.copy() for name, array in trainer.state_arrays().items()}
    arrays["replica0.kept.1.net.output.bias"][0] = math.nan
    with pytest.raises(ValueError, match=r"^kept\.1\.net\.output\.bias must be finite"):
        _trainer().restore(arrays)


@pytest.mark.parametrize("game", PRESETS)
def test_every_game_has_settings(game: str) -> None:
    for preset in PRESETS[game].values():
        agent = ModelGradientConfig(**preset.agent)
        assert ModelGradientConfig.from_dict(agent.to_dict()) == agent


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"opponents": "play"}, "opponents must be one of 'replay', 'react', got 'play'; did you mean 'replay'?"),
        ({"averaging": 1.0}, "averaging must be in [0, 1), got 1.0"),
        ({"episodes": 0}, "episodes must be >= 1, got 0"),
        ({"learning_rate": 0.0}, "learning_rate must be finite and > 0, got 0.0"),
    ],
)
def test_settings_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=exactly(message)):
        ModelGradientConfig(**options)


def _assert_close(found: list[Tensor], expected: list[Tensor]) -> None:
    for gradient, other in zip(found, expected, strict=True):
        torch.testing.assert_close(gradient, other, rtol=1e-3, atol=1e-5)


def _through_a_file(arrays: dict[str, Any]) -> dict[str, Any]:
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    with np.load(file) as stored:
        return dict(stored)
