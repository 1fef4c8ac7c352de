"""Statistics over seeds against hand calculations, published examples and lists of all that could have happened."""

import math
from dataclasses import asdict
from itertools import product
from statistics import fmean, median

import numpy as np
import pytest
from scipy import stats

from mpgg_agents.experiments.statistics import (
    adjusted,
    bootstrap_intervals,
    comparison,
    confidence_band,
    differences,
    enough,
    mean_interval,
    paired_p_value,
    seeds_needed,
    summary,
    unpaired_p_value,
    welch_interval,
)
from tests.oracles.statistics_oracle import bca_limits, dealing_p_value, interquartile_mean, sign_p_value

# Darwin's maize: crossed less self-fertilised plant of 15 pairs, height in eighths of an inch ([Fisher1935])
MAIZE = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
SKEWED = [0.3, 0.9, 1.0, 1.7, 2.2, 7.1]


def limits(interval):
    return float(interval.low), float(interval.high)


# Estimates and their bootstrap intervals


def test_estimates_by_hand():
    found = bootstrap_intervals(
        np.array([[8.0, 1, 2, 7, 3, 4, 100, 5], [1, np.nan, np.nan, 5, 3, np.nan, np.nan, np.nan]])
    )
    assert found.mean.estimate.tolist() == [130 / 8, 3]
    assert found.median.estimate.tolist() == [4.5, 3]
    assert found.iqm.estimate.tolist() == [(3 + 4 + 5 + 7) / 4, 3]  # of 8 the outer 2 + 2 go; of 3 none
    ten = np.arange(10.0) ** 2  # of 10, 2.5 would go from each end: 2 do
    assert bootstrap_intervals(ten).iqm.estimate == pytest.approx((4 + 9 + 16 + 25 + 36 + 49) / 6)


def test_iqm_is_scipys_trimmed_mean():
    values = np.random.default_rng(3).normal(size=(5, 23))
    np.testing.assert_allclose(
        bootstrap_intervals(values, resamples=100).iqm.estimate, stats.trim_mean(values, 0.25, axis=-1), rtol=1e-13
    )


@pytest.mark.parametrize(
    ("name", "statistic"),
    [("mean", fmean), ("median", median), ("iqm", interquartile_mean)],
    ids=["mean", "median", "iqm"],
)
def test_limits_are_those_of_all_resamples(name, statistic):
    # With 99,999 random resamples a level of 2.5 % is off by 0.05 %; the limits have the width 4, 2 and 3.
    found = limits(getattr(bootstrap_intervals(np.array(SKEWED), resamples=99_999), name))
    assert found == pytest.approx(bca_limits(SKEWED, statistic, 0.95), abs=0.06)


def test_intervals_hold_the_truth_of_a_skewed_distribution():
    # Exponential: mean 1, median ln 2, IQM twice the integral of -ln v from 1/4 to 3/4. That so few numbers give shares
    # a little below 95 % is known.
    samples = np.random.default_rng(11).exponential(size=(400, 20))
    found = bootstrap_intervals(samples, resamples=499)
    truths = {"mean": 1.0, "median": math.log(2), "iqm": 2 * (0.5 - 0.75 * math.log(0.75) + 0.25 * math.log(0.25))}
    for name, truth in truths.items():
        interval = getattr(found, name)
        share = ((interval.low <= truth) & (truth <= interval.high)).mean()
        assert 0.88 <= share <= 0.97, name
    assert (found.mean.high - found.mean.estimate).mean() > 1.2 * (found.mean.estimate - found.mean.low).mean()


def test_a_cells_interval_does_not_depend_on_the_others_nor_on_seeds_without_a_number():
    values = np.random.default_rng(4).normal(size=(4, 3, 9))
    values[2, 1, [0, 5]] = np.nan
    found = bootstrap_intervals(values, seed=7, resamples=500)
    turned = bootstrap_intervals(values[::-1], seed=7, resamples=500)
    assert found.mean.low.shape == (4, 3)
    alone = bootstrap_intervals(values[2, 1][~np.isnan(values[2, 1])], seed=7, resamples=500)
    for name in ("mean", "median", "iqm"):
        for part in ("estimate", "low", "high"):
            numbers = getattr(getattr(found, name), part)
            assert numbers.tobytes() == getattr(getattr(turned, name), part)[::-1].tobytes()
            assert numbers[2, 1] == getattr(getattr(alone, name), part)
    assert limits(bootstrap_intervals(values[0, 0], seed=8, resamples=500).mean) != limits(
        bootstrap_intervals(values[0, 0], seed=7, resamples=500).mean
    )


