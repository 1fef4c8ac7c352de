"""The references of population matching and cyber security: closed form, dominance, and the attackers' control."""

import itertools

import numpy as np
import pytest

from mpgg_env.analysis.mean_field.certificate import best_response_bounds, certificate, certified
from mpgg_env.analysis.mean_field.cyber_attack import attack_bound
from mpgg_env.analysis.mean_field.cyber_defence import defence_gain_bound, infected_ranges, never_defend
from mpgg_env.analysis.mean_field.cyber_response import cyber_equilibrium
from mpgg_env.analysis.mean_field.matching_reference import matching_equilibrium, matching_exploitability
from mpgg_env.analysis.mean_field.open_loop import OpenLoop
from mpgg_env.analysis.mean_field.profiles import random_profile
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.rollout import Rollout, rollout
from mpgg_env.games.mean_field.common.state import MeanFieldState
from mpgg_env.games.mean_field.cyber_security.config import INFECTION_RATES, CyberSecurityConfig
from mpgg_env.games.mean_field.distribution_planning.config import DistributionPlanningConfig
from mpgg_env.games.mean_field.population_matching.config import PopulationMatchingConfig

pytestmark = pytest.mark.algorithm

ATTACKS = {"never": (1.0, 0.0), "always": (0.0, 1.0), "half": (0.5, 0.5)}


# Population matching.


def matrices(n: int) -> FloatArray:
    """All actions with rows in multiples of 1 / n, (K, 3, 3)."""
    rows = [np.array(c) / n for c in itertools.product(range(n + 1), repeat=3) if sum(c) == n]
    return np.array(list(itertools.product(rows, repeat=3)))


@pytest.mark.parametrize("noise", [(1.0, 0.0, 0.0), (0.96, 0.02, 0.02), (0.2, 0.5, 0.3)])
def test_the_closed_form_is_the_best_of_all_actions_on_a_grid(noise: tuple[float, float, float]) -> None:
    """T = 2, one step that counts: the opponent's moves lead to halves, which the grid of halves can reach."""
    config = PopulationMatchingConfig(max_cycles=2, noise=noise)
    batch, grid = MeanFieldBatch(config), matrices(2)
    starts = (np.array([[0.5, 0.5, 0.0]]), np.array([[0.0, 0.0, 1.0]]))
    actions = [np.eye(3)[[1, 2, 0]], np.full((3, 3), 1 / 3)]
    policies = [OpenLoop(np.tile(action, (2, 1, 1, 1))) for action in actions]
    episode = rollout(batch, batch.initial_state(starts), policies)
    gains = matching_exploitability(config, episode)[0]
    many = batch.initial_state(tuple(np.repeat(mu, len(grid), 0) for mu in starts))
    for i, least in ((0, 0.0), (1, 1e-3)):
        tried = [OpenLoop(np.repeat(policy.actions, len(grid), 1)) for policy in policies]
        # At time 1 the first coalition stays and the second may do anything.
        tried[i] = OpenLoop(np.stack([grid, np.tile(np.eye(3)[[0, 0, 0]], (len(grid), 1, 1))]))
        best = rollout(batch, many, tried).returns[:, i].max()
        assert best - episode.returns[0, i] == pytest.approx(gains[i], abs=1e-12)
        assert gains[i] > least


def test_the_closed_form_bounds_sequences_of_actions() -> None:
    """T = 3: all 27^2 pairs of deterministic actions gain no more than the formula says, and the best nearly that."""
    config = PopulationMatchingConfig(max_cycles=3)
    batch, grid = MeanFieldBatch(config), matrices(1)
    pairs = np.array(list(itertools.product(range(27), repeat=2)))
    sequences = np.stack([grid[pairs[:, 0]], grid[pairs[:, 1]], np.tile(np.eye(3)[[0, 0, 0]], (len(pairs), 1, 1))])
    state = batch.testing_state()
    policies = random_profile(config, 3, feedback=1.0)
    episode = rollout(batch, state, policies)
    gains = matching_exploitability(config, episode)
    for game in range(5):
        first = np.stack([actions[0][game] for actions in episode.actions])[:, None]
        many = MeanFieldState(0, tuple(np.repeat(mu[game : game + 1], len(pairs), 0) for mu in state.distributions))
        tried = rollout(batch, many, [OpenLoop(np.repeat(first, len(pairs), 1)), OpenLoop(sequences)]).returns[:, 1]
        assert tried.max() - episode.returns[game, 1] <= gains[game, 1] + 1e-12


@pytest.mark.parametrize("seed", range(3))
def test_formula_and_played_responses_agree_for_profiles_that_react(seed: int) -> None:
    config = PopulationMatchingConfig(move_cost=1.5, distance_cost=0.7, discount=0.8, max_cycles=7)
    batch = MeanFieldBatch(config)
    state = batch.drawn_state(np.random.default_rng(seed), 6)
    episode = rollout(batch, state, random_profile(config, seed, feedback=2.0))
    found = certificate(config, episode)
    np.testing.assert_allclose(found.exploitability, matching_exploitability(config, episode), atol=1e-12)
    np.testing.assert_allclose(found.lower, found.upper, atol=1e-12)


