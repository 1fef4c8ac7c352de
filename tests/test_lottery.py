"""Who plays under a capacity: every subset equally often, and the same in every door, after any break."""

import copy
import pickle
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from mpgg_env import MPGGConfig, MPGGVectorEnv, parallel_env
from mpgg_env.core.philox import below, draw_words
from mpgg_env.games.mpgg.lottery import LOTTERY
from mpgg_env.sb3 import SB3VecEnv
from tests.support import anything, finish, same

CROWDED: dict[str, Any] = {
    "n_agents": 5,
    "grid_shape": (1, 1),
    "mechanism": [{"name": "capacity", "seats": 2}],
    "max_cycles": 10**6,
}
SUBSETS = list(combinations(range(5), 2))
# Upper 0.1 % points of chi-square with 9 and with 99 degrees of freedom (any table).
CHI_SQUARE_9, CHI_SQUARE_99 = 27.88, 148.23


def seated(env: MPGGVectorEnv) -> list[int]:
    """Which of the ten pairs found the two seats of the only casino, for each replica."""
    return [SUBSETS.index(tuple(np.flatnonzero(row).tolist())) for row in env.plays]


def chi_square(counts: Any) -> float:
    expected = np.sum(counts) / np.size(counts)
    return float((np.square(counts - expected) / expected).sum())


def play_games(env: MPGGVectorEnv, games: int) -> list[list[int]]:
    """Games and stays; the pairs of each game."""
    pairs = []
    for _ in range(games):
        env.step(np.ones((env.n_replicas, env.n_agents), int))
        pairs.append(seated(env))
        env.step(np.zeros((env.n_replicas, env.n_agents), int))
    return pairs


def test_every_subset_is_drawn_equally_often() -> None:
    env = MPGGVectorEnv(MPGGConfig(**CROWDED), 1000)
    env.reset(0)
    first, second, third = np.array(play_games(env, 3))
    for pairs in (first, second, third):  # over seeds
        assert chi_square(np.bincount(pairs, minlength=10)) < CHI_SQUARE_9
    one = MPGGVectorEnv(MPGGConfig(**CROWDED))
    one.reset(1)
    games = np.array(play_games(one, 4000))[:, 0]
    assert chi_square(np.bincount(games, minlength=10)) < CHI_SQUARE_9  # over games of one seed
    successive = np.bincount(10 * games[:-1:2] + games[1::2], minlength=100)
    assert chi_square(successive) < CHI_SQUARE_99  # and one game does not tell of the next


def test_a_draw_is_selection_sampling_by_address() -> None:
    """In the order of the agents: seats left among members left, with word 0 of (seed, agent, game, purpose)."""
    config = MPGGConfig(
        **{**CROWDED, "n_agents": 9, "grid_shape": (1, 2), "mechanism": {"name": "capacity", "seats": 2}}
    )
    env, seed = MPGGVectorEnv(config), 2**40 + 7
    casinos = [0, 1, 1, 0, 1, 0, 1, 0, 1]
    env.reset([seed], positions=casinos)
    for game in range(20):
        env.step(np.zeros((1, 9), int))
        seats, left, expected = [2, 2], [4, 5], []
        for agent, m in enumerate(casinos):
            plays = below(draw_words(seed, agent, game, LOTTERY)[0], left[m]) < seats[m]
            left[m] -= 1
            seats[m] -= plays
            expected.append(plays)
        assert env.plays[0].tolist() == expected
        env.step(np.zeros((1, 9), int))


def test_draws_go_on_over_episodes_and_start_anew_with_a_seed() -> None:
    env = MPGGVectorEnv(MPGGConfig(**CROWDED), 2)
    env.reset(3)
    pairs = play_games(env, 60)
    env.reset(3)
    halves = play_games(env, 30)
    env.reset()
    assert [*halves, *play_games(env, 30)] == pairs
    assert play_games(env, 60) != pairs
    env.reset([4, 2**64 + 3])  # a seed counts modulo 2**64
    assert [[b, a] for a, b in play_games(env, 60)] == pairs
    env.reset([3, 2**63 + 3])
    assert any(a != b for a, b in play_games(env, 60))


def test_without_a_seed_the_draws_differ() -> None:
    pairs = [play_games(_fresh(), 30) for _ in range(2)]
    assert pairs[0] != pairs[1]


def _fresh() -> MPGGVectorEnv:
    env = MPGGVectorEnv(MPGGConfig(**CROWDED))
    env.reset()
    return env


def test_excluded_agents_get_nothing_and_are_counted() -> None:
    env = parallel_env(**{**CROWDED, "cost": [1.0], "gain": [3.0]})
    env.reset(seed=0)
    observations, rewards, *_ = env.step(dict.fromkeys(env.agents, 1))
    assert sorted(rewards.values()) == [0, 0, 0, 2, 2]  # two cooperators: 3 * 1 * 2 / 2 - 1
    assert all(seen[6] == seen[7] == 5 for seen in observations.values())


SMALL: dict[str, Any] = {
    "n_agents": 9,
    "grid_shape": (1, 2),
    "mechanism": [{"name": "capacity", "seats": 2}, {"name": "fine", "amount": 0.5}],
    "max_cycles": 20,
}


@pytest.mark.parametrize("steps_before", [1, 4, 7])
@pytest.mark.parametrize("how", ["get_state", "pickle", "deepcopy"])
def test_a_copy_in_mid_episode_draws_the_same(how: str, steps_before: int) -> None:
    env = parallel_env(**SMALL)
    env.reset(seed=21)
    env.reset()
    choose = anything(np.random.default_rng(8))
    for _ in range(steps_before):
        env.step(choose(env, {}))
    if how == "get_state":
        other = parallel_env(**SMALL)
        other.reset(seed=99)
        other.set_state(env.get_state())
    else:
        other = pickle.loads(pickle.dumps(env)) if how == "pickle" else copy.deepcopy(env)
    left, right = (finish(e, anything(np.random.default_rng(9)), {}) for e in (env, other))
    assert any(0.0 in step[1].values() for step in left)
    assert same(left, right)
    assert same(env.get_state()["games_played"], other.get_state()["games_played"])
    # The episode after it goes on with the same draws.
    assert same(env.reset(), other.reset())
    assert same(env.step(dict.fromkeys(env.agents, 1)), other.step(dict.fromkeys(other.agents, 1)))


def test_a_snapshot_with_wrong_counters_is_refused() -> None:
    env = parallel_env(**SMALL)
    env.reset(seed=1)
    for part, value in (("seed", -1), ("seed", 2**64), ("games_played", -1), ("games_played", 1.5)):
        with pytest.raises((TypeError, ValueError), match=part):
            env.set_state({**env.get_state(), part: value})


def test_the_vec_env_of_stable_baselines3_plays_the_same_games() -> None:
    vec_env, rng = SB3VecEnv(MPGGConfig(**SMALL), 2), np.random.default_rng(0)
    vec_env.seed(5)
    vec_env.reset()
    envs = [parallel_env(**SMALL) for _ in range(2)]
    for b, env in enumerate(envs):
        env.reset(seed=5 + b)
    for _ in range(60):  # three episodes
        actions = rng.integers(2, size=(2, 9))
        rewards = vec_env.step(actions.reshape(-1))[1].reshape(2, 9)
        for b, env in enumerate(envs):
            own = env.step(dict(zip(env.agents, actions[b].tolist(), strict=True)))[1]
            np.testing.assert_array_equal(rewards[b], np.array(list(own.values()), np.float32))
            if not env.agents:
                env.reset()
