"""What one trader earns that follows one policy while the others follow another, under common random numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from mpgg_agents.comparison.settings import CompareConfig
from mpgg_agents.market_response.episodes import MarketPolicy, draw_episodes, generator, returns
from mpgg_agents.market_response.paired import PairedDifference, paired_difference
from mpgg_env.core.types import FloatArray
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.state import MarketState
from mpgg_env.games.market.vector import MarketBatch

PATHS: Final = 48  # what these draws are for; no other purpose has this number
TRADER: Final = 0  # who leaves the others


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpairedDifference:
    """Welch's test of two samples, as if they had nothing in common.

    Attributes:
        mean: Mean of first less second.
        interval: 95 % confidence interval of the mean.
        p_value: Of the two-sided test that the mean is 0.
    """

    mean: float
    interval: tuple[float, float]
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One trader follows one policy, and all others another one.

    Attributes:
        follows: Name of the trader's policy.
        others: Name of the others' policy.
        leaving: Means of the trader's returns, (repetitions,).
        staying: The same when it follows the others' policy, too, (repetitions,).
        unpaired: leaving less staying by Welch's test.
        paired: The same, paired by the episodes, which are the same.
    """

    follows: str
    others: str
    leaving: FloatArray
    staying: FloatArray
    unpaired: UnpairedDifference
    paired: PairedDifference


@dataclass(frozen=True, slots=True, kw_only=True)
class Returns:
    """Means of a trader's returns for each pair of policies, (repetitions,).

    Attributes:
        names: The policies.
        means: By the names of the trader's policy and of the others'.
    """

    names: tuple[str, ...]
    means: Mapping[tuple[str, str], FloatArray]

    def deviations(self) -> list[Deviation]:
        """All ordered pairs of two policies."""
        return [self._deviation(own, others) for own in self.names for others in self.names if own != others]

    def profiles(self) -> dict[tuple[str, str], PairedDifference]:
        """Return when all follow the first policy less that when all follow the second, for each pair, paired."""
        pairs = [(a, b) for i, a in enumerate(self.names) for b in self.names[i + 1 :]]
        return {(a, b): paired_difference(self.means[a, a], self.means[b, b]) for a, b in pairs}

    def _deviation(self, own: str, others: str) -> Deviation:
        leaving, staying = self.means[own, others], self.means[others, others]
        return Deviation(
            follows=own,
            others=others,
            leaving=leaving,
            staying=staying,
            unpaired=unpaired_difference(leaving, staying),
            paired=paired_difference(leaving, staying),
        )


def played(
    game: MarketConfig,
    policies: Mapping[str, MarketPolicy],
    settings: CompareConfig,
    progress: Callable[[float], None] | None = None,
) -> Returns:
    """Plays every pair of policies in the same episodes.

    Args:
        game: Rules of the market.
        policies: The policies by name, at least two.
        settings: Numbers of the comparison.
        progress: Called with the share of the work that is done, in [0, 1].
    """
    names, pairs = tuple(policies), [(own, others) for own in policies for others in policies]
    profiles = {(own, others): apart(policies[own], policies[others]) for own, others in pairs}
    means = {pair: np.empty(settings.repetitions) for pair in pairs}
    batch = MarketBatch(game, torch, dtype=torch.float32)
    with torch.no_grad():
        for repetition in range(settings.repetitions):
            draws = draw_episodes(game, settings.paths, generator(settings.seed, PATHS, repetition))
            for pair, profile in profiles.items():
                means[pair][repetition] = float(returns(batch, profile, draws)[:, TRADER].double().mean())
            if progress is not None:
                progress((repetition + 1) / settings.repetitions)
    return Returns(names=names, means=means)


def apart(own: MarketPolicy, others: MarketPolicy) -> MarketPolicy:
    """The profile in which the first trader follows one policy, and the others another one."""
    if own is others:
        return own

    def rates(state: MarketState) -> Tensor:
        chosen = others(state).clone()
        chosen[:, TRADER] = own(state)[:, TRADER]
        return chosen

    return rates


def unpaired_difference(first: FloatArray, second: FloatArray) -> UnpairedDifference:
    """Welch's test of the difference of the means of two samples (n,) and (m,), with its interval."""
    if np.ptp(first) == np.ptp(second) == 0:  # nothing is random: scipy would warn and divide 0 by 0
        mean = float(first[0] - second[0])
        return UnpairedDifference(mean=mean, interval=(mean, mean), p_value=float(mean == 0))
    test: Any = stats.ttest_ind(first, second, equal_var=False)
    low, high = test.confidence_interval(0.95)
    mean = float(np.mean(first) - np.mean(second))
    return UnpairedDifference(mean=mean, interval=(float(low), float(high)), p_value=float(test.pvalue))
