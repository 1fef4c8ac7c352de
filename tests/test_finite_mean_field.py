"""Finite games beside their mean-field limits: the law of a step, what agents earn, and how fast the limit comes near.

Chi-square statistics are judged at fixed seeds: a right program fails one of them with probability 1e-4 per side.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2

from mpgg_env.games.mean_field.common import draws
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.draws import choice_thresholds
from mpgg_env.games.mean_field.common.finite import FiniteGame, coalition_sizes, finite_game
from mpgg_env.games.mean_field.common.population import FinitePlay, repeated_state
from mpgg_env.games.mean_field.common.rollout import Policy
from mpgg_env.games.mean_field.common.state import MeanFieldState
from mpgg_env.games.mean_field.cyber_security.config import CyberSecurityConfig
from mpgg_env.games.mean_field.mpgg.config import MeanFieldMPGGConfig
from mpgg_env.games.mean_field.population_matching.config import PopulationMatchingConfig
from mpgg_env.games.mean_field.predator_prey.config import PredatorPreyConfig
from tests.mean_field_pairs import DEFAULT_PAIRS, NAMES, contexts, migratory_pair, random_pair
from tests.oracles.mean_field_oracle import Game, MigratoryGame
from tests.random_mean_field import random_actions, random_distributions
from tests.support import exactly, fresh_python, same

SIGNIFICANCE = 1e-4
every_game = pytest.mark.parametrize("name", NAMES)


def constant(actions: Sequence[Any]) -> list[Policy]:
    """Policies that never change."""
    arrays = [np.array(action, float) for action in actions]
    return [
        lambda state, action=action: np.repeat(action[None], len(state.distributions[0]), 0)  # type: ignore[misc]
        for action in arrays
    ]


def started(config: Any, distributions: Sequence[Any], replicas: int = 1, home: int = 0) -> MeanFieldState:
    batch = MeanFieldBatch(config)
    state = batch.initial_state([np.array([mu], float) for mu in distributions], contexts(batch, [home]))
    return repeated_state(state, replicas)


def smooth(config: Any) -> list[Policy]:
    """Policies that react to the distributions: agents leave crowded states, and cooperate less in them."""
    batch = MeanFieldBatch(config)

    def policy(state: MeanFieldState, coalition: int) -> Any:
        states, columns = batch.shapes[coalition]
        crowd = sum(mu[:, :2].sum(1) for mu in state.distributions)[:, None, None]
        return batch.rules.normalised((1 + np.arange(columns) * np.exp(-crowd) * np.ones((states, 1))) / columns)

    return [lambda state, i=i: policy(state, i) for i in range(batch.n_coalitions)]  # type: ignore[misc]


def plausible(statistic: float, freedom: int) -> bool:
    """Neither too far from what is expected nor too near."""
    low, high = chi2.ppf([SIGNIFICANCE, 1 - SIGNIFICANCE], freedom)
    return bool(low < statistic < high)


def independent(table: Any) -> bool:
    """Pearson's test of a table of counts."""
    expected = table.sum(1, keepdims=True) * table.sum(0, keepdims=True) / table.sum()
    freedom = (table.shape[0] - 1) * (table.shape[1] - 1)
    return plausible(float(((table - expected) ** 2 / expected).sum()), freedom)


def one_step(name: str, seed: int, sizes: int, replicas: int) -> tuple[Game, list[Any], list[Any], FinitePlay, Any]:
    """A step of random actions from the same random start in every replica."""
    rng = random.Random(seed)
    config, game = DEFAULT_PAIRS[name]()
    start, actions = random_distributions(rng, game), random_actions(rng, game)
    finite = finite_game(config, coalition_sizes(config, sizes))
    policies, state = constant(actions), started(config, start, replicas)
    play = finite.play(state, policies, seed=2, start="quota", steps=1, keep_flows=True)
    return game, actions, [mu[0, 0] for mu in play.distributions], play, finite