def test_few_or_equal_numbers():
    cells = np.array([[np.nan] * 7, [3, *[np.nan] * 6], [3, 5, *[np.nan] * 5], [0.1] * 7])
    for interval in asdict(bootstrap_intervals(cells)).values():
        np.testing.assert_array_equal(interval[0], [np.nan, 3, 4, 0.1])
        np.testing.assert_array_equal(interval[1], [np.nan, np.nan, 3, 0.1])
        np.testing.assert_array_equal(interval[2], [np.nan, np.nan, 5, 0.1])


def test_an_estimate_that_no_seed_moves_has_the_percentile_interval():
    # The median of 0, 0, 0, 0, 1 is 0 without any one seed, so that BCa has no acceleration. Resamples have median 1
    # where at least 3 of 5 draws are the 1: 10 / 125 x 16 / 25 + 5 / 625 x 4 / 5 + 1 / 3125 = 5.8 %, more than 2.5 %.
    found = bootstrap_intervals(np.array([0.0, 0, 0, 0, 1]))
    assert limits(found.median) == (0, 1)
    # With 19 zeros, 11 of 20 draws would have to be the 1: never.
    assert limits(bootstrap_intervals(np.array([0.0] * 19 + [1])).median) == (0, 0)


@pytest.mark.parametrize("power", [-400, 400])
def test_tiny_and_huge_numbers_have_the_same_interval(power):
    scale = 2.0**power
    plain = bootstrap_intervals(np.array(SKEWED), resamples=500)
    scaled = bootstrap_intervals(np.array(SKEWED) * scale, resamples=500)
    assert limits(scaled.mean) == tuple(scale * limit for limit in limits(plain.mean))


# Tests of differences


def test_darwins_maize():
    # [Fisher1935] section 21: 863 of the 32,768 sums are at least the observed 314, so that p is 5.267 % on both sides.
    assert sum(MAIZE) == 314
    assert paired_p_value(np.array(MAIZE, float), seed=0, resamples=99) == 2 * 863 / 2**15


@pytest.mark.parametrize("count", [2, 3, 7, 10])
def test_paired_p_values_list_all_signs(count):
    generator = np.random.default_rng(count)
    for _ in range(5):
        whole = generator.integers(-4, 6, size=count).tolist()  # many sums are equal
        tenths = np.array([*(value / 10 for value in whole), np.nan])  # and differ by rounding here
        assert paired_p_value(tenths, seed=0, resamples=99) == sign_p_value(whole)


def test_where_nothing_differs_few_paired_p_values_are_small():
    # The theorem of the exact test: over all signs of given sizes, at most a share p of the p values is <= p.
    sizes = np.array([1.3, 0.2, 2.9, 0.7, 0.71, 1.9, 0.05, 4.4])
    found = np.array([paired_p_value(sizes * signs, seed=0, resamples=99) for signs in product((1, -1), repeat=8)])
    assert len(np.unique(found)) > 50
    for level in found:
        assert (found <= level).mean() <= level


def test_many_pairs_take_random_signs():
    # 26 ones and 14 minus ones: sums of 40 signs, so the exact p value is that of a sign test, 2 P(Binomial(40) >= 26)
    found = paired_p_value(np.array([1.0] * 26 + [-1.0] * 14), seed=5, resamples=9_999)
    exact = 2 * sum(math.comb(40, k) for k in range(26, 41)) / 2**40
    assert found == pytest.approx(exact, rel=0.2)
    far = paired_p_value(np.arange(1.0, 41), seed=5, resamples=999)
    assert far == 2 / 1000  # none of the random ones reaches it, the observed one counts


def test_unpaired_p_values_list_all_ways_to_deal():
    generator = np.random.default_rng(2)
    for first, second in ((2, 2), (3, 5), (6, 4)):
        a, b = generator.integers(0, 6, size=first).tolist(), generator.integers(1, 8, size=second).tolist()
        found = unpaired_p_value(np.array([*a, np.nan], float), np.array(b, float), seed=0, resamples=9_999)
        assert found == pytest.approx(dealing_p_value(a, b), rel=1e-12)


def test_random_deals_are_near_all_of_them():
    a, b = [3, 9, 4, 7, 8, 12, 10], [1, 2, 6, 5, 3, 8, 4, 2]  # 6,435 ways
    found = unpaired_p_value(np.array(a, float), np.array(b, float), seed=3, resamples=5_000)
    assert found == pytest.approx(dealing_p_value(a, b), rel=0.25)


