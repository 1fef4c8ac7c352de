"""Trains coalitions of the migratory public goods game for several numbers K of them and gains of the best casino.

In equilibrium a coalition cooperates where the gain times its share of the agents present exceeds 1. K equal coalitions
in one casino have the share 1 / K each: they all cooperate there if the gain exceeds K, and else nobody does.
"""

import argparse
import warnings
from pathlib import Path

import torch
from matplotlib.figure import Figure
from tqdm import tqdm

from mpgg_agents.mean_field.evaluation import judged
from mpgg_agents.mean_field.model_gradient import PRESETS, ModelGradientConfig, ModelGradientTrainer
from mpgg_env import DilemmaWarning
from mpgg_env.analysis.mean_field.mpgg_measures import mpgg_measures
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.mpgg.config import MeanFieldMPGGConfig

LOWEST = 1.2  # gain at the left edge of the board


def trained_case(coalitions: int, gain: float, iterations: int) -> tuple[float, float, float]:
    """Agreement with the threshold rule, cooperation and welfare in the second half of the episodes, after training."""
    highest = LOWEST + (gain - LOWEST) * 6 / 5  # the last of three columns is centred at 5 / 6
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DilemmaWarning)  # most cases are none, on purpose
        game = MeanFieldMPGGConfig(n_coalitions=coalitions, gain_range=(LOWEST, highest), max_cycles=16)
    agent = ModelGradientConfig(**PRESETS["mpgg"]["default"].agent).replace(
        iterations=iterations, episodes=16, learning_rate=0.01, averaging=0.9, entropy_bonus=0.0
    )
    trainer = ModelGradientTrainer(game, agent, seeds=[0], snapshots=0)
    trainer.advance(iterations)
    played = judged(MeanFieldBatch(game, torch), trainer.policy(0))
    found = mpgg_measures(game, played, first_step=game.max_cycles // 2)
    return float(found.agreement.mean()), float(found.cooperation.mean()), float(found.welfare.mean())


def draw(welfare: dict[tuple[int, float], float], path: Path) -> None:
    """Welfare against the number of coalitions per gain of the best casino: theory has a step down at 1."""
    figure = Figure(figsize=(5, 3), layout="constrained")
    axes = figure.subplots()
    for coalitions in sorted({k for k, _ in welfare}):
        own = {k / gain: share for (k, gain), share in welfare.items() if k == coalitions}
        axes.plot(list(own), list(own.values()), "o", label=f"K = {coalitions}")
    axes.axvline(1, color="0.6", linewidth=1)
    axes.set(xlabel="coalitions / gain of the best casino", ylabel="welfare / optimum")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Prints a line for each case as it is done, and draws a figure if a path is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--coalitions", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--gains", type=float, nargs="+", default=[1.6, 2.5, 3.6], help="of the best casino")
    parser.add_argument("--iterations", type=int, default=50)
    parser.add_argument("--out", type=Path, help="where to write the figure")
    given = parser.parse_args()
    cases, welfare = [(k, gain) for k in given.coalitions for gain in given.gains], {}
    print("  K  gain  K / gain  threshold rule  cooperation  welfare / optimum")
    for k, gain in tqdm(cases, leave=False):
        agreement, cooperation, welfare[k, gain] = trained_case(k, gain, given.iterations)
        tqdm.write(f"{k:3} {gain:5} {k / gain:9.2f} {agreement:15.3f} {cooperation:12.3f} {welfare[k, gain]:18.3f}")
    if given.out is not None:
        draw(welfare, given.out)
        print(given.out)


if __name__ == "__main__":
    main()
