"""Checks of public arguments. Each raises an error that names the parameter, what is allowed and what came."""

import difflib
import math
import numbers
from collections.abc import Collection, Sequence
from typing import Any


def suggestion(name: str, known: Collection[str]) -> str:
    """A hint for a misspelt name, such as `; did you mean 'boundary'?`, or an empty text."""
    matches = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {matches[0]!r}?" if matches else ""


def check_known(names: Collection[str], known: Collection[str], what: str) -> None:
    """Raises ValueError for the first of `names` that is not in `known`."""
    for name in names:
        if name not in known:
            raise ValueError(f"unknown {what} {name!r}{suggestion(name, known)}")


def check_integer(name: str, value: Any, minimum: int, maximum: int | None = None) -> int:
    """The value as int; bool and float are refused, numpy integers are welcome."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    number = int(value)
    if number < minimum or (maximum is not None and number > maximum):
        allowed = f">= {minimum}" if maximum is None else f"in [{minimum}, {maximum}]"
        raise ValueError(f"{name} must be {allowed}, got {number}")
    return number


def check_real(
    name: str,
    value: Any,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    *,
    open_minimum: bool = False,
    open_maximum: bool = False,
) -> float:
    """The value as a finite float in [minimum, maximum], without the ends that are open."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    number = float(value)
    large_enough = number > minimum if open_minimum else number >= minimum
    small_enough = number < maximum if open_maximum else number <= maximum
    if not math.isfinite(number) or not large_enough or not small_enough:
        raise ValueError(f"{name} must be {_interval(minimum, maximum, open_minimum, open_maximum)}, got {value!r}")
    return number


def _interval(minimum: float, maximum: float, open_minimum: bool, open_maximum: bool) -> str:
    if math.isinf(minimum) and math.isinf(maximum):
        return "finite"
    if math.isinf(maximum):
        return f"finite and {'>' if open_minimum else '>='} {minimum:g}"
    return f"in {'(' if open_minimum else '['}{minimum:g}, {maximum:g}{')' if open_maximum else ']'}"


def check_flag(name: str, value: Any) -> bool:
    """The value if it is True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return value


def check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """Raises ValueError, with a suggestion, when `value` is not one of `choices`."""
    if value not in choices:
        hint = suggestion(value, choices) if isinstance(value, str) else ""
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}{hint}")


def check_pair(name: str, value: Any) -> tuple[Any, Any]:
    """The value as a pair, numpy arrays included; strings and other lengths are refused."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 2:
        raise TypeError(f"{name} must be a pair, got {value!r}")
    return value[0], value[1]


def check_layers(name: str, value: Any, maximum: int | None = None, *, may_be_none: bool = False) -> tuple[int, ...]:
    """The units of each layer of a network as a tuple.

    Args:
        name: Name of the parameter.
        value: A sequence of integers >= 1.
        maximum: The most units of a layer; None for no limit.
        may_be_none: Whether there may be no layers: 0, [0] or an empty sequence.
    """
    if may_be_none and type(value) in (int, list, tuple) and value in (0, (), [], (0,), [0]):
        return ()
    if isinstance(value, str) or not isinstance(value, Sequence) or not value:
        raise TypeError(f"{name} must be a sequence with the units of at least one layer, got {value!r}")
    return tuple(check_integer(f"{name}[{k}]", units, 1, maximum) for k, units in enumerate(value))
