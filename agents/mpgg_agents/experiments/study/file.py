"""The TOML file of a study, with errors that name the line and the field."""

from pathlib import Path

from mpgg_agents.experiments.study.settings import CellError, Study
from mpgg_agents.experiments.study.sweep import SweepError
from mpgg_agents.experiments.study.toml_file import culprit, read_located
from mpgg_agents.experiments.study.toml_lines import Where


def read_study_file(path: str | Path) -> Study:
    """The study that a TOML file describes, after checking every cell of it.

    Args:
        path: The file; a study without a name has its name, without the ending.

    Raises:
        StudyFileError: The file cannot be read, or something in it is wrong: the text names the line and the field.
    """
    file = read_located(Path(path))
    try:
        study = Study.from_dict({"name": Path(path).stem, **file.values})
        study.check()
    except SweepError as error:
        raise file.error(error.place, str(error)) from error
    except CellError as error:
        places = {_field(place): place for place in error.fields.values()}
        where = culprit(error.message, places)
        # An error of several fields together may name none of those that the file sets; the cell's values tell.
        raise file.error(places[where] if where else ("sweep",), error.message if where else str(error)) from error
    return study


def _field(place: Where) -> Where:
    """The place of a field without the number of the value in its list."""
    return place[:-1] if isinstance(place[-1], int) else place
