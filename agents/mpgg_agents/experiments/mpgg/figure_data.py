"""What the figures of a run draw, read once."""

from dataclasses import dataclass

import numpy as np

from mpgg_agents.experiments.boards import BoardAxes
from mpgg_agents.experiments.mpgg.measures import PHASES, Phase, window_lengths
from mpgg_agents.experiments.mpgg.reader import MPGGRun
from mpgg_agents.experiments.storage import Arrays
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.games.mpgg.config import MPGGConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureData:
    """What the figures draw, read once.

    Attributes:
        config: Rules of the game.
        trained: Metrics of the training.
        greedy: Metrics of the greedy rounds.
        casinos: Casino series of each phase.
        rounds: Rounds of each phase.
        synergy: Survival of endangered cooperators in the panel, as `MPGGRun.synergy` gives it.
        panel_rounds: Rounds of the panel.
        best_values: What a cooperator among cooperators earns in each casino, (M,).
        board: What stands beside the board.
    """

    config: MPGGConfig
    trained: Arrays
    greedy: Arrays
    casinos: dict[Phase, Arrays]
    rounds: dict[Phase, int]
    synergy: Arrays
    panel_rounds: int
    best_values: FloatArray
    board: BoardAxes

    @classmethod
    def read(cls, run: MPGGRun) -> "FigureData":
        """Reads and checks the result files of a complete run."""
        return cls(
            config=run.config.game,
            trained=run.metrics("train"),
            greedy=run.metrics("greedy"),
            casinos={phase: run.casinos(phase) for phase in PHASES},
            rounds={phase: run.phase_rounds(phase) for phase in PHASES},
            synergy=dict(run.synergy()),
            panel_rounds=run.config.panel_rounds,
            best_values=run.best_values,
            board=board_axes(run),
        )

    def lengths(self, phase: Phase) -> IntArray:
        """Rounds of each window of the casino series, (windows,)."""
        return window_lengths(self.casinos[phase]["round"], self.rounds[phase])


def board_axes(run: MPGGRun) -> BoardAxes:
    """Gain of each column and cost of each row, or their indices where they vary within them."""
    shape = run.config.game.grid_shape
    column_labels, column_title = _axis(run.gain.reshape(shape), "gain factor $r$", "column")
    row_labels, row_title = _axis(run.cost.reshape(shape).T, "cost $c$ (payoff units)", "row")
    return BoardAxes(
        shape=shape,
        row_labels=row_labels,
        column_labels=column_labels,
        row_title=row_title,
        column_title=column_title,
    )


def _axis(values: FloatArray, title: str, index_title: str) -> tuple[list[str], str]:
    """Tick labels of the second axis of `values`, and what they are."""
    if np.ptp(values, axis=0).max() == 0:
        places = next((places for places in range(3) if np.allclose(values[0], values[0].round(places))), 2)
        return [f"{value:.{places}f}" for value in values[0]], title
    return [str(index) for index in range(values.shape[1])], f"{index_title} (values vary within it)"
