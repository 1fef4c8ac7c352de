"""Reading a run folder: every file is checked against its checksum before it is believed."""

from pathlib import Path
from typing import Any, ClassVar, TypeVar

from mpgg_agents.experiments import storage
from mpgg_agents.experiments.files import FINAL_STATE, learned_name
from mpgg_agents.experiments.folder import RunFolderError, check_file, read_config, read_manifest
from mpgg_agents.experiments.registry import GAMES
from mpgg_agents.experiments.storage import Arrays

R = TypeVar("R", bound="Run")


def load_run(path: str | Path) -> Any:
    """Opens a run folder for reading.

    Args:
        path: The folder that `mpgg train --out` wrote.

    Returns:
        A `Run` of its kind of game: `MPGGRun`, `MarketRun` or `MeanFieldRun`, each of the module `reader` of the
        game's package in `mpgg_agents.experiments`.

    Raises:
        RunFolderError: It is no run folder, or its settings do not have the checksum in its manifest.
    """
    manifest = read_manifest(Path(path))
    return GAMES[manifest["env"]].reader()(Path(path), manifest)


def load_run_of(path: str | Path, reader: type[R]) -> R:
    """Opens a run folder of one kind of game.

    Raises:
        RunFolderError: It is of another kind, or as `load_run`.
    """
    run = load_run(path)
    if not isinstance(run, reader):
        raise RunFolderError(f"{path} must be a run of {reader.env}, but is one of {run.config.run.env}")
    return run


class Run:
    """A run folder that can be read. Each file is checked against its checksum when it is first read.

    Attributes:
        path: The folder.
        manifest: Versions, command, seeds, times, status and checksums.
        config: The experiment: `config.game`, `config.agent`, `config.run`.
        env: Id of the environment of such runs.
    """

    env: ClassVar[str]

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        self.path = path
        self.manifest = manifest
        self.config: Any = read_config(path, manifest)
        self._verified: set[str] = set()

    @property
    def status(self) -> str:
        """One of running, interrupted, failed, complete. A run that was killed is still "running"."""
        return str(self.manifest["status"])

    @property
    def error(self) -> str | None:
        """Why the training failed, None unless it did."""
        error: str | None = self.manifest["error"]
        return error

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seed of each replica."""
        seeds: tuple[int, ...] = self.config.run.seeds
        return seeds

    def final_state(self) -> Arrays:
        """How the training ended: seeds (B,), what was learned as `seed_<s>_<name>`, and what else the game has.

        Raises:
            RunFolderError: The run is not complete, or the file has been changed.
        """
        return storage.read_arrays(self.file(FINAL_STATE))

    def learned(self, seed: int) -> Arrays:
        """What was learned by the replica of this seed, by name; empty where nothing was kept.

        Raises:
            RunFolderError: The run is not complete, or the file has been changed.
            ValueError: The run does not have the seed.
        """
        self.replica(seed)
        prefix = learned_name(seed, "")
        return {
            name.removeprefix(prefix): array for name, array in self.final_state().items() if name.startswith(prefix)
        }

    def replica(self, seed: int) -> int:
        """The place of a seed among the run's seeds.

        Raises:
            ValueError: The run does not have it.
        """
        if seed not in self.seeds:
            raise ValueError(f"seed must be one of {', '.join(map(str, self.seeds))}, got {seed!r}")
        return self.seeds.index(seed)

    def file(self, name: str) -> Path:
        """Path of a result file that has its checksum.

        Raises:
            RunFolderError: The run is not complete, or the file is missing or has been changed.
        """
        if name not in self.manifest["files"]:
            raise RunFolderError(f"{self.path} has no {name} yet: the run is not complete; continue it with --resume")
        if name not in self._verified:
            check_file(self.path / name, self.manifest["files"][name])
            self._verified.add(name)
        return self.path / name

    def verify(self) -> None:
        """Checks every file that the run has so far against its checksum.

        Raises:
            RunFolderError: A file is missing or has been changed.
        """
        results = self.config.game_kind.results if self.status == "complete" else ()
        for name in (*self.manifest["files"], *results):
            self.file(name)