@every_game
@pytest.mark.parametrize("seed", range(4))  # random starts and actions are often certain, and then say little
def test_a_step_has_the_law_of_independent_agents(seed: int, name: str) -> None:
    """The numbers of agents that arrive are sums of multinomials, one from each state: their means and covariances."""
    size, replicas = 300, 300
    game, actions, start, play, _ = one_step(name, seed, size, replicas)
    for i, mu in enumerate(start):
        mean, covariance = np.zeros(len(mu)), np.zeros((len(mu), len(mu)))
        for x, mass in enumerate(mu):
            law = np.zeros(len(mu))
            for a, chosen in enumerate(game.choices(actions[i][x])):
                for probability, end in game.outcomes(i, x, a, start):
                    law[end] += float(chosen) * float(probability)
            mean += mass * law
            covariance += mass * (np.diag(law) - np.outer(law, law)) / size
        apart = play.distributions[i][:, 1] - mean
        assert np.abs(apart[:, np.diag(covariance) < 1e-15]).max(initial=0) < 1e-12
        common = mean * size > 5  # the squares of rarer numbers vary more than chi-square does
        apart, covariance = apart[:, common], covariance[np.ix_(common, common)]
        freedom = np.linalg.matrix_rank(covariance, 1e-9 * np.linalg.norm(covariance, 2))
        inverse = np.linalg.pinv(covariance, 1e-9, hermitian=True)
        if freedom:
            average = apart.mean(0)
            assert plausible(replicas * average @ inverse @ average, freedom)
            assert plausible(float(np.einsum("rs,st,rt->", apart, inverse, apart)), replicas * freedom)


@every_game
@pytest.mark.parametrize("seed", range(4))
def test_agents_do_what_their_policy_says(seed: int, name: str) -> None:
    """The numbers that take each action are multinomial in every state; cooperators are binomial."""
    _, actions, start, play, finite = one_step(name, seed, 200, 200)
    for i, flow in enumerate(play.flows):
        moving = finite.rules.movement(flow[:, 0])
        kept = [(flow[:, 0, :, :1], [[[row[0]] for row in actions[i]], [[1 - row[0]] for row in actions[i]]])]
        parts = [(moving, np.array([row[-moving.shape[2] :] for row in actions[i]], float))]
        if name == "mpgg":
            giving = np.concatenate([kept[0][0], start[i][None, :, None] - kept[0][0]], 2)
            parts.append((giving, np.concatenate([np.array(side, float) for side in kept[0][1]], 1)))
        for done, law in parts:
            counts, expected = done.sum(0) * 200, start[i][:, None] * law * 200 * len(done)
            assert (counts[expected == 0] == 0).all()
            some = expected > 0
            freedom = int((some.sum(1) - 1)[some.any(1)].sum())
            if freedom:
                assert plausible(float(((counts - expected)[some] ** 2 / expected[some]).sum()), freedom)


def test_draws_of_one_agent_are_independent() -> None:
    """Its action, its noise, its next action, and what another one draws."""
    config = PopulationMatchingConfig(noise=(0.4, 0.3, 0.3))
    uniform = constant([[[0.5, 0.25, 0.25]] * 3] * 2)
    state = started(config, [[1, 0, 0], [1, 0, 0]], 5000)
    play = finite_game(config, (1, 1)).play(state, uniform, steps=2, keep_flows=True)
    (action, later), (other, _) = (flow.sum(2).argmax(2).T for flow in play.flows)
    place = play.distributions[0].argmax(2)
    noise = (place[:, 1] - np.array([0, -1, 1])[action]) % 3
    for first, second in ((action, noise), (action, later), (noise, later), (action, other)):
        assert independent(np.histogram2d(first, second, [3, 3])[0])


def test_who_cooperates_moves_like_the_others() -> None:
    config = MeanFieldMPGGConfig()
    policies = constant([[[0.4, 0.2, 0.2, 0.2, 0.2, 0.2]] * 9] * 2)
    play = finite_game(config, (1, 1)).play(
        started(config, [[1 / 9] * 9] * 2, 3000), policies, steps=1, keep_flows=True
    )
    flow = play.flows[0][:, 0].sum(1)
    table = np.histogram2d(flow[:, 0], flow[:, 1:].argmax(1), [2, 5])[0]
    assert table.sum() == 3000
    assert independent(table)


