"""How far the finite games are from their limit under what a run has learned: the work and the words of `mpgg gap`."""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from mpgg_agents.experiments import storage
from mpgg_agents.experiments.columns import aligned
from mpgg_agents.experiments.figures import KINDS, save_figure
from mpgg_agents.experiments.mean_field.reader import MeanFieldRun
from mpgg_agents.experiments.progress import Display, shown_share
from mpgg_agents.experiments.reader import load_run_of
from mpgg_agents.experiments.style import BLUE, GREY, house_style, new_figure
from mpgg_agents.mean_field.tabular.config import TabularConfig
from mpgg_env.analysis.mean_field.finite_gap import Estimate, FiniteGap, finite_gap
from mpgg_env.analysis.mean_field.tabular_profile import TabularPolicy
from mpgg_env.core.validation import check_choice
from mpgg_env.games.mean_field.common.rollout import Policy
from mpgg_env.games.mean_field.registry import game_of

FIGURE_KINDS: Final = tuple(f".{kind}" for kind in KINDS)
_MEANING: Final = """distance: E sup over t of the L1 distance between the distributions, summed over coalitions
return i: E |J^N - J| of coalition i. N: agents per coalition, on average. In brackets: 95 % intervals"""
_TABLES: Final = """policies on grids jump where the nearest point changes: theory does not say what their slope is
mixtures are played by their likeliest actions"""


def ask(arguments: argparse.Namespace, display: Display) -> str:
    """The answer to `mpgg gap`.

    Raises:
        RunFolderError: The run is of another game or not complete, or a file has been changed.
        ValueError: A setting is out of range.
        MissingExtraError: The agents need a library that is not installed.
    """
    if arguments.figure is not None:
        check_choice("the ending of --figure", arguments.figure.suffix, FIGURE_KINDS)
    for path in (arguments.json, arguments.figure):
        if path is not None:
            storage.check_writable(path)
    run = load_run_of(arguments.run, MeanFieldRun)
    seed = run.seeds[0] if arguments.seed is None else arguments.seed
    profile, sizes, replicas = without_draws(run.policy(seed)), arguments.sizes, arguments.replicas
    with shown_share(display) as progress:
        gap = finite_gap(run.config.game, profile, sizes=sizes, replicas=replicas, progress=progress)
    if arguments.json is not None:
        storage.write_bytes(arguments.json, (json.dumps(numbers(gap), indent=2, allow_nan=False) + "\n").encode())
    if arguments.figure is not None:
        write_figure(gap, arguments.figure)
    return table(run, seed, gap)


def without_draws(profile: Sequence[Policy]) -> tuple[Policy, ...]:
    """The profile with the likeliest actions of mixtures.

    These are drawn for each game by itself: a finite game and the limit would play different actions, at any size.
    """
    return tuple(replace(policy, seed=None) if isinstance(policy, TabularPolicy) else policy for policy in profile)


def table(run: MeanFieldRun, seed: int, gap: FiniteGap) -> str:
    """The gap at each size in lines for a terminal."""
    coalitions = range(gap.limit_returns.shape[1])
    columns = [["N", *(f"{size:,}" for size in gap.sizes)], ["distance", *_cells(gap.distance)]]
    columns += [[f"return {i}", *_cells(gap.returns, i)] for i in coalitions]
    slopes = [_cells(gap.distance_slope)[0], *(_cells(gap.returns_slope)[i] for i in coalitions)]
    lines = aligned([[*column, slope] for column, slope in zip(columns, ["slope", *slopes], strict=True)])
    head = f"{run.path}, seed {seed}: {game_of(run.config.game).replace('_', ' ')} with N agents per coalition"
    meaning = f"{_MEANING}\n{_TABLES}" if isinstance(run.config.agent, TabularConfig) else _MEANING
    return "\n".join([head, *lines, "", *meaning.splitlines()])


def numbers(gap: FiniteGap) -> dict[str, Any]:
    """All numbers as plain JSON values, None for slopes where an error is 0."""
    plain: dict[str, Any] = {
        name: getattr(gap, name).tolist() for name in ("sizes", "coalition_sizes", "replicas", "limit_returns", "bound")
    }
    for name in ("distance", "returns", "bias", "distance_slope", "returns_slope"):
        estimate: Estimate = getattr(gap, name)
        plain[name] = {part: _plain(getattr(estimate, part).tolist()) for part in ("mean", "low", "high")}
    return plain


def _plain(values: Any) -> Any:
    """A number or nested lists of numbers with None in place of NaN, which JSON does not have."""
    if isinstance(values, list):
        return [_plain(value) for value in values]
    return None if math.isnan(values) else values


def write_figure(gap: FiniteGap, path: Path) -> None:
    """The distance against N on logarithmic axes, with its fitted line and a slope of -1/2."""
    with house_style():
        save_figure(gap_figure(gap), path)


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
    return ["-" if math.isnan(m) else f"{m:.3g} [{low:.3g}, {high:.3g}]" for m, low, high in zip(*chosen, strict=True)]
