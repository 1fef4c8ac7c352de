"""What every benchmark shares: figures with their bars, and measuring several things in turn."""

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured quantity over the repetitions.

    Attributes:
        name: What was measured.
        values: One value per repetition.
        unit: Unit of the values.
        bar: The limit that the median must keep, if any.
        higher_is_better: Whether the bar is a lower limit.
        note: What the reader must know to compare the figure.
    """

    name: str
    values: tuple[float, ...]
    unit: str
    bar: float | None = None
    higher_is_better: bool = False
    note: str = ""

    @property
    def median(self) -> float:
        """Median over the repetitions."""
        return statistics.median(self.values)

    @property
    def keeps_bar(self) -> bool | None:
        """Whether the median keeps the bar; None without a bar."""
        if self.bar is None:
            return None
        return self.median >= self.bar if self.higher_is_better else self.median <= self.bar

    def to_dict(self) -> dict[str, Any]:
        """The figure as JSON values."""
        return {
            "name": self.name,
            "unit": self.unit,
            "minimum": min(self.values),
            "median": self.median,
            "maximum": max(self.values),
            "values": list(self.values),
            "bar": self.bar,
            "keeps_bar": self.keeps_bar,
            "note": self.note,
        }


class WrongResultError(RuntimeError):
    """The work that was timed did not give the result that it must give."""


def require(condition: bool, what: str) -> None:
    """Raises WrongResultError unless the timed work is right."""
    if not condition:
        raise WrongResultError(what)


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turn(
    tasks: Mapping[str, Callable[[], float]], repetitions: int, *, warm_up: bool = True
) -> dict[str, tuple[float, ...]]:
    """Measures each task once per repetition, one after the other, so that a slow minute of the machine hits all.

    Args:
        tasks: Functions that do their work and return the measured value.
        repetitions: Values per task.
        warm_up: Run every task once before, without counting it.
    """
    if warm_up:
        for task in tasks.values():
            task()
    values: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(repetitions):
        for name, task in tasks.items():
            values[name].append(task())
    return {name: tuple(measured) for name, measured in values.items()}


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> tuple[float, ...]:
    """Ratio within each repetition."""
    return tuple(above / below for above, below in zip(numerators, denominators, strict=True))


def table(title: str, figures: Sequence[Figure]) -> str:
    """The figures of one benchmark as lines of text."""
    header = ("", "min", "median", "max", "unit", "bar", "")
    rows = [header, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    lines = [f"{title}"]
    for row in rows:
        name, *numbers, unit, bar, verdict = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        lines.append(
            f"  {name.strip():<{widths[0]}}  {'  '.join(numbers)}  {unit.strip():<{widths[4]}}  {bar}  {verdict}"
        )
    lines.extend(f"  {figure.name}: {figure.note}" for figure in figures if figure.note)
    return "\n".join(line.rstrip() for line in lines)


def _row(figure: Figure) -> tuple[str, str, str, str, str, str, str]:
    bar = "" if figure.bar is None else f"{'>=' if figure.higher_is_better else '<='} {_short(figure.bar)}"
    verdict = {None: "", True: "kept", False: "MISSED"}[figure.keeps_bar]
    numbers = _short(min(figure.values)), _short(figure.median), _short(max(figure.values))
    return figure.name, *numbers, figure.unit, bar, verdict


def _short(value: float) -> str:
    """Three significant digits, with thousands separated."""
    digits = 0 if value == 0 else max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"
