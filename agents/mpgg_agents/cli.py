"""The `mpgg` command: train, info, figures, report, compare, exploitability, gap, equilibria, design, presets."""

import argparse
import os
import shlex
import sys
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mpgg_agents.arguments import check_resume, parse, read_experiment
from mpgg_agents.errors import MissingExtraError, TrainingError, WorkersDiedError
from mpgg_agents.experiments.flags import given
from mpgg_agents.experiments.progress import choose_display
from mpgg_agents.experiments.registry import DEFAULT_ENV, game_kind
from mpgg_agents.experiments.settings import all_notes
from mpgg_env.games.mpgg.config import DilemmaWarning

if TYPE_CHECKING:
    from mpgg_agents.experiments.session import Outcome, Session

FAILED: Final = 1
BAD_INPUT: Final = 2
BY_SIGNAL: Final = 128


class InputError(Exception):
    """What was asked for cannot be done as asked."""


def main(argv: list[str] | None = None) -> int:
    """Runs the `mpgg` command.

    Args:
        argv: Words after the command's name; None for those of this process.

    Returns:
        Exit code: 0; 1 for a failure of the machine (a full disk, no memory) or of the training (its numbers are no
        longer finite); 2 for bad input, a missing library included, and then nothing has been changed; 130 or 143
        after SIGINT or SIGTERM.
    """
    try:
        return _run(sys.argv[1:] if argv is None else argv)
    except InputError as error:
        return _complain(str(error), BAD_INPUT)
    except BrokenPipeError:  # the reader of our output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _complain(_os_message(error), FAILED)
    except (TrainingError, WorkersDiedError) as error:
        return _complain(str(error), FAILED)
    except MemoryError as error:
        return _complain(f"not enough memory. {error}", FAILED)
    except KeyboardInterrupt:
        return _complain("interrupted", BY_SIGNAL + 2)


def _run(words: Sequence[str]) -> int:
    try:
        arguments = parse(words)
    except SystemExit as end:  # --help and --version have been answered
        return int(end.code or 0)
    except (TypeError, ValueError) as error:
        raise InputError(error) from error
    if arguments.command == "presets":
        return _presets()
    if arguments.command == "train":
        return _train(arguments, words)
    if arguments.command == "sweep":
        return _sweep(arguments, words)
    if arguments.command == "report":
        return _page(arguments)
    if arguments.command == "exploitability":
        return _exploitability(arguments)
    if arguments.command == "gap":
        return _gap(arguments)
    if arguments.command == "equilibria":
        return _equilibria(arguments)
    if arguments.command == "design":
        return _design(arguments, words)
    if arguments.command == "compare":
        return _compare(arguments, words)
    return _info(arguments.run) if arguments.command == "info" else _figures(arguments.run)


def _train(arguments: argparse.Namespace, words: Sequence[str]) -> int:
    with ExitStack() as stack:
        try:
            if arguments.resume is not None:
                check_resume(arguments)
                if _is_complete(arguments.resume):
                    return _finish_complete(arguments.resume, arguments.quiet)
            with warnings.catch_warnings(record=True) as notes:
                for note in all_notes():
                    warnings.simplefilter("always", note)
                session = stack.enter_context(_session(arguments, words))
        except (TypeError, ValueError, MissingExtraError) as error:
            raise InputError(error) from error
        except OSError as error:
            raise InputError(_os_message(error)) from error
        if not arguments.quiet:
            _write_notes(notes)  # not earlier: bad input gives its one line alone
        outcome = session.play()
    return _report(outcome, arguments.quiet)


def _sweep(arguments: argparse.Namespace, words: Sequence[str]) -> int:
    from mpgg_agents.experiments.study import command  # loads pyarrow

    try:
        outcome = command.ask(arguments, words, choose_display(arguments.quiet))
    except (TypeError, ValueError, MissingExtraError) as error:
        raise InputError(error) from error
    if outcome.signal is not None:
        again = f"go on with the same command: mpgg {shlex.join(words)}"
        sys.stderr.write(
            f"mpgg: stopped after {outcome.complete:,} of {outcome.cells:,} cells, which are kept; {again}\n"
        )
        return BY_SIGNAL + outcome.signal
    if not arguments.quiet or outcome.failed:
        _say(command.summary(outcome))
    return FAILED if outcome.failed else 0


def _session(arguments: argparse.Namespace, words: Sequence[str]) -> AbstractContextManager["Session"]:
    display, tensorboard = choose_display(arguments.quiet), arguments.tensorboard
    if arguments.resume is not None:
        from mpgg_agents.experiments.run import resumed_session  # loads numba

        return resumed_session(arguments.resume, threads=arguments.threads, display=display, tensorboard=tensorboard)
    experiment = read_experiment(arguments)
    if arguments.out is None:
        raise ValueError("train needs --out DIR, a new folder for the results, or --resume RUN")
    from mpgg_agents.experiments.run import new_session  # loads numba

    return new_session(
        experiment,
        arguments.out,
        threads=arguments.threads,
        display=display,
        tensorboard=tensorboard,
        command=["mpgg", *words],
    )


