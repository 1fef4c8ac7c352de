"""What the page of a run in a mean-field-type game has of its own: where the agents are, in games on boards."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from mpgg_agents.experiments.files import EVALUATION, FINAL_STATE, METRICS, SNAPSHOTS
from mpgg_agents.experiments.mean_field.reader import MeanFieldRun
from mpgg_agents.experiments.report_page.content import Board, Lattice, Quantity, Scene
from mpgg_agents.experiments.report_page.parts import PageParts
from mpgg_env.games.mean_field.common import picture
from mpgg_env.games.mean_field.registry import game_of

_FILES: Final = {
    METRICS: "what the trainer measured, a row per seed and round",
    SNAPSHOTS: "the profiles that were kept on the way",
    EVALUATION: "how they were judged",
    FINAL_STATE: "the profiles that came out",
}
_NOTE: Final = "The episode from the first start of the testing set under what the first seed has learned."
_WALLS: Final = "Walls and doors are in the figure of the distributions."


def _board(cells: Mapping[str, Sequence[MeanFieldRun]]) -> Board | None:
    """The board of a run; None in games without one, and for a study, in which every cell would have to be played."""
    from mpgg_env.games.mean_field.common.batch import MeanFieldBatch

    if list(cells) != [""]:
        return None
    run = cells[""][0]
    rules: Any = MeanFieldBatch(run.config.game).rules
    board = rules.picture().board
    if board is None:
        return None
    terms = {"cost": rules.cost, "gain": rules.gain} if game_of(run.config.game) == "mpgg" else {}
    evolution = run.evolution(run.seeds[0])
    paths = [path for name, path in evolution.items() if name.startswith("coalition_")]
    times = np.arange(len(paths[0]))
    layers = {f"coalition {i}": path[None].astype(np.float32) for i, path in enumerate(paths)}
    scene = Scene(
        cell="",
        phase="first test",
        lattice=Lattice(shape=board.shape, upward=board.upward, terms=terms, marks=_marks(board)),
        seeds=[f"seed {run.seeds[0]}"],
        starts=times,
        ends=times + 1,
        layers=layers,
    )
    notes = [_NOTE, _WALLS] if board.walls or board.doors else [_NOTE]
    quantities = [Quantity(name=f"share of the agents of {name}", over=name, digits=3) for name in layers]
    return Board(title="Agents over time", time="step", scenes=[scene], quantities=quantities, notes=notes)


def _marks(board: picture.Board) -> dict[int, str]:
    """Words at places that are special, by the number of the place. Cells of a board count rows from the top."""
    words: dict[tuple[int, int], list[str]] = {}
    for coalition, targets in enumerate(board.targets):
        for cell in targets:
            words.setdefault(cell, []).append(f"target {coalition}")
    for name, cells in (("forbidden", board.forbidden), ("best", board.best)):
        for cell in cells:
            words.setdefault(cell, []).append(name)
    rows, columns = board.shape
    places = {cell: (rows - 1 - cell[0] if board.upward else cell[0]) * columns + cell[1] for cell in words}
    return {places[cell]: ", ".join(words[cell]) for cell in sorted(words, key=places.__getitem__)}


PAGE: Final = PageParts(board=_board, files=_FILES)
