"""Numbers and settings as they are written on a page."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from mpgg_agents.experiments.report_page.content import Value

DIGITS: Final = 4
UNKNOWN: Final = "–"  # noqa: RUF001 - an en dash, as in printed tables
_WORDS: Final = {None: "none", True: "yes", False: "no"}


def number_text(value: Value) -> str:
    """A value of a table: numbers with four significant digits."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return UNKNOWN
    if isinstance(value, float):
        return f"{value:.{DIGITS}g}" if abs(value) < 10**DIGITS else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else value


def setting_text(value: Any) -> str:
    """A value of a field in words: runs of whole numbers as `0:20`, which ends before 20."""
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, dict):
        parts = [f"{name} = {setting_text(part)}" for name, part in value.items()]
        return ", ".join(parts) or "none"
    if isinstance(value, (list, tuple)):
        return _sequence_text(value)
    return repr(value) if isinstance(value, float) else str(value)


def _sequence_text(values: Sequence[Any]) -> str:
    if len(values) > 2 and all(type(value) is int for value in values):
        return " ".join(_ranges(values))
    if any(isinstance(value, (dict, list, tuple)) for value in values):
        return "; ".join(map(setting_text, values))
    return " ".join(map(setting_text, values)) or "none"


def _ranges(values: Sequence[int]) -> list[str]:
    """Ascending runs of at least three numbers as ranges."""
    cuts = [0, *(at for at, (one, other) in enumerate(pairwise(values), 1) if other != one + 1), len(values)]
    runs = [values[first:last] for first, last in pairwise(cuts)]
    return [text for run in runs for text in ([f"{run[0]}:{run[-1] + 1}"] if len(run) > 2 else map(str, run))]
