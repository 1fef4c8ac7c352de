"""The greedy rounds after the training, with a panel of the last of them: what every single agent did."""

from typing import Any

import numpy as np

from mpgg_agents.experiments.mpgg.agents import MPGGTrainer
from mpgg_agents.experiments.mpgg.settings import MPGGExperiment
from mpgg_agents.record import Record
from mpgg_agents.stored import Arrays


def play_greedily(trainer: MPGGTrainer, experiment: MPGGExperiment, records: list[Record]) -> tuple[Record, Arrays]:
    """Plays the greedy rounds, the last `experiment.panel_rounds` of them one by one; the bits are the same.

    Args:
        trainer: A trainer that has been trained.
        experiment: What is run.
        records: What comes before these rounds in their record, of no rounds.

    Returns:
        The record of all greedy rounds, and the panel: round (T,), positions, actions and payoffs (B, T, N).
    """
    rounds, kept = experiment.run.evaluation_rounds, experiment.panel_rounds
    panel = _allocate(experiment)
    if rounds > kept:
        records = [*records, trainer.evaluate(rounds - kept)]
    single = [_play_round(trainer, panel, t) for t in range(kept)]
    return Record.concatenate([*records, *single], experiment.run.window), panel


def _allocate(experiment: MPGGExperiment) -> Arrays:
    """A panel of zeros, in the smallest types that hold the numbers; payoffs in single precision."""
    run, kept = experiment.run, experiment.panel_rounds
    shape = (len(run.seeds), kept, experiment.game.n_players)
    kind: Any = np.min_scalar_type(experiment.game.n_casinos - 1)
    return {
        "round": np.arange(run.evaluation_rounds - kept, run.evaluation_rounds, dtype=np.int32),
        "positions": np.zeros(shape, kind),
        "actions": np.zeros(shape, np.int8),
        "payoffs": np.zeros(shape, np.float32),
    }


def _play_round(trainer: MPGGTrainer, panel: Arrays, t: int) -> Record:
    record, games = trainer.evaluate_round()
    for name, values in games._asdict().items():
        panel[name][:, t] = values
    return record
