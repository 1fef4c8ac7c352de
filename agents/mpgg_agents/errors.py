"""Errors that training can end with."""


class TrainingError(RuntimeError):
    """The training cannot go on: its numbers are no longer finite."""
