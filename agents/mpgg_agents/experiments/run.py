"""The life of a run: it is started or resumed here, and played in a `Session`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mpgg_agents.experiments import events, storage
from mpgg_agents.experiments.checkpoint import REFUSALS, Checkpoint, read_checkpoint
from mpgg_agents.experiments.files import CHECKPOINT, CONFIG
from mpgg_agents.experiments.folder import RunFolderError
from mpgg_agents.experiments.kinds import Trainer
from mpgg_agents.experiments.manifest import new_manifest
from mpgg_agents.experiments.progress import Display
from mpgg_agents.experiments.reader import Run, load_run
from mpgg_agents.experiments.session import Outcome, Progressed, Session
from mpgg_agents.experiments.settings import Experiment
from mpgg_agents.experiments.start import check_vacant, new_folder, remove_abandoned_folders
from mpgg_env.core.validation import check_integer


def train_run(
    experiment: Experiment,
    out: str | Path,
    *,
    threads: int | None = None,
    display: Display = "none",
    tensorboard: bool = False,
) -> Outcome:
    """Runs an experiment and writes its run folder.

    Args:
        experiment: The game, the agent and the run.
        out: A new or empty folder.
        threads: Threads over the replicas; None for one per processor. The results do not depend on it.
        display: Progress on stderr.
        tensorboard: Write TensorBoard event files too. The results do not depend on it.

    Raises:
        ValueError: The folder is not vacant, or the settings do not fit together.
        MissingExtraError: The agent or TensorBoard needs a library that is not installed.
        TrainingError: The numbers of the training are no longer finite; the last checkpoint is kept.
    """
    with new_session(experiment, Path(out), threads=threads, display=display, tensorboard=tensorboard) as session:
        return session.play()


def resume_run(
    path: str | Path, *, threads: int | None = None, display: Display = "none", tensorboard: bool = False
) -> Outcome:
    """Goes on with a run that was interrupted or killed, and ends with the same results as without the break.

    Args:
        path: The run folder.
        threads: Threads over the replicas; None for one per processor. The results do not depend on it.
        display: Progress on stderr.
        tensorboard: Write TensorBoard event files too, beside those of earlier sessions.

    Raises:
        RunFolderError: The folder or its checkpoint is missing, damaged or changed, or the run is complete.
        MissingExtraError: The agent or TensorBoard needs a library that is not installed.
        TrainingError: The numbers of the training are no longer finite; the last checkpoint is kept.
    """
    with resumed_session(Path(path), threads=threads, display=display, tensorboard=tensorboard) as session:
        return session.play()


@contextmanager
def new_session(
    experiment: Experiment,
    out: Path,
    *,
    threads: int | None = None,
    display: Display = "none",
    tensorboard: bool = False,
    command: Sequence[str] = (),
) -> Iterator[Session]:
    """The session of a new run; nothing is created unless the settings are good."""
    out = out.resolve()
    check_vacant(out)
    if tensorboard:
        events.check_available()
    trainer = _make_trainer(experiment, threads)
    manifest = new_manifest(experiment.run.env, command, experiment.run.seeds, threads)
    with new_folder(out, experiment, manifest):
        yield Session(load_run(out), trainer, display, tensorboard=tensorboard)


@contextmanager
def resumed_session(
    path: Path, *, threads: int | None = None, display: Display = "none", tensorboard: bool = False
) -> Iterator[Session]:
    """The session that goes on with an unfinished run from its checkpoint, or from the start if it has none."""
    load_run(path)  # refuses what is no run folder before the lock creates a file in it
    if tensorboard:
        events.check_available()
    with storage.locked(path):
        run = load_run(path)
        if run.status == "complete":
            raise RunFolderError(f"{path} is complete: there is nothing to resume")
        saved = None
        if (path / CHECKPOINT).exists():
            saved = read_checkpoint(path / CHECKPOINT, run.manifest["files"][CONFIG])
        trainer = _make_trainer(run.config, threads)
        progressed = None if saved is None else _restore(trainer, run, saved)
        storage.remove_leftovers(path)
        remove_abandoned_folders(path.resolve())
        yield Session(run, trainer, display, progressed, tensorboard=tensorboard)


def _make_trainer(experiment: Experiment, threads: int | None) -> Trainer:
    if threads is not None:
        check_integer("threads", threads, 1)
    trainer: Trainer = experiment.kind.make_trainer(experiment, threads)
    return trainer


def _restore(trainer: Trainer, run: Run, saved: Checkpoint) -> Progressed:
    path, life = run.path / CHECKPOINT, run.config.game_kind.life(run.config)
    try:
        trainer.restore(saved.trainer)
    except REFUSALS as error:
        raise RunFolderError(f"{path} does not fit the run: {error}") from error
    rounds, total = trainer.rounds_done, trainer.total_rounds
    if saved.rounds_done != rounds or not (rounds % trainer.unit == 0 or rounds == total):
        raise RunFolderError(f"{path} is inconsistent: its parts are from different rounds")
    try:
        record = life.record_of(saved.record, trainer)
        if rounds < total and saved.evaluation:
            raise ValueError("it has an evaluation of a training that has not ended")
        evaluation = life.evaluation(trainer, record, saved.evaluation) if rounds == total else None
    except REFUSALS as error:
        raise RunFolderError(f"{path} is inconsistent: {error}") from error
    return Progressed(record, evaluation)
