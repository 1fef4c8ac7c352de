"""The kinds of agent that can be trained, by name. A new kind is one more entry of `AGENTS`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from mpgg_agents.dqn.config import DQNConfig
from mpgg_agents.dqn.presets import PRESETS as DQN_PRESETS
from mpgg_agents.errors import MissingExtraError
from mpgg_agents.iql.config import IQLConfig
from mpgg_agents.iql.presets import PRESETS as IQL_PRESETS
from mpgg_agents.presets import Preset
from mpgg_agents.stored import Arrays
from mpgg_env.core.config import Config
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.games.mpgg.config import MPGGConfig

if TYPE_CHECKING:
    from mpgg_agents.dqn.trainer import DQNTrainer
    from mpgg_agents.iql.trainer import IQLTrainer
    from mpgg_agents.record import Record


class Trainer(Protocol):
    """What an experiment needs of a trainer of B replicas; see `mpgg_agents.iql.trainer.IQLTrainer`."""

    @property
    def total_rounds(self) -> int:
        """Rounds of the whole training."""

    @property
    def rounds_done(self) -> int:
        """Rounds trained so far."""

    @property
    def unit(self) -> int:
        """Rounds of which `advance` takes multiples, unless it reaches the end: one, or those of a window."""

    @property
    def epsilon(self) -> float:
        """Exploration rate of the next round."""

    @property
    def positions(self) -> IntArray:
        """Casino of each agent, (B, N)."""

    @property
    def last_games(self) -> tuple[IntArray, FloatArray]:
        """Action (0 = D, 1 = C) and payoff of each agent in the last game, (B, N) each."""

    @property
    def losses(self) -> Mapping[str, float]:
        """Newest loss of each network by name, mean over the replicas; empty where nothing has a loss."""

    def advance(self, rounds: int) -> "Record":
        """Trains all replicas; `rounds` is a multiple of `unit` unless it reaches the end.

        The windows of the record are those of the whole training: its first one may be the rest of an open one. May
        raise TrainingError, as may `state_arrays`.
        """

    def evaluate(self, rounds: int) -> "Record":
        """Plays greedily without learning."""

    def state_arrays(self) -> Arrays:
        """Numeric arrays from which `restore` goes on bit for bit."""

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Goes on from `state_arrays`; ValueError when they do not fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentKind:
    """One kind of agent.

    Attributes:
        config_class: Its hyper-parameters.
        presets: Named settings of the game and of this agent.
        total_rounds: Rounds of a run from its hyper-parameters and the rounds per episode.
        exploration: Exploration rate of each of the first rounds, (rounds,).
        kernels: Module of the trainer's compiled loops, whose first compilation a user should know of.
        make_trainer: Trainer from game, hyper-parameters, seeds, rounds per episode, window and threads; it raises
            MissingExtraError where a library for it is not installed.
        learned: What the agents of one replica have learned, by name, from trainer and replica.
        keeps_learned: Whether a run keeps this in its final state unless it says otherwise.
    """

    config_class: type[Config]
    presets: Mapping[str, Preset]
    total_rounds: Callable[[Any, int], int]
    exploration: Callable[[Any, int], FloatArray]
    kernels: str
    make_trainer: Callable[[MPGGConfig, Any, Sequence[int], int, int, int | None], Trainer]
    learned: Callable[[Any, int], Arrays]
    keeps_learned: bool


def _iql_trainer(
    game: MPGGConfig, agent: IQLConfig, seeds: Sequence[int], rounds: int, window: int, threads: int | None
) -> Trainer:
    from mpgg_agents.iql.trainer import IQLTrainer  # loads numba

    return IQLTrainer(game, agent, seeds, rounds, window=window, threads=threads)


def _dqn_trainer(
    game: MPGGConfig, agent: DQNConfig, seeds: Sequence[int], rounds: int, window: int, threads: int | None
) -> Trainer:
    try:
        from mpgg_agents.dqn.trainer import DQNTrainer  # loads torch
    except ModuleNotFoundError as error:
        raise MissingExtraError("agent 'dqn'", error) from error
    return DQNTrainer(game, agent, seeds, rounds, window=window, threads=threads)


def _iql_learned(trainer: "IQLTrainer", replica: int) -> Arrays:
    return trainer.tables(replica)


def _dqn_learned(trainer: "DQNTrainer", replica: int) -> Arrays:
    return trainer.networks(replica)


def _total_rounds(agent: IQLConfig | DQNConfig, rounds: int) -> int:
    return agent.episodes * rounds


def _exploration(agent: IQLConfig | DQNConfig, rounds: int) -> FloatArray:
    from mpgg_agents.schedules import exponential_decay  # loads numba

    return np.array([exponential_decay(agent.eps_0, agent.decay, agent.eps_min, step) for step in range(rounds)])


AGENTS: Final[dict[str, AgentKind]] = {
    "iql": AgentKind(
        config_class=IQLConfig,
        presets=IQL_PRESETS,
        total_rounds=_total_rounds,
        exploration=_exploration,
        kernels="mpgg_agents.iql.compiled.rounds",
        make_trainer=_iql_trainer,
        learned=_iql_learned,
        keeps_learned=False,
    ),
    "dqn": AgentKind(
        config_class=DQNConfig,
        presets=DQN_PRESETS,
        total_rounds=_total_rounds,
        exploration=_exploration,
        kernels="mpgg_agents.dqn.draws",
        make_trainer=_dqn_trainer,
        learned=_dqn_learned,
        keeps_learned=True,
    ),
}
