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

    Args:
        folder: Where the files go; those of an earlier session of the run stay.
        experiment: The run.
        rounds_done: Rounds at the start of this session. TensorBoard forgets what an earlier session wrote beyond.
    """

    def __init__(self, folder: Path, experiment: Experiment, rounds_done: int) -> None:
        from torch.utils.tensorboard import SummaryWriter  # loads torch

        self._window, self._agents = experiment.run.window, experiment.game.n_players
        self._epsilon = experiment.kind.exploration(experiment.agent, experiment.total_rounds)
        self._rounds_done = rounds_done
        # The step `rounds_done` itself is a point of the earlier session that holds.
        self._writer: Any = SummaryWriter(str(folder), purge_step=rounds_done + 1)

    def add(self, record: Record, losses: Mapping[str, float]) -> None:
        """Writes the next rounds, a whole number of windows or up to the end, and the losses after them."""
        first, count = self._rounds_done, record.welfare.shape[1]
        for start in range(0, count, self._window):
            rounds = slice(start, min(start + self._window, count))
            step = first + rounds.stop
            self._add("cooperation_rate", record.cooperators[:, rounds].mean() / self._agents, step)
            self._add("mean_payoff", record.welfare[:, rounds].mean() / self._agents, step)
            self._add("epsilon", self._epsilon[first + start : step].mean(), step)
        self._rounds_done += count
        for name, loss in losses.items():
            self._add(f"loss/{name}", np.float64(loss), self._rounds_done)

    def close(self) -> None:
        """Writes what is still in memory."""
        self._writer.close()

    def _add(self, name: str, value: np.floating[Any], step: int) -> None:
        self._writer.add_scalar(name, float(value), step)
