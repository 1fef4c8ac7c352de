"""The kinds of agent that play mean-field-type games as central players, by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from mpgg_agents.experiments.kinds import AgentKind, Trainer
from mpgg_agents.extras import name_of_extra
from mpgg_agents.mean_field.ddpg.config import DDPGConfig
from mpgg_agents.mean_field.ddpg.presets import PRESETS as DDPG_PRESETS
from mpgg_agents.mean_field.dnashq.config import DNashQConfig
from mpgg_agents.mean_field.dnashq.presets import PRESETS as DNASHQ_PRESETS
from mpgg_agents.mean_field.il.config import ILConfig
from mpgg_agents.mean_field.il.presets import PRESETS as IL_PRESETS
from mpgg_agents.mean_field.model_gradient.config import ModelGradientConfig
from mpgg_agents.mean_field.model_gradient.presets import PRESETS as MODEL_GRADIENT_PRESETS
from mpgg_agents.presets import Preset
from mpgg_agents.stored import Arrays
from mpgg_env.core.config import Config

if TYPE_CHECKING:
    from mpgg_agents.experiments.mean_field.settings import MeanFieldExperiment
    from mpgg_env.games.mean_field.common.rollout import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanFieldAgent(AgentKind):
    """One kind of agent of the mean-field-type games.

    Attributes:
        load_policy: The profile of stored weights or tables, one policy per coalition, from game, hyper-parameters and
            arrays by name; ValueError if they do not fit, MissingExtraError where a library is not installed.
    """

    load_policy: Callable[[Any, Any, Arrays], "Sequence[Policy]"]


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the parts of a kind of agent are.

    Attributes:
        config: Its hyper-parameters.
        presets: Named settings by game; games without any are not for this kind of agent.
        trainer: Module and class of its trainer.
        loader: Module and function that load a profile.
        kernels: Module of its compiled loops; None without.
    """

    config: type[Config]
    presets: Mapping[str, Mapping[str, Preset]]
    trainer: tuple[str, str]
    loader: tuple[str, str]
    kernels: str | None = None


_PACKAGE: Final = "mpgg_agents.mean_field"
_NETS: Final = (f"{_PACKAGE}.policy", "profile_of")
_RESPONSES: Final = (f"{_PACKAGE}.evaluation.measure", "exploitability")
_TABLES: Final = (f"{_PACKAGE}.tabular.policy", "profile_of")
_SOURCES: Final = {
    "ddpg_mftg": _Source(DDPGConfig, DDPG_PRESETS, (f"{_PACKAGE}.ddpg.trainer", "DDPGTrainer"), _NETS),
    "model_gradient": _Source(
        ModelGradientConfig,
        MODEL_GRADIENT_PRESETS,
        (f"{_PACKAGE}.model_gradient.trainer", "ModelGradientTrainer"),
        _NETS,
    ),
    "dnashq": _Source(
        DNashQConfig,
        DNASHQ_PRESETS,
        (f"{_PACKAGE}.dnashq.trainer", "DNashQTrainer"),
        _TABLES,
        f"{_PACKAGE}.dnashq.compiled",
    ),
    "il_mftg": _Source(
        ILConfig,
        IL_PRESETS,
        (f"{_PACKAGE}.il.trainer", "ILTrainer"),
        _TABLES,
        f"{_PACKAGE}.il.compiled",
    ),
}


@cache
def agents_of(game: str) -> Mapping[str, MeanFieldAgent]:
    """The kinds of agent that play a game; the first one is the default."""
    return {name: _agent(source, name, game) for name, source in _SOURCES.items() if game in source.presets}


def _agent(source: _Source, name: str, game: str) -> MeanFieldAgent:
    return MeanFieldAgent(
        config_class=source.config,
        presets=source.presets[game],
        kernels=source.kernels,
        make_trainer=_made_by(name, *source.trainer),
        load_policy=_loaded_by(name, *source.loader),
    )


def _made_by(name: str, module: str, trainer: str) -> Callable[["MeanFieldExperiment", int | None], Trainer]:
    def make(experiment: "MeanFieldExperiment", threads: int | None) -> Trainer:
        run = experiment.run
        if run.response_iterations:  # not after the training: it would be known too late
            name_of_extra("a best response, which response_iterations = 0 leaves out,", *_RESPONSES)
        made: Trainer = name_of_extra(f"agent {name!r}", module, trainer)(
            experiment.game, experiment.agent, run.seeds, snapshots=run.snapshots, threads=threads
        )
        return made

    return make


def _loaded_by(name: str, module: str, function: str) -> Callable[[Any, Any, Arrays], "Sequence[Policy]"]:
    def load(game: Any, agent: Any, weights: Arrays) -> "Sequence[Policy]":
        profile: Sequence[Policy] = name_of_extra(f"agent {name!r}", module, function)(game, agent, weights)
        return profile

    return load
