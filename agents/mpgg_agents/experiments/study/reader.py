"""Reading the folder of a study."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from mpgg_agents.experiments.folder import RunFolderError, check_file
from mpgg_agents.experiments.reader import Run, load_run
from mpgg_agents.experiments.study import folder
from mpgg_agents.experiments.study.settings import Study
from mpgg_agents.experiments.study.store import Store
from mpgg_agents.experiments.study.tables import CELL, SEED
from mpgg_env.core.types import FloatArray
from mpgg_env.core.validation import check_choice, check_integer


def load_study(path: str | Path) -> "StudyRun":
    """Opens the folder of a study for reading.

    Args:
        path: The folder that `mpgg sweep` wrote.

    Raises:
        RunFolderError: It is no folder of a study, or has been changed.
    """
    return StudyRun(Path(path))


class StudyRun:
    """The folder of a study that can be read; of one that is not complete, what there is of it.

    Its tables are Parquet data sets, which other programs read too: `pandas.read_parquet(path / "outcomes")`. Here each
    file is checked against its checksum when it is first read.

    Attributes:
        path: The folder.
        manifest: Versions, command, times, status, what failed, checksums.
        study: The study.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.study: Study = folder.read_study(path)
        self.manifest = folder.read_study_manifest(path)
        self._verified: set[str] = set()

    @property
    def status(self) -> str:
        """One of running, interrupted, failed (some cells are), complete. One that was killed is still "running"."""
        return str(self.manifest["status"])

    @property
    def failed(self) -> dict[int, str]:
        """The error of each cell that failed, by its number."""
        return {int(number): words for number, words in self.manifest["failed"].items()}

    @property
    def fields(self) -> list[str]:
        """The swept fields, as `section.field`; columns of all tables."""
        return list(self.study.sweep.parts)

    @cached_property
    def store(self) -> Store:
        """The store of the runs."""
        return Store(self.path / self.manifest["store"])

    def cells(self) -> Any:
        """One row per cell, as a `pyarrow.Table`: cell, the swept fields, seeds so far, keys of its runs.

        Raises:
            RunFolderError: The file is missing or has been changed.
        """
        return pq.read_table(self._file(folder.CELLS))

    def table(self, columns: list[str] | None = None) -> Any:
        """One row per cell, seed and recorded round, as a `pyarrow.Table`; of some columns, or of all.

        Raises:
            RunFolderError: A part is missing or has been changed.
        """
        return self._dataset(folder.TABLE, columns)

    def outcomes(self, columns: list[str] | None = None) -> Any:
        """One row per cell and seed, as a `pyarrow.Table`: cell, the swept fields, seed, and the final numbers.

        Raises:
            RunFolderError: A part is missing or has been changed.
        """
        return self._dataset(folder.OUTCOMES, columns)

    @property
    def outcome_names(self) -> list[str]:
        """Names of the outcomes.

        Raises:
            RunFolderError: A part is missing or has been changed.
        """
        names = pq.read_schema(self._file(self._parts(folder.OUTCOMES)[0])).names
        return [name for name in names if name not in (CELL, SEED, *self.fields)]

    def outcome(self, name: str) -> FloatArray:
        """One outcome of all cells, (cells, seeds); NaN where a cell has no such seed, or it is undefined.

        Raises:
            ValueError: There is no such outcome.
            RunFolderError: A part is missing or has been changed.
        """
        check_choice("outcome", name, self.outcome_names)
        table = self.outcomes([CELL, name])
        cells = table[CELL].to_numpy()
        first = np.searchsorted(cells, cells)  # the rows of a cell follow one another
        values = np.full((len(self.study.sweep), int((np.arange(len(cells)) - first).max(initial=0)) + 1), np.nan)
        values[cells, np.arange(len(cells)) - first] = table[name].to_numpy()
        return values

    def runs(self, cell: int) -> list[Run]:
        """The runs of a cell, one for each batch of seeds, from the store.

        Raises:
            ValueError: There is no such cell.
            RunFolderError: A run is not complete, or has been changed or removed, or the store is elsewhere.
        """
        check_integer("cell", cell, 0, len(self.study.sweep) - 1)
        keys = self.cells()["runs"][cell].as_py()
        if not keys:
            raise RunFolderError(
                f"cell {cell} of {self.path} has no complete run yet; continue the study with mpgg sweep"
            )
        if not self.store.path.is_dir():
            raise RunFolderError(
                f"the runs of {self.path} are not there: its store was {self.store.path}; tell where it is now by "
                f"mpgg sweep with --out and --store"
            )
        return [load_run(self.store.place(key)) for key in keys]

    def verify(self) -> None:
        """Checks every file of the tables against its checksum.

        Raises:
            RunFolderError: A file is missing or has been changed.
        """
        for name in self.manifest["parts"]:
            self._file(name)

    def _file(self, name: str) -> Path:
        if name not in self.manifest["parts"]:
            raise RunFolderError(f"{self.path} has no {name} yet: continue the study with mpgg sweep")
        if name not in self._verified:
            check_file(self.path / name, self.manifest["parts"][name])
            self._verified.add(name)
        return self.path / name

    def _parts(self, kind: str) -> list[str]:
        names = sorted(name for name in self.manifest["parts"] if name.startswith(f"{kind}/"))
        if not names:
            raise RunFolderError(f"{self.path} has no {kind} yet: continue the study with mpgg sweep")
        return names

    def _dataset(self, kind: str, columns: list[str] | None) -> Any:
        paths = [self._file(name) for name in self._parts(kind)]
        return ds.dataset(paths, format="parquet").to_table(columns=columns)
