"""TensorBoard event files of a run: what it measures as it goes on, beside the results and without effect on them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mpgg_agents.errors import MissingExtraError
from mpgg_agents.experiments.kinds import Trainer
from mpgg_agents.experiments.life import Life
from mpgg_env.core.types import FloatArray


def check_available() -> None:
    """Raises MissingExtraError unless event files can be written."""
    try:
        import torch.utils.tensorboard  # noqa: F401 - loaded only to see whether it can be
    except ModuleNotFoundError as error:
        raise MissingExtraError("writing TensorBoard files", error) from error


class EventLog:
    """One point per window of rounds, the mean over rounds and seeds; its step is the number of rounds done by then.

    A loss is the newest one at the end of the window.

    Args:
        folder: Where the files go; those of an earlier session of the run stay.
        life: What the run measures.
        record: All rounds before this session, the last window of which may be open. TensorBoard forgets what an
            earlier session wrote beyond them.
        trainer: The trainer at the beginning of this session.
    """

    def __init__(self, folder: Path, life: Life[Any], record: Any, trainer: Trainer) -> None:
        from torch.utils.tensorboard import SummaryWriter  # loads torch

        self._life, self._window, self._total = life, life.event_window, trainer.total_rounds
        self._rounds_done = trainer.rounds_done
        start = self._rounds_done // self._window * self._window
        self._open = [{name: values[start:] for name, values in life.series(record, 0).items()}]
        # The step `rounds_done` itself is a point of the earlier session that holds.
        self._writer: Any = SummaryWriter(str(folder), purge_step=self._rounds_done + 1)

    @property
    def rounds_left(self) -> int:
        """Rounds to the end of the open window, where the next point is."""
        return min(self._window - self._rounds_done % self._window, self._total - self._rounds_done)

    def add(self, record: Any, trainer: Trainer) -> None:
        """Adds the record of the next rounds, at most `rounds_left`, and the losses of the trainer after them."""
        at_the_end = trainer.rounds_done - self._rounds_done == self.rounds_left
        self._open.append(self._life.series(record, self._rounds_done))
        self._rounds_done = trainer.rounds_done
        if at_the_end:
            self._write(trainer.losses)

    def close(self) -> None:
        """Writes what is still in memory."""
        self._writer.close()

    def _write(self, losses: Mapping[str, float]) -> None:
        """Writes the point of the window that ends here."""
        for name in self._open[-1]:
            self._add(name, float(np.concatenate(self._parts(name)).mean()))
        for name, loss in losses.items():
            self._add(f"loss/{name}", float(loss))
        self._open = []

    def _parts(self, name: str) -> list[FloatArray]:
        return [part[name] for part in self._open if name in part]

    def _add(self, name: str, value: float) -> None:
        self._writer.add_scalar(name, value, self._rounds_done)
