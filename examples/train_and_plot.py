"""Trains with the compiled trainer, in memory, and plots the cooperation rate of every seed.

`mpgg train` does the same with checkpoints and a run folder.
"""

from pathlib import Path

from matplotlib.figure import Figure

from mpgg_agents.iql import IQLConfig, IQLTrainer
from mpgg_env import MPGGConfig

WINDOW = 100


def main(rounds: int = 5000, path: Path = Path("cooperation.png")) -> None:
    """Trains four seeds for `rounds` rounds, a multiple of 100, and writes the figure to `path`."""
    game = MPGGConfig()
    trainer = IQLTrainer(game, IQLConfig(decay=0.999), seeds=range(4), rounds=rounds)
    record = trainer.advance(rounds)
    rates = record.cooperators.reshape(4, -1, WINDOW).mean(axis=2) / game.n_players

    figure = Figure(figsize=(5, 3), layout="constrained")
    axes = figure.subplots()
    for seed, rate in enumerate(rates):
        axes.plot(range(0, rounds, WINDOW), rate, label=f"seed {seed}")
    axes.set(xlabel="round", ylabel="cooperation rate", ylim=(0, 1))
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)
    print(f"{path}: cooperation rate {rates[:, 0].mean():.2f} at first, {rates[:, -1].mean():.2f} at the end")


if __name__ == "__main__":
    main()