def test_the_last_actions_cost_moves_and_match_nothing() -> None:
    """T = 1: everybody of coalition 0 moves, 2 * 1; the distance of the start, 2, is nobody's to change."""
    config = PopulationMatchingConfig(max_cycles=1)
    batch = MeanFieldBatch(config)
    left = OpenLoop(np.tile(np.eye(3)[1], (1, 1, 3, 1)))
    state = batch.initial_state((np.array([[1.0, 0, 0]]), np.array([[0, 0, 1.0]])))
    episode = rollout(batch, state, [left, left])
    np.testing.assert_allclose(episode.returns, [[-2.0, -2.0]])
    np.testing.assert_allclose(matching_exploitability(config, episode), [[2.0, 0.0]])


def test_staying_and_copying_is_an_equilibrium_everywhere() -> None:
    config = PopulationMatchingConfig(noise=(0.5, 0.3, 0.2))
    batch = MeanFieldBatch(config)
    episode = rollout(batch, batch.drawn_state(np.random.default_rng(0), 9), matching_equilibrium())
    np.testing.assert_allclose(matching_exploitability(config, episode), np.zeros((9, 2)), atol=1e-12)
    found = certified(PopulationMatchingConfig())
    # -c2 ||mu_0 - mu_1||_1 of the five pairs, by hand.
    np.testing.assert_allclose(found.values, [[0, -2.0], [0, -0.8], [0, -1.2], [0, -0.8], [0, -2.0]], atol=1e-12)


def test_other_games_and_parts_of_episodes_are_refused() -> None:
    config = PopulationMatchingConfig(max_cycles=3)
    batch = MeanFieldBatch(config)
    part = rollout(batch, batch.testing_state(), matching_equilibrium(), steps=2)
    with pytest.raises(ValueError, match="played must be an episode of the 3 steps from 0 to max_cycles, got 2"):
        matching_exploitability(config, part)
    with pytest.raises(TypeError, match="config must be a PopulationMatchingConfig, got Distribution"):
        matching_exploitability(DistributionPlanningConfig(), part)  # type: ignore[arg-type]


# Cyber security.


def episode_against(
    config: CyberSecurityConfig, attack: tuple[float, float], defence: FloatArray | None = None
) -> Rollout:
    """Defenders who never defend, or do as told, against attackers with these switching probabilities."""
    batch = MeanFieldBatch(config)
    state = batch.testing_state()
    steps, games = config.max_cycles, len(state.distributions[0])
    switching = np.broadcast_to(np.array(attack), (steps, games, 2))
    attackers = OpenLoop(np.stack([1 - switching, switching], -1))
    return rollout(batch, state, [OpenLoop(never_defend(steps, games) if defence is None else defence), attackers])


def random_defence(config: CyberSecurityConfig, generator: np.random.Generator, sharp: float = 1.0) -> FloatArray:
    return generator.dirichlet(np.full(2, sharp), (config.max_cycles, 8, 4))


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_never_defending_is_dominant(attack: tuple[float, float]) -> None:
    """The bound says so, exactly, and random defences never do better."""
    config, generator = CyberSecurityConfig(), np.random.default_rng(0)
    episode = episode_against(config, attack)
    low, high = best_response_bounds(config, episode, 0)
    np.testing.assert_array_equal(low, episode.returns[:, 0])
    np.testing.assert_array_equal(high, low)
    for sharp in (1.0, 0.05):
        other = episode_against(config, attack, random_defence(config, generator, sharp))
        assert (other.returns[:, 0] < low).all()


def test_where_defence_pays_the_bound_says_how_much_at_most() -> None:
    """Defence for nothing that infects less: never defending is beaten, and by no more than the bound."""
    config = CyberSecurityConfig(defence_cost=0.0, attack_defended=0.0, defended_from_defended=0.1, max_cycles=20)
    episode = episode_against(config, ATTACKS["always"])
    active = np.stack([state.distributions[1][:, 0] for state in episode.states[:-1]], 1)
    bound = defence_gain_bound(config, episode.states[0].distributions[0], active)
    always = never_defend(20, 8)[..., ::-1]
    gain = episode_against(config, ATTACKS["always"], always).returns[:, 0] - episode.returns[:, 0]
    assert (gain > 0).all()
    assert (gain <= bound).all()