def test_welchs_interval():
    generator = np.random.default_rng(6)
    first, second = generator.normal(size=8), generator.normal(1, 5, size=13)
    interval = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    found = welch_interval(np.append(first, np.nan), second)
    assert found == pytest.approx((first.mean() - second.mean(), interval.low, interval.high))
    assert welch_interval(np.array([2.0, 2]), np.array([0.5, 0.5, 0.5])) == (1.5, 1.5, 1.5)
    np.testing.assert_array_equal(welch_interval(np.array([2.0]), np.array([0.5, 1.5])), [1, np.nan, np.nan])


# Many comparisons


def test_holm_by_hand():
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1: 0.02, 0.03, 0.06, 0.04, the last raised to its predecessor's 0.06
    found = adjusted(np.array([0.01, 0.04, np.nan, 0.03, 0.005]), "holm")
    np.testing.assert_allclose(found, [0.03, 0.06, np.nan, 0.06, 0.02], rtol=1e-12)
    assert adjusted(np.array([0.9, 0.6]), "holm").tolist() == [1, 1]


def test_the_example_of_benjamini_and_hochberg():
    # [Benjamini1995] section 3.2: 15 comparisons; at 5 % their procedure rejects four hypotheses, Bonferroni's three
    published = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528]
    values = np.array([*published, 0.7590, 1.0])[::-1]
    rates = adjusted(values, "benjamini_hochberg")
    assert (rates <= 0.05).sum() == 4
    assert (adjusted(values, "holm") <= 0.05).sum() == 3
    assert rates[::-1][3] == pytest.approx(0.0095 * 15 / 4)


def test_differences_from_a_reference():
    base = np.array([1.0, 2, 3, 4, 5, np.nan])
    cells = {"lower": base - [1, 1, 1, 1, 2, 0], "base": base, "same": base}
    lower, same = differences(cells, "base")
    assert (lower.first, lower.second, lower.pairs) == ("lower", "base", 5)
    # Differences -1, -1, -1, -1, -2: mean -1.2, s / sqrt(5) = 0.2, t(4, 0.975) = 2.776445; of one sign: p = 2 / 2^5
    assert (lower.difference, lower.low, lower.high) == pytest.approx(
        (-1.2, -1.2 - 0.2 * 2.776445, -1.2 + 0.2 * 2.776445)
    )
    assert (lower.p_value, lower.adjusted_p_value) == (2 / 32, 4 / 32)
    assert (same.difference, same.low, same.high, same.p_value, same.adjusted_p_value) == (0, 0, 0, 1, 1)


def test_all_pairs_and_cells_without_common_seeds():
    nan = np.nan
    cells = {"a": [1, 2, 3, nan, nan, nan], "b": [nan, nan, 7, 8, 9, 8], "c": [nan] * 5 + [4.0]}
    found = {(each.first, each.second): each for each in differences({k: np.array(v) for k, v in cells.items()})}
    assert list(found) == [("a", "b"), ("a", "c"), ("b", "c")]
    unpaired = found["a", "b"]
    assert (unpaired.pairs, unpaired.difference) == (0, -6)
    assert unpaired.p_value == unpaired.adjusted_p_value == pytest.approx(2 / math.comb(7, 3))
    for pair in (("a", "c"), ("b", "c")):  # one seed of c is too few
        assert found[pair].pairs == 0
        assert np.isnan([found[pair].low, found[pair].p_value, found[pair].adjusted_p_value]).all()
    assert found["b", "c"].difference == 4


def test_pairing_sees_what_seeds_have_in_common():
    generator = np.random.default_rng(9)
    luck = generator.normal(0, 10, size=20)
    cells = {"a": luck + generator.normal(1, 0.5, size=20), "b": luck + generator.normal(0, 0.5, size=20)}
    (paired,), (unpaired,) = differences(cells), differences(cells, paired=False)
    assert (paired.pairs, unpaired.pairs) == (20, 0)
    assert paired.p_value < 0.001 < 0.5 < unpaired.p_value
    assert paired.high - paired.low < 0.1 * (unpaired.high - unpaired.low)


def test_random_permutations_suffice_for_holm(monkeypatch):
    # Three cells far above the reference: 3 x 2 / 600
    monkeypatch.setattr(comparison, "RESAMPLES", 99)
    cells = {"base": np.arange(10.0)} | {f"cell {k}": np.arange(100.0, 110) + k for k in range(3)}
    found = differences(cells, "base", paired=False)
    assert max(each.adjusted_p_value for each in found) == pytest.approx(0.01)


# Numbers of seeds


def test_seeds_needed_by_a_table_of_students_t():
    # s = 1: t(16) / sqrt(17) = 2.1199 / 4.1231 = 0.514 is above a half, t(17) / sqrt(18) = 2.1098 / 4.2426 = 0.497 not
    cells = np.array([[-1, 0, 1, np.nan], [5, 5, 5, 5], [1, *[np.nan] * 3], [0, 1e9, 0, 0]])
    np.testing.assert_array_equal(seeds_needed(cells, 0.5), [18, 2, np.nan, np.inf])


