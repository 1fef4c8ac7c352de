"""The figures of a page, drawn where they are missing."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from mpgg_agents.experiments.figures import FigureSet, draw_figure_set
from mpgg_agents.experiments.files import FIGURES
from mpgg_agents.experiments.report_page.content import Picture
from mpgg_agents.experiments.storage import locked

KIND: Final = "svg"  # sharp at any size and in print


def kept_pictures(figures: FigureSet, path: Path) -> list[Picture]:
    """The figures in the folder of a run or a study that is complete; those that are missing are drawn into it.

    Raises:
        FolderInUseError: A figure is missing, and another process writes to the folder.
        RunFolderError: A file that a figure needs is missing or has been changed.
        MissingExtraError: A library that a figure needs is not installed.
    """
    missing = [file for file in _files(figures) if not (path / FIGURES / file).exists()]
    if missing:
        with locked(path):
            draw_figure_set(figures, path / FIGURES, missing)
    return _read(figures, path / FIGURES)


def passing_pictures(figures: FigureSet) -> list[Picture]:
    """The figures of what is not complete, which are kept nowhere: they would be taken for those of the whole.

    Raises:
        RunFolderError: A file that a figure needs is missing or has been changed.
        MissingExtraError: A library that a figure needs is not installed.
    """
    with TemporaryDirectory() as folder:
        draw_figure_set(figures, Path(folder), list(_files(figures)))
        return _read(figures, Path(folder))


def _files(figures: FigureSet) -> dict[str, str]:
    """Name of each figure by its file."""
    return {f"{name}.{KIND}": name for name in figures.drawers}


def _read(figures: FigureSet, folder: Path) -> list[Picture]:
    return [
        Picture(file=file, caption=_caption(figures, name), content=(folder / file).read_bytes())
        for file, name in _files(figures).items()
    ]


def _caption(figures: FigureSet, name: str) -> str:
    """What a figure says about itself, or else the first paragraph about the function that draws it."""
    about = figures.about(name)
    if about is not None:
        return about.description
    words = (figures.drawers[name].__doc__ or "").partition("\n\n")[0].replace("`", "")
    return " ".join(words.split())
