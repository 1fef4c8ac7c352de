"""How far games of N agents are from their mean-field limit, and how fast they come near it as N grows.

Under a profile of policies that are Lipschitz in the distributions, the empirical distributions of a finite game stay
within a constant times 1 / sqrt(N) of the limit's ([Shao2024] theorem 2.4; its condition on the discount concerns
equilibria, the rate does not need it). The part of sampling is elementary, see `one_step_bound`; how errors of earlier
steps add up depends on game and profile. On doubly logarithmic axes the error is a line of slope -1/2.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.core.validation import check_integer
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.config import Episodic
from mpgg_env.games.mean_field.common.finite import coalition_sizes, finite_game
from mpgg_env.games.mean_field.common.population import FinitePlay, StartKind, repeated_state
from mpgg_env.games.mean_field.common.rollout import Policy, Rollout, rollout
from mpgg_env.games.mean_field.common.state import MeanFieldState

SIZES: Final = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """Means over replicas with 95 % confidence limits by Student's t, arrays of one shape.

    Attributes:
        mean: What was estimated.
        low: Lower limits.
        high: Upper limits.
    """

    mean: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class FiniteGap:
    """Finite games of K sizes beside their limit, under one profile. Means are over starts and replicas.

    Attributes:
        sizes: Agents per coalition N, on average over the coalitions, (K,).
        coalition_sizes: Agents of each coalition, (K, m).
        replicas: Replicas of each start, (K,).
        limit_returns: Discounted returns J of the limit from each of the G starts, (G, m).
        distance: E sup over t of the sum over i of ||mu_i^N(t) - mu_i(t)||_1, (K,); t = 0 to T.
        returns: E |J_i^N - J_i|, (K, m).
        bias: E J_i^N - J_i, (K, m).
        bound: The sum over i of `one_step_bound`, (K,): of the error of one step, not of the largest of an episode.
        distance_slope: Slope of log `distance` against log N, ().
        returns_slope: Slope of log `returns` against log N, (m,).
    """

    sizes: IntArray
    coalition_sizes: IntArray
    replicas: IntArray
    limit_returns: FloatArray
    distance: Estimate
    returns: Estimate
    bias: Estimate
    bound: FloatArray
    distance_slope: Estimate
    returns_slope: Estimate


def one_step_bound(n_states: int, size: int) -> float:
    """Upper bound |S| / (2 sqrt N) of E ||mu^N - mu||_1 after one step from states that are known.

    N agents go independently, each by a law of its own; mu is the mean of the laws. The number of those that arrive in
    a state is a sum of independent indicators, with a variance of at most N / 4, so that the share's mean absolute
    error is at most 1 / (2 sqrt N); the bound adds |S| of them. It also holds for a sampled start.
    """
    check_integer("n_states", n_states, 1)
    return n_states / (2 * math.sqrt(check_integer("size", size, 1)))


def finite_gap(
    config: Episodic,
    profile: Sequence[Policy],
    *,
    sizes: Sequence[int] = SIZES,
    replicas: int | Sequence[int] = 16,
    seed: int = 0,
    state: MeanFieldState | None = None,
    start: StartKind = "sampled",
    progress: Callable[[float], None] | None = None,
) -> FiniteGap:
    """Plays a mean-field profile in finite games of growing size and compares them with the limit.

    Args:
        config: Parameters of the game.
        profile: One policy per coalition, for arrays of numpy.
        sizes: Numbers N of agents per coalition, at least two, increasing; `coalition_sizes` has those of games with
            weights.
        replicas: Episodes of every start and size, at least 2; one number, or one for each size.
        seed: At least 0. Games of different sizes draw independently.
        state: The starts, G of them; None for the testing set.
        start: How the agents' first states come from a start, see `FinitePopulation.play`.
        progress: Told the share of the work that is done, from 0 to 1.

    Raises:
        ValueError: An argument is out of range.
    """
    numbers, counts = _checked_sizes(sizes), _checked_replicas(replicas, len(sizes))
    batch = MeanFieldBatch(config)
    starts = batch.testing_state() if state is None else batch.initial_state(state.distributions, state.context)
    limit = rollout(batch, starts, profile)
    coalitions = [coalition_sizes(config, n) for n in numbers]
    tell = _Work([sum(own) * r * len(limit.returns) for own, r in zip(coalitions, counts, strict=True)], progress)
    errors = []
    for k, own in enumerate(coalitions):
        game, several = finite_game(config, own), repeated_state(starts, counts[k])
        play = game.play(several, profile, seed=seed, start=start, progress=tell.of(sum(own)))
        errors.append(_errors(play, limit, counts[k]))
    distance, returns, bias = ([error[j] for error in errors] for j in range(3))
    return FiniteGap(
        sizes=np.array(numbers),
        coalition_sizes=np.array(coalitions),
        replicas=np.array(counts),
        limit_returns=limit.returns,
        distance=_stacked(distance),
        returns=_stacked(returns),
        bias=_stacked(bias),
        bound=np.array(
            [sum(one_step_bound(s, n) for (s, _), n in zip(batch.shapes, own, strict=True)) for own in coalitions]
        ),
        distance_slope=fitted_slope(numbers, distance),
        returns_slope=fitted_slope(numbers, returns),
    )


def fitted_slope(sizes: Sequence[int], samples: Sequence[FloatArray]) -> Estimate:
    """Slope of the least-squares line through log mean errors against log N, with its confidence interval.

    The slope is a linear function of the logarithms, whose variances are those of the means over their squares (the
    delta method); the interval is Student's with Welch's and Satterthwaite's degrees of freedom. It covers what more
    replicas would remove, not that small games may be off the line.

    Args:
        sizes: N, (K,), at least two different ones.
        samples: For each N independent errors, (R, ...), R >= 2.

    Returns:
        (...); NaN where a mean error is 0.
    """
    from scipy.special import stdtrit

    x = np.log(np.asarray(sizes, float))
    weights = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    means = np.array([own.mean(0) for own in samples])
    positive = np.where(means > 0, means, np.nan)
    variances = np.array([own.var(0, ddof=1) / len(own) for own in samples]) / positive**2
    parts = (np.moveaxis(variances, 0, -1) * weights**2).reshape(*means.shape[1:], len(samples))
    slope, variance = np.moveaxis(np.log(positive), 0, -1) @ weights, parts.sum(-1)
    spread = (parts**2 / np.array([len(own) - 1 for own in samples])).sum(-1)
    freedom = np.where(spread > 0, variance**2 / np.where(spread > 0, spread, 1), 1)
    half = np.where(variance > 0, stdtrit(freedom, (1 + CONFIDENCE) / 2) * np.sqrt(variance), variance)
    return Estimate(slope, slope - half, slope + half)


class _Work:
    """Turns replicas that are done into the share of all agents that have played."""

    def __init__(self, agents: Sequence[int], progress: Callable[[float], None] | None) -> None:
        self.total, self.done, self.progress = sum(agents), 0, progress

    def of(self, agents: int) -> Callable[[int], None]:
        """For games of so many agents."""

        def tell(replicas: int) -> None:
            self.done += replicas * agents
            if self.progress is not None:
                self.progress(self.done / self.total)

        return tell


def _errors(play: FinitePlay, limit: Rollout, replicas: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Distance (R,), |J^N - J| (R, m) and J^N - J (R, m) of each replica, as means over the starts.

    A start's replicas share nothing with another's, so that the R means over the starts are independent samples.
    """
    apart: Any = 0.0
    for i, played in enumerate(play.distributions):
        expected = np.stack([state.distributions[i] for state in limit.states], 1)
        apart = apart + np.abs(played - np.repeat(expected, replicas, 0)).sum(2)
    gain = play.returns - np.repeat(limit.returns, replicas, 0)
    by_start = (-1, replicas)
    return (
        apart.max(1).reshape(by_start).mean(0),
        np.abs(gain).reshape(*by_start, gain.shape[1]).mean(0),
        gain.reshape(*by_start, gain.shape[1]).mean(0),
    )


