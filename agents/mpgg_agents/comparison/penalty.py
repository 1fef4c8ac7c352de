"""The loss against the weight beta of the penalty on psi, of runs that differ in nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mpgg_agents.experiments.market.reader import MarketRun
from mpgg_agents.nash_dqn.config import NashDQNConfig
from mpgg_agents.training_record import LOSS
from mpgg_env.core.types import FloatArray

LAST_SHARE: Final = 0.1  # of the iterations: single losses are noisy


@dataclass(frozen=True, slots=True, kw_only=True)
class PenaltyStudy:
    """Losses at the end of the training.

    Attributes:
        beta: The weights in ascending order, (runs,).
        losses: By name, means over the last tenth of the iterations, one array of seeds per run.
    """

    beta: FloatArray
    losses: dict[str, list[FloatArray]]


def penalty_study(runs: Sequence[MarketRun]) -> PenaltyStudy | None:
    """The losses of runs of Nash-DQN whose games and hyper-parameters differ in the penalty alone; None of others."""
    agents = [run.config.agent for run in runs]
    games = {repr(run.config.game) for run in runs}
    if len(games) > 1 or not all(isinstance(agent, NashDQNConfig) for agent in agents):
        return None
    betas = [_beta(run) for run in runs]
    if len({repr(agent.replace(psi_penalty=0.0)) for agent in agents}) > 1 or len(set(betas)) < len(runs):
        return None
    order = np.argsort(betas)
    metrics = [runs[k].metrics() for k in order]
    names = [name for name in metrics[0] if name.endswith(LOSS)]
    losses = {name: [_last(columns[name]) for columns in metrics] for name in names}
    return PenaltyStudy(beta=np.array(betas)[order], losses=losses)


def _beta(run: MarketRun) -> float:
    from mpgg_agents.nash_dqn.learner import psi_penalty

    return psi_penalty(run.config.game, run.config.agent)


def _last(values: FloatArray) -> FloatArray:
    count = max(1, round(LAST_SHARE * values.shape[1]))
    return np.asarray(values[:, -count:].mean(axis=1))
