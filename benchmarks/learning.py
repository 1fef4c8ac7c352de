"""Payoff of shared DQN against independent tabular Q-learning, where the tables are exact, over 20 seeds.

Both learn for equally many rounds with the same discount and exploration, and then play 1,000 greedy rounds from where
their agents are. All settings but the game, the number of rounds and the decay of exploration are the defaults.
"""

import statistics
from typing import Any

import numpy as np

from benchmarks.measure import Figure, require
from mpgg_agents.dqn import DQNConfig, DQNTrainer
from mpgg_agents.iql import IQLConfig, IQLTrainer
from mpgg_agents.record import Record
from mpgg_env import MPGGConfig
from mpgg_env.analysis.payoffs import best_values

GAMES: dict[str, dict[str, Any]] = {
    "4 agents, 1 x 2": {"n_agents": 4, "grid_shape": (1, 2)},
    "6 agents, 2 x 2": {"n_agents": 6, "grid_shape": (2, 2)},
    "6 agents, 2 x 2, mask": {"n_agents": 6, "grid_shape": (2, 2), "boundary": "mask"},
    "10 agents, 2 x 2": {"n_agents": 10, "grid_shape": (2, 2)},
    "12 agents, 3 x 3, wall": {"n_agents": 12, "grid_shape": (3, 3), "boundary": "wall"},
}
GREEDY_ROUNDS = 1000
BAR = 0.95


def run(quick: bool) -> list[Figure]:
    """Mean greedy payoffs of both learners per game, and their ratio."""
    rounds, seeds = (2000, 4) if quick else (10_000, 20)
    exploration = {"decay": 0.01 ** (1 / (0.6 * rounds))}  # 0.05, the lowest rate, is reached after 4 rounds in 10
    figures = []
    for label, settings in GAMES.items():
        game = MPGGConfig(**settings)
        tabular = IQLTrainer(game, IQLConfig(**exploration), range(seeds), rounds)
        deep = DQNTrainer(game, DQNConfig(**exploration), range(seeds), rounds)
        for trainer in (tabular, deep):
            trainer.advance(rounds)
        records = {"IQL": tabular.evaluate(GREEDY_ROUNDS), "DQN": deep.evaluate(GREEDY_ROUNDS)}
        payoffs = {name: _payoffs(record) for name, record in records.items()}
        ratio = statistics.fmean(payoffs["DQN"]) / statistics.fmean(payoffs["IQL"])
        note = "; ".join(_summary(name, payoffs[name], record, game) for name, record in records.items())
        figures += [
            Figure(name=f"{label}: IQL", values=payoffs["IQL"], unit="payoff"),
            Figure(name=f"{label}: shared DQN", values=payoffs["DQN"], unit="payoff"),
            Figure(
                name=f"{label}: ratio of the means", values=(ratio,), unit="", bar=BAR, higher_is_better=True, note=note
            ),
        ]
    return figures


def _payoffs(record: Record) -> tuple[float, ...]:
    """Payoff per agent and round of every seed."""
    agents = record.casino_occupancy.sum(axis=(1, 2)) / record.welfare.shape[1]
    require(bool(np.ptp(agents) == 0), "all agents play in every round")
    return tuple((record.welfare.mean(axis=1) / agents).tolist())


def _summary(name: str, payoffs: tuple[float, ...], record: Record, game: MPGGConfig) -> str:
    """Mean payoff with its standard deviation over the seeds, its share of the optimum, and the cooperation rate."""
    best = float(best_values(game).max())
    mean, deviation = statistics.fmean(payoffs), statistics.stdev(payoffs)
    cooperation = record.cooperators.mean() / game.n_players
    return f"{name} {mean:.2f} ({deviation:.2f}), {mean / best:.0%} of the optimum, cooperation {cooperation:.2f}"
