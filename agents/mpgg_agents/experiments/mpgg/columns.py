"""The columns of the metrics of the migratory public goods game.

They are seed (int64), phase ("train" or "greedy", a dictionary), round (int32), epsilon (float32), and those of
`measures.MEASURES` (float32, but int32 for `largest` where rows are single rounds). Rows are sorted by phase (train
first), seed, round. A row stands for `record_every` rounds from its `round` on, the last one of a phase perhaps for
fewer, and its values are means over them, also that of `largest`.
"""

from typing import Any

import numpy as np

from mpgg_agents.experiments.mpgg.measures import MEASURES, PHASES, Phase
from mpgg_agents.experiments.mpgg.settings import MPGGExperiment
from mpgg_agents.experiments.storage import Arrays
from mpgg_env.core.types import IntArray


def metric_columns(experiment: MPGGExperiment, phase: Phase, metrics: Arrays) -> Arrays:
    """The columns of one phase, (B * rows,), from epsilon (rows,) and the measures (B, rows)."""
    seeds, rounds = len(experiment.run.seeds), row_starts(experiment, phase).astype(np.int32)
    return {
        "seed": np.repeat(np.array(experiment.run.seeds, np.int64), len(rounds)),
        "phase": np.full(seeds * len(rounds), PHASES.index(phase), np.int8),
        "round": np.tile(rounds, seeds),
        "epsilon": np.tile(metrics["epsilon"], seeds),
        **{name: metrics[name].reshape(-1) for name in MEASURES},
    }


def phase_columns(table: Any, experiment: MPGGExperiment, phase: Phase) -> Arrays:
    """The columns of one phase of a table: seed (B,), round and epsilon (rows,), the measures (B, rows)."""
    seeds, rounds = len(experiment.run.seeds), row_starts(experiment, phase)
    before = 0 if phase == "train" else seeds * len(row_starts(experiment, "train"))
    part = table.slice(before, seeds * len(rounds))
    columns = {name: part[name].to_numpy().reshape(seeds, len(rounds)) for name in ("epsilon", *MEASURES)}
    epsilon = columns.pop("epsilon")[0]
    return {"seed": np.array(experiment.run.seeds), "round": rounds, "epsilon": epsilon, **columns}


def row_starts(experiment: MPGGExperiment, phase: Phase) -> IntArray:
    """The first round of each row of a phase, (rows,)."""
    return np.arange(0, experiment.phase_rounds(phase), experiment.run.record_every)
