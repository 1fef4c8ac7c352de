"""Writes the result files of a run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mpgg_agents.experiments import storage
from mpgg_agents.experiments.files import METRICS
from mpgg_agents.experiments.storage import Arrays
from mpgg_agents.experiments.table import write_metrics


def write_results(
    path: Path, results: Mapping[str, Arrays], labels: Mapping[str, Sequence[str]]
) -> tuple[dict[str, str], str]:
    """Writes the result files of a run.

    Args:
        path: The run folder.
        results: The content of each file by its name.
        labels: Columns of the metrics that are numbers of words.

    Returns:
        The checksum of each file, and one checksum of all their values, which depends neither on the file
        formats nor on threads, interruptions and time.
    """
    values = {f"{Path(file).stem}/{name}": array for file, arrays in results.items() for name, array in arrays.items()}
    checksum = storage.content_checksum(values)
    for file, arrays in results.items():
        if file == METRICS:
            write_metrics(path / file, arrays, labels)
        else:
            storage.write_arrays(path / file, arrays)
    return {file: storage.file_checksum(path / file) for file in results}, checksum
