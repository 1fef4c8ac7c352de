"""What a run in the migratory public goods game does in its own way."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from typing import ClassVar, Final

import numpy as np

from mpgg_agents.experiments.files import FINAL_STATE, METRICS, learned_name
from mpgg_agents.experiments.life import Evaluation, Life, Tell
from mpgg_agents.experiments.mpgg.agents import MPGGTrainer
from mpgg_agents.experiments.mpgg.columns import metric_columns
from mpgg_agents.experiments.mpgg.files import CASINOS, PANEL
from mpgg_agents.experiments.mpgg.measures import (
    PHASES,
    Phase,
    casino_series,
    means_over,
    round_measures,
    row_means,
)
from mpgg_agents.experiments.mpgg.panel import play_greedily
from mpgg_agents.experiments.mpgg.settings import MPGGExperiment
from mpgg_agents.experiments.storage import Arrays
from mpgg_agents.record import Record
from mpgg_env.analysis.payoffs import best_values
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mpgg.rules import casino_costs, casino_gains


class GreedyPlay(Evaluation):
    """The greedy rounds after the training, which a run plays without a stop.

    Args:
        experiment: What is run.
        trainer: A trainer that has reached its end.

    Attributes:
        positions: Casino of each agent after the training, (B, N).
        greedy: The record of the greedy rounds.
        panel: What every agent did in the last of them.
    """

    def __init__(self, experiment: MPGGExperiment, trainer: MPGGTrainer) -> None:
        self._experiment, self._trainer = experiment, trainer
        self.positions = np.array(trainer.positions)
        self.greedy = empty_record(experiment, 0)
        self.panel: Arrays = {}

    def advance(self, tell: Tell) -> None:
        """Plays all greedy rounds."""
        self.greedy, self.panel = play_greedily(self._trainer, self._experiment, [self.greedy])
        self.tasks_done = 1


class MPGGLife(Life[Record]):
    """The life of a run in this game."""

    labels: ClassVar[Mapping[str, Sequence[str]]] = {"phase": PHASES}
    experiment: MPGGExperiment

    def joined(self, records: Sequence[Record]) -> Record:
        """Successive records from the first round on as one."""
        return Record.concatenate([empty_record(self.experiment, 0), *records], self.experiment.run.window)

    def record_arrays(self, record: Record) -> Arrays:
        """A record as arrays by name."""
        return {field.name: getattr(record, field.name) for field in fields(Record)}

    def record_of(self, arrays: Arrays, trainer: MPGGTrainer) -> Record:
        """The inverse of `record_arrays`."""
        expected = self.record_arrays(empty_record(self.experiment, trainer.rounds_done))
        if _forms(arrays) != _forms(expected):
            raise ValueError("its record is of other rounds")
        return Record(**arrays)

    def words(self, record: Record, trainer: MPGGTrainer) -> str:
        """Cooperation and exploration."""
        cooperation = float(record.cooperators.mean() / self.experiment.game.n_players)
        return f"cooperation {cooperation:.3f}, epsilon {trainer.epsilon:.3f}"

    @property
    def event_window(self) -> int:
        """The window of the casino series."""
        return self.experiment.run.window

    def series(self, record: Record, first: int) -> dict[str, FloatArray]:
        """Cooperation, payoff and exploration."""
        agents = self.experiment.game.n_players
        return {
            "cooperation_rate": record.cooperators.mean(axis=0) / agents,
            "mean_payoff": record.welfare.mean(axis=0) / agents,
            "epsilon": self._epsilon[first : first + record.welfare.shape[1]],
        }

    def evaluation(self, trainer: MPGGTrainer, record: Record, arrays: Arrays) -> GreedyPlay:
        """The greedy rounds."""
        if arrays:
            raise ValueError(f"unknown parts of an evaluation: {', '.join(arrays)}")
        return GreedyPlay(self.experiment, trainer)

    def results(self, trainer: MPGGTrainer, record: Record, evaluation: GreedyPlay) -> dict[str, Arrays]:
        """Metrics, casino series, final state and panel."""
        records: dict[Phase, Record] = {"train": record, "greedy": evaluation.greedy}
        return {
            METRICS: self._metrics(records),
            CASINOS: self._casinos(records),
            FINAL_STATE: self._final_state(trainer, evaluation),
            PANEL: evaluation.panel,
        }

    @cached_property
    def _epsilon(self) -> FloatArray:
        """Exploration rate of each training round, (rounds,)."""
        return self.experiment.kind.exploration(self.experiment.agent, self.experiment.total_rounds)

    @cached_property
    def _seeds(self) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        return np.array(self.experiment.run.seeds, np.int64)

    def _metrics(self, records: dict[Phase, Record]) -> Arrays:
        game, run = self.experiment.game, self.experiment.run
        epsilon = {"train": self._epsilon, "greedy": np.zeros(run.evaluation_rounds)}
        highest, gain = float(best_values(game).max()), casino_gains(game)
        phases = []
        for phase in PHASES:
            columns = round_measures(row_means(records[phase], run.record_every), game, highest, gain)
            columns["epsilon"] = means_over(epsilon[phase], run.record_every).astype(np.float32)
            phases.append(metric_columns(self.experiment, phase, columns))
        return {name: np.concatenate([columns[name] for columns in phases]) for name in phases[0]}

    def _casinos(self, records: dict[Phase, Record]) -> Arrays:
        game, run = self.experiment.game, self.experiment.run
        arrays: Arrays = {"seeds": self._seeds, "cost": casino_costs(game), "gain": casino_gains(game)}
        for phase in PHASES:
            series = casino_series(records[phase], run.window, self.experiment.phase_rounds(phase))
            arrays.update({f"{phase}_{name}": values for name, values in series.items()})
        return arrays

    def _final_state(self, trainer: MPGGTrainer, evaluation: GreedyPlay) -> Arrays:
        arrays: Arrays = {"seeds": self._seeds, "positions": evaluation.positions}
        if self.experiment.keeps_learned:
            for replica, seed in enumerate(self.experiment.run.seeds):
                learned = self.experiment.kind.learned(trainer, replica)
                arrays.update({learned_name(seed, name): array for name, array in learned.items()})
        return arrays


def empty_record(experiment: MPGGExperiment, rounds: int) -> Record:
    """A record of zeros of the first rounds of a run."""
    game, run = experiment.game, experiment.run
    return Record.allocate(len(run.seeds), rounds, run.window, game.n_casinos, game.n_moves)


def _forms(arrays: Arrays) -> dict[str, tuple[str, tuple[int, ...]]]:
    return {name: (array.dtype.str, array.shape) for name, array in arrays.items()}


LIFE: Final = MPGGLife
