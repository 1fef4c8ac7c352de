"""Permutation tests of the difference of two means ([Fisher1935] section 21)."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from mpgg_agents.experiments.statistics.bootstrap import BATCH
from mpgg_agents.experiments.statistics.samples import known_values
from mpgg_env.core.types import FloatArray
from mpgg_env.core.validation import check_integer

EXACT_PAIRS: Final = 30  # up to so many pairs all sign flips are counted: 2^15 sums of each half, milliseconds
TIES: Final = 1e-12  # sums that differ by less, as a share of the sum of all sizes, differ by rounding


def paired_p_value(differences: FloatArray, *, seed: int, resamples: int) -> float:
    """Two-sided p value of the hypothesis that which cell of a pair has which number is a matter of chance.

    The share of all 2^n ways to choose the signs of the differences in which their sum is at least as far from 0. Exact
    up to 30 pairs; beyond, twice the smaller share of the two sides among random signs, with the observed ones counted
    in ([Phipson2010]), so that it is never 0.

    Args:
        differences: First less second for each seed, (n,); NaN is left out.
        seed: Of the random signs, >= 0.
        resamples: How many of these, >= 1.

    Returns:
        In (0, 1]; NaN where there are fewer than two differences.
    """
    known = known_values(differences, "differences")
    if known.size < 2:
        return np.nan
    if known.size <= EXACT_PAIRS:
        return _exact_share(known)
    return _resampled((known,), _mean, "samples", seed, resamples)


def unpaired_p_value(first: FloatArray, second: FloatArray, *, seed: int, resamples: int) -> float:
    """Two-sided p value of the hypothesis that which number belongs to which cell is a matter of chance.

    Of all ways to deal out the numbers to the two cells: the share in which the difference of the means is at least as
    large, or at most as large, whichever is smaller; twice that share, but at most 1. Exact where there are at most
    `resamples` ways, else by so many random ones with the observed one counted in ([Phipson2010]).

    Args:
        first: A number per seed, (B,); NaN is left out.
        second: The same of other seeds, (C,).
        seed: Of the random ways, >= 0.
        resamples: How many of these, >= 1.

    Returns:
        In (0, 1]; NaN where one of the cells has fewer than two numbers.
    """
    samples = known_values(first, "first"), known_values(second, "second")
    if min(sample.size for sample in samples) < 2:
        return np.nan
    return _resampled(samples, _difference, "independent", seed, resamples)


def _exact_share(differences: FloatArray) -> float:
    # Every signed sum is one of the first half plus one of the second. With the second sorted, those that reach the
    # observed sum are counted without forming all 2^n, which takes scipy seconds for 20 pairs and an hour for 30.
    half = differences.size // 2
    first, second = _signed_sums(differences[:half]), np.sort(_signed_sums(differences[half:]))
    least = abs(differences.sum()) - TIES * np.abs(differences).sum()
    reaching = int((second.size - np.searchsorted(second, least - first)).sum())
    return float(min(1, 2 * reaching / 2**differences.size))


def _signed_sums(numbers: FloatArray) -> FloatArray:
    """The sums under all choices of signs, (2^n,)."""
    sums = np.zeros(1)
    for number in numbers:
        sums = np.concatenate([sums - number, sums + number])
    return sums


def _resampled(
    samples: tuple[FloatArray, ...], statistic: Callable[..., FloatArray], kind: str, seed: int, resamples: int
) -> float:
    from scipy.stats import permutation_test  # takes half a second to import

    check_integer("seed", seed, 0)
    check_integer("resamples", resamples, 1)
    result: Any = permutation_test(
        samples,
        statistic,
        permutation_type=kind,
        vectorized=True,
        axis=-1,
        n_resamples=resamples,
        batch=max(1, BATCH // sum(sample.size for sample in samples)),
        random_state=np.random.default_rng(seed),  # scipy 1.14 does not know the newer name `rng`
    )
    return float(result.pvalue)


def _mean(differences: FloatArray, axis: int) -> FloatArray:
    mean: FloatArray = differences.mean(axis=axis)
    return mean


def _difference(first: FloatArray, second: FloatArray, axis: int) -> FloatArray:
    difference: FloatArray = first.mean(axis=axis) - second.mean(axis=axis)
    return difference
