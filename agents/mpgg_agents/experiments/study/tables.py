"""The tables of a study: what its cells measured, as columns with the swept fields beside them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mpgg_agents.experiments import storage
from mpgg_agents.experiments.reader import Run
from mpgg_agents.experiments.study.settings import Study

CELL: Final = "cell"
SEED: Final = "seed"
KEYS: Final = (CELL, SEED, "phase", "round")


class SweptColumns:
    """The swept fields as columns of the same types in all tables of a study.

    Whole numbers are int64, other numbers float64, yes and no bool; texts, and as JSON everything else, are
    dictionaries of texts.
    """

    def __init__(self, study: Study) -> None:
        self._columns = {name: _column([point[name] for point in study.points]) for name in study.sweep.parts}

    def columns(self, cells: Sequence[int], rows: Sequence[int]) -> dict[str, Any]:
        """The number of the cell and its swept fields, each as often as the cell has rows."""
        numbers = pa.array(np.repeat(np.array(cells, np.int32), rows))
        return {CELL: numbers, **{name: values.take(numbers) for name, values in self._columns.items()}}


def records_of(study: Study, columns: SweptColumns, cells: Mapping[int, Sequence[Run]]) -> Any:
    """One row per cell, seed and recorded round.

    Args:
        study: The study.
        columns: Its swept fields.
        cells: The runs of each cell by its number; their seeds follow one another.

    Raises:
        ValueError: The runs do not have a measure that the study asks for.
    """
    hooks, parts = study.game_kind.study(), []
    for number, runs in cells.items():
        table = pa.concat_tables([_chosen(study, hooks.records(run)) for run in runs])
        parts.append(_with_fields(columns, number, table))
    return pa.concat_tables(parts, promote_options="default").combine_chunks()


def outcomes_of(study: Study, columns: SweptColumns, cells: Mapping[int, Sequence[Run]]) -> Any:
    """One row per cell and seed with the final numbers of the runs; arguments as those of `records_of`."""
    hooks, parts = study.game_kind.study(), []
    for number, runs in cells.items():
        tables = [pa.table({SEED: pa.array(run.seeds, pa.int64()), **hooks.outcomes(run)}) for run in runs]
        parts.append(_with_fields(columns, number, pa.concat_tables(tables)))
    return pa.concat_tables(parts, promote_options="default").combine_chunks()


def cells_of(study: Study, columns: SweptColumns, keys: Mapping[int, Sequence[str]], seeds: Mapping[int, int]) -> Any:
    """One row per cell: its number, swept fields, the seeds that it has so far, and its runs' keys in the store."""
    numbers = range(len(study.sweep))
    return pa.table(
        {
            **columns.columns(numbers, [1] * len(numbers)),
            "seeds": pa.array([seeds.get(number, 0) for number in numbers], pa.int32()),
            "runs": pa.array([list(keys.get(number, ())) for number in numbers], pa.list_(pa.string())),
        }
    )


def write_table(path: Path, table: Any) -> None:
    """Writes a table, whole or not at all; equal tables give equal bytes."""
    storage.write_file(path, lambda file: pq.write_table(table, file, compression="zstd"))


def seeds_by_cell(outcomes: Path) -> dict[int, int]:
    """Number of seeds of every cell in a part of the outcomes."""
    cells, counts = np.unique(pq.read_table(outcomes, columns=[CELL])[CELL].to_numpy(), return_counts=True)
    return dict(zip(cells.tolist(), counts.tolist(), strict=True))


def unified(parts: Sequence[Path]) -> list[Path]:
    """Gives the parts of each table the columns of all of them, since readers take those of the first one.

    Cells can have different measures, such as the returns of as many coalitions as the cell has.

    Returns:
        The parts that were written anew.
    """
    changed = []
    for folder in dict.fromkeys(path.parent for path in parts):
        paths = [path for path in parts if path.parent == folder]
        schemas = [pq.read_schema(path) for path in paths]
        whole = pa.unify_schemas(schemas, promote_options="default")
        for path, schema in zip(paths, schemas, strict=True):
            if not schema.equals(whole):
                table = pq.read_table(path)
                empty = whole.empty_table()
                write_table(path, pa.concat_tables([empty, table], promote_options="default").combine_chunks())
                changed.append(path)
    return changed


def _with_fields(columns: SweptColumns, number: int, table: Any) -> Any:
    fields = columns.columns([number], [len(table)])
    return pa.table({**fields, **{name: table[name] for name in table.column_names}})


def _chosen(study: Study, table: Any) -> Any:
    if study.results.metrics is None:
        return table
    missing = [name for name in study.results.metrics if name not in table.column_names]
    if missing:
        raise ValueError(f"metrics must be columns of the runs, {', '.join(table.column_names)}, got {missing[0]!r}")
    return table.select([name for name in table.column_names if name in KEYS or name in study.results.metrics])


def _column(values: Sequence[Any]) -> Any:
    """The values of a field in all cells."""
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds <= {int, float}:
        return pa.array(values, pa.int64() if kinds == {int} else pa.float64())
    texts = [value if isinstance(value, str) else json.dumps(value, sort_keys=True) for value in values]
    return pa.array(texts).dictionary_encode()
