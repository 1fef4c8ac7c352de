"""The kinds of agent that play the migratory public goods game, by name. A new kind is one more entry of `AGENTS`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from mpgg_agents.dqn.config import DQNConfig
from mpgg_agents.dqn.presets import PRESETS as DQN_PRESETS
from mpgg_agents.errors import MissingExtraError
from mpgg_agents.experiments.kinds import AgentKind, Trainer
from mpgg_agents.iql.config import IQLConfig
from mpgg_agents.iql.presets import PRESETS as IQL_PRESETS
from mpgg_agents.nash_q.config import NashQConfig
from mpgg_agents.nash_q.presets import PRESETS as NASH_Q_PRESETS
from mpgg_agents.stored import Arrays
from mpgg_env.core.types import FloatArray, IntArray

if TYPE_CHECKING:
    from mpgg_agents.dqn.trainer import DQNTrainer
    from mpgg_agents.experiments.mpgg.settings import MPGGExperiment
    from mpgg_agents.iql.trainer import IQLTrainer
    from mpgg_agents.nash_q.trainer import NashQTrainer
    from mpgg_agents.record import Games, Record


class MPGGTrainer(Trainer, Protocol):
    """What an experiment in this game needs of a trainer of B replicas; see `mpgg_agents.iql.trainer.IQLTrainer`."""

    @property
    def epsilon(self) -> float:
        """Exploration rate of the next round."""

    @property
    def positions(self) -> IntArray:
        """Casino of each agent, (B, N)."""

    def advance(self, rounds: int) -> "Record":
        """Trains all replicas; `rounds` is a multiple of `unit` unless it reaches the end.

        The windows of the record are those of the whole training: its first one may be the rest of an open one. May
        raise TrainingError, as may `state_arrays`.
        """

    def evaluate(self, rounds: int) -> "Record":
        """Plays greedily without learning."""

    def evaluate_round(self) -> "tuple[Record, Games]":
        """Plays one greedy round, to the same bits as `evaluate`, and tells what every agent did in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MPGGAgent(AgentKind):
    """One kind of agent of this game.

    Attributes:
        total_rounds: Rounds of a run from its hyper-parameters and the rounds per episode.
        exploration: Exploration rate of each of the first rounds, (rounds,).
        learned: What the agents of one replica have learned, by name, from trainer and replica.
        keeps_learned: Whether a run keeps this in its final state unless it says otherwise.
    """

    total_rounds: Callable[[Any, int], int]
    exploration: Callable[[Any, int], FloatArray]
    learned: Callable[[Any, int], Arrays]
    keeps_learned: bool


def _iql_trainer(experiment: "MPGGExperiment", threads: int | None) -> MPGGTrainer:
    from mpgg_agents.iql.trainer import IQLTrainer  # loads numba

    run = experiment.run
    return IQLTrainer(experiment.game, experiment.agent, run.seeds, run.rounds, window=run.window, threads=threads)


def _dqn_trainer(experiment: "MPGGExperiment", threads: int | None) -> MPGGTrainer:
    try:
        from mpgg_agents.dqn.trainer import DQNTrainer  # loads torch
    except ModuleNotFoundError as error:
        raise MissingExtraError("agent 'dqn'", error) from error
    run = experiment.run
    return DQNTrainer(experiment.game, experiment.agent, run.seeds, run.rounds, window=run.window, threads=threads)


def _nash_q_trainer(experiment: "MPGGExperiment", threads: int | None) -> MPGGTrainer:
    from mpgg_agents.nash_q.trainer import NashQTrainer  # loads numba

    run = experiment.run
    return NashQTrainer(experiment.game, experiment.agent, run.seeds, run.rounds, window=run.window, threads=threads)


def _iql_learned(trainer: "IQLTrainer", replica: int) -> Arrays:
    return trainer.tables(replica)


def _dqn_learned(trainer: "DQNTrainer", replica: int) -> Arrays:
    return trainer.networks(replica)


def _nash_q_learned(trainer: "NashQTrainer", replica: int) -> Arrays:
    return trainer.learned(replica)


def _total_rounds(agent: IQLConfig | DQNConfig | NashQConfig, rounds: int) -> int:
    return agent.episodes * rounds


def _exploration(agent: IQLConfig | DQNConfig | NashQConfig, rounds: int) -> FloatArray:
    from mpgg_agents.schedules import exponential_decay  # loads numba

    return np.array([exponential_decay(agent.eps_0, agent.decay, agent.eps_min, step) for step in range(rounds)])


AGENTS: Final[Mapping[str, MPGGAgent]] = {
    "iql": MPGGAgent(
        config_class=IQLConfig,
        presets=IQL_PRESETS,
        total_rounds=_total_rounds,
        exploration=_exploration,
        kernels="mpgg_agents.iql.compiled.rounds",
        make_trainer=_iql_trainer,
        learned=_iql_learned,
        keeps_learned=False,
    ),
    "dqn": MPGGAgent(
        config_class=DQNConfig,
        presets=DQN_PRESETS,
        total_rounds=_total_rounds,
        exploration=_exploration,
        kernels="mpgg_agents.dqn.draws",
        make_trainer=_dqn_trainer,
        learned=_dqn_learned,
        keeps_learned=True,
    ),
    "nash_q": MPGGAgent(
        config_class=NashQConfig,
        presets=NASH_Q_PRESETS,
        total_rounds=_total_rounds,
        exploration=_exploration,
        kernels="mpgg_agents.nash_q.compiled.games",
        make_trainer=_nash_q_trainer,
        learned=_nash_q_learned,
        keeps_learned=True,
    ),
}
