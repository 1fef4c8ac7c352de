"""The figures of a run folder, as PNG and PDF, and an animated GIF of the first seed.

cooperation: Cooperation rate over the rounds. payoff: Payoff and efficiency over the rounds. board: Occupancy
and cooperation of the casinos at named times. structure: Seats taken, concentration and the way to good casinos over
the rounds. synergy: Survival of endangered cooperators. corridor: Net migration between the casinos.
board_over_time.gif: the board of one seed. The numbers come from `Run.metrics`, `Run.casinos` and `Run.synergy`.
"""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, BinaryIO, Final

from matplotlib.figure import Figure

from mpgg_agents.experiments import curves, maps, storage
from mpgg_agents.experiments.figure_data import FigureData
from mpgg_agents.experiments.folder import FIGURES, RunFolderError
from mpgg_agents.experiments.reader import Run
from mpgg_agents.experiments.style import column_frame, house_style

DRAWERS: Final[dict[str, Callable[[FigureData], Figure]]] = {
    "cooperation": curves.cooperation_figure,
    "payoff": curves.payoff_figure,
    "board": maps.board_figure,
    "structure": curves.structure_figure,
    "synergy": curves.synergy_figure,
    "corridor": maps.corridor_figure,
}
ANIMATION: Final = "board_over_time.gif"

# Without times and versions, so that equal results give equal files.
_METADATA: Final[dict[str, dict[str, Any]]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
FILES: Final = (*(f"{name}.{kind}" for name in DRAWERS for kind in _METADATA), ANIMATION)


def missing_figures(run: Run) -> list[str]:
    """The figure files that the run does not have."""
    return [name for name in FILES if not (run.path / FIGURES / name).exists()]


def draw_figures(run: Run, files: Collection[str] = FILES, stop: Callable[[], bool] = lambda: False) -> list[Path]:
    """Draws figures of a complete run into its folder.

    Args:
        run: The run.
        files: Names of the files to write, of `FILES`.
        stop: Asked before each figure whether to leave the rest out.

    Returns:
        The files written.

    Raises:
        RunFolderError: The run is not complete, a file has been changed, or a file has the folder's name.
    """
    data = FigureData.read(run)
    folder = run.path / FIGURES
    if folder.exists() and not folder.is_dir():
        raise RunFolderError(f"{folder} must be a folder, but is a file")
    folder.mkdir(exist_ok=True)
    written = []
    with house_style():
        for name in [*DRAWERS, ANIMATION]:
            wanted = [file for file in files if file.split(".")[0] == name.split(".")[0]]
            if wanted and not stop():
                written += _write(data, folder, name, wanted)
    return written


def _write(data: FigureData, folder: Path, name: str, files: Collection[str]) -> list[Path]:
    if name == ANIMATION:
        from mpgg_agents.experiments.animation import write_animation  # loads Pillow and the renderer

        storage.write_file(folder / ANIMATION, lambda file: write_animation(data, file))
        return [folder / ANIMATION]
    figure = DRAWERS[name](data)
    for file_name in files:
        save_figure(figure, folder / file_name)
    return [folder / file_name for file_name in files]


def save_figure(figure: Figure, path: Path) -> None:
    """Writes a figure as the kind of file that the name ends with, "png" or "pdf"; equal figures give equal files."""
    kind = path.suffix[1:]
    frame = column_frame(figure)

    def write(file: BinaryIO) -> None:
        figure.savefig(file, format=kind, metadata=_METADATA[kind], bbox_inches=frame)

    storage.write_file(path, write)