def test_starts_are_drawn_or_filled_by_largest_remainders() -> None:
    config, mu = PopulationMatchingConfig(), [0.5, 0.3, 0.2]
    finite, still = finite_game(config, (7, 50)), constant([[[1, 0, 0]] * 3] * 2)
    quota = finite.play(started(config, [mu, mu], 2), still, start="quota", steps=1).distributions[0][:, 0]
    # 3.5, 2.1, 1.4: the seventh agent goes to the largest remainder.
    np.testing.assert_allclose(quota * 7, [[4, 2, 1]] * 2, atol=1e-12)
    drawn = finite.play(started(config, [mu, mu], 400), still, steps=1).distributions[1][:, 0]
    expected = np.array(mu)
    assert plausible(float((50 * (drawn - expected) ** 2 / expected).sum()), 400 * 2)


def test_what_has_no_probability_is_never_drawn() -> None:
    """Ten times 0.1 is below 1 in floating point: a draw above that sum must not choose the eleventh."""
    thresholds = choice_thresholds(np.array([0, *[0.1] * 10, 0]))
    assert thresholds[0] == 0
    assert thresholds[10] == np.inf


@every_game
def test_agents_are_conserved(name: str) -> None:
    rng = random.Random(7)
    for _ in range(2):
        config, game = random_pair(rng, name)
        finite = finite_game(config, coalition_sizes(config, 60))
        state = started(config, random_distributions(rng, game), 3)
        play = finite.play(state, constant(random_actions(rng, game)), steps=4, keep_flows=True)
        for i, (size, mu, flow) in enumerate(zip(finite.sizes, play.distributions, play.flows, strict=True)):
            assert not mu[..., ~finite.rules.support(i)].any()
            for numbers in (mu * size, flow * size):
                np.testing.assert_allclose(numbers, np.round(numbers), rtol=0, atol=1e-9)
            np.testing.assert_array_equal(np.round(mu.sum(2) * size), np.full((3, 5), size))
            moving = finite.rules.movement(flow.reshape(12, *flow.shape[2:])).reshape(3, 4, len(mu[0, 0]), -1)
            np.testing.assert_allclose(moving.sum(3), mu[:, :-1], rtol=0, atol=1e-12)


def matching_reward(coalition: int, state: int, action: int, mu: list[Any]) -> float:
    return -2.0 * (action != 0) if coalition == 0 else -abs(mu[0] - mu[1]).sum()


def chasing_reward(coalition: int, state: int, action: int, mu: list[Any]) -> float:
    """100 per share of the prey in the own cell, -100 per share of the predator, -1 for any move but staying."""
    prey = mu[coalition + 1][state] if coalition < 3 else 0.0
    hunter = mu[coalition - 1][state] if coalition else 0.0
    return 100 * (prey - hunter) - (action != 2)


def cyber_reward(coalition: int, state: int, action: int, mu: list[Any]) -> float:
    if coalition == 0:
        return -0.2 * (0.3 * (state in (0, 1)) + 0.5 * (state in (0, 2)))
    return 0.2 * (0.5 * (mu[0][0] + mu[0][2]) - 0.15 * (state == 0))


@pytest.mark.parametrize(
    ("config", "reward"),
    [
        (PopulationMatchingConfig(), matching_reward),
        (PredatorPreyConfig(), chasing_reward),
        (CyberSecurityConfig(), cyber_reward),
    ],
)
def test_rewards_are_the_means_of_what_single_agents_earn(config: Any, reward: Any) -> None:
    """Agent by agent, of coalitions of different sizes."""
    sizes = (30, 7, 12, 5)[: MeanFieldBatch(config).n_coalitions]
    state = repeated_state(MeanFieldBatch(config).testing_state(), 1)
    play = finite_game(config, sizes).play(state, smooth(config), steps=3, keep_flows=True)
    for b, t in np.ndindex(play.rewards.shape[:2]):
        mu = [part[b, t] for part in play.distributions]
        for i, size in enumerate(sizes):
            numbers = np.round(play.flows[i][b, t] * size).astype(int)
            earned = [reward(i, x, a, mu) for x, a in np.ndindex(numbers.shape) for _ in range(numbers[x, a])]
            assert len(earned) == size
            assert play.rewards[b, t, i] == pytest.approx(np.mean(earned), abs=1e-12)


