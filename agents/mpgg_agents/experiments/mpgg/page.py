"""What the page of a run in the migratory public goods game has of its own: the casinos over time."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from mpgg_agents.experiments.files import FINAL_STATE, METRICS
from mpgg_agents.experiments.mpgg.files import CASINOS, PANEL
from mpgg_agents.experiments.mpgg.measures import PHASES, Phase, window_lengths
from mpgg_agents.experiments.mpgg.reader import MPGGRun
from mpgg_agents.experiments.report_page.content import Board, Lattice, Quantity, Scene
from mpgg_agents.experiments.report_page.frames import fitted, pooled
from mpgg_agents.experiments.report_page.parts import PageParts
from mpgg_env.core.types import IntArray

QUANTITIES: Final = (
    Quantity(name="agents", over="occupancy"),
    Quantity(name="share of cooperators", over="cooperators", per="occupancy", highest=1.0, digits=3),
    Quantity(name="cooperators", over="cooperators"),
)
_PHASE_NAMES: Final = {"train": "training", "greedy": "greedy rounds"}
_FILES: Final = {
    METRICS: "measures, a row per seed and recorded round",
    CASINOS: "agents, cooperators and moves of every casino, means over windows of rounds",
    FINAL_STATE: "where the agents were at the end, and what they had learned if that was kept",
    PANEL: "casino, action and payoff of every agent in the last greedy rounds",
}
_SHARE_NOTE: Final = "The share of cooperators is that of all agents in the casino in these rounds, of all seeds shown."


def _board(cells: Mapping[str, Sequence[MPGGRun]]) -> Board | None:
    scenes = [scene for label, runs in cells.items() for phase in PHASES for scene in _scenes(label, runs, phase)]
    shown, notes = fitted(scenes)
    whole = "Each time is a window of rounds, and the numbers are means per round over it."
    return Board(
        title="Casinos over time",
        time="round",
        scenes=shown,
        quantities=QUANTITIES,
        notes=[whole, _SHARE_NOTE, *notes],
    )


def _scenes(label: str, runs: Sequence[MPGGRun], phase: Phase) -> list[Scene]:
    """The scene of a phase of one cell, none if it has no rounds; that of a study's cell with its seeds added up."""
    if not runs[0].phase_rounds(phase):
        return []
    series = [run.casinos(phase) for run in runs]
    starts = series[0]["round"]
    lengths = window_lengths(starts, runs[0].phase_rounds(phase))
    terms = {"cost": runs[0].cost, "gain": runs[0].gain}
    scene = Scene(
        cell=label,
        phase=_PHASE_NAMES[phase],
        lattice=Lattice(shape=runs[0].config.game.grid_shape, upward=True, terms=terms),
        seeds=[f"seed {seed}" for run in runs for seed in run.seeds],
        starts=starts,
        ends=starts + lengths,
        layers={
            name: np.concatenate([_sums(one[name], lengths) for one in series]) for name in ("occupancy", "cooperators")
        },
    )
    return [pooled(scene) if label else scene]


def _sums(means: np.ndarray[Any, Any], lengths: IntArray) -> IntArray:
    """Agents in a window's rounds, (B, windows, M): the whole numbers whose means per round the file has."""
    sums: IntArray = np.rint(means.astype(np.float64) * lengths[:, None]).astype(np.int64)
    return sums


PAGE: Final = PageParts(board=_board, files=_FILES)
