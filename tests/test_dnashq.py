"""DNashQ-MFTG and IL-MFTG: against slow oracles, exact values, and what interruptions and threads must not change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mpgg_agents.mean_field.dnashq import PRESETS, DNashQConfig, DNashQTrainer, nash_value_iteration
from mpgg_agents.mean_field.il import PRESETS as IL_PRESETS
from mpgg_agents.mean_field.il import ILConfig, ILTrainer
from mpgg_agents.mean_field.tabular.policy import profile_of, tabular_profile_of
from mpgg_agents.mean_field.tabular.trainer import TabularTrainer
from mpgg_agents.training_record import TrainingRecord
from mpgg_env import DilemmaWarning
from mpgg_env.analysis.mean_field.tabular_profile import TabularProfile
from mpgg_env.analysis.mean_field.tabular_response import exploitability
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mean_field.common.discretised import DiscretisedGame
from mpgg_env.games.mean_field.common.rollout import rollout
from mpgg_env.games.mean_field.mpgg.config import MeanFieldMPGGConfig
from mpgg_env.games.mean_field.population_matching.config import PopulationMatchingConfig
from mpgg_env.games.mean_field.registry import config_class
from tests.oracles.dnashq_oracle import dnashq, independent, nash_values

pytestmark = [
    pytest.mark.algorithm,
    pytest.mark.filterwarnings(f"ignore::{DilemmaWarning.__module__}.{DilemmaWarning.__name__}"),
]

MATCHING = PopulationMatchingConfig()
WORST = -20.0  # a cost of 2 in every step, discounted by 0.9
KINDS = [(DNashQTrainer, DNashQConfig), (ILTrainer, ILConfig)]


def exact_exploitability(profile: TabularProfile) -> FloatArray:
    """What both coalitions gain by best responses in population matching itself, mean over the testing set.

    Coalition 0 could stay, for nothing; coalition 1 could make the distributions equal in one step.
    """
    batch = profile.game.batch
    rewards = rollout(batch, batch.testing_state(), profile.policies()).rewards
    weights = MATCHING.discount ** np.arange(MATCHING.max_cycles)
    lost = -rewards * weights[:, None]
    lost[:, 0, 1] = 0.0  # the first distance is no choice of anybody's
    return np.asarray(lost.sum(1).mean(0))


def trained(trainer: TabularTrainer[Any], *chunks: int) -> TrainingRecord:
    return TrainingRecord.concatenate([trainer.advance(rounds) for rounds in chunks])


def learned_by(config: Any, game: Any = MATCHING, seed: int = 0) -> Any:
    trainer = (DNashQTrainer if isinstance(config, DNashQConfig) else ILTrainer)(game, config, [seed], threads=1)
    trainer.advance(config.episodes)
    return trainer.replicas[0]


def test_value_iteration_is_that_of_numpy_and_an_equilibrium() -> None:
    game = DiscretisedGame(MATCHING, 2, 1)
    found = nash_value_iteration(game)
    expected = nash_values(game.next_index, game.rewards, MATCHING.discount, WORST, found.sweeps)
    assert found.converged
    np.testing.assert_allclose(found.values, expected, atol=1e-11)
    assert exploitability(found.profile).max() < 1e-9
    assert not found.profile.mixed.any()


def test_value_iteration_says_when_it_has_not_come_to_an_end() -> None:
    found = nash_value_iteration(DiscretisedGame(MATCHING, 2, 1), most_sweeps=5)
    assert (found.converged, found.sweeps) == (False, 5)
    assert found.change > 1e-3


@pytest.mark.parametrize("omega", [0.0, 0.6, 1.0])
def test_learning_is_algorithm_1_entry_by_entry(omega: float) -> None:
    config = DNashQConfig(n_states_grid=2, episodes=40, omega=omega, eps_end=0.1)
    trainer = DNashQTrainer(MATCHING, config, [3])
    record = trainer.advance(40)
    game, replica = trainer.discretised, trainer.replicas[0]
    assert isinstance(replica.profile, TabularProfile)
    epsilons = [0.1 + 0.9 * max(0.0, 1 - k / 32) for k in range(1, 41)]
    starts = replica._starts(0, 40).tolist()
    tables, returns = dnashq(
        game.next_index, game.rewards, MATCHING.discount, 20, starts, epsilons, omega, [WORST, WORST], seed=3
    )
    np.testing.assert_allclose(replica.values.reshape(36, 2, 27, 27), tables.swapaxes(0, 1), atol=1e-12)
    for i in range(2):
        np.testing.assert_allclose(record.measures[f"return_{i}"][0], returns[:, i], atol=1e-12)
    np.testing.assert_allclose(record.measures["mean_return"][0], returns.mean(1), atol=1e-12)
    np.testing.assert_allclose(record.measures["exploration"][0], epsilons, atol=1e-12)
    assert record.measures["visited"][0, -1] == np.count_nonzero(replica.visits) / (36 * 729)
    assert replica.visits.sum() == 800


@pytest.mark.parametrize("omega", [0.0, 0.6])
def test_independent_learning_is_q_learning_from_the_own_point(omega: float) -> None:
    # Of unequal grids and actions: 10 and 3 points, 16 and 4 actions.
    game = config_class("cyber_security")(max_cycles=20)
    replica = learned_by(ILConfig(n_states_grid=2, episodes=40, omega=omega, eps_end=0.1), game)
    epsilons = [0.1 + 0.9 * max(0.0, 1 - k / 32) for k in range(1, 41)]
    grid = replica.game
    tables = independent(
        grid.next_index,
        grid.rewards,
        game.discount,
        20,
        replica._starts(0, 40).tolist(),
        epsilons,
        omega,
        grid.worst_values.tolist(),
        0,
        grid.n_points,
    )
    np.testing.assert_allclose(replica.values, np.concatenate([table.ravel() for table in tables]), atol=1e-12)
    first, second = (table.argmax(1) for table in tables)
    own = grid.own_indices(np.arange(grid.n_states))
    assert (replica.profile.actions[0] == first[own[0]]).all()
    assert (replica.profile.actions[1] == second[own[1]]).all()


def test_with_a_rate_of_one_the_tests_get_the_exact_values() -> None:
    # The whole quick case: 40,000 episodes of 20 steps, on grids of n_S = 3 and n_A = 1.
    replica = learned_by(DNashQConfig(n_states_grid=3, episodes=40_000, omega=0.0))
    exact = nash_value_iteration(replica.game)
    tests = replica.game.testing_states()
    assert exact.converged
    np.testing.assert_allclose(replica.worth[:, tests], exact.values[:, tests], atol=1e-9)
    assert exploitability(replica.profile)[:, tests].max() < 1e-9
    expected = exact_exploitability(exact.profile)
    np.testing.assert_allclose(exact_exploitability(replica.profile), expected, atol=1e-12)
    # The grid is all that is wrong with it: E1 = 0, and E2 as measured by another implementation.
    assert expected[0] == 0.0
    assert round(float(expected[1]), 3) == 0.948


def test_finer_grids_are_exploited_less() -> None:
    coarse, fine = (nash_value_iteration(DiscretisedGame(MATCHING, n, 1)).profile for n in (2, 5))
    assert exact_exploitability(fine)[1] < 0.5 < exact_exploitability(coarse)[1]


def test_independent_learners_stay_exploitable() -> None:
    # Coalition 1 does not see coalition 0 and cannot match it, however long it learns.
    replica = learned_by(ILConfig(n_states_grid=3, episodes=10_000, omega=0.0))
    first, second = exact_exploitability(replica.profile)
    assert first < 1
    assert second > 3


def test_an_independent_learner_alone_finds_what_is_best() -> None:
    # One coalition alone is an ordinary decision problem, which value iteration solves.
    game = MeanFieldMPGGConfig(grid_shape=(1, 2), n_coalitions=1, gain=(1.5, 2.5), discount=0.5)
    replica = learned_by(ILConfig(n_states_grid=2, episodes=400, omega=0.0, eps_end=1.0), game)
    exact = nash_value_iteration(replica.game)
    assert exploitability(replica.profile).max() < 1e-9
    # All that is in the better casino cooperates: 0.5 * (2.5 - 1) in every step from there on.
    np.testing.assert_allclose(exact.values[0, -1], 0.75 / 0.5)
    alone = learned_by(DNashQConfig(n_states_grid=2, episodes=400, omega=0.0, eps_end=1.0), game)
    np.testing.assert_allclose(alone.worth, exact.values, atol=1e-9)


@pytest.mark.parametrize("gains", [(1.1, 1.9), (1.5, 2.0)])
def test_casinos_with_none_but_mixed_equilibria_are_learned(gains: tuple[float, float]) -> None:
    # Gains up to the number of coalitions: who is followed cooperates for others, so that both must mix.
    game = MeanFieldMPGGConfig(grid_shape=(1, 2), gain=gains, weights=(0.3, 0.7), discount=0.5)
    replica = learned_by(DNashQConfig(n_states_grid=4, episodes=80_000, omega=0.0, eps_end=1.0), game)
    exact = nash_value_iteration(replica.game)
    assert exact.converged
    assert exact.profile.mixed.sum() >= 6
    assert (replica.profile.mixed == exact.profile.mixed).all()
    np.testing.assert_allclose(replica.worth, exact.values, atol=2e-3)
    assert exploitability(exact.profile).max() < 1e-6
    assert exploitability(replica.profile).max() < 2e-3


def test_value_iteration_on_the_grid_of_tenths_finds_mixed_equilibria() -> None:
    game = DiscretisedGame(MeanFieldMPGGConfig(grid_shape=(1, 2), gain=(1.1, 1.9), weights=(0.3, 0.7)), 10, 1)
    found = nash_value_iteration(game)
    assert found.converged
    assert found.profile.mixed.sum() > 20
    assert exploitability(found.profile).max() < 1e-6
    # Of the optimum, all in the better casino, 0.5 * (1.9 - 1) per round, they get between a third and three quarters.
    welfare = np.array([0.3, 0.7]) @ found.values / (0.45 / 0.05)
    assert 0.3 < welfare.min() < welfare.max() < 0.75


def test_three_coalitions_take_pure_profiles() -> None:
    game = MeanFieldMPGGConfig(grid_shape=(1, 2), n_coalitions=3, gain=(1.5, 4.0), discount=0.5)
    replica = learned_by(DNashQConfig(n_states_grid=1, episodes=300, omega=0.0), game)
    assert replica.values.shape == (8, 3, 4096)
    assert not replica.profile.mixed.any()
    assert np.isfinite(replica.worth).all()


@pytest.mark.parametrize(("trainer", "config"), KINDS)
def test_neither_chunks_nor_interruptions_nor_threads_change_a_bit(trainer: Any, config: Any) -> None:
    # 1100 episodes: more than one block of starts.
    agent = config(n_states_grid=2, episodes=1100, omega=0.6)
    whole = trainer(MATCHING, agent, [5, 6], snapshots=3, threads=2)
    record = trained(whole, 1100)
    first = trainer(MATCHING, agent, [5, 6], snapshots=3, threads=1)
    before = trained(first, 1, 499)
    stored = {name: array.copy() for name, array in first.state_arrays().items()}
    first.advance(100)
    resumed = trainer(MATCHING, agent, [5, 6], snapshots=3, threads=1)
    resumed.restore(stored)
    after = trained(resumed, 550, 50)
    joined = TrainingRecord.concatenate([before, after])
    for name, measure in record.measures.items():
        assert (measure == joined.measures[name]).all(), name
    for name, kept in record.snapshots.items():
        assert (kept == joined.snapshots[name]).all(), name
    assert record.snapshots["snapshot_rounds"].tolist() == [[366, 733, 1100]] * 2
    for name, array in whole.state_arrays().items():
        assert (array == resumed.state_arrays()[name]).all(), name
    assert (record.measures["return_0"][0] != record.measures["return_0"][1]).any()


@pytest.mark.parametrize(("trainer", "config"), KINDS)
def test_stored_profiles_are_the_learned_ones(trainer: Any, config: Any) -> None:
    agent = config(n_states_grid=2, episodes=50)
    made = trainer(MATCHING, agent, [0])
    made.advance(50)
    profile = tabular_profile_of(MATCHING, agent, made.learned(0))
    for own, other in zip(profile.strategies, made.replicas[0].profile.strategies, strict=True):
        assert (own == other).all()
    batch = made.discretised.batch
    state = batch.testing_state()
    for policy, again in zip(profile_of(MATCHING, agent, made.learned(0)), made.policy(0), strict=True):
        assert (policy(state) == again(state)).all()
    with pytest.raises(ValueError, match=r"^the arrays must be coalition_0.strategy, coalition_1.strategy, got a$"):
        tabular_profile_of(MATCHING, agent, {"a": np.zeros(1)})


def test_values_of_another_training_are_refused() -> None:
    trainer = DNashQTrainer(MATCHING, DNashQConfig(n_states_grid=1, episodes=5), [0])
    stored = {name: np.array(array) for name, array in trainer.state_arrays().items()}
    stored["replica0.values"][0, 0, 0] = np.nan
    with pytest.raises(ValueError, match=r"^values must be finite and visits must be >= 0$"):
        trainer.restore(stored)
    other = DNashQTrainer(MATCHING, DNashQConfig(n_states_grid=2, episodes=5), [0])
    with pytest.raises(ValueError, match=r"of another training"):
        trainer.restore(other.state_arrays())


@pytest.mark.parametrize("config", [DNashQConfig, ILConfig])
@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"omega": 1.5}, r"^omega must be in \[0, 1\], got 1.5$"),
        ({"eps_share": 0.0}, r"^eps_share must be in \(0, 1\], got 0.0$"),
        ({"episodes": 0}, r"^episodes must be >= 1, got 0$"),
        ({"n_states_grid": 0}, r"^n_states_grid must be >= 1, got 0$"),
        ({"initial_value": float("nan")}, r"^initial_value must be finite, got nan$"),
    ],
)
def test_hyper_parameters_out_of_range_are_refused(config: Any, settings: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        config(**settings)


@pytest.mark.parametrize("presets", [PRESETS, IL_PRESETS])
def test_presets_are_settings_of_games_that_are_small_enough(presets: Any) -> None:
    assert set(presets) == {"population_matching", "cyber_security", "mpgg"}
    for game, named in presets.items():
        assert "default" in named
        for preset in named.values():
            agent = DNashQConfig(**preset.agent)
            DiscretisedGame(config_class(game)(**preset.game), agent.n_states_grid, agent.n_actions_grid)


def test_configurations_print_as_code_and_come_back() -> None:
    config = DNashQConfig(omega=0.0, initial_value=-3.0)
    assert DNashQConfig.from_dict(config.to_dict()) == config
    assert set(DNashQConfig.field_help()) == set(DNashQConfig.field_names())
