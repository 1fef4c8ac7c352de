"""A million agents on 100 x 100 casinos with binned counts, against 150 agents, in cost per agent-step.

The measured process is a fresh one, so that its peak memory is that of the large game alone.
"""

import json
import resource
import subprocess
import sys
import warnings
from typing import Any

from benchmarks.measure import Figure, in_turn, ratios, require, seconds
from mpgg_agents.iql import IQLConfig
from mpgg_agents.iql.trainer import IQLTrainer
from mpgg_env import DilemmaWarning, MPGGConfig

BAR = 4.0
MEMORY_BAR_GB = 20.0
LARGE_ROUNDS = 200
SMALL_ROUNDS = 20_000


def nanoseconds_per_agent_step(game: MPGGConfig, agent: IQLConfig, rounds: int) -> float:
    """Wall time of one replica's training, trainer and tables included, per agent and round."""

    def work() -> None:
        record = IQLTrainer(game, agent, [0], rounds).advance(rounds)
        require(int(record.casino_occupancy.sum()) == rounds * game.n_agents, "every agent plays in every round")
        rate = record.cooperators.mean() / game.n_agents
        require(0.3 < rate < 0.7, f"exploring agents cooperate about half the time, got {rate}")

    return 1e9 * seconds(work) / (rounds * game.n_agents)


def measure(n_agents: int, side: int, repetitions: int) -> dict[str, Any]:
    """Costs of the large and the small game in turn, and this process's peak memory."""
    warnings.simplefilter("ignore", DilemmaWarning)
    large = MPGGConfig(n_agents=n_agents, grid_shape=(side, side))
    small, binned, exact = MPGGConfig(), IQLConfig(count_bins=16), IQLConfig()
    nanoseconds_per_agent_step(large.replace(n_agents=100 * side), binned, 2)  # compiles
    costs = in_turn(
        {
            "small": lambda: nanoseconds_per_agent_step(small, exact, SMALL_ROUNDS),
            "large": lambda: nanoseconds_per_agent_step(large, binned, LARGE_ROUNDS),
        },
        repetitions,
        warm_up=False,
    )
    # Linux counts in kilobytes, macOS in bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {**costs, "peak_gb": peak / 1e9}


def run(quick: bool) -> list[Figure]:
    """Costs, their ratio and the peak memory."""
    n_agents, side, repetitions = (102_400, 32, 1) if quick else (1_000_000, 100, 3)  # 100 agents in a casino
    command = [sys.executable, "-m", "benchmarks.large", str(n_agents), str(side), str(repetitions)]
    measured = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    label = f"N = {n_agents:,}"
    return [
        Figure(
            name="N = 150",
            values=tuple(measured["small"]),
            unit="ns per agent-step",
            note=f"one replica, 5 x 5, exact counts, the first {SMALL_ROUNDS:,} rounds",
        ),
        Figure(
            name=label,
            values=tuple(measured["large"]),
            unit="ns per agent-step",
            note=f"one replica, {side} x {side}, count_bins=16, the first {LARGE_ROUNDS} rounds",
        ),
        Figure(name=f"{label} / N = 150", values=ratios(measured["large"], measured["small"]), unit="x", bar=BAR),
        Figure(name=f"{label}: peak memory", values=(measured["peak_gb"],), unit="GB", bar=MEMORY_BAR_GB),
    ]


if __name__ == "__main__":
    print(json.dumps(measure(*map(int, sys.argv[1:]))))
