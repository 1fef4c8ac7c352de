"""Differences between the cells of a study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np

from mpgg_agents.experiments.statistics.bootstrap import RESAMPLES
from mpgg_agents.experiments.statistics.corrections import CORRECTIONS, adjusted
from mpgg_agents.experiments.statistics.permutation import paired_p_value, unpaired_p_value
from mpgg_agents.experiments.statistics.samples import checked
from mpgg_agents.experiments.statistics.student import mean_interval, welch_interval
from mpgg_env.core.types import FloatArray
from mpgg_env.core.validation import check_choice, check_flag, check_integer, check_known

RESAMPLES_PER_COMPARISON: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two cells compared.

    Attributes:
        first: Name of a cell.
        second: Name of the other one.
        difference: Mean of the first less mean of the second; of the paired seeds alone where they are paired.
        low: Lower limit of the 95 % interval of the difference, by Student's t of the pairs, or by Welch's.
        high: Upper limit.
        p_value: Of the two-sided permutation test, in (0, 1]; NaN where a cell has fewer than two numbers.
        adjusted_p_value: The same after the correction for the number of comparisons.
        pairs: How many seeds were paired; 0 where the cells were compared as if they had nothing in common.
    """

    first: str
    second: str
    difference: float
    low: float
    high: float
    p_value: float
    adjusted_p_value: float
    pairs: int


def differences(
    cells: Mapping[str, FloatArray],
    reference: str | None = None,
    *,
    paired: bool = True,
    correction: str = "holm",
    seed: int = 0,
    resamples: int | None = None,
) -> list[Difference]:
    """Compares every cell with a reference, or all pairs of cells.

    Cells are paired over the seeds that both have a number for, if there are at least two such seeds: what both owe to
    the seed drops out. Where there are not, all numbers are compared unpaired. Up to 30 pairs p values are exact.

    Args:
        cells: By name, a number per seed, (B,), the same seed at the same place in all; NaN for a seed that a cell was
            not run with or has no number for.
        reference: Name of the cell that all others are compared with, as the second of the two; None for all pairs.
        paired: Whether to pair the seeds at all.
        correction: `holm` or `benjamini_hochberg`, see `adjusted`.
        seed: Of random permutations, where an exact test would take too many, >= 0. Each comparison has a generator of
            its own, started from it.
        resamples: How many random permutations, >= 99; by default 9,999, or 200 for each comparison if that is more.
            Their p values are at least 2 / (resamples + 1): with few, no difference could survive Holm's correction.

    Raises:
        ValueError: The cells differ in their number of seeds, or an argument is out of range.
    """
    check_choice("correction", correction, CORRECTIONS)
    check_flag("paired", paired)
    check_integer("seed", seed, 0)
    numbers = _same_seeds(cells)
    pairs = _pairs(list(numbers), reference)
    if resamples is None:
        resamples = max(RESAMPLES, RESAMPLES_PER_COMPARISON * len(pairs) - 1)
    check_integer("resamples", resamples, 99)
    found = [_compared(numbers[a], numbers[b], paired, seed, resamples) for a, b in pairs]
    raised = adjusted(np.array([each.p_value for each in found]), correction)
    return [
        Difference(first=a, second=b, adjusted_p_value=float(value), **each._asdict())
        for (a, b), each, value in zip(pairs, found, raised, strict=True)
    ]


class _Found(NamedTuple):
    difference: float
    low: float
    high: float
    p_value: float
    pairs: int


def _compared(first: FloatArray, second: FloatArray, paired: bool, seed: int, resamples: int) -> _Found:
    gaps = first - second
    common = int((~np.isnan(gaps)).sum())
    if paired and common > 1:
        p_value = paired_p_value(gaps, seed=seed, resamples=resamples)
        return _Found(*mean_interval(gaps), p_value=p_value, pairs=common)
    p_value = unpaired_p_value(first, second, seed=seed, resamples=resamples)
    return _Found(*welch_interval(first, second), p_value=p_value, pairs=0)


def _same_seeds(cells: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    numbers = {name: checked(values, f"cells[{name!r}]") for name, values in cells.items()}
    shapes = {values.shape for values in numbers.values()}
    if len(numbers) < 2 or len(shapes) > 1 or any(len(shape) != 1 for shape in shapes):
        raise ValueError(f"cells must be two or more arrays (B,) of the same seeds, got the shapes {sorted(shapes)}")
    return numbers


def _pairs(names: Sequence[str], reference: str | None) -> list[tuple[str, str]]:
    if reference is None:
        return list(combinations(names, 2))
    check_known([reference], names, "cell")
    return [(name, reference) for name in names if name != reference]
