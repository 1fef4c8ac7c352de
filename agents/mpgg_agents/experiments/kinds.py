"""The kinds of games and of agents: what `mpgg train` needs to know of each. Those there are stand in `registry`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mpgg_agents.presets import Preset
from mpgg_agents.stored import Arrays
from mpgg_env.core.config import Config

if TYPE_CHECKING:
    from mpgg_agents.experiments.figures import FigureSet
    from mpgg_agents.experiments.game_study import GameStudy
    from mpgg_agents.experiments.life import Life
    from mpgg_agents.experiments.reader import Run
    from mpgg_agents.experiments.report import Report
    from mpgg_agents.experiments.report_page.parts import PageParts
    from mpgg_agents.experiments.settings import Experiment, RunConfig


class Trainer(Protocol):
    """What every run needs of a trainer of B replicas; each kind of game asks for more."""

    @property
    def total_rounds(self) -> int:
        """Rounds of the whole training."""

    @property
    def rounds_done(self) -> int:
        """Rounds trained so far."""

    @property
    def unit(self) -> int:
        """Rounds of which `advance` takes multiples, unless it reaches the end."""

    @property
    def losses(self) -> Mapping[str, float]:
        """Newest loss of each network by name, mean over the replicas; empty where nothing has a loss."""

    def advance(self, rounds: int) -> Any:
        """Trains all replicas; `rounds` is a multiple of `unit` unless it reaches the end.

        Returns the record of these rounds. May raise TrainingError, as may `state_arrays`.
        """

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
        kernels: Module of the trainer's compiled loops, whose first compilation a user should know of; None without.
        make_trainer: Trainer from an experiment and a number of threads; it raises MissingExtraError where a library
            for it is not installed.
    """

    config_class: type[Config]
    presets: Mapping[str, Preset]
    kernels: str | None
    make_trainer: Callable[[Any, int | None], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class GameKind:
    """One kind of game, with all that its runs do in their own way.

    What is slow to import is in modules of `package` with fixed names, loaded when they are needed: `life`, `reader`,
    `figures`, `report`, `page` and `study`.

    Attributes:
        env: Id of the environment.
        title: What the game is, in a few words.
        train_text: Which agents there are and what a run writes, for the help.
        game_class: Its rules.
        run_class: What can be set of a run.
        experiment_class: Game, agent and run together.
        agents: The kinds of agents that play it by name; the first one is the default.
        results: Names of the result files.
        notes: Warnings of its configuration that are notes to a user.
        package: Where its modules are.
    """

    env: str
    title: str
    train_text: str
    game_class: type[Config]
    run_class: "type[RunConfig]"
    experiment_class: "type[Experiment]"
    agents: Mapping[str, AgentKind]
    results: tuple[str, ...]
    notes: tuple[type[Warning], ...]
    package: str

    @property
    def default_agent(self) -> str:
        """Name of the agent that plays unless another one is asked for."""
        return next(iter(self.agents))

    def life(self, experiment: "Experiment") -> "Life[Any]":
        """What a run of this experiment does in its own way."""
        life: Life[Any] = self._module("life").LIFE(experiment)
        return life

    def reader(self) -> "type[Run]":
        """The class that reads its run folders."""
        reader: type[Run] = self._module("reader").RUN
        return reader

    def figure_set(self, run: "Run") -> "FigureSet":
        """The figures of a run."""
        figures: FigureSet = self._module("figures").figure_set(run)
        return figures

    def report(self) -> "Report":
        """How its runs are told in text."""
        report: Report = self._module("report").REPORT
        return report

    def page(self) -> "PageParts":
        """What the page of a run or a study has of its own."""
        page: PageParts = self._module("page").PAGE
        return page

    def study(self) -> "GameStudy":
        """What studies need of it."""
        study: GameStudy = self._module("study").study_of(self.env)
        return study

    def _module(self, name: str) -> Any:
        return import_module(f"{self.package}.{name}")
