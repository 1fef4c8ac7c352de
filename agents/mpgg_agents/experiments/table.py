"""The metrics of a run as a Parquet file: columns by name, one row per seed and round."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from mpgg_agents.experiments import storage
from mpgg_agents.experiments.storage import Arrays


def write_metrics(path: Path, columns: Arrays, labels: Mapping[str, Sequence[str]]) -> None:
    """Writes columns of equal length; those that have labels are numbers of words, and written as these."""
    arrays: dict[str, Any] = {name: pa.array(values) for name, values in columns.items()}
    for name, words in labels.items():
        arrays[name] = pa.DictionaryArray.from_arrays(columns[name], list(words))
    table = pa.table(arrays)

    def write(file: BinaryIO) -> None:
        pq.write_table(table, file, compression="zstd")

    storage.write_file(path, write)


def read_metrics(path: Path) -> Any:
    """The table at `path`."""
    # A study reads thousands of small ones beside its workers: a data set of one file, or threads, would take longer.
    with pq.ParquetFile(path) as file:
        return file.read(use_threads=False)
