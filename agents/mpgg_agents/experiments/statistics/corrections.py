"""p values of many comparisons at once, raised so that they can be read at the usual level."""

from typing import Final

import numpy as np

from mpgg_env.core.types import FloatArray
from mpgg_env.core.validation import check_choice

CORRECTIONS: Final = ("holm", "benjamini_hochberg")


def adjusted(p_values: FloatArray, correction: str) -> FloatArray:
    """The p values after a correction for their number.

    Call different what has an adjusted value <= a. By `holm`, the probability of any false call is <= a, whatever the
    comparisons have in common ([Holm1979]). By `benjamini_hochberg`, the share of false calls among the calls is <= a
    in the mean, for comparisons that are independent or positively dependent ([Benjamini1995], [Benjamini2001]).

    Args:
        p_values: In [0, 1], (m,); NaN stays NaN and does not count as a comparison.
        correction: `holm` or `benjamini_hochberg`.

    Raises:
        ValueError: A value is out of range, or the correction is unknown.
    """
    check_choice("correction", correction, CORRECTIONS)
    values = np.asarray(p_values, np.float64)
    if values.ndim != 1 or (values < 0).any() or (values > 1).any():
        raise ValueError(f"p_values must be (m,) in [0, 1], got {p_values!r}")
    known = ~np.isnan(values)
    raised = np.full(values.shape, np.nan)
    if known.any():
        raised[known] = _holm(values[known]) if correction == "holm" else _benjamini_hochberg(values[known])
    return raised


def _holm(p_values: FloatArray) -> FloatArray:
    """The smallest times m, the next times m - 1, and so on, none below one of a smaller p value."""
    order = np.argsort(p_values)
    steps = np.minimum(1, p_values[order] * np.arange(p_values.size, 0, -1))
    raised = np.empty(p_values.shape)
    raised[order] = np.maximum.accumulate(steps)
    return raised


def _benjamini_hochberg(p_values: FloatArray) -> FloatArray:
    from scipy.stats import false_discovery_control  # takes half a second to import

    raised: FloatArray = false_discovery_control(p_values, method="bh")
    return raised
