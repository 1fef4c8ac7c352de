"""Plays one profile in games of more and more agents and in their mean-field limit, and fits how fast the gap closes.

`--largest 1000000 --replicas 8` goes to a million agents per coalition, which takes some minutes a game.
"""

import argparse
import warnings
from pathlib import Path

from matplotlib.figure import Figure
from tqdm import tqdm

from mpgg_env import DilemmaWarning
from mpgg_env.analysis.mean_field.finite_gap import SIZES, Estimate, FiniteGap, finite_gap
from mpgg_env.analysis.mean_field.profiles import random_profile
from mpgg_env.games.mean_field.registry import GAMES, config_class

DEFAULT_GAMES = ("population_matching", "cyber_security", "mpgg")


def measured(game: str, largest: int, replicas: int) -> FiniteGap:
    """The gap under a random profile that reacts to the distributions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DilemmaWarning)  # the board is not the point here
        config = config_class(game)()
    sizes = [n for n in SIZES if n <= largest]
    with tqdm(total=100, desc=game, unit="%", leave=False) as bar:
        return finite_gap(
            config,
            random_profile(config, feedback=1.0),
            sizes=sizes,
            replicas=replicas,
            progress=lambda share: bar.update(int(100 * share) - bar.n),
        )


def words(estimate: Estimate, *index: int) -> str:
    """An estimate with its confidence interval."""
    return f"{estimate.mean[index]:.4f} [{estimate.low[index]:.4f}, {estimate.high[index]:.4f}]"


def show(game: str, gap: FiniteGap) -> None:
    """Prints a table: 95 % confidence intervals in brackets, those of returns for coalition 0."""
    print(f"\n{game}\n{'N':>9}  {'E sup |mu^N - mu|':25} {'E |J^N - J|':25} E J^N - J")
    for k, size in enumerate(gap.sizes):
        row = f"{words(gap.distance, k):25} {words(gap.returns, k, 0):25} {words(gap.bias, k, 0)}"
        print(f"{size:>9,}  {row}")
    print(f"slopes: distance {words(gap.distance_slope)}, returns {words(gap.returns_slope, 0)}")


def draw(gaps: dict[str, FiniteGap], path: Path) -> None:
    """The distances against N on logarithmic axes."""
    figure = Figure(figsize=(5, 3.5), layout="constrained")
    axes = figure.subplots()
    for game, gap in gaps.items():
        means = gap.distance.mean
        bars = axes.errorbar(gap.sizes, means, [means - gap.distance.low, gap.distance.high - means], marker="o")
        bars.set_label(f"{game}, slope {gap.distance_slope.mean:.3f}")
    axes.set(xscale="log", yscale="log", xlabel="agents per coalition N", ylabel="E sup over t of the L1 distance")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Measures, prints and draws."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--games", nargs="+", choices=list(GAMES), default=DEFAULT_GAMES)
    parser.add_argument("--largest", type=int, default=1_000, help="agents per coalition")
    parser.add_argument("--replicas", type=int, default=16, help="episodes of each start of the testing set")
    parser.add_argument("--out", type=Path, default=Path("finite_gap.png"), help="where the figure goes")
    chosen = parser.parse_args()
    gaps = {game: measured(game, chosen.largest, chosen.replicas) for game in chosen.games}
    for game, gap in gaps.items():
        show(game, gap)
    draw(gaps, chosen.out)


if __name__ == "__main__":
    main()
