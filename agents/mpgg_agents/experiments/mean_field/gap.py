"""How far the finite games are from their limit under what a run has learned: the work and the words of `mpgg gap`."""

import argparse
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from mpgg_agents.experiments import storage
from mpgg_agents.experiments.columns import aligned
from mpgg_agents.experiments.mean_field.reader import MeanFieldRun
from mpgg_agents.experiments.progress import Display, shown_share
from mpgg_agents.experiments.reader import load_run_of
from mpgg_agents.experiments.style import BLUE, GREY, column_frame, house_style, new_figure
from mpgg_env.analysis.mean_field.finite_gap import Estimate, FiniteGap, finite_gap
from mpgg_env.core.validation import check_choice
from mpgg_env.games.mean_field.registry import game_of

FIGURE_KINDS: Final = (".png", ".pdf")
_MEANING: Final = """distance: E sup over t of the L1 distance between the distributions, summed over coalitions
return i: E |J^N - J| of coalition i. N: agents per coalition, on average. In brackets: 95 % intervals"""


def ask(arguments: argparse.Namespace, display: Display) -> str:
    """The answer to `mpgg gap`.

    Raises:
        RunFolderError: The run is of another game or not complete, or a file has been changed.
        ValueError: A setting is out of range.
        MissingExtraError: The agents need a library that is not installed.
    """
    if arguments.figure is not None:
        check_choice("the ending of --figure", arguments.figure.suffix, FIGURE_KINDS)
    run = load_run_of(arguments.run, MeanFieldRun)
    seed = run.seeds[0] if arguments.seed is None else arguments.seed
    with shown_share(display) as progress:
        gap = finite_gap(
            run.config.game, run.policy(seed), sizes=arguments.sizes, replicas=arguments.replicas, progress=progress
        )
    if arguments.json is not None:
        storage.write_bytes(arguments.json, json.dumps(numbers(gap), indent=1).encode())
    if arguments.figure is not None:
        write_figure(gap, arguments.figure)
    return table(run, seed, gap)


def table(run: MeanFieldRun, seed: int, gap: FiniteGap) -> str:
    """The gap at each size in lines for a terminal."""
    coalitions = range(gap.limit_returns.shape[1])
    columns = [["N", *(f"{size:,}" for size in gap.sizes)], ["distance", *_cells(gap.distance)]]
    columns += [[f"return {i}", *_cells(gap.returns, i)] for i in coalitions]
    slopes = [_cells(gap.distance_slope)[0], *(_cells(gap.returns_slope)[i] for i in coalitions)]
    lines = aligned([[*column, slope] for column, slope in zip(columns, ["slope", *slopes], strict=True)])
    head = f"{run.path}, seed {seed}: {game_of(run.config.game).replace('_', ' ')} with N agents per coalition"
    return "\n".join([head, *lines, "", *_MEANING.splitlines()])


def numbers(gap: FiniteGap) -> dict[str, Any]:
    """All numbers as plain JSON values."""
    plain: dict[str, Any] = {
        name: getattr(gap, name).tolist() for name in ("sizes", "coalition_sizes", "replicas", "limit_returns", "bound")
    }
    for name in ("distance", "returns", "bias", "distance_slope", "returns_slope"):
        estimate: Estimate = getattr(gap, name)
        plain[name] = {part: getattr(estimate, part).tolist() for part in ("mean", "low", "high")}
    return plain


def write_figure(gap: FiniteGap, path: Path) -> None:
    """The distance against N on logarithmic axes, with its fitted line and a slope of -1/2."""
    with house_style():
        figure = gap_figure(gap)
        figure.savefig(path, bbox_inches=column_frame(figure))


def gap_figure(gap: FiniteGap) -> Figure:
    """The distance against N on logarithmic axes, beside a line of slope -1/2."""
    figure = new_figure(2.2)
    axes = figure.subplots()
    mean = gap.distance.mean
    slope, low, high = (float(getattr(gap.distance_slope, part)) for part in ("mean", "low", "high"))
    axes.errorbar(
        gap.sizes,
        mean,
        [mean - gap.distance.low, gap.distance.high - mean],
        color=BLUE,
        marker="o",
        markersize=3,
        linestyle="none",
        label=f"finite games, slope {slope:.3f} [{low:.3f}, {high:.3f}]",
    )
    middle = np.exp(np.log(mean).mean())
    sizes = np.array(gap.sizes, float)
    line = middle * np.sqrt(np.exp(np.log(sizes).mean()) / sizes)
    axes.plot(sizes, line, color=GREY, linewidth=0.8, linestyle=":", label="slope -1/2")
    axes.set(xscale="log", yscale="log", xlabel="agents per coalition $N$", ylabel=r"E $\sup_t \|\mu^N - \mu\|_1$")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=1)
    return figure


def _cells(estimate: Estimate, coalition: int | None = None) -> list[str]:
    parts = (estimate.mean, estimate.low, estimate.high)
    chosen = [np.atleast_1d(values if coalition is None else values[:, coalition]) for values in parts]
    return [f"{mean:.3g} [{low:.3g}, {high:.3g}]" for mean, low, high in zip(*chosen, strict=True)]
