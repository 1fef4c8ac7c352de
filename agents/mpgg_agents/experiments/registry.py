"""The kinds of agent that can be trained, by name. A new kind is one more entry of `AGENTS`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from mpgg_agents.iql.config import IQLConfig
from mpgg_agents.iql.presets import PRESETS as IQL_PRESETS
from mpgg_env.core.config import Config
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.games.mpgg.config import MPGGConfig

if TYPE_CHECKING:
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
    def epsilon(self) -> float:
        """Exploration rate of the next round."""

    @property
    def positions(self) -> IntArray:
        """Casino of each agent, (B, N)."""

    def advance(self, rounds: int) -> "Record":
        """Trains all replicas; `rounds` is a multiple of the window unless it reaches the end."""

    def evaluate(self, rounds: int) -> "Record":
        """Plays greedily without learning."""

    def state_arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """Numeric arrays from which `restore` goes on bit for bit."""

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Goes on from `state_arrays`; ValueError when they do not fit."""

    def tables(self, replica: int) -> dict[str, np.ndarray[Any, Any]]:
        """What the agents of one replica have learned."""


class Preset(Protocol):
    """Fields of the game and of the agent that differ from the defaults, with their source."""

    @property
    def source(self) -> str:
        """Where the settings come from."""

    @property
    def game(self) -> dict[str, Any]:
        """Fields of `MPGGConfig`."""

    @property
    def agent(self) -> dict[str, Any]:
        """Fields of the agent's configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentKind:
    """One kind of agent.

    Attributes:
        config_class: Its hyper-parameters.
        presets: Named settings of the game and of this agent.
        total_rounds: Rounds of a run from its hyper-parameters and the rounds per episode.
        exploration: Exploration rate of each of the first rounds, (rounds,).
        kernels: Module of the trainer's compiled loops, whose first compilation a user should know of.
        make_trainer: Trainer from game, hyper-parameters, seeds, rounds per episode, window and threads.
    """

    config_class: type[Config]
    presets: Mapping[str, Preset]
    total_rounds: Callable[[Any, int], int]
    exploration: Callable[[Any, int], FloatArray]
    kernels: str
    make_trainer: Callable[[MPGGConfig, Any, Sequence[int], int, int, int | None], Trainer]


def _iql_trainer(
    game: MPGGConfig, agent: IQLConfig, seeds: Sequence[int], rounds: int, window: int, threads: int | None
) -> Trainer:
    from mpgg_agents.iql.trainer import IQLTrainer  # loads numba

    return IQLTrainer(game, agent, seeds, rounds, window=window, threads=threads)


def _iql_exploration(agent: IQLConfig, rounds: int) -> FloatArray:
    from mpgg_agents.schedules import exponential_decay  # loads numba

    return np.array([exponential_decay(agent.eps_0, agent.decay, agent.eps_min, step) for step in range(rounds)])


AGENTS: Final[dict[str, AgentKind]] = {
    "iql": AgentKind(
        config_class=IQLConfig,
        presets=IQL_PRESETS,
        total_rounds=lambda agent, rounds: agent.episodes * rounds,
        exploration=_iql_exploration,
        kernels="mpgg_agents.iql.compiled.rounds",
        make_trainer=_iql_trainer,
    ),
}
