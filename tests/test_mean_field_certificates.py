"""Certificates of the mean-field-type games: bounds that nothing exceeds, and values known by hand or by brute force.

Expected values are calculations in the comments, enumerations of responses, or the values of equilibria that were found
by other methods before this package existed ([Shao2024] has no numbers to compare with).
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from mpgg_env.analysis.mean_field.certificate import Certificate, best_response_bounds, certificate, certified
from mpgg_env.analysis.mean_field.flow_problem import FlowConfig, flow_problem
from mpgg_env.analysis.mean_field.flow_response import respond
from mpgg_env.analysis.mean_field.open_loop import OpenLoop, recorded
from mpgg_env.analysis.mean_field.polymatrix_equilibrium import polymatrix_equilibrium
from mpgg_env.analysis.mean_field.potential_equilibrium import potential, potential_equilibrium
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.config import Episodic
from mpgg_env.games.mean_field.common.rollout import Rollout, rollout
from mpgg_env.games.mean_field.common.state import MeanFieldState
from mpgg_env.games.mean_field.cyber_security.config import CyberSecurityConfig
from mpgg_env.games.mean_field.distribution_planning.config import DistributionPlanningConfig
from mpgg_env.games.mean_field.four_rooms.config import FourRoomsConfig
from mpgg_env.games.mean_field.mpgg.config import MeanFieldMPGGConfig
from mpgg_env.games.mean_field.predator_prey.config import PredatorPreyConfig

pytestmark = pytest.mark.algorithm

FLOW_GAMES: list[FlowConfig] = [
    FourRoomsConfig(max_cycles=5),
    PredatorPreyConfig(max_cycles=6),
    DistributionPlanningConfig(max_cycles=6),
]


def drawn_policies(config: Episodic, generator: np.random.Generator, size: int, sharp: float = 1.0) -> list[OpenLoop]:
    """Random actions of all coalitions for `size` games; small `sharp`: nearly deterministic."""
    steps = config.max_cycles
    return [
        OpenLoop(generator.dirichlet(np.full(n_actions, sharp), (steps, size, n_states)))
        for n_states, n_actions in MeanFieldBatch(config).shapes
    ]


def first_starts(config: Episodic, count: int) -> MeanFieldState:
    """The first starts of the testing set."""
    whole = MeanFieldBatch(config).testing_state()
    context = None if whole.context is None else whole.context[:count]
    return MeanFieldState(0, tuple(mu[:count] for mu in whole.distributions), context)


def played(config: Episodic, policies: Sequence[OpenLoop], count: int) -> Rollout:
    return rollout(MeanFieldBatch(config), first_starts(config, count), policies)


def on(cells: Sequence[int], n_states: int) -> FloatArray:
    """One game, uniform on these states."""
    return np.bincount(cells, minlength=n_states)[None] / len(cells)


# Hand-made cases.


def test_one_step_leaves_nothing_to_gain_but_the_costs_of_moving() -> None:
    """T = 1: distributions are given, so that a response can only save its own moves."""
    config = PredatorPreyConfig(max_cycles=1)
    episode = played(config, drawn_policies(config, np.random.default_rng(1), 5), 5)
    moved = [
        (mu * (1 - a[:, :, 2])).sum(-1)
        for mu, a in zip(episode.states[0].distributions, episode.actions[0], strict=True)
    ]
    gain = certificate(config, episode).exploitability
    np.testing.assert_allclose(gain, config.move_cost * np.stack(moved, 1), atol=1e-12)


def test_a_coalition_alone_spreads_to_five_cells() -> None:
    """T = 2 in the middle of a room, no noise: the best is log 5 at time 1, against an opponent far away."""
    config = FourRoomsConfig(max_cycles=2, noise=0.0)
    batch = MeanFieldBatch(config)
    state = batch.initial_state((on([22], 100), on([88], 100)), [3])
    stay = OpenLoop(np.tile(np.eye(5)[2], (2, 1, 100, 1)))
    low, high = best_response_bounds(config, rollout(batch, state, [stay, stay]), 0)
    assert low == pytest.approx([0.98 * math.log(5)], abs=1e-6)
    assert high == pytest.approx([0.98 * math.log(5)], abs=1e-6)


def test_a_target_within_reach_is_taken_where_its_norm_has_no_derivative() -> None:
    """T = 2 from the corner (0, 0), nobody met: 2/3 move, at cost 1, because each unit saves 9.5 sqrt(3/2) later.

    Left are the distance |(2/3, -1/3, -1/3)| = sqrt(6)/3 at time 0, times 10, and the cost of moving.
    """
    config = DistributionPlanningConfig(max_cycles=2)
    batch = MeanFieldBatch(config)
    state = batch.initial_state((on([0], 25), on([24], 25)))
    stay = OpenLoop(np.tile(np.eye(5)[2], (2, 1, 25, 1)))
    expected = -10 * math.sqrt(6) / 3 - 2 / 3
    low, high = best_response_bounds(config, rollout(batch, state, [stay, stay]), 0)
    assert low == pytest.approx([expected], abs=1e-4)
    assert high == pytest.approx([expected], abs=1e-4)


def test_with_dear_moves_nobody_goes() -> None:
    """As before with a cost of 20 per move, above 9.5 sqrt(3/2) = 11.6: stay, and pay the distance twice."""
    config = DistributionPlanningConfig(max_cycles=2, move_cost=20.0)
    batch = MeanFieldBatch(config)
    state = batch.initial_state((on([0], 25), on([24], 25)))
    stay = OpenLoop(np.tile(np.eye(5)[2], (2, 1, 25, 1)))
    low, high = best_response_bounds(config, rollout(batch, state, [stay, stay]), 0)
    assert low == pytest.approx([-19.5 * math.sqrt(6) / 3], abs=1e-4)
    assert high == pytest.approx([-19.5 * math.sqrt(6) / 3], abs=1e-4)


def test_the_dynamic_program_finds_the_best_of_all_paths() -> None:
    """T = 3 from one cell: the best of 5 actions at time 0 times 5^5 in the cells that can follow, enumerated."""
    config = PredatorPreyConfig(max_cycles=3, noise=0.0)
    batch = MeanFieldBatch(config)
    generator = np.random.default_rng(2)
    state = batch.initial_state((on([12], 25), *generator.dirichlet(np.ones(25), (3, 1))))
    policies = drawn_policies(config, generator, 1)
    low, high = best_response_bounds(config, rollout(batch, state, policies), 0)
    # A single agent is a coalition in one cell: its paths are pairs of actions.
    pairs = np.array(list(itertools.product(range(5), repeat=2)))
    actions = np.zeros((3, len(pairs), 25, 5))
    actions[0, np.arange(25), :, pairs[:, 0]] = 1
    actions[1, np.arange(25), :, pairs[:, 1]] = 1
    actions[2, :, :, 2] = 1
    many = MeanFieldState(0, tuple(np.repeat(mu, 25, 0) for mu in state.distributions))
    others = [OpenLoop(np.repeat(policy.actions, 25, 1)) for policy in policies[1:]]
    best = rollout(batch, many, [OpenLoop(actions), *others]).returns[:, 0].max()
    assert low == pytest.approx([best], abs=1e-12)
    assert high == pytest.approx([best], abs=1e-12)


def test_a_fine_grid_of_mixtures_comes_close_to_the_upper_bound_and_not_above() -> None:
    """T = 2 from one cell of distribution planning, opponent around it: all mixtures of five actions in 12ths."""
    config = DistributionPlanningConfig(max_cycles=2, move_cost=3.0)
    batch = MeanFieldBatch(config)
    counts = np.array([c for c in itertools.product(range(13), repeat=5) if sum(c) == 12])
    opponent = np.random.default_rng(3).dirichlet(np.ones(25), 1)
    opponent[:, 12] = 0
    state = batch.initial_state((on([6], 25), opponent / opponent.sum()))
    stay = np.tile(np.eye(5)[2], (2, 1, 25, 1))
    low, high = best_response_bounds(config, rollout(batch, state, [OpenLoop(stay)] * 2), 0)
    actions = np.repeat(stay, len(counts), 1)
    actions[0, :, 6] = counts / 12
    many = MeanFieldState(0, tuple(np.repeat(mu, len(counts), 0) for mu in state.distributions))
    tried = rollout(batch, many, [OpenLoop(actions), OpenLoop(np.repeat(stay, len(counts), 1))]).returns[:, 0]
    assert tried.max() <= high[0]
    assert high[0] - low[0] < 1e-4
    assert low[0] - 0.1 < tried.max() < high[0]


# Identities and bounds.


@pytest.mark.parametrize("config", FLOW_GAMES, ids=lambda config: type(config).__name__)
def test_the_choice_of_flows_is_the_game(config: FlowConfig) -> None:
    """Returns by the problem's formula, written out, are those of the game's own steps."""
    generator = np.random.default_rng(4)
    policies = drawn_policies(config, generator, 2)
    episode, problem = played(config, policies, 2), flow_problem(config, first_starts(config, 2))
    flows = problem.flows(np.stack([np.swapaxes(policy.actions, 0, 1) for policy in policies], 2))
    mu = flows.sum(-1)
    for i in range(problem.shape[2]):
        reward = (problem.state_reward[:, :, i] * mu[:, :, i]).sum(-1)
        reward = reward + (problem.action_reward * flows[:, :, i]).sum((-1, -2))
        reward = reward + sum(
            problem.coupling[i, j] * (mu[:, :, i] * mu[:, :, j]).sum(-1) for j in range(problem.shape[2])
        )
        term = problem.terms[i]
        reward = reward if term is None else reward + term.value(mu[:, :, i])
        np.testing.assert_allclose(reward @ problem.weights, episode.returns[:, i], atol=1e-10)


@pytest.mark.parametrize("config", FLOW_GAMES, ids=lambda config: type(config).__name__)
@pytest.mark.parametrize("coalition", [0, 1])
def test_no_policy_exceeds_the_upper_bound_and_the_response_nearly_reaches_it(
    config: FlowConfig, coalition: int
) -> None:
    """Random policies, nearly deterministic ones, and small changes of the response itself."""
    generator = np.random.default_rng(5)
    policies = drawn_policies(config, generator, 2)
    episode = played(config, policies, 2)
    low, high = best_response_bounds(config, episode, coalition)
    assert (low <= high).all()
    assert (high - low <= 1e-4 * np.abs(high) + 1e-4).all()
    found = respond(
        flow_problem(config, first_starts(config, 2)),
        np.stack([np.stack(state.distributions, 1) for state in episode.states[:-1]], 1),
        coalition,
    )
    for sharp, weight in itertools.product((1.0, 0.1), (1.0, 0.1, 0.001)):
        other = drawn_policies(config, generator, 2, sharp)[coalition].actions
        own = weight * other + (1 - weight) * np.swapaxes(found.policies, 0, 1)
        tried = list(policies)
        tried[coalition] = OpenLoop(own)
        assert (played(config, tried, 2).returns[:, coalition] <= high + 1e-9).all()


@pytest.mark.parametrize("config", [FLOW_GAMES[0], FLOW_GAMES[2]], ids=lambda config: type(config).__name__)
def test_who_deviates_changes_return_and_potential_alike(config: FlowConfig) -> None:
    generator = np.random.default_rng(6)
    problem = flow_problem(config, first_starts(config, 3))
    before, other = (drawn_policies(config, generator, 3) for _ in range(2))
    for i in range(2):
        after = list(before)
        after[i] = other[i]
        returns = [played(config, profile, 3).returns[:, i] for profile in (before, after)]
        potentials = [
            potential(problem, np.stack([np.swapaxes(policy.actions, 0, 1) for policy in profile], 2))
            for profile in (before, after)
        ]
        np.testing.assert_allclose(returns[1] - returns[0], potentials[1] - potentials[0], atol=1e-10)


def test_what_predators_and_prey_gain_together_is_minus_their_moves() -> None:
    config = PredatorPreyConfig(max_cycles=6)
    policies = drawn_policies(config, np.random.default_rng(7), 5)
    episode = played(config, policies, 5)
    moved = np.zeros(5)
    for t, (state, actions) in enumerate(zip(episode.states, episode.actions, strict=False)):
        for mu, action in zip(state.distributions, actions, strict=True):
            moved += config.discount**t * (mu * (1 - action[:, :, 2])).sum(-1)
    np.testing.assert_allclose(episode.returns.sum(1), -config.move_cost * moved, atol=1e-10)


def test_a_coupling_of_another_kind_of_game_is_refused() -> None:
    config = DistributionPlanningConfig(max_cycles=2)
    problem = flow_problem(config, first_starts(config, 1))
    with pytest.raises(ValueError, match="coupling must be antisymmetric"):
        polymatrix_equilibrium(problem)
    for coupling in (np.array([[0.0, 1.0], [-1.0, 0.0]]), np.zeros((3, 3))):
        with pytest.raises(ValueError, match="coupling must be symmetric between two coalitions"):
            potential_equilibrium(replace(problem, coupling=coupling))


# Equilibria.


def check(found: Certificate, relative: float) -> None:
    """The certificate is consistent and tight."""
    assert (found.values <= found.lower).all()
    assert (found.lower <= found.upper).all()
    size = np.abs(found.values).max(1, keepdims=True)
    assert (found.exploitability <= relative * size).all()


def test_distribution_planning_has_the_values_that_were_found_before() -> None:
    """-57.7, -38.8, -25.1 and -46.8 of coalition 0, each within the 0.2 by which it was certified then."""
    found = certified(DistributionPlanningConfig())
    check(found, 1e-4)
    np.testing.assert_allclose(found.values[:, 0], [-57.7, -38.8, -25.1, -46.8], atol=0.2)
    # The first three starts are symmetric under the exchange of the coalitions.
    np.testing.assert_allclose(found.values[:3, 0], found.values[:3, 1], atol=1e-2)


def test_four_rooms_has_the_values_that_were_found_before() -> None:
    """(111.5, 86.6) for the start with home room 3."""
    config = FourRoomsConfig()
    start = first_starts(config, 1)
    end = potential_equilibrium(flow_problem(config, start), orders=(0,))
    profile = [OpenLoop(np.swapaxes(end.policies[:, :, i], 0, 1)) for i in range(2)]
    found = certificate(config, played(config, profile, 1))
    check(found, 1e-4)
    np.testing.assert_allclose(found.values, [[111.5, 86.6]], atol=0.06)


def test_predator_and_prey_is_nearly_an_equilibrium_and_the_same_every_time() -> None:
    """Coalition 0 earns 29.76 to 29.80 on the first start: linear programs over all flows whose exploitabilities add
    up to 0.001 (HiGHS: least and largest value of her best response).
    """
    found = certified(PredatorPreyConfig())
    check(found, 1e-4)
    assert 29.76 <= found.values[0, 0] <= 29.80
    short = PredatorPreyConfig(max_cycles=5)
    for first, second in zip(certified(short).profile, certified(short).profile, strict=True):
        np.testing.assert_array_equal(first.actions, second.actions)


def test_the_profile_plays_to_the_values_in_both_libraries() -> None:
    config = DistributionPlanningConfig(max_cycles=4)
    found = certified(config)
    batch = MeanFieldBatch(config, torch)
    returns = rollout(batch, batch.testing_state(), found.profile).returns
    np.testing.assert_allclose(returns.numpy(), found.values, atol=1e-12)
    anew = certificate(config, rollout(batch, batch.testing_state(), found.profile))
    np.testing.assert_allclose(anew.upper, found.upper, atol=1e-9)


@pytest.mark.parametrize("config", [*FLOW_GAMES[1:], CyberSecurityConfig(max_cycles=6)])
def test_episodes_in_single_precision_are_judged(config: FlowConfig) -> None:
    """Rows that sum to 1 only within 1e-6 cross no bound, and hardly change any number."""
    policies = drawn_policies(config, np.random.default_rng(9), 2)
    single = MeanFieldBatch(config, torch, dtype=torch.float32)
    starts = first_starts(config, 2)
    episode = rollout(single, single.initial_state(starts.distributions), policies)
    found, exact = certificate(config, episode), certificate(config, played(config, policies, 2))
    np.testing.assert_allclose(found.upper, exact.upper, atol=1e-4)
    np.testing.assert_allclose(found.values, exact.values, atol=1e-4)


@pytest.mark.parametrize(
    "config",
    [
        FourRoomsConfig(max_cycles=3, entropy=0.0, discount=0.0),
        DistributionPlanningConfig(max_cycles=3, target_cost=0.0),
        DistributionPlanningConfig(max_cycles=3, discount=0.01),
        PredatorPreyConfig(max_cycles=3, catch=0.0, move_cost=0.0),
    ],
    ids=["no entropy, no future", "no target", "hardly a future", "nothing at stake"],
)
def test_extreme_parameters_keep_their_certificates(config: FlowConfig) -> None:
    check(certified(config, first_starts(config, 1)), 1e-3)


def test_what_cannot_be_judged_is_refused_by_name() -> None:
    config = DistributionPlanningConfig(max_cycles=3)
    episode = played(config, drawn_policies(config, np.random.default_rng(8), 1), 1)
    with pytest.raises(ValueError, match=r"played must be an episode of the 4 steps from 0 to max_cycles, got 3"):
        best_response_bounds(config.replace(max_cycles=4), episode, 0)
    with pytest.raises(ValueError, match=r"coalition must be in \[0, 1\], got 2"):
        best_response_bounds(config, episode, 2)
    with pytest.raises(TypeError, match=r"config must be of a game with a reference: population_matching, .*got mpgg"):
        certified(MeanFieldMPGGConfig())
    with pytest.raises(ValueError, match="state must be of 1 games in one of the steps 0 to 2, got 1 games in step 3"):
        recorded(episode, 0)(episode.states[-1])
