"""The work and the words of `mpgg sweep`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mpgg_agents.experiments.files import FIGURES
from mpgg_agents.experiments.flags import given
from mpgg_agents.experiments.progress import Display
from mpgg_agents.experiments.storage import locked
from mpgg_agents.experiments.study.execution import Workers
from mpgg_agents.experiments.study.file import read_study_file
from mpgg_agents.experiments.study.session import StudyOutcome, run_study


def ask(arguments: argparse.Namespace, words: Sequence[str], display: Display) -> StudyOutcome:
    """Does what `mpgg sweep` is asked for.

    Raises:
        ValueError: The study's file is wrong, a setting is out of range, or the folder has something else in it.
        TypeError: A setting has the wrong type.
        MissingExtraError: A library is not installed.
        OSError: A file could not be written.
        WorkersDiedError: Worker processes died again and again.
    """
    workers = Workers.from_dict(given(arguments, Workers))
    study = read_study_file(arguments.study)
    out = Path("runs") / study.name if arguments.out is None else arguments.out
    outcome = run_study(
        study,
        out,
        store=arguments.store,
        workers=workers,
        display=display,
        command=["mpgg", *words],
        replace=arguments.replace,
    )
    if outcome.signal is None and outcome.complete:
        draw(out)
    return outcome


def draw(path: Path) -> list[Path]:
    """Draws the figures of a study into its folder.

    Raises:
        ValueError: A figure does not fit the study.
        RunFolderError: A file is missing or has been changed.
    """
    from mpgg_agents.experiments.study.figures.draw import draw_study_figures  # loads matplotlib
    from mpgg_agents.experiments.study.reader import load_study

    with locked(path):
        return draw_study_figures(load_study(path))


def summary(outcome: StudyOutcome) -> str:
    """The end of a session in a few lines."""
    figures = sorted((outcome.path / FIGURES).glob("*.png"))
    lines = [f"{outcome.complete:,} of {outcome.cells:,} cells complete: {outcome.path}"]
    lines += [f"  cell {number} failed: {words}" for number, words in sorted(outcome.failed.items())]
    lines += [f"  figure: {figure}" for figure in figures]
    return "\n".join([*lines, f"  tables: mpgg info {outcome.path}; a page: mpgg report {outcome.path}"])
