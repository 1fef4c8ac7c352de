"""How near Nash-DQN comes to the equilibrium of the market, and what a trader could still gain.

Linear markets seen in full: the relative rms distance of the learned rates to those of the exact equilibrium, in states
that the equilibrium visits, and the exploitability, by a response that is learned through the market. The square-root
market under the paper's observation has no exact reference: the exploitability alone, by a response with the same
observation. Shares are of the value of the equilibrium, or where it is not known of the policy's own. One value per
seed, on one thread; the last line of each case is the time that the processor took for one training.
"""

import time
from typing import Any

import numpy as np

from benchmarks.measure import Figure, require
from mpgg_agents.experiments.market.distance import relative_distance, visited_states
from mpgg_agents.market_response import exploitability
from mpgg_agents.market_response.episodes import MarketPolicy
from mpgg_agents.nash_dqn.config import NashDQNConfig
from mpgg_agents.nash_dqn.loading import load_policy
from mpgg_agents.nash_dqn.trainer import NashDQNTrainer
from mpgg_agents.threads import limited_threads
from mpgg_env import MarketConfig
from mpgg_env.analysis.market_equilibrium import solve_market

LINEAR: dict[str, Any] = {"impact": "linear", "observation": "full"}
# Case: rules, seeds.
CASES: dict[str, tuple[dict[str, Any], int]] = {
    "linear, in full": (LINEAR, 5),
    "N = 3": ({**LINEAR, "n_agents": 3}, 2),
    "dt = 0.25": ({**LINEAR, "dt": 0.25}, 2),
    "b3 = 0.05": ({**LINEAR, "running_penalty": 0.05}, 2),
    "traders who differ": (
        {
            **LINEAR,
            "transaction_cost": (0.05, 0.1, 0.1, 0.15, 0.2),
            "terminal_penalty": (0.1, 0.05, 0.2, 0.1, 0.3),
        },
        2,
    ),
    "N = 20, mean field": ({**LINEAR, "n_agents": 20, "impact_scaling": "mean_field"}, 2),
    "square root, paper": ({}, 3),
}
RMS_BAR, SHARE_BAR, PAPER_BAR, SECONDS_BAR = 10.0, 0.5, 6.6, 300.0


def distance(game: MarketConfig, policy: MarketPolicy) -> float:
    """Relative rms distance to the exact equilibrium, in the states that it visits."""
    exact = solve_market(game).profile
    return relative_distance(policy, exact, visited_states(game, exact, 4096, seed=1))


def trained(game: MarketConfig, agent: NashDQNConfig, seed: int) -> tuple[MarketPolicy, float]:
    """The policy that a seed learns, and the processor's seconds for it."""
    start = time.process_time()
    trainer = NashDQNTrainer(game, agent, [seed], snapshots=0)
    trainer.advance(trainer.total_rounds)
    seconds = time.process_time() - start
    return load_policy(game, agent, trainer.learned(0)), seconds


def case(name: str, rules: dict[str, Any], seeds: range, agent: NashDQNConfig) -> list[Figure]:
    """The figures of one market."""
    game = MarketConfig(**rules)
    policies = [trained(game, agent, seed) for seed in seeds]
    gains = [exploitability(game, policy, trader=game.n_agents - 1, seed=1) for policy, _ in policies]
    require(all(np.isfinite(gain.share) for gain in gains), "the gains are finite")
    shares = tuple(100 * gain.share for gain in gains)
    bar = SHARE_BAR if game.impact == "linear" else PAPER_BAR
    figures = [Figure(name=f"{name}: exploitability", values=shares, unit="% of |V|", bar=bar)]
    if game.impact == "linear":
        rms = tuple(100 * distance(game, policy) for policy, _ in policies)
        figures.insert(0, Figure(name=f"{name}: distance", values=rms, unit="% rms", bar=RMS_BAR))
    seconds = tuple(taken for _, taken in policies)
    return [*figures, Figure(name=f"{name}: training", values=seconds, unit="s", bar=SECONDS_BAR)]


def run(quick: bool) -> list[Figure]:
    """All cases; quickly, one seed of a quarter of the iterations."""
    agent = NashDQNConfig(iterations=2000, warm_up=250) if quick else NashDQNConfig()
    with limited_threads():
        return [
            figure
            for name, (rules, seeds) in CASES.items()
            for figure in case(name, rules, range(1 if quick else seeds), agent)
        ]
