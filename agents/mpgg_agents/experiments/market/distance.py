"""How far the rates of a policy are from those of another one."""

from collections.abc import Sequence

import torch

from mpgg_agents.market_response.episodes import EVALUATION, MarketPolicy, draw_episodes, generator
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.state import MarketState
from mpgg_env.games.market.vector import MarketBatch

MOST_EPISODES = 4096  # with ten decisions of five traders the ratio is then certain to half a per cent of itself


@torch.no_grad()
def visited_states(game: MarketConfig, policy: MarketPolicy, episodes: int, seed: int) -> list[MarketState]:
    """The states of all decisions of fresh episodes under a policy, each of at most `MOST_EPISODES` replicas."""
    batch = MarketBatch(game, torch, dtype=torch.float32)
    draws = draw_episodes(game, min(episodes, MOST_EPISODES), generator(seed, EVALUATION))
    states = [batch.drawn_state(draws.inventory, draws.price, draws.impact)]
    for shocks in draws.shocks[:-1]:
        states.append(batch.step(states[-1], policy(states[-1]), shocks)[0])
    return states


@torch.no_grad()
def relative_distance(policy: MarketPolicy, exact: MarketPolicy, states: Sequence[MarketState]) -> float:
    """Root mean square of the difference of the rates, over that of the exact ones, at all traders' decisions."""
    difference, size = 0.0, 0.0
    for state in states:
        right = exact(state).double()
        difference += float(((policy(state).double() - right) ** 2).sum())
        size += float((right**2).sum())
    return float((difference / size) ** 0.5)
