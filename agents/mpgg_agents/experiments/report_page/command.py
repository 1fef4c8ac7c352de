"""Writing the page of a folder."""

from pathlib import Path
from typing import Final

from mpgg_agents.experiments import storage
from mpgg_agents.experiments.reader import load_run
from mpgg_agents.experiments.report_page.content import Page
from mpgg_agents.experiments.report_page.rendering import page_bytes
from mpgg_agents.experiments.report_page.run_page import run_page
from mpgg_agents.experiments.study.folder import is_study

REPORT: Final = "report.html"


def write_report(path: str | Path, out: str | Path | None = None) -> Path:
    """Writes the page of a run or a study: one HTML file, whole or not at all.

    Args:
        path: The folder.
        out: The file; None for `report.html` in the folder.

    Returns:
        The file.

    Raises:
        RunFolderError: It is no such folder, or a file is missing or has been changed.
        ValueError: The file cannot be written there.
        FolderInUseError: A figure has to be drawn first, and another process writes to the folder.
        MissingExtraError: A library that a figure needs is not installed.
    """
    folder = Path(path)
    file = folder / REPORT if out is None else Path(out)
    page = _page(folder)
    storage.check_writable(file)
    storage.write_bytes(file, page_bytes(page))
    return file


def _page(folder: Path) -> Page:
    if not is_study(folder):
        return run_page(load_run(folder))
    from mpgg_agents.experiments.report_page.study_page import study_page  # loads pyarrow, as does the reader
    from mpgg_agents.experiments.study.reader import load_study

    return study_page(load_study(folder))
