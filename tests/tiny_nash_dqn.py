"""Small trainings of Nash-DQN that several test modules share."""

import io
from typing import Any

import numpy as np

from mpgg_agents.market_response.episodes import draw_episodes, generator
from mpgg_agents.nash_dqn.config import NashDQNConfig
from mpgg_agents.nash_dqn.episodes import Transitions, draw_exploration
from mpgg_agents.nash_dqn.learner import Learner
from mpgg_agents.nash_dqn.policy import NashPolicy
from mpgg_agents.nash_dqn.trainer import NashDQNTrainer
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.state import MarketState

TINY: dict[str, Any] = {"episodes": 3, "hidden": (6, 5), "phi": (4, 3), "warm_up": 0, "iterations": 8}
FULL = MarketConfig(impact="linear", observation="full", n_agents=3, horizon=2.0)
PAPER = MarketConfig(n_agents=3, horizon=2.0)
UNLIKE = FULL.replace(transaction_cost=(0.1, 0.2, 0.1))


def learner(game: MarketConfig = FULL, seed: int = 0, **settings: Any) -> Learner:
    return Learner(game, NashDQNConfig(**{**TINY, **settings}), seed)


def trainer(game: MarketConfig = FULL, seeds: tuple[int, ...] = (3, 4), **settings: Any) -> NashDQNTrainer:
    return NashDQNTrainer(game, NashDQNConfig(**{**TINY, **settings}), seeds)


def state_of(one: Learner, seed: int = 0) -> MarketState:
    draws = draw_episodes(one.game, 7, generator(seed, 99))
    return one.player.batch.drawn_state(draws.inventory, draws.price, draws.impact)


def played(one: Learner, seed: int = 0) -> Transitions:
    """A batch of three episodes in which everybody explores."""
    draws = generator(seed, 99)
    policy = NashPolicy(one.networks.advantage, one.eyes, one.scales.rate)
    noise = 4 * draw_exploration(one.game, 3, 1.0, draws)
    return one.player.play(policy.of_sight, draw_episodes(one.game, 3, draws), noise)[0]


def through_a_file(arrays: dict[str, Any]) -> dict[str, Any]:
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    with np.load(file, allow_pickle=False) as stored:
        return dict(stored)


def assert_equal(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert first.keys() == second.keys()
    for name, array in first.items():
        assert array.dtype == second[name].dtype, name
        assert np.array_equal(array, second[name]), name