@pytest.mark.parametrize("boundary", ["wall", "torus"])
def test_payoffs_of_the_real_game_are_the_limits_formula(boundary: str) -> None:
    """N cancels: at what the agents really did the limit's reward is the mean payoff, with casinos that are empty."""
    options: dict[str, Any] = {"weights": (0.25, 0.75), "boundary": boundary, "grid_shape": (2, 3)}
    config, game = migratory_pair(**options)
    assert isinstance(game, MigratoryGame)
    play = finite_game(config, (5, 15)).play(
        started(config, [[0.5, 0.5, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0]], 4), smooth(config), keep_flows=True
    )
    empty = 0
    for b, t in np.ndindex(play.rewards.shape[:2]):
        mu, flow = ([part[b, t] for part in parts] for parts in (play.distributions, play.flows))
        shares = [
            [[row[0] / mass if mass else 0.0] for row, mass in zip(f, m, strict=True)]
            for f, m in zip(flow, mu, strict=True)
        ]
        np.testing.assert_allclose(play.rewards[b, t], game.rewards(mu, shares), rtol=0, atol=1e-13)
        empty += sum(0.25 * a + 0.75 * b == 0 for a, b in zip(*mu, strict=True))
    assert play.rewards.shape == (4, 20, 2)
    assert empty > 0


def test_policies_see_the_empirical_distributions_and_the_step() -> None:
    config, seen = PopulationMatchingConfig(), []

    def watching(state: MeanFieldState) -> Any:
        seen.append((state.step, state.distributions[0].copy()))
        return np.full((len(state.distributions[0]), 3, 3), 1 / 3)

    play = finite_game(config, (9, 9)).play(
        started(config, [[1, 0, 0]] * 2, 2), [watching, *constant([[[1, 0, 0]] * 3])], steps=3
    )
    assert [step for step, _ in seen] == [0, 1, 2]
    np.testing.assert_array_equal(np.stack([mu for _, mu in seen], 1), play.distributions[0][:, :-1])


def test_a_context_is_kept() -> None:
    """Nobody moves, all of coalition 1 is in room 0: it is away unless that is its home."""
    config, _ = DEFAULT_PAIRS["four_rooms"]()
    batch = MeanFieldBatch(config)
    corner = np.eye(100)[[0, 0]]
    state = batch.initial_state([corner[:, ::-1], corner], [0, 2])
    still = constant([[[0, 0, 1, 0, 0]] * 100] * 2)
    play = finite_game(config, (20, 20), agents_at_once=1).play(state, still, steps=1)
    np.testing.assert_array_equal(play.rewards[:, 0, 1], [0.0, -5.0])


