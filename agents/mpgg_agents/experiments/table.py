"""The per-round metrics as a Parquet file.

Columns: seed (int64), phase ("train" or "greedy", a dictionary), round (int32), epsilon (float32), and those of
`measures.MEASURES` (float32 or int32). Rows are sorted by phase (train first), seed, round.
"""

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mpgg_agents.experiments import storage
from mpgg_agents.experiments.measures import MEASURES, PHASES, Phase
from mpgg_agents.experiments.settings import Experiment
from mpgg_agents.experiments.storage import Arrays


def metric_columns(experiment: Experiment, phase: Phase, metrics: Arrays) -> Arrays:
    """The columns of one phase, (B * rounds,), from epsilon (rounds,) and the measures (B, rounds)."""
    seeds = len(experiment.run.seeds)
    rounds = len(metrics["epsilon"])
    return {
        "seed": np.repeat(np.array(experiment.run.seeds, np.int64), rounds),
        "phase": np.full(seeds * rounds, PHASES.index(phase), np.int8),
        "round": np.tile(np.arange(rounds, dtype=np.int32), seeds),
        "epsilon": np.tile(metrics["epsilon"], seeds),
        **{name: metrics[name].reshape(-1) for name in MEASURES},
    }


def write_metrics(path: Path, columns: Arrays) -> None:
    """Writes the columns of all phases together."""
    arrays = {name: pa.array(values) for name, values in columns.items()}
    arrays["phase"] = pa.DictionaryArray.from_arrays(columns["phase"], list(PHASES))
    table = pa.table(arrays)

    def write(file: BinaryIO) -> None:
        pq.write_table(table, file, compression="zstd")

    storage.write_file(path, write)


def read_metrics(path: Path, experiment: Experiment, phase: Phase) -> Arrays:
    """The columns of one phase: seed (B,), round and epsilon (rounds,), the measures (B, rounds)."""
    seeds, trained = len(experiment.run.seeds), experiment.total_rounds
    rounds = trained if phase == "train" else experiment.run.evaluation_rounds
    table: Any = pq.read_table(path)
    rows = table.slice(0 if phase == "train" else seeds * trained, seeds * rounds)
    columns = {name: rows[name].to_numpy().reshape(seeds, rounds) for name in ("epsilon", *MEASURES)}
    epsilon = columns.pop("epsilon")[0]
    return {"seed": np.array(experiment.run.seeds), "round": np.arange(rounds), "epsilon": epsilon, **columns}
