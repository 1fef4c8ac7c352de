"""A design study: the mechanism by analysis, then learners under it and under weaker and stronger ones."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from mpgg_agents.design.settings import DesignConfig
from mpgg_agents.iql.config import IQLConfig
from mpgg_agents.iql.trainer import IQLTrainer
from mpgg_agents.record import Record
from mpgg_env.analysis.design import FAMILIES, Design, design, mechanism_of, outcome
from mpgg_env.analysis.efficiency import social_optimum
from mpgg_env.analysis.payoffs import best_values
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.mechanisms import Mechanism

BEYOND: Final = 1.5  # the strongest trial is at least so much stronger than the designed mechanism
WINDOW: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Learners under one mechanism, measured over greedy rounds after their training.

    Attributes:
        strength: Strength of the mechanism.
        mechanism: The mechanism; None for the game as it is.
        efficiency: Welfare, less what the sponsor pays, relative to the social optimum, (B,), one value per seed.
        cooperation: Cooperation rate, (B,).
        best_casino: Share of the agents in the casino of the highest value, (B,).
        sponsor: What the sponsor pays per round, (B,).
        predicted: Efficiency of the equilibrium that the design aims at, under this mechanism.
    """

    strength: float
    mechanism: Mechanism | None
    efficiency: FloatArray
    cooperation: FloatArray
    best_casino: FloatArray
    sponsor: FloatArray
    predicted: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One family's design and its trials.

    Attributes:
        design: The answer of the analysis.
        chosen: Strength at which learners met the design: the margin stronger.
        trials: By strength; the first one is the game as it is, and one of them has the chosen strength.
    """

    design: Design
    chosen: float
    trials: tuple[Trial, ...]

    @property
    def before(self) -> Trial:
        """Learners without the mechanism."""
        return self.trials[0]

    @property
    def after(self) -> Trial:
        """Learners under the designed mechanism."""
        return next(trial for trial in self.trials if trial.mechanism is not None and trial.strength == self.chosen)


def run_study(
    config: MPGGConfig,
    agent: IQLConfig,
    settings: DesignConfig,
    *,
    threads: int | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> list[Study]:
    """Designs a mechanism of each family and tries independent Q-learners under it.

    Args:
        config: The game; mechanisms that it has stay in force.
        agent: Hyper-parameters of the learners.
        settings: Target, families and trials.
        threads: Threads over the seeds; None for one per processor. The results do not depend on it.
        progress: Called after every step with what is done next.

    Raises:
        ValueError: Nothing can be gained in the game, or it has a mechanism that is to be designed.
    """
    before = _trial(config, agent, settings, 0.0, None, threads)
    studies = []
    for family in settings.family:
        progress(f"{family}: analysis")
        found = design(
            config,
            family,
            goal=settings.goal,
            equilibrium=settings.equilibrium,
            scale=settings.scale,
            progress=lambda family=family: progress(f"{family}: analysis"),  # type: ignore[misc]
        )
        chosen = found.strength if FAMILIES[family].falling else found.strength * (1 + settings.margin)
        trials = [before]
        for strength in _strengths(found, chosen, settings.strengths):
            progress(f"{family}: learners at strength {strength:.4g}")
            mechanism = mechanism_of(config, family, strength, settings.scale)
            trials.append(_trial(config, agent, settings, strength, mechanism, threads))
        studies.append(Study(design=found, chosen=chosen, trials=tuple(trials)))
    return studies


def _strengths(found: Design, chosen: float, count: int) -> list[float]:
    """The strengths of the trials after the one without a mechanism; the chosen one is among them."""
    if found.strength == 0 or FAMILIES[found.family].falling:
        return [chosen]
    others = np.linspace(0, max(BEYOND * chosen, found.strongest), count)[1:]
    return sorted([chosen, *others[np.abs(others - chosen) > 0.1 * chosen].tolist()])


def _trial(
    config: MPGGConfig,
    agent: IQLConfig,
    settings: DesignConfig,
    strength: float,
    mechanism: Mechanism | None,
    threads: int | None,
) -> Trial:
    game = config if mechanism is None else config.replace(mechanism=(*config.mechanisms, mechanism))
    trainer = IQLTrainer(game, agent, settings.seeds, settings.rounds, window=WINDOW, threads=threads)
    while trainer.rounds_done < trainer.total_rounds:
        trainer.advance(min(100 * WINDOW, trainer.total_rounds - trainer.rounds_done))
    greedy = trainer.evaluate(settings.evaluation_rounds)
    predicted = outcome(game, settings.equilibrium, social_optimum(config))
    return _measured(game, greedy, strength, mechanism, predicted.efficiency, social_optimum(config))


def _measured(
    game: MPGGConfig,
    greedy: Record,
    strength: float,
    mechanism: Mechanism | None,
    predicted: float,
    optimum: float,
) -> Trial:
    values = best_values(game)
    occupancy = greedy.casino_occupancy.sum(axis=1)
    sponsor = greedy.sponsor.mean(axis=1)
    welfare = greedy.welfare.mean(axis=1) - sponsor
    return Trial(
        strength=strength,
        mechanism=mechanism,
        efficiency=welfare / optimum,
        cooperation=greedy.cooperators.mean(axis=1) / game.n_players,
        best_casino=occupancy[:, values.argmax()] / occupancy.sum(axis=1),
        sponsor=sponsor,
        predicted=predicted,
    )
