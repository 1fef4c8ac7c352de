"""The work and the words of `mpgg compare`."""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from mpgg_agents.comparison.figures import deviation_figure, penalty_figure
from mpgg_agents.comparison.penalty import penalty_study
from mpgg_agents.comparison.report import Comparison, numbers, text
from mpgg_agents.comparison.settings import CompareConfig
from mpgg_agents.errors import MissingExtraError
from mpgg_agents.experiments import storage
from mpgg_agents.experiments.figures import KINDS, save_figure
from mpgg_agents.experiments.flags import given
from mpgg_agents.experiments.manifest import new_manifest
from mpgg_agents.experiments.market.reader import MarketRun
from mpgg_agents.experiments.market.settings import ENV
from mpgg_agents.experiments.progress import Display, shown_share
from mpgg_agents.experiments.reader import load_run_of
from mpgg_agents.experiments.start import check_vacant
from mpgg_agents.experiments.style import house_style

RESULTS: Final = "comparison.json"


def ask(arguments: argparse.Namespace, words: Sequence[str], display: Display) -> str:
    """What `mpgg compare` says to these arguments.

    Raises:
        RunFolderError: A run is not complete or not of the market, or a file of it has been changed.
        ValueError: The runs are of different games, a setting is out of range, or the folder is not vacant.
        TypeError: A setting has the wrong type.
        MissingExtraError: A library is not installed.
    """
    settings = CompareConfig.from_dict(given(arguments, CompareConfig))
    check_vacant(arguments.out)
    with shown_share(display) as progress:
        found = compare(arguments.runs, settings, progress)
    written = _write(arguments.out, ["mpgg", *words], found)
    return "\n".join([text(found), "", *(f"written: {path}" for path in written)])


def compare(
    paths: Sequence[Path], settings: CompareConfig, progress: Callable[[float], None] | None = None
) -> Comparison:
    """Lets the policies of runs on the same game play each other.

    Args:
        paths: Folders of at least two complete runs. What their traders see may differ.
        settings: Numbers of the comparison.
        progress: Called with the share of the work that is done, in [0, 1].

    Raises:
        RunFolderError: A run is not complete or not of the market, or a file of it has been changed.
        ValueError: There are fewer than two runs, they are of different games, or the seeds do not fit.
        MissingExtraError: A library is not installed.
    """
    runs = _read(paths)
    seeds = _seeds(runs, settings)
    try:
        from mpgg_agents.comparison.deviations import played  # loads torch
        from mpgg_agents.threads import limited_threads
    except ModuleNotFoundError as error:
        raise MissingExtraError("comparing policies", error) from error
    policies = {name: run.policy(seeds[name]) for name, run in runs.items()}
    game = next(iter(runs.values())).config.game
    with limited_threads():
        returns = played(game, policies, settings, progress)
    penalty = penalty_study(list(runs.values()))
    return Comparison(runs=runs, seeds=seeds, settings=settings, returns=returns, penalty=penalty)


def _read(paths: Sequence[Path]) -> dict[str, MarketRun]:
    if len(paths) < 2:
        raise ValueError(f"compare needs at least two runs, got {len(paths)}")
    runs = [load_run_of(path, MarketRun) for path in paths]
    for run in runs:
        for name in run.config.game_kind.results:
            run.file(name)
    rules = {repr(run.config.game.replace(observation="paper")): run.path for run in runs}
    if len(rules) > 1:
        first, second, *_ = rules.values()
        raise ValueError(f"the runs must be on the same game, but the rules of {first} and {second} differ")
    return dict(zip(_names(runs), runs, strict=True))


def _names(runs: Sequence[MarketRun]) -> list[str]:
    """What tells the runs apart: their agents, their folders' names or their paths."""
    choices = (
        [run.config.run.agent.replace("_", "-") for run in runs],
        [run.path.resolve().name for run in runs],
        [str(run.path.resolve()) for run in runs],
    )
    for names in choices:
        if len(set(names)) == len(names):
            return names
    raise ValueError(f"the runs must be different ones, got {', '.join(choices[-1])}")


def _seeds(runs: dict[str, MarketRun], settings: CompareConfig) -> dict[str, int]:
    if settings.seeds is None:
        return {name: run.seeds[0] for name, run in runs.items()}
    if len(settings.seeds) != len(runs):
        raise ValueError(f"seeds must be one for each of the {len(runs)} runs, got {len(settings.seeds)}")
    seeds = dict(zip(runs, settings.seeds, strict=True))
    for name, run in runs.items():
        run.replica(seeds[name])
    return seeds


def _write(out: Path, command: Sequence[str], found: Comparison) -> list[Path]:
    out.mkdir(parents=True, exist_ok=True)
    manifest = new_manifest(ENV, command, [], None)
    content = {
        "made_with": {name: manifest[name] for name in ("version", "python", "platform", "command")},
        **numbers(found),
    }
    written = [out / RESULTS]
    storage.write_bytes(written[0], (json.dumps(content, indent=2, allow_nan=False) + "\n").encode())
    with house_style():
        for name, figure in _figures(found):
            for kind in KINDS:
                written.append(out / f"{name}.{kind}")
                save_figure(figure, written[-1])
    return written


def _figures(found: Comparison) -> list[tuple[str, Any]]:
    deviations = {(entry.follows, entry.others): entry for entry in found.returns.deviations()}
    names = list(found.runs)
    figures = []
    for i, first in enumerate(names):
        for j, second in enumerate(names[i + 1 :], i + 1):
            pair = (deviations[first, second], deviations[second, first])
            figures.append((f"deviations_{i + 1}_{j + 1}", deviation_figure(pair)))
    if found.penalty is not None:
        figures.append(("loss_against_beta", penalty_figure(found.penalty)))
    return figures
