"""Errors that training can end with, or that keep it from beginning."""

from typing import Final

DEEP: Final = 'pip install "mpgg-env[deep]"'


class TrainingError(RuntimeError):
    """The training cannot go on: its numbers are no longer finite."""


class WorkersDiedError(RuntimeError):
    """Worker processes of a study die again and again."""


class MissingExtraError(ImportError):
    """A library of an extra is asked for and is not installed.

    Args:
        purpose: What needs the library.
        error: The import that failed.
        remedy: The command that installs the extra.
    """

    def __init__(self, purpose: str, error: ModuleNotFoundError, remedy: str = DEEP) -> None:
        library = str(error.name).partition(".")[0]
        super().__init__(f"{purpose} needs {library}, which is not installed: {remedy}", name=library)
