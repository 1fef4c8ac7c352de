"""What stands on the axes of a study's figures. Text of users is never taken for mathematics."""

import re
import textwrap
from typing import Any, Final

import numpy as np

MOST_CHARACTERS: Final = 28
LETTER_INCHES: Final = 0.056  # of 7 points, on average

# Of each field the words on an axis and the symbol before a value.
FIELDS: Final[dict[str, tuple[str, str]]] = {
    "agent.gamma": (r"discount $\gamma$", r"$\gamma$"),
    "agent.eta": (r"learning rate $\eta$", r"$\eta$"),
    "agent.eps_0": (r"first exploration $\varepsilon_0$", r"$\varepsilon_0$"),
    "agent.eps_min": (r"lowest exploration $\varepsilon_{\min}$", r"$\varepsilon_{\min}$"),
    "agent.decay": ("decay of exploration per round", "decay"),
    "agent.initial_value": ("initial value $Q_0$", "$Q_0$"),
    "game.n_agents": ("agents $N$", "$N$"),
    "game.gain_range": ("gain factors $r$", "$r$"),
    "game.cost_range": ("costs $c$ (payoff units)", "$c$"),
    "game.grid_shape": ("rows and columns of casinos", "board"),
    "game.min_players": ("least players of a game", "least players"),
    "run.rounds": ("rounds of training", "rounds"),
}
OUTCOMES: Final[dict[str, str]] = {
    "mean_payoff": "payoff per agent and round",
    "gross_payoff": "payoff before transfers",
    "sponsor_payment": "sponsor's payment per agent",
    "efficiency": "efficiency (share of optimum)",
    "largest": "agents in the fullest casino",
    "cooperation_free": "cooperation rate where $n<r$",
    "cooperation_dilemma": r"cooperation rate where $n\geq r$",
    "I_alpha": r"gain index $I_\alpha$",
    "I_c": "cost index $I_c$",
    "I_v": "value index $I_v$",
}

THEORY: Final[dict[str, str]] = {
    "best_efficiency": "efficiency, best equilibrium",
    "best_cooperation": "cooperation, best equilibrium",
    "worst_efficiency": "efficiency, worst equilibrium",
    "worst_cooperation": "cooperation, worst equilibrium",
    "symmetric_efficiency": "efficiency, symmetric equilibrium",
    "symmetric_cooperation": "cooperation, symmetric equilibrium",
    "optimum_efficiency": "efficiency, social optimum",
    "optimum_payoff": "payoff, social optimum",
    "capacity_efficiency": "efficiency, seats filled",
    "random_efficiency": "efficiency, random play",
    "total_gain": r"$\sum r$",
    "seats": r"$\sum\lfloor r\rfloor$",
    "crowding": r"$N/\sum r$",
}


def literal(text: str, most: int | None = MOST_CHARACTERS) -> str:
    """A text as matplotlib shows it letter by letter, shortened to at most so many characters.

    Two dollars would begin and end a formula, and characters such as line ends would tear the layout.
    """
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    if most is not None and len(shown) > most:
        shown = shown[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return shown.replace("$", r"\$")


def field_label(field: str) -> str:
    """A swept field on an axis."""
    return FIELDS[field][0] if field in FIELDS else words(field.rpartition(".")[2])


def field_symbol(field: str) -> str:
    """A swept field before a value."""
    return FIELDS[field][1] if field in FIELDS else words(field.rpartition(".")[2])


def outcome_label(name: str) -> str:
    """An outcome or metric on an axis."""
    return OUTCOMES.get(name) or words(name)


def theory_label(name: str) -> str:
    """A quantity of the theory."""
    return THEORY.get(name) or words(name)


def words(name: str) -> str:
    """A name of a program in words."""
    return literal(name.replace("_", " ").strip() or name)


def value_label(value: Any) -> str:
    """A value of a field, as on a tick."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number_label(value)
    return literal(_plain(value))


def number_label(value: float, digits: int = 6) -> str:
    """A number in at most so many significant digits, with a power of ten above 99,999 and below 0.001."""
    number = float(f"{float(value):.{digits}g}")
    if number == 0 or not np.isfinite(number):
        return f"{number:g}"
    if 1e-3 <= abs(number) < 1e5:
        return np.format_float_positional(number, trim="-").replace("-", "\N{MINUS SIGN}")
    mantissa, _, exponent = np.format_float_scientific(number, trim="-").partition("e")
    power = f"10^{{{int(exponent)}}}"
    return f"${power}$" if mantissa == "1" else rf"${mantissa}\times{power}$"


def setting_label(field: str, value: Any) -> str:
    """A field with its value, as above a panel."""
    return f"{field_symbol(field)} = {value_label(value)}"


def plain_value(value: Any) -> str:
    """A value in text that nothing interprets, as in a caption."""
    return "none" if value is None else _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple) and all(isinstance(item, dict) for item in value):  # mechanisms
        return " + ".join(map(_plain, value)) or "none"
    if isinstance(value, list | tuple):
        return f"({', '.join(map(_plain, value))})"
    if isinstance(value, dict):
        name = [str(value["name"])] if "name" in value else []
        return " ".join([*name, *(f"{key} {_plain(item)}" for key, item in value.items() if key != "name")])
    return re.sub(r"\s+", " ", f"{value:g}" if isinstance(value, float) else str(value))


def wrapped(label: str, inches: float) -> str:
    """A label of an axis with what stands in brackets in a second line, where one line is too long."""
    return label.replace(" (", "\n(", 1) if label_inches(label) > inches else label


def folded(label: str, inches: float) -> str:
    """A label broken at blanks where it is too long for a line."""
    letters = max(8, int(inches / LETTER_INCHES))
    return "\n".join(textwrap.wrap(label, letters, break_long_words=False, break_on_hyphens=False)) or label


def label_inches(label: str) -> float:
    """About how wide a label is at 7 points."""
    letters = re.sub(r"\\[a-z]+|\\", "x", label.replace("$", "").replace(r"\$", "x"))
    return LETTER_INCHES * len(letters)