def _stacked(samples: Sequence[FloatArray]) -> Estimate:
    """Means and limits of each size's samples (R, ...), stacked to (K, ...)."""
    from scipy.special import stdtrit

    means = np.array([own.mean(0) for own in samples])
    half = np.array(
        [stdtrit(len(own) - 1, (1 + CONFIDENCE) / 2) * own.std(0, ddof=1) / math.sqrt(len(own)) for own in samples]
    )
    return Estimate(means, means - half, means + half)


def _checked_sizes(sizes: Sequence[int]) -> list[int]:
    numbers = [check_integer(f"sizes[{k}]", size, 1) for k, size in enumerate(sizes)]
    if len(numbers) < 2 or any(a >= b for a, b in pairwise(numbers)):
        raise ValueError(f"sizes must be at least two increasing numbers of agents, got {sizes!r}")
    return numbers


def _checked_replicas(replicas: int | Sequence[int], sizes: int) -> list[int]:
    if not isinstance(replicas, Sequence):
        return [check_integer("replicas", replicas, 2)] * sizes
    if len(replicas) != sizes:
        raise ValueError(f"replicas must be one number or one for each of the {sizes} sizes, got {len(replicas)}")
    return [check_integer(f"replicas[{k}]", number, 2) for k, number in enumerate(replicas)]