def test_seeds_needed_is_the_first_number_that_suffices():
    values = np.random.default_rng(1).normal(size=(3, 2, 12)) * [[[0.2]], [[0.5]], [[1]]]
    for half_width in (0.07, 0.5, 30):
        for spread, found in zip(values.std(axis=-1, ddof=1).flat, seeds_needed(values, half_width).flat, strict=True):
            first = next(n for n in range(2, 100_000) if stats.t.ppf(0.975, n - 1) * spread / n**0.5 <= half_width)
            assert found == first


def test_enough_is_what_the_band_says():
    values = np.random.default_rng(8).normal(size=30)
    _, low, high = mean_interval(values)
    half = (high - low) / 2
    assert enough(values, half * 1.000001)
    assert not enough(values, half * 0.999999)
    assert seeds_needed(values, half * 1.000001) == 30 < seeds_needed(values, half * 0.999999)
    assert not enough(np.array([1.0, np.nan]), 1e9)
    assert not enough(np.array([]), 1e9)
    assert enough(np.array([2.0, 2, np.nan]), 1e-9)


def test_stopping_when_enough_holds_the_truth_nearly_as_often():
    # [Chow1965]: the share tends to 95 % as the width tends to 0; here some 70 seeds are taken, in batches of 10.
    generator, hits = np.random.default_rng(0), 0
    for _ in range(400):
        values = generator.normal(size=10)
        while not enough(values, 0.25):
            values = np.append(values, generator.normal(size=10))
        _, low, high = mean_interval(values)
        assert high - low <= 0.5 + 1e-12
        hits += low <= 0 <= high
    assert 0.91 <= hits / 400 <= 0.98


# Summaries and what is refused


def test_summary():
    values = np.array([4.0, 1, np.nan, 2, 3, 10])
    found = summary(values, seed=3, resamples=400)
    assert (found.seeds, found.left_out, found.minimum, found.maximum) == (5, 1, 1, 10)
    assert (found.mean, found.median, found.iqm) == (4, 3, 3)  # of 5 one goes from each end: 2, 3, 4
    assert found.deviation == pytest.approx(12.5**0.5)  # 0 + 9 + 4 + 1 + 36, divided by 4
    band = confidence_band(values[:, None])
    assert (found.mean_low, found.mean_high) == pytest.approx((band[1][0], band[2][0]))
    intervals = bootstrap_intervals(values, seed=3, resamples=400)
    assert (found.mean_bootstrap_low, found.mean_bootstrap_high) == limits(intervals.mean)
    assert (found.median_low, found.median_high) == limits(intervals.median)
    assert (found.iqm_low, found.iqm_high) == limits(intervals.iqm)


def test_summary_of_no_number():
    row = asdict(summary(np.array([np.nan, np.nan])))
    assert (row.pop("seeds"), row.pop("left_out")) == (0, 2)
    assert np.isnan(list(row.values())).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: bootstrap_intervals(np.array([1.0, np.inf])), "values must be finite, or NaN .* got inf"),
        (lambda: bootstrap_intervals(np.array(1.0)), "values must have an axis of seeds"),
        (lambda: bootstrap_intervals(np.ones(3), resamples=99), "resamples must be >= 100, got 99"),
        (lambda: bootstrap_intervals(np.ones(3), seed=-1), "seed must be >= 0, got -1"),
        (lambda: summary(np.ones((2, 3))), r"values must be one number per seed, \(B,\), got an array \(2, 3\)"),
        (lambda: seeds_needed(np.ones(3), 0), r"half_width must be finite and > 0, got 0"),
        (lambda: enough(np.ones(3), -1.0), r"half_width must be finite and > 0, got -1"),
        (lambda: adjusted(np.array([0.5, 1.5]), "holm"), r"p_values must be \(m,\) in \[0, 1\]"),
        (lambda: adjusted(np.array([0.5]), "bonferroni"), "correction must be one of 'holm', 'benjamini_hochberg'"),
        (lambda: differences({"a": np.ones(3)}), "cells must be two or more arrays"),
        (lambda: differences({"a": np.ones(3), "b": np.ones(4)}), r"got the shapes \[\(3,\), \(4,\)\]"),
        (lambda: differences({"a1": np.ones(3), "a2": np.ones(3)}, "a"), "unknown cell 'a'; did you mean"),
        (lambda: differences({"a": np.ones(3), "b": np.ones(3)}, resamples=10), "resamples must be >= 99, got 10"),
    ],
)
def test_refusals(call, words):
    with pytest.raises(ValueError, match=words):
        call()