def test_the_bound_counts_those_who_are_infected_when_they_switch() -> None:
    """T = 3 without infection, all in UI, D recovers faster; a switch at time 0 is all that can matter. By hand:

    0.2 go to DI. At time 2 of them 0.2 * (1 - 0.2 * 4) are infected and not 0.2 * (1 - 0.2 * 1): 0.12 fewer, each worth
    0.2 * 0.5, discounted by 0.98^2. All are infected at time 0; at time 1, when fewer are, is too late to count them.
    """
    healthy = dict.fromkeys(INFECTION_RATES, 0.0)
    recovery = {"recovery_undefended": 1.0, "recovery_defended": 4.0, "switch_rate": 1.0}
    config = CyberSecurityConfig(max_cycles=3, defence_cost=0.0, **recovery, **healthy)
    batch = MeanFieldBatch(config)
    state = batch.initial_state((np.array([[0.0, 0, 1, 0]]), np.array([[0.5, 0.5]])))
    never = never_defend(3, 1)
    attackers = OpenLoop(np.tile(np.eye(2)[0], (3, 1, 2, 1)))
    kept, defended = (
        rollout(batch, state, [OpenLoop(actions), attackers]) for actions in (never, never[..., ::-1].copy())
    )
    gain = 0.98**2 * 0.2 * 0.5 * 0.12
    np.testing.assert_allclose(defended.returns[:, 0] - kept.returns[:, 0], [gain], atol=1e-12)
    bound = defence_gain_bound(config, state.distributions[0], np.full((1, 3), 0.5))
    np.testing.assert_allclose(bound, [gain], atol=1e-12)
    np.testing.assert_allclose(certificate(config, defended).exploitability[:, 0], [0.0], atol=1e-12)


def test_no_defence_leaves_the_ranges_of_infection() -> None:
    config, generator = CyberSecurityConfig(max_cycles=12), np.random.default_rng(1)
    for attack, sharp in itertools.product(ATTACKS.values(), (1.0, 0.05)):
        episode = episode_against(config, attack, random_defence(config, generator, sharp))
        infected = np.stack([s.distributions[0][:, 0] + s.distributions[0][:, 2] for s in episode.states[:-1]], 1)
        active = np.stack([state.distributions[1][:, 0] for state in episode.states[:-1]], 1)
        ranges = infected_ranges(config, infected[:, 0], active)
        assert (ranges[..., 0] <= infected + 1e-12).all()
        assert (infected <= ranges[..., 1] + 1e-12).all()


def test_attacks_have_the_values_that_were_found_before() -> None:
    """Mean over the testing set against nobody defending: never 0.768, always 0.726, the best over time 0.901."""
    config = CyberSecurityConfig()
    for name, value in (("never", 0.768), ("always", 0.726)):
        assert episode_against(config, ATTACKS[name]).returns[:, 1].mean() == pytest.approx(value, abs=5e-4)
    batch = MeanFieldBatch(config)
    state = batch.testing_state()
    values = rollout(batch, state, cyber_equilibrium(config, state)).returns[:, 1]
    assert values.mean() == pytest.approx(0.901, abs=5e-4)
    found = certified(config, MeanFieldState(0, tuple(mu[3:5] for mu in state.distributions)))
    np.testing.assert_allclose(found.values[:, 1], values[3:5], atol=1e-4)
    assert (found.exploitability[:, 0] == 0).all()
    assert (found.exploitability[:, 1] <= 1e-3 * found.values[:, 1]).all()


def test_no_attack_exceeds_its_bound() -> None:
    """T = 3: v_2 is chosen by v_1, v_1 by v_0; a fine grid of both against defenders who do anything."""
    config, generator = CyberSecurityConfig(max_cycles=3, attack_cost=0.02), np.random.default_rng(2)
    batch = MeanFieldBatch(config)
    defence = random_defence(config, generator)
    episode = episode_against(config, ATTACKS["half"], defence)
    low, high = best_response_bounds(config, episode, 1)
    probabilities = np.linspace(0, 1, 5)
    choices = np.array(list(itertools.product(probabilities, repeat=4))).reshape(-1, 2, 2)
    attacks = np.concatenate([choices, np.zeros((len(choices), 1, 2))], 1).swapaxes(0, 1)
    for game in range(8):
        state = MeanFieldState(
            0, tuple(np.repeat(mu[game : game + 1], len(choices), 0) for mu in episode.states[0].distributions)
        )
        own = OpenLoop(np.stack([1 - attacks, attacks], -1))
        others = OpenLoop(np.repeat(defence[:, game : game + 1], len(choices), 1))
        best = rollout(batch, state, [others, own]).returns[:, 1].max()
        assert best <= high[game] + 1e-12
        assert best <= low[game] + 1e-9  # actions at their limits are on the grid
        assert high[game] - low[game] < 1e-3


def test_finer_grids_give_lower_bounds_that_stay_above() -> None:
    config = CyberSecurityConfig(max_cycles=12)
    state = MeanFieldBatch(config).testing_state()
    start = (state.distributions[0][0], state.distributions[1][0])
    switching = never_defend(12, 1)[:, 0, :, 1]
    found = certified(config)
    bounds = [attack_bound(config, start, switching, cells) for cells in ((4, 8, 24, 24), (16, 32, 192, 128))]
    assert found.lower[0, 1] <= bounds[1] < bounds[0] < found.lower[0, 1] + 0.05
