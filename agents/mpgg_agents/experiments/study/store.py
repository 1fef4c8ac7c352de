"""The store of runs: every experiment has one place, named by what decides its results.

Run folders in it are those of `mpgg train`. Studies share them, and no experiment is played twice.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from mpgg_agents.errors import MissingExtraError, TrainingError
from mpgg_agents.experiments.files import MANIFEST
from mpgg_agents.experiments.interrupts import StopFile
from mpgg_agents.experiments.settings import Experiment
from mpgg_agents.experiments.storage import FolderInUseError

# To be raised whenever equal settings come to give other results, by a change of rules, learners or measures: runs of
# before are then not taken for runs of now. `tests/test_study_store.py` knows results of this version.
RESULTS_VERSION: Final = 1

End = Literal["complete", "busy", "stopped", "failed", "not written"]

# Settings of a run that change no result.
_WITHOUT_EFFECT: Final = ("preset", "figures", "checkpoint_every")
_KEY_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class CellEnd:
    """How the work on a run ended.

    Attributes:
        key: Name of the run in the store.
        end: Whether its results are there; if not, whether another process is at it, it was asked to stop, its training
            failed, or a file could not be written.
        words: The error, if there is one.
    """

    key: str
    end: End
    words: str = ""


class Store:
    """A folder of run folders by their keys."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def place(self, key: str) -> Path:
        """Where the run of this key is or will be: in one of 256 folders, so that none has very many entries."""
        return self.path / key[:2] / key

    def status(self, key: str) -> str:
        """Status of a run as its manifest has it, not checked against checksums; "absent" if there is none."""
        try:
            return str(json.loads((self.place(key) / MANIFEST).read_bytes())["status"])
        except FileNotFoundError:
            return "absent"
        except (KeyError, TypeError, ValueError):
            return "damaged"


def key_of(experiment: Experiment) -> str:
    """The name of an experiment in a store: BLAKE2b of all settings that its results depend on, in hexadecimal."""
    settings = experiment.to_dict()
    settings["run"] = {name: value for name, value in settings["run"].items() if name not in _WITHOUT_EFFECT}
    text = json.dumps({"results": RESULTS_VERSION, **settings}, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.blake2b(text.encode(), digest_size=_KEY_BYTES).hexdigest()


def play_cell(store: Path, settings: Mapping[str, Any], threads: int, token: Path) -> CellEnd:
    """Plays a run to its end, from its checkpoint if it has one; for a worker process.

    Args:
        store: The store's folder.
        settings: The experiment as a dict.
        threads: Threads over the seeds.
        token: A file; when it is gone, the run stops at its next safe point.
    """
    experiment = Experiment.from_dict(settings)
    key = key_of(experiment)
    try:
        return CellEnd(key, _played(Store(store), key, experiment, threads, token))
    except FolderInUseError:
        return CellEnd(key, "busy")
    except OSError as error:
        return CellEnd(key, "not written", f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except (MissingExtraError, TrainingError, MemoryError, ValueError) as error:
        return CellEnd(key, "failed", f"{type(error).__name__}: {error}")


def _played(store: Store, key: str, experiment: Experiment, threads: int, token: Path) -> End:
    place, status = store.place(key), store.status(key)
    if status == "complete":
        return "complete"
    if not token.exists():
        return "stopped"
    from mpgg_agents.experiments.run import new_session, resumed_session  # here, since they load numba

    with ExitStack() as stack:
        try:
            session = stack.enter_context(
                new_session(experiment, place, threads=threads)
                if status == "absent"
                else resumed_session(place, threads=threads)
            )
        except (OSError, ValueError):
            if store.status(key) != status:  # another process was there between our look and our lock
                return "busy"
            raise
        return "complete" if session.play(StopFile(token)).complete else "stopped"
