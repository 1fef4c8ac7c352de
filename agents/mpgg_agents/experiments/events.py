"""TensorBoard event files of a run: what it measures as it goes on, beside the results and without effect on them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mpgg_agents.errors import MissingExtraError
from mpgg_agents.experiments.settings import Experiment
from mpgg_agents.record import Record


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
        experiment: The run.
        record: All rounds before this session, the last window of which may be open. TensorBoard forgets what an
            earlier session wrote beyond them.
    """

    def __init__(self, folder: Path, experiment: Experiment, record: Record) -> None:
        from torch.utils.tensorboard import SummaryWriter  # loads torch

        self._window, self._agents = experiment.run.window, experiment.game.n_players
        self._epsilon = experiment.kind.exploration(experiment.agent, experiment.total_rounds)
        self._rounds_done: int = record.welfare.shape[1]
        start = self._rounds_done // self._window * self._window
        self._cooperators, self._welfare = [record.cooperators[:, start:]], [record.welfare[:, start:]]
        # The step `rounds_done` itself is a point of the earlier session that holds.
        self._writer: Any = SummaryWriter(str(folder), purge_step=self._rounds_done + 1)

    @property
    def rounds_left(self) -> int:
        """Rounds to the end of the open window, where the next point is."""
        return min(self._window - self._rounds_done % self._window, len(self._epsilon) - self._rounds_done)

    def add(self, record: Record, losses: Mapping[str, float]) -> None:
        """Adds the next rounds, at most `rounds_left`, and the losses after them."""
        left = self.rounds_left
        self._cooperators.append(record.cooperators)
        self._welfare.append(record.welfare)
        self._rounds_done += record.welfare.shape[1]
        if record.welfare.shape[1] == left:
            self._write(losses)

    def close(self) -> None:
        """Writes what is still in memory."""
        self._writer.close()

    def _write(self, losses: Mapping[str, float]) -> None:
        """Writes the point of the window that ends here."""
        cooperators, welfare = np.concatenate(self._cooperators, axis=1), np.concatenate(self._welfare, axis=1)
        step = self._rounds_done
        self._add("cooperation_rate", cooperators.mean() / self._agents, step)
        self._add("mean_payoff", welfare.mean() / self._agents, step)
        self._add("epsilon", self._epsilon[step - welfare.shape[1] : step].mean(), step)
        for name, loss in losses.items():
            self._add(f"loss/{name}", np.float64(loss), step)
        self._cooperators, self._welfare = [], []

    def _add(self, name: str, value: np.floating[Any], step: int) -> None:
        self._writer.add_scalar(name, float(value), step)