def _write_notes(caught: Sequence[warnings.WarningMessage]) -> None:
    for warning in caught:
        if issubclass(warning.category, all_notes()):
            sys.stderr.write(f"mpgg: note: {warning.message}\n")
        else:  # of a library, to be shown as usual
            warnings.showwarning(warning.message, warning.category, warning.filename, warning.lineno)


def _report(outcome: "Outcome", quiet: bool) -> int:
    if outcome.signal is None:
        if not quiet:
            from mpgg_agents.experiments.report import summary

            _say(summary(outcome.path))
        return 0
    if outcome.complete:
        sys.stderr.write(f"mpgg: stopped after the results of {outcome.path} were written\n")
    else:
        sys.stderr.write(
            f"mpgg: stopped after {outcome.rounds_done:,} rounds, which are kept; go on with: "
            f"mpgg train --resume {outcome.path}\n"
        )
    return BY_SIGNAL + outcome.signal


def _is_complete(path: Path) -> bool:
    from mpgg_agents.experiments.reader import load_run

    return bool(load_run(path).status == "complete")


def _finish_complete(path: Path, quiet: bool) -> int:
    """A complete run may still lack figures, when it was stopped while they were drawn."""
    from mpgg_agents.experiments.reader import load_run
    from mpgg_agents.experiments.storage import locked

    run = load_run(path)
    run.verify()
    if run.config.run.figures:
        from mpgg_agents.experiments.figures import draw_figures, missing_figures  # loads matplotlib

        if missing_figures(run):
            with locked(path):
                draw_figures(run, missing_figures(run))
    if not quiet:
        _say(f"{path} is complete: there is nothing to resume")
    return 0


def _info(path: Path) -> int:
    from mpgg_agents.experiments.report import info
    from mpgg_agents.experiments.study.folder import is_study
    from mpgg_agents.experiments.study.listing import listing

    try:
        _say(listing(path) if is_study(path) else info(path))
    except ValueError as error:
        raise InputError(error) from error
    return 0


def _figures(path: Path) -> int:
    from mpgg_agents.experiments.study import command
    from mpgg_agents.experiments.study.folder import is_study

    try:
        written = command.draw(path) if is_study(path) else _run_figures(path)
    except (ValueError, MissingExtraError) as error:
        raise InputError(error) from error
    _say("\n".join(map(str, written)))
    return 0


def _run_figures(path: Path) -> list[Path]:
    from mpgg_agents.experiments.figures import draw_figures  # loads matplotlib
    from mpgg_agents.experiments.reader import load_run
    from mpgg_agents.experiments.storage import locked

    run = load_run(path)
    for name in run.config.game_kind.results:
        run.file(name)
    with locked(path):
        return draw_figures(run)


def _page(arguments: argparse.Namespace) -> int:
    from mpgg_agents.experiments.report_page.command import write_report  # loads pyarrow and perhaps matplotlib

    try:
        _say(str(write_report(arguments.path, arguments.out)))
    except (ValueError, MissingExtraError) as error:
        raise InputError(error) from error
    return 0


def _exploitability(arguments: argparse.Namespace) -> int:
    from mpgg_agents.experiments.mpgg.exploit import ask  # loads numba

    try:
        _say(ask(arguments, choose_display(arguments.quiet)))
    except (TypeError, ValueError, MissingExtraError) as error:
        raise InputError(error) from error
    return 0


def _gap(arguments: argparse.Namespace) -> int:
    from mpgg_agents.experiments.mean_field.gap import ask  # loads matplotlib

    try:
        _say(ask(arguments, choose_display(arguments.quiet)))
    except (TypeError, ValueError, MissingExtraError) as error:
        raise InputError(error) from error
    return 0


def _compare(arguments: argparse.Namespace, words: Sequence[str]) -> int:
    from mpgg_agents.comparison.command import ask  # loads scipy and matplotlib

    try:
        _say(ask(arguments, words, choose_display(arguments.quiet)))
    except (TypeError, ValueError, MissingExtraError) as error:
        raise InputError(error) from error
    return 0


def _equilibria(arguments: argparse.Namespace) -> int:
    from mpgg_agents import certificates, equilibria  # which load numba

    game_class = game_kind(arguments.env).game_class
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DilemmaWarning)  # the page itself says what the game is like
            game: Any = game_class.from_dict(given(arguments, game_class))
        if arguments.env == DEFAULT_ENV:
            _say(equilibria.page(game, arguments.stage, arguments.json))
        else:
            _say(certificates.page(game, arguments.json))
    except (TypeError, ValueError) as error:
        raise InputError(error) from error
    return 0


def _design(arguments: argparse.Namespace, words: Sequence[str]) -> int:
    from mpgg_agents.design.command import ask  # loads numba

    try:
        with warnings.catch_warnings(record=True) as notes:
            warnings.simplefilter("always", DilemmaWarning)
            answer = ask(arguments, words, choose_display(arguments.quiet))
    except (TypeError, ValueError) as error:
        raise InputError(error) from error
    if not arguments.quiet:
        _write_notes(notes[:1])  # every game of the study says the same
    _say(answer)
    return 0


def _presets() -> int:
    from mpgg_agents.experiments.report import preset_list

    _say(preset_list())
    return 0


def _os_message(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}" if error.filename else str(error)


def _complain(message: str, code: int) -> int:
    sys.stderr.write(f"mpgg: error: {' '.join(message.split())}\n")
    return code


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
