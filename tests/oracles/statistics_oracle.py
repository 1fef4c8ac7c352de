"""Statistics over seeds a second time: by listing everything that could have happened, with Python's own numbers."""

import math
from collections.abc import Callable, Sequence
from itertools import combinations, product
from statistics import NormalDist

NORMAL = NormalDist()


def interquartile_mean(numbers: Sequence[float]) -> float:
    """Mean of what is left without the lowest and the highest floor(n / 4) numbers."""
    cut = math.floor(len(numbers) / 4)
    kept = sorted(numbers)[cut : len(numbers) - cut]
    return math.fsum(kept) / len(kept)


def bca_limits(
    numbers: Sequence[float], statistic: Callable[[Sequence[float]], float], confidence: float
) -> tuple[float, float]:
    """BCa limits ([Efron1987]) with all n^n resamples, each as likely as any other, instead of some random ones.

    The bias z0 is the normal quantile of the share of resamples whose statistic is below that of the sample, half of
    those with the same counted as below. The acceleration a is a sixth of the sum of the cubes of what leaving out one
    number takes from the statistic, divided by the sum of the squares to the power 1.5. A limit at level p is the
    resamples' quantile at the level Phi(z0 + (z0 + z_p) / (1 - a (z0 + z_p))).
    """
    observed = statistic(numbers)
    resamples = sorted(statistic(drawn) for drawn in product(numbers, repeat=len(numbers)))
    below = sum(value < observed for value in resamples) + sum(value == observed for value in resamples) / 2
    bias = NORMAL.inv_cdf(below / len(resamples))
    left = [statistic([*numbers[:k], *numbers[k + 1 :]]) for k in range(len(numbers))]
    center = math.fsum(left) / len(left)
    cubes, squares = sum((center - value) ** 3 for value in left), sum((center - value) ** 2 for value in left)
    acceleration = cubes / (6 * squares**1.5)

    def limit(level: float) -> float:
        shifted = bias + NORMAL.inv_cdf(level)
        place = NORMAL.cdf(bias + shifted / (1 - acceleration * shifted))
        return resamples[min(len(resamples) - 1, math.floor(place * len(resamples)))]

    return limit((1 - confidence) / 2), limit((1 + confidence) / 2)


def sign_p_value(differences: Sequence[int]) -> float:
    """Share of all choices of signs whose sum is at least as far from 0 as the observed one; integers are exact."""
    observed = abs(sum(differences))
    sums = [
        sum(sign * size for sign, size in zip(signs, differences, strict=True))
        for signs in product((1, -1), repeat=len(differences))
    ]
    return sum(abs(total) >= observed for total in sums) / len(sums)


def dealing_p_value(first: Sequence[int], second: Sequence[int]) -> float:
    """Twice the share of deals whose first cell has a sum as high, or as low, whichever is smaller, but at most 1."""
    numbers = [*first, *second]
    sums = [sum(numbers[k] for k in chosen) for chosen in combinations(range(len(numbers)), len(first))]
    high = sum(total >= sum(first) for total in sums)
    low = sum(total <= sum(first) for total in sums)
    return min(1.0, 2 * min(high, low) / len(sums))
