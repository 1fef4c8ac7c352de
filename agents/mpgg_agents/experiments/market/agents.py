"""The kinds of agent that trade in the market, by name. A new kind is one more entry of `AGENTS`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from mpgg_agents.experiments.kinds import AgentKind, Trainer
from mpgg_agents.extras import name_of_extra
from mpgg_agents.fp_ddpg.config import FPDDPGConfig
from mpgg_agents.fp_ddpg.presets import PRESETS as FP_DDPG_PRESETS
from mpgg_agents.nash_dqn.config import NashDQNConfig
from mpgg_agents.nash_dqn.presets import PRESETS as NASH_DQN_PRESETS
from mpgg_agents.stored import Arrays
from mpgg_env.games.market.config import MarketConfig

if TYPE_CHECKING:
    from mpgg_agents.experiments.market.settings import MarketExperiment
    from mpgg_agents.market_response.episodes import MarketPolicy
    from mpgg_agents.training_record import TrainingRecord


class TradersTrainer(Trainer, Protocol):
    """What an experiment in the market needs of a trainer of B replicas; see `mpgg_agents.seed_trainer`."""

    @property
    def exploration(self) -> float:
        """Size of the exploration in the next round."""

    def advance(self, rounds: int) -> "TrainingRecord":
        """Trains all replicas. May raise TrainingError."""

    def learned(self, replica: int) -> Arrays:
        """The weights, by name, of the policy that comes out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketAgent(AgentKind):
    """One kind of agent of the market.

    Attributes:
        total_rounds: Training rounds from its hyper-parameters.
        load_policy: The policy of stored weights, from game, hyper-parameters and arrays by name; ValueError if they
            do not fit, MissingExtraError where a library is not installed.
    """

    total_rounds: Callable[[Any], int]
    load_policy: Callable[[MarketConfig, Any, Arrays], "MarketPolicy"]


def _made_by(name: str, module: str, trainer: str) -> Callable[["MarketExperiment", int | None], TradersTrainer]:
    def make(experiment: "MarketExperiment", threads: int | None) -> TradersTrainer:
        run = experiment.run
        made: TradersTrainer = name_of_extra(f"agent {name!r}", module, trainer)(
            experiment.game, experiment.agent, run.seeds, snapshots=run.snapshots, threads=threads
        )
        return made

    return make


def _loaded_by(name: str, module: str) -> Callable[[MarketConfig, Any, Arrays], "MarketPolicy"]:
    def load(game: MarketConfig, agent: Any, weights: Arrays) -> "MarketPolicy":
        policy: MarketPolicy = name_of_extra(f"agent {name!r}", module, "load_policy")(game, agent, weights)
        return policy

    return load


def _nash_dqn_rounds(agent: NashDQNConfig) -> int:
    return agent.iterations


def _fp_ddpg_rounds(agent: FPDDPGConfig) -> int:
    return agent.total_rounds


AGENTS: Final[Mapping[str, MarketAgent]] = {
    "nash_dqn": MarketAgent(
        config_class=NashDQNConfig,
        presets=NASH_DQN_PRESETS,
        kernels=None,
        make_trainer=_made_by("nash_dqn", "mpgg_agents.nash_dqn.trainer", "NashDQNTrainer"),
        total_rounds=_nash_dqn_rounds,
        load_policy=_loaded_by("nash_dqn", "mpgg_agents.nash_dqn.loading"),
    ),
    "fp_ddpg": MarketAgent(
        config_class=FPDDPGConfig,
        presets=FP_DDPG_PRESETS,
        kernels=None,
        make_trainer=_made_by("fp_ddpg", "mpgg_agents.fp_ddpg.trainer", "FPDDPGTrainer"),
        total_rounds=_fp_ddpg_rounds,
        load_policy=_loaded_by("fp_ddpg", "mpgg_agents.fp_ddpg.loading"),
    ),
}
