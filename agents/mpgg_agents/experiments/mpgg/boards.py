"""Where the agents of a cell of a study are in the end, as a board."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from mpgg_agents.experiments.boards import EndBoard
from mpgg_agents.experiments.mpgg.figure_data import board_axes
from mpgg_agents.experiments.mpgg.maps import cooperation_share
from mpgg_agents.experiments.mpgg.measures import Phase, window_lengths
from mpgg_agents.experiments.mpgg.reader import MPGGRun
from mpgg_env.core.types import FloatArray

LAST_SHARE: Final = 0.01
_NAMES: Final = ("occupancy", "cooperators")


def end_board(runs: Sequence[MPGGRun]) -> EndBoard:
    """Occupancy and cooperation over all seeds of a cell, in the greedy rounds or if there are none the last hundredth.

    Args:
        runs: The runs of the cell, one for each batch of seeds.

    Raises:
        RunFolderError: A run is not complete, or a file has been changed.
    """
    occupancy, cooperators = (np.concatenate([_means(run, name) for run in runs]) for name in _NAMES)
    mean, cooperating = occupancy.mean(axis=0), cooperators.mean(axis=0)
    return EndBoard(axes=board_axes(runs[0]), occupancy=mean, cooperation=cooperation_share(cooperating, mean))


def _means(run: MPGGRun, name: str) -> FloatArray:
    """Means (B, M) over the rounds of the end."""
    phase: Phase = "greedy" if run.phase_rounds("greedy") else "train"
    casinos = run.casinos(phase)
    lengths = window_lengths(casinos["round"], run.phase_rounds(phase))
    last = len(lengths) if phase == "greedy" else max(1, round(LAST_SHARE * len(lengths)))
    means: FloatArray = np.average(casinos[name][:, -last:].astype(float), axis=1, weights=lengths[-last:])
    return means