@pytest.mark.parametrize("name", ["population_matching", "four_rooms", "mpgg"])
def test_the_seed_alone_decides(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither how many replicas or agents are played at a time nor how many replicas there are."""
    config, _ = DEFAULT_PAIRS[name]()
    state, policies = repeated_state(MeanFieldBatch(config).testing_state(), 3), smooth(config)

    def played(seed: int = 4, **options: Any) -> tuple[Any, ...]:
        play = finite_game(config, (50, 50), **options).play(state, policies, seed=seed, steps=5, keep_flows=True)
        return (*play.distributions, play.rewards, play.returns, *play.flows)

    whole = played()
    assert same(whole, played())
    assert not same(whole, played(5))
    for agents in (1, 250):
        assert same(whole, played(agents_at_once=agents))
    monkeypatch.setattr(draws, "BLOCK", 64)
    assert same(whole, played())
    few = MeanFieldState(0, tuple(mu[:2] for mu in state.distributions), contexts_of(state, 2))
    play = finite_game(config, (50, 50)).play(few, policies, seed=4, steps=5)
    assert same(play.distributions[0], whole[0][:2])
    assert play.flows == ()


def contexts_of(state: MeanFieldState, replicas: int) -> Any:
    return None if state.context is None else state.context[:replicas]


PLAY = """
import numpy as np
from mpgg_env.games.mean_field.common.finite import finite_game
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.population_matching.config import PopulationMatchingConfig
config = PopulationMatchingConfig()
state = MeanFieldBatch(config).testing_state()
policies = [lambda state: np.full((5, 3, 3), 1 / 3)] * 2
print(finite_game(config, (20, 30)).play(state, policies, steps=3).distributions[1].tobytes().hex())
"""


def test_compiled_and_plain_python_draw_the_same() -> None:
    config = PopulationMatchingConfig()
    play = finite_game(config, (20, 30)).play(
        MeanFieldBatch(config).testing_state(), [lambda _: np.full((5, 3, 3), 1 / 3)] * 2, steps=3
    )
    assert fresh_python(PLAY, NUMBA_DISABLE_JIT="1").strip() == play.distributions[1].tobytes().hex()


def test_sizes_follow_the_weights() -> None:
    assert coalition_sizes(PredatorPreyConfig(), 3) == (3, 3, 3, 3)
    assert coalition_sizes(MeanFieldMPGGConfig(weights=(1 / 3, 2 / 3)), 10) == (7, 13)  # 20 / 3 and 40 / 3
    with pytest.raises(
        ValueError, match=exactly("size must give every coalition an agent, got 1 with weights (0.1, 0.9)")
    ):
        coalition_sizes(MeanFieldMPGGConfig(weights=(0.1, 0.9)), 1)


WRONG_SIZES = [
    ((3,), "sizes must be 2 numbers of agents, one per coalition, got (3,)"),
    ("ab", "sizes must be 2 numbers of agents, one per coalition, got 'ab'"),
    ((3, 0), "sizes[1] must be >= 1, got 0"),
    ((2**30, 2**30), "sizes must be at most 2147483647 agents together, got 2147483648"),
]


@pytest.mark.parametrize(("sizes", "message"), WRONG_SIZES)
def test_wrong_sizes_are_refused(sizes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=exactly(message)):
        finite_game(PopulationMatchingConfig(), sizes)


def test_the_mpgg_is_played_by_its_own_engine_in_the_proportions_of_the_weights() -> None:
    config = MeanFieldMPGGConfig()
    with pytest.raises(TypeError, match=r"^config must not be that of the MPGG, .*: use finite_game$"):
        FiniteGame(config, (3, 3))
    message = "sizes must be in the proportions (0.5, 0.5) of the weights, got (4, 6)"
    with pytest.raises(ValueError, match=exactly(message)):
        finite_game(config, (4, 6))


THIRDS = np.full((2, 3, 3), 1 / 3)
WRONG_ACTIONS = [
    (THIRDS[:1], "the action of policies[1] must be (2, 3, 3), got (1, 3, 3)"),
    (THIRDS + 1, "the action of policies[1] must be in [0, 1], got 1.3333333333333333"),
    (THIRDS * np.nan, "the action of policies[1] must be in [0, 1], got nan"),
    (THIRDS * 0.5, "the action of policies[1] must have rows that sum to 1, got the sum 0.5"),
]


@pytest.mark.parametrize(("action", "message"), WRONG_ACTIONS)
def test_what_is_no_action_is_refused(action: Any, message: str) -> None:
    config = PopulationMatchingConfig()
    policies = [lambda _: THIRDS, lambda _: action]
    with pytest.raises(ValueError, match=exactly(message)):
        finite_game(config, (3, 3)).play(started(config, [[1, 0, 0]] * 2, 2), policies)


WRONG_PLAYS: list[tuple[dict[str, Any], str]] = [
    ({"seed": -1}, "seed must be >= 0, got -1"),
    ({"steps": 0}, "steps must be >= 1, got 0"),
    ({"start": "quotas"}, "start must be one of 'sampled', 'quota', got 'quotas'; did you mean 'quota'?"),
    ({"policies": [lambda _: THIRDS]}, "policies must be 2, one per coalition, got 1"),
]


@pytest.mark.parametrize(("options", "message"), WRONG_PLAYS)
def test_wrong_arguments_of_a_play_are_refused(options: dict[str, Any], message: str) -> None:
    config = PopulationMatchingConfig()
    arguments = {"policies": [lambda _: THIRDS] * 2, **options}
    with pytest.raises(ValueError, match=exactly(message)):
        finite_game(config, (3, 3)).play(started(config, [[1, 0, 0]] * 2, 2), **arguments)


def test_no_games_are_refused_and_sizes_may_be_an_array() -> None:
    config = PopulationMatchingConfig()
    assert finite_game(config, np.array([3, 4])).sizes == (3, 4)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=exactly("the number of games of state must be >= 1, got 0")):
        finite_game(config, (3, 3)).play(MeanFieldState(0, (np.empty((0, 3)),) * 2), [lambda _: THIRDS] * 2)
