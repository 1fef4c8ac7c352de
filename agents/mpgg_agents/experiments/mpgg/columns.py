"""The columns of the metrics of the migratory public goods game.

They are seed (int64), phase ("train" or "greedy", a dictionary), round (int32), epsilon (float32), and those of
`measures.MEASURES` (float32 or int32). Rows are sorted by phase (train first), seed, round.
"""

from typing import Any

import numpy as np

from mpgg_agents.experiments.mpgg.measures import MEASURES, PHASES, Phase
from mpgg_agents.experiments.mpgg.settings import MPGGExperiment
from mpgg_agents.experiments.storage import Arrays


def metric_columns(experiment: MPGGExperiment, phase: Phase, metrics: Arrays) -> Arrays:
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


def phase_columns(table: Any, experiment: MPGGExperiment, phase: Phase) -> Arrays:
    """The columns of one phase of a table: seed (B,), round and epsilon (rounds,), the measures (B, rounds)."""
    seeds, trained = len(experiment.run.seeds), experiment.total_rounds
    rounds = trained if phase == "train" else experiment.run.evaluation_rounds
    rows = table.slice(0 if phase == "train" else seeds * trained, seeds * rounds)
    columns = {name: rows[name].to_numpy().reshape(seeds, rounds) for name in ("epsilon", *MEASURES)}
    epsilon = columns.pop("epsilon")[0]
    return {"seed": np.array(experiment.run.seeds), "round": np.arange(rounds), "epsilon": epsilon, **columns}
