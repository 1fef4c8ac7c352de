"""Drawing the figures of a run into its folder, as PNG, PDF and SVG. Which there are is up to its kind of game."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from mpgg_agents.experiments import storage
from mpgg_agents.experiments.files import FIGURES
from mpgg_agents.experiments.folder import RunFolderError
from mpgg_agents.experiments.reader import Run
from mpgg_agents.experiments.style import drawn_frame, house_style

KINDS: Final = ("png", "pdf", "svg")

# Without times and versions, so that equal results give equal files.
_METADATA: Final[dict[str, dict[str, Any]]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
}
# SVG has ids, which are random without a salt.
_SALT: Final = "mpgg-env"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a figure's file tells about it, in the file's metadata.

    Attributes:
        title: What the figure is.
        description: What it shows.
        source: What it was drawn from.
    """

    title: str
    description: str
    source: str

    def metadata(self, kind: str) -> dict[str, str]:
        """The entries of a kind of file; PDF has other names for the last two."""
        names = ("Title", "Subject", "Keywords") if kind == "pdf" else ("Title", "Description", "Source")
        return dict(zip(names, (self.title, self.description, self.source), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureSet:
    """The figures of a run.

    Attributes:
        read: Reads and checks what they draw, once.
        drawers: A function from what was read to a figure for each name; each becomes a PNG, a PDF and an SVG.
        films: A function that writes what was read for each further file.
        about: What the files of a figure of this name tell about it; by default nothing.
    """

    read: Callable[[], Any]
    drawers: Mapping[str, Callable[[Any], Figure]]
    films: Mapping[str, Callable[[Any, BinaryIO], None]] = field(default_factory=dict)
    about: Callable[[str], About | None] = lambda name: None

    @property
    def files(self) -> tuple[str, ...]:
        """Names of all files."""
        return (*(f"{name}.{kind}" for name in self.drawers for kind in KINDS), *self.films)


def missing_figures(run: Run) -> list[str]:
    """The figure files that the run does not have."""
    files = run.config.game_kind.figure_set(run).files
    return [name for name in files if not (run.path / FIGURES / name).exists()]


def draw_figures(
    run: Run, files: Collection[str] | None = None, stop: Callable[[], bool] = lambda: False
) -> list[Path]:
    """Draws figures of a complete run into its folder.

    Args:
        run: The run.
        files: Names of the files to write; None for all.
        stop: Asked before each figure whether to leave the rest out.

    Returns:
        The files written.

    Raises:
        RunFolderError: The run is not complete, a file has been changed, or a file has the folder's name.
    """
    return draw_figure_set(run.config.game_kind.figure_set(run), run.path / FIGURES, files, stop)


def draw_figure_set(
    figures: FigureSet, folder: Path, files: Collection[str] | None = None, stop: Callable[[], bool] = lambda: False
) -> list[Path]:
    """Draws figures into a folder; arguments, results and errors as those of `draw_figures`."""
    chosen = figures.files if files is None else files
    data = figures.read()
    if folder.exists() and not folder.is_dir():
        raise RunFolderError(f"{folder} must be a folder, but is a file")
    folder.mkdir(exist_ok=True)
    written = []
    with house_style():
        for name in (*figures.drawers, *figures.films):
            wanted = [file for file in chosen if file in (name, *(f"{name}.{kind}" for kind in KINDS))]
            if wanted and not stop():
                written += _write(figures, data, folder, name, wanted)
    return written


def _write(figures: FigureSet, data: Any, folder: Path, name: str, files: Collection[str]) -> list[Path]:
    if name in figures.films:
        storage.write_file(folder / name, lambda file: figures.films[name](data, file))
        return [folder / name]
    for file_name in files:
        # Each from a new figure: laying one out again can move its parts, and a file drawn alone has to be the same.
        save_figure(figures.drawers[name](data), folder / file_name, figures.about(name))
    return [folder / file_name for file_name in files]


def save_figure(figure: Figure, path: Path, about: About | None = None) -> None:
    """Writes a figure as the kind of file that the name ends with, one of `KINDS`; equal figures give equal files.

    Args:
        figure: The figure.
        path: The file.
        about: What its metadata tell; by default nothing.
    """
    kind = path.suffix[1:]
    frame = drawn_frame(figure)
    metadata = {**_METADATA[kind], **(about.metadata(kind) if about else {})}

    def write(file: BinaryIO) -> None:
        with mpl.rc_context({"svg.hashsalt": _SALT}):
            figure.savefig(file, format=kind, metadata=metadata, bbox_inches=frame)

    storage.write_file(path, write)
