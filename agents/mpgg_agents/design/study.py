"""A design study: the mechanism by analysis, then learners under it and under weaker and stronger ones."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from mpgg_agents.design.settings import DesignConfig
from mpgg_agents.iql.config import IQLConfig
from mpgg_agents.iql.trainer import IQLTrainer
from mpgg_agents.record import Record
from mpgg_env.analysis.design import Design, design
from mpgg_env.analysis.efficiency import social_optimum
from mpgg_env.analysis.mechanism_families import FAMILIES, POINTS, mechanism_of
from mpgg_env.analysis.outcomes import outcome
from mpgg_env.analysis.payoffs import best_values
from mpgg_env.core.rounding import ROUNDING
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
        best_casino: Share of the agents in the casinos of the highest value, (B,).
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
        predicted: Strength and efficiency of the equilibrium that the design aims at, (strengths, 2), by strength,
            over all strengths of the trials.
    """

    design: Design
    chosen: float
    trials: tuple[Trial, ...]
    predicted: FloatArray

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
        settings: Goal, families and trials.
        threads: Threads over the seeds; None for one per processor. The results do not depend on it.
        progress: Called after every step with what is done next.

    Raises:
        ValueError: Nothing can be gained in the game, or it has a mechanism that is to be designed.
    """
    designs = [_designed(config, family, settings, progress) for family in settings.family]
    learners = _Learners(config, agent, settings, threads, progress)
    before = learners.trial(0.0, None, "learners as it is")
    return [_study(found, before, learners) for found in designs]


def _designed(config: MPGGConfig, family: str, settings: DesignConfig, progress: Callable[[str], None]) -> Design:
    progress(f"{family}: analysis")
    return design(
        config,
        family,
        goal=settings.goal,
        equilibrium=settings.equilibrium,
        scale=settings.scale,
        progress=lambda: progress(f"{family}: analysis"),
    )


def _study(found: Design, before: Trial, learners: "_Learners") -> Study:
    family, settings = found.family, learners.settings
    chosen = found.strength * (1 + settings.margin) if FAMILIES[family].continuous else found.strength
    trials = [before]
    for strength in _strengths(found, chosen, settings.strengths):
        mechanism = mechanism_of(learners.config, family, strength, settings.scale)
        trials.append(learners.trial(strength, mechanism, f"{family}: learners at strength {strength:.4g}"))
    return Study(design=found, chosen=chosen, trials=tuple(trials), predicted=_predicted(found, trials, learners))


def _strengths(found: Design, chosen: float, count: int) -> list[float]:
    """The strengths of the trials after the one without a mechanism; the chosen one is among them."""
    if found.strength == 0 or not FAMILIES[found.family].continuous:
        return [chosen]
    others = np.linspace(0, max(BEYOND * chosen, found.strengths[-1]), count)[1:]
    return sorted([chosen, *others[np.abs(others - chosen) > 0.1 * chosen].tolist()])


def _predicted(found: Design, trials: list[Trial], learners: "_Learners") -> FloatArray:
    """What analysis tried, and what it says of the rest of the strengths up to the strongest trial."""
    known = dict(found.tried.tolist())
    known |= {trial.strength: trial.predicted for trial in trials if trial.mechanism is not None}
    if FAMILIES[found.family].continuous:
        for strength in np.linspace(found.strength, max(known), POINTS // 2).tolist():
            if strength not in known:
                mechanism = mechanism_of(learners.config, found.family, strength, learners.settings.scale)
                known[strength] = learners.prediction(mechanism)
                learners.progress(f"{found.family}: analysis")
    return np.array(sorted(known.items()))


class _Learners:
    """Independent Q-learners who can be put under a mechanism."""

    def __init__(
        self,
        config: MPGGConfig,
        agent: IQLConfig,
        settings: DesignConfig,
        threads: int | None,
        progress: Callable[[str], None],
    ) -> None:
        self.config, self.agent, self.settings = config, agent, settings
        self.threads, self.progress, self.optimum = threads, progress, social_optimum(config)

    def game(self, mechanism: Mechanism | None) -> MPGGConfig:
        """The game with a mechanism more, or as it is."""
        if mechanism is None:
            return self.config
        return self.config.replace(mechanism=(*self.config.mechanisms, mechanism))

    def prediction(self, mechanism: Mechanism | None) -> float:
        """Efficiency of the equilibrium under a mechanism."""
        return outcome(self.game(mechanism), self.settings.equilibrium, self.optimum).efficiency

    def trial(self, strength: float, mechanism: Mechanism | None, step: str) -> Trial:
        """Trains and measures them."""
        game, settings = self.game(mechanism), self.settings
        trainer = IQLTrainer(game, self.agent, settings.seeds, settings.rounds, window=WINDOW, threads=self.threads)
        while trainer.rounds_done < trainer.total_rounds:
            self.progress(step)
            trainer.advance(min(100 * WINDOW, trainer.total_rounds - trainer.rounds_done))
        greedy = trainer.evaluate(settings.evaluation_rounds)
        return _measured(game, greedy, strength, mechanism, self.prediction(mechanism), self.optimum)


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
        best_casino=occupancy[:, values >= values.max() * (1 - ROUNDING)].sum(axis=1) / occupancy.sum(axis=1),
        sponsor=sponsor,
        predicted=predicted,
    )
