"""Returns, best responses and exploitability of mean-field profiles: by hand, closed forms and certificates."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mpgg_agents.mean_field.architecture import ArchitectureConfig
from mpgg_agents.mean_field.ddpg.config import DDPGConfig
from mpgg_agents.mean_field.evaluation import evaluated_returns, judged, through_numpy
from mpgg_agents.mean_field.evaluation.bounds import Interval, reacts, upper_gains
from mpgg_agents.mean_field.evaluation.config import ResponseConfig
from mpgg_agents.mean_field.evaluation.measure import exploitability
from mpgg_agents.mean_field.evaluation.response import ENGINES, Engine, best_response, default_settings
from mpgg_agents.mean_field.policy import NetPolicy, new_actor
from mpgg_env.analysis.mean_field.flow_response import flow_response
from mpgg_env.analysis.mean_field.matching_reference import matching_equilibrium, matching_exploitability
from mpgg_env.analysis.mean_field.open_loop import recorded
from mpgg_env.analysis.mean_field.profiles import random_profile
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.rollout import Policy
from mpgg_env.games.mean_field.common.state import MeanFieldState
from mpgg_env.games.mean_field.cyber_security.config import CyberSecurityConfig
from mpgg_env.games.mean_field.distribution_planning.config import DistributionPlanningConfig
from mpgg_env.games.mean_field.mpgg.config import MeanFieldMPGGConfig
from mpgg_env.games.mean_field.population_matching.config import PopulationMatchingConfig
from mpgg_env.games.mean_field.predator_prey.config import PredatorPreyConfig
from tests.support import exactly

pytestmark = pytest.mark.algorithm

MATCHING = PopulationMatchingConfig()
QUICK_DDPG: dict[str, Any] = {
    "branch": 0,
    "layers": (16,),
    "episodes": 50,
    "parallel_episodes": 5,
    "update_ratio": 0.1,
    "batch_size": 16,
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _constant(*rows: list[float]) -> Policy:
    action = torch.tensor(rows, dtype=torch.float64)

    def policy(state: MeanFieldState) -> Tensor:
        return action.expand(len(state.distributions[0]), -1, -1)

    return policy


def _torch(profile: Any) -> list[Policy]:
    return [through_numpy(policy) for policy in profile]


STAY = _constant([1, 0, 0], [1, 0, 0], [1, 0, 0])
NASH = _torch(matching_equilibrium())


# Returns


def test_returns_of_the_testing_set_by_hand() -> None:
    # Nobody moves and there is no noise: every step costs the first distance, which is 2, 0.8, 1.2, 0.8 and 2.
    game = PopulationMatchingConfig(noise=(1.0, 0.0, 0.0), max_cycles=3, discount=0.5)
    found = evaluated_returns(game, [STAY, STAY])
    np.testing.assert_allclose(found.each[0], 0, atol=1e-15)
    np.testing.assert_allclose(found.each[1], -1.75 * np.array([2, 0.8, 1.2, 0.8, 2]))
    np.testing.assert_allclose(found.mean, [0, -1.75 * 6.8 / 5])
    # Variance of (2, 0.8, 1.2, 0.8, 2): (4 + 0.64 + 1.44 + 0.64 + 4) / 5 - 1.36^2 = 0.2944
    np.testing.assert_allclose(found.std, [0, 1.75 * np.sqrt(0.2944)], atol=1e-12)


def test_a_profile_has_one_policy_per_coalition() -> None:
    with pytest.raises(ValueError, match=exactly("profile must be 2 policies, one per coalition, got 1")):
        evaluated_returns(MATCHING, [STAY])


def test_rows_of_float32_policies_are_judged_with_the_sum_one() -> None:
    # 0.1 + 0.2 + 0.7 in float32 is not 1: mass would be lost or gained in rewards that flows enter.
    row = torch.tensor([0.1, 0.2, 0.7])
    moving = _constant(*[row.tolist()] * 3)
    game = PopulationMatchingConfig(max_cycles=1)
    lazy: list[Policy] = [lambda state: moving(state).to(torch.float32) * 1.001, STAY]
    np.testing.assert_allclose(evaluated_returns(game, lazy).each[0], -2 * 0.9, rtol=1e-6)


# Best responses


@pytest.mark.parametrize("engine", ENGINES)
def test_nobody_gains_by_leaving_the_equilibrium(engine: Any) -> None:
    found = exploitability(
        MATCHING, NASH, (engine,), settings=ResponseConfig(iterations=3), ddpg=DDPGConfig(**QUICK_DDPG)
    )
    assert found.exact is not None
    np.testing.assert_allclose(found.exact, 0, atol=1e-14)
    np.testing.assert_allclose(found.lower_bound, 0, atol=1e-14)
    np.testing.assert_allclose(found.returns, [[0] * 5, [-2, -0.8, -1.2, -0.8, -2]], atol=1e-14)


@pytest.mark.parametrize("seed", range(2))
def test_learned_responses_are_below_the_closed_form_and_come_near_it(seed: int) -> None:
    game = MATCHING.replace(max_cycles=6)
    profile = _torch(random_profile(game, seed, feedback=1.0))
    settings = ResponseConfig(iterations=60, learning_rate=0.03)
    found = exploitability(game, profile, ("model_gradient", "open_loop"), settings=settings)
    assert found.exact is not None
    assert (found.lower_bound <= found.exact * (1 + 1e-6)).all()
    assert (found.lower_bound.mean(1) > 0.8 * found.exact.mean(1)).all()
    played = judged(MeanFieldBatch(game, torch), profile)
    np.testing.assert_array_equal(found.exact, matching_exploitability(game, played).T)
    assert found.replayed_upper is not None
    np.testing.assert_allclose(found.replayed_upper, found.exact, atol=1e-12)


def test_ddpg_finds_that_staying_costs_nothing() -> None:
    moving = _constant(*[[0.2, 0.4, 0.4]] * 3)
    agent = DDPGConfig(**{**QUICK_DDPG, "episodes": 200, "actor_learning_rate": 3e-3, "critic_learning_rate": 3e-3})
    found = best_response(MATCHING, [moving, STAY], 0, "ddpg", ddpg=agent)
    best = 2 * 0.8 * (1 - 0.9**20) / 0.1  # c1 times what moved, discounted
    assert 0.8 * best < found.gain.mean() <= best * (1 + 1e-6)
    np.testing.assert_allclose(evaluated_returns(MATCHING, [found.policy, STAY]).each[0], found.returns, atol=1e-12)


@pytest.mark.parametrize("separate", [False, True])
def test_a_response_that_is_worse_than_the_policy_itself_is_not_taken(separate: bool) -> None:
    settings = ResponseConfig(iterations=1, learning_rate=1e-9, separate=separate)
    found = best_response(MATCHING, NASH, 0, settings=settings)
    assert found.policy is NASH[0]
    np.testing.assert_array_equal(found.gain, 0)


def test_starts_may_have_responses_of_their_own() -> None:
    game = CyberSecurityConfig(max_cycles=5)
    assert default_settings(game, "model_gradient").separate
    assert not default_settings(MATCHING, "model_gradient").separate
    profile = _torch(random_profile(game, 1))
    settings = ResponseConfig(iterations=20, learning_rate=0.02, separate=True)
    found = best_response(game, profile, 1, settings=settings)
    assert (found.gain >= 0).all()
    assert found.gain.max() > 0
    again = evaluated_returns(game, [profile[0], found.policy]).each[1]
    np.testing.assert_allclose(again, found.returns, atol=1e-12)
    # Each start's response is trained on it alone: its weights are as if there were no other start.
    assert (
        found.returns >= best_response(game, profile, 1, settings=settings.replace(separate=False)).returns - 0.01
    ).all()


@pytest.mark.parametrize("game", [DistributionPlanningConfig(max_cycles=6), PredatorPreyConfig(max_cycles=4)])
def test_against_replayed_opponents_no_response_beats_the_certificate_and_open_loop_comes_near_it(game: Any) -> None:
    batch = MeanFieldBatch(game, torch)
    played = judged(batch, _torch(random_profile(game, 2, feedback=0.5)))
    profile = [recorded(played, i) for i in range(batch.n_coalitions)]
    before = played.returns[:, 0].numpy()
    best, upper = flow_response(game, played, 0)
    certified = judged(batch, [best, *profile[1:]]).returns[:, 0].numpy()
    engines: tuple[Engine, ...] = ("open_loop", "model_gradient")
    for engine in engines:
        settings = ResponseConfig(iterations=80, learning_rate=0.2 if engine == "open_loop" else 0.01)
        found = best_response(game, profile, 0, engine, settings=settings)
        assert (found.returns <= upper + 1e-6 * np.abs(upper)).all()
        if engine == "open_loop":
            assert (found.returns - before >= 0.9 * (certified - before)).all()


def test_open_loop_responses_choose_free_columns_too() -> None:
    game = MeanFieldMPGGConfig(n_coalitions=1, grid_shape=(1, 2), gain=(2.0, 3.0), cost=(1.0, 1.0), max_cycles=2)
    profile = _torch(random_profile(game, 0))
    settings = ResponseConfig(iterations=100, learning_rate=0.3, separate=True)
    found = best_response(game, profile, 0, "open_loop", settings=settings)
    # With a planner all cooperate, and whoever is in casino 0 goes to casino 1: from the uniform start (1 + 2) / 2,
    # then 2; from the first casino 1, then 2. What is played twice in the testing set is the same with one coalition.
    best = np.array([1.5 + 0.95 * 2, 1 + 0.95 * 2])
    np.testing.assert_allclose(found.returns[:2], best, rtol=0.02)
    assert (found.returns[:2] <= best).all()


# Kinds of numbers


def test_kinds_of_bounds_are_apart() -> None:
    found = exploitability(MATCHING, [STAY, STAY], settings=ResponseConfig(iterations=1))
    # STAY might react, for all that is known; what it gains against replays is known, and the whole by a formula.
    assert set(found.means()) == {"lower_bound", "exact", "replayed_lower", "replayed_upper"}
    assert found.engines == ("model_gradient",)
    assert found.of_coalitions()["exact"].shape == (2,)


def test_upper_bounds_are_only_told_where_no_opponent_reacts() -> None:
    game = PredatorPreyConfig()
    batch = MeanFieldBatch(game, torch, dtype=torch.float32)
    architecture = ArchitectureConfig(branch=0, layers=(4,))
    nets = [new_actor(batch, i, architecture, np.random.default_rng(0)) for i in range(2)]
    own_net = new_actor(batch, 2, architecture.replace(sight="own"), np.random.default_rng(0))
    joint, own = NetPolicy(batch, 0, nets[0]), NetPolicy(batch, 2, own_net, "own")
    played = recorded(judged(MeanFieldBatch(game, torch), _torch(random_profile(game))), 1)
    assert [reacts(game, policy) for policy in (joint, own, played, STAY)] == [True, False, False, True]
    bounds = Interval(np.zeros((4, 5)), np.ones((4, 5)))
    one = upper_gains(game, [joint, own, played, own], bounds)
    assert one is not None
    # Against the first coalition's policy, which sees all, deviations of the others are felt; its own are not.
    assert (one[0] == 1).all()
    assert np.isnan(one[1:]).all()
    assert upper_gains(game, [joint, joint, own, own], bounds) is None
    assert upper_gains(game, [own, own, own, played], None) is None
    # In cyber security the attackers change what the defenders see of themselves.
    assert reacts(CyberSecurityConfig(), own)
    assert not reacts(CyberSecurityConfig(), played)


def test_bounds_against_replayed_opponents_stand_beside_what_is_learned() -> None:
    game = DistributionPlanningConfig(max_cycles=3)
    played = judged(MeanFieldBatch(game, torch), _torch(random_profile(game, 4, feedback=1.0)))
    profile = [recorded(played, i) for i in range(2)]
    settings = ResponseConfig(iterations=30, learning_rate=0.3)
    found = exploitability(game, profile, ("open_loop",), settings=settings)
    assert set(found.means()) == {"lower_bound", "upper_bound", "replayed_lower", "replayed_upper"}
    assert found.upper_bound is not None
    assert found.replayed_upper is not None
    np.testing.assert_array_equal(found.upper_bound, found.replayed_upper)
    assert (found.lower_bound <= found.upper_bound + 1e-9).all()
    assert (found.lower_bound > 0.5 * found.upper_bound).all()
    assert exploitability(game, profile, ("open_loop",), settings=settings, bounds=False).upper_bound is None


# Arguments


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"engine": "open-loop"},
            "engine must be one of 'model_gradient', 'open_loop', 'ddpg', got 'open-loop'; did you mean 'open_loop'?",
        ),
        ({"coalition": 2}, "coalition must be in [0, 1], got 2"),
        ({"seed": -1}, "seed must be in [0, 18446744073709551615], got -1"),
        (
            {"engine": "ddpg", "ddpg": DDPGConfig(sight="own")},
            "sight must be 'joint' for a best response, got 'own'",
        ),
    ],
)
def test_wrong_arguments_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=exactly(message)):
        best_response(MATCHING, NASH, **{"coalition": 0, **options})


def test_an_engine_is_needed() -> None:
    with pytest.raises(
        ValueError, match=exactly("engines must name at least one way to find best responses, got none")
    ):
        exploitability(MATCHING, NASH, ())
