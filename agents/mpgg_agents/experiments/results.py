"""Turns what a trainer recorded into the result files of a run."""

import numpy as np

from mpgg_agents.experiments import storage
from mpgg_agents.experiments.folder import CASINOS, FINAL_STATE, METRICS, PANEL, RESULTS
from mpgg_agents.experiments.measures import PHASES, Phase, casino_series, round_measures
from mpgg_agents.experiments.reader import Run
from mpgg_agents.experiments.registry import Trainer
from mpgg_agents.experiments.storage import Arrays
from mpgg_agents.experiments.table import metric_columns, write_metrics
from mpgg_agents.record import Record
from mpgg_env.core.types import IntArray


def write_results(
    run: Run, trainer: Trainer, positions: IntArray, trained: Record, greedy: Record, panel: Arrays
) -> tuple[dict[str, str], str]:
    """Writes the result files of a run.

    Returns:
        The checksum of each file, and one checksum of all their values, which depends neither on the file
        formats nor on threads, interruptions and time.
    """
    records: dict[Phase, Record] = {"train": trained, "greedy": greedy}
    metrics = _metrics(run, records)
    casinos = _casinos(run, records)
    final_state = _final_state(run, trainer, positions)
    values = {"metrics": metrics, "casinos": casinos, "final_state": final_state, "panel": panel}
    checksum = storage.content_checksum(
        {f"{part}/{name}": array for part, arrays in values.items() for name, array in arrays.items()}
    )
    write_metrics(run.path / METRICS, metrics)
    storage.write_arrays(run.path / CASINOS, casinos)
    storage.write_arrays(run.path / FINAL_STATE, final_state)
    storage.write_arrays(run.path / PANEL, panel)
    return {name: storage.file_checksum(run.path / name) for name in RESULTS}, checksum


def learned_name(seed: int, name: str) -> str:
    """Under which name the final state has what the replica of this seed has learned as `name`."""
    return f"seed_{seed}_{name}"


def _metrics(run: Run, records: dict[Phase, Record]) -> Arrays:
    config = run.config
    trained = config.kind.exploration(config.agent, config.total_rounds)
    epsilon = {"train": trained, "greedy": np.zeros(config.run.evaluation_rounds)}
    highest = float(run.best_values.max())
    phases = []
    for phase in PHASES:
        columns = round_measures(records[phase], config.game, highest, run.gain)
        columns["epsilon"] = epsilon[phase].astype(np.float32)
        phases.append(metric_columns(config, phase, columns))
    return {name: np.concatenate([columns[name] for columns in phases]) for name in phases[0]}


def _casinos(run: Run, records: dict[Phase, Record]) -> Arrays:
    arrays: Arrays = {"seeds": np.array(run.seeds, np.int64), "cost": run.cost, "gain": run.gain}
    for phase in PHASES:
        series = casino_series(records[phase], run.config.run.window, run.phase_rounds(phase))
        arrays.update({f"{phase}_{name}": values for name, values in series.items()})
    return arrays


def _final_state(run: Run, trainer: Trainer, positions: IntArray) -> Arrays:
    arrays: Arrays = {"seeds": np.array(run.seeds, np.int64), "positions": positions}
    if run.config.keeps_learned:
        for replica, seed in enumerate(run.seeds):
            learned = run.config.kind.learned(trainer, replica)
            arrays.update({learned_name(seed, name): array for name, array in learned.items()})
    return arrays
