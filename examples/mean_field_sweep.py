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
MEASURES = ("agreement", "cooperation", "welfare", "best_casino", "own_share")  # see mpgg_measures


def trained_case(coalitions: int, gain: float, iterations: int) -> list[float]:
    """The measures of the second half of the episodes, after training."""
    highest = LOWEST + (gain - LOWEST) * 6 / 5  # the last of three columns is centred at 5 / 6
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DilemmaWarning)  # most cases are none, on purpose
        game = MeanFieldMPGGConfig(n_coalitions=coalitions, gain_range=(LOWEST, highest), max_cycles=16)
    agent = ModelGradientConfig(**PRESETS["mpgg"]["default"].agent).replace(
        iterations=iterations, episodes=16, learning_rate=0.01, averaging=0.9, entropy_bonus=0.0
    )
    trainer = ModelGradientTrainer(game, agent, seeds=[0], snapshots=0)
    trainer.advance(iterations)
    found = mpgg_measures(game, judged(MeanFieldBatch(game, torch), trainer.policy(0)), first_step=8)
    return [float(getattr(found, name).mean()) for name in MEASURES]


def draw(cases: dict[tuple[int, float], list[float]], path: Path) -> None:
    """Every measure against the number of coalitions per gain of the best casino: theory has a step at 1."""
    figure = Figure(figsize=(10, 2.6), layout="constrained")
    for number, (name, axes) in enumerate(zip(MEASURES, figure.subplots(1, len(MEASURES), sharex=True), strict=True)):
        for coalitions in sorted({k for k, _ in cases}):
            own = {k / gain: values[number] for (k, gain), values in cases.items() if k == coalitions}
            axes.plot(list(own), list(own.values()), "o", label=f"K = {coalitions}")
        axes.axvline(1, color="0.6", linewidth=1)
        axes.set(title=name.replace("_", " "), ylim=(-0.1, 1.05))
    axes.legend(frameon=False)
    figure.supxlabel("coalitions / gain of the best casino", fontsize=10)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Prints a line for each case as it is done, and draws a figure if a path is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--coalitions", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--gains", type=float, nargs="+", default=[1.6, 2.5, 3.6], help="of the best casino")
    parser.add_argument("--iterations", type=int, default=50)
    parser.add_argument("--out", type=Path, help="where to write the figure")
    given = parser.parse_args()
    cases = {}
    print("  K  gain  K / gain " + "".join(f"{name:>13}" for name in MEASURES))
    for k, gain in tqdm([(k, gain) for k in given.coalitions for gain in given.gains], leave=False):
        cases[k, gain] = trained_case(k, gain, given.iterations)
        tqdm.write(f"{k:3} {gain:5} {k / gain:9.2f} " + "".join(f"{value:13.3f}" for value in cases[k, gain]))
    if given.out is not None:
        draw(cases, given.out)
        print(given.out)


if __name__ == "__main__":
    main()
