"""The words of `mpgg equilibria`: what theory says of a game, on one page."""

import json
import math
from pathlib import Path
from typing import Any, Final

import numpy as np

from mpgg_agents.experiments import storage
from mpgg_agents.experiments.columns import aligned
from mpgg_env.analysis.choices import Stage
from mpgg_env.analysis.payoffs import best_values
from mpgg_env.analysis.report import EquilibriumReport, MixedSummary, PureSummary, equilibrium_report
from mpgg_env.analysis.thresholds import cooperation_threshold
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.mechanism_config import MECHANISMS
from mpgg_env.games.mpgg.rules import casino_costs, casino_gains

# What a threshold bounds, for mechanisms with several parameters.
PARAMETERS: Final = {
    "fine": "amount",
    "subsidy": "amount",
    "subsidy_local": "amount",
    "toll": "fee, surcharge",
    "pigou": "rate",
    "capacity": "seats, at most",
    "peer": "punishment",
}
_HEAD: Final = ["", "welfare", "efficiency", "payoff", "cooperation", "exploitability"]


def page(game: MPGGConfig, stage: Stage, json_file: Path | None) -> str:
    """The page for a terminal; its numbers also go to a JSON file, if one is named.

    Raises:
        ValueError: `stage` is unknown, or the file cannot be written.
    """
    if json_file is not None:
        storage.check_writable(json_file)
    report, thresholds = equilibrium_report(game, stage=stage), mechanism_thresholds(game)
    if json_file is not None:
        content = {"game": game.to_dict(), **report.to_dict(), "thresholds": thresholds}
        storage.write_bytes(json_file, (json.dumps(_plain(content), indent=2, allow_nan=False) + "\n").encode())
    return "\n".join([*_welfare(report, game), "", *_equilibria(report), "", *_thresholds(game, thresholds)])


def mechanism_thresholds(game: MPGGConfig) -> dict[str, float]:
    """By mechanism, the parameter from which on all agents cooperating together in the best casino is stable there."""
    best = int(best_values(game).argmax())
    cost, gain = float(casino_costs(game)[best]), float(casino_gains(game)[best])
    return {name: cooperation_threshold(name, cost, gain, game.n_players, payoff=game.payoff) for name in MECHANISMS}


def _welfare(report: EquilibriumReport, game: MPGGConfig) -> list[str]:
    reference = {
        "social optimum": report.optimum,
        "casinos filled with cooperators up to r": report.carrying_capacity,
        "random play from the start": report.random_play,
    }
    rows, columns = game.grid_shape
    head = (
        f"{_several(report.n_agents, 'agent')}, {rows} x {columns} casinos; welfare is the sum of payoffs per round, "
        "less what a sponsor pays"
    )
    return [head, "", *(f"{name:<42}{value:>14,.6g}" for name, value in reference.items())]


def _equilibria(report: EquilibriumReport) -> list[str]:
    rows = [
        _HEAD,
        *_pure("C or D after seeing n (observe-n), best", "worst", report.observe_n),
        _mixed("  symmetric mixed", report.observe_n_symmetric),
        *_pure("place and C or D at once, best", "worst", report.location),
        _mixed("  symmetric mixed", report.location_symmetric),
    ]
    prices = [
        f"price of anarchy {_number(part.price_of_anarchy)}, of stability {_number(part.price_of_stability)} ({name})"
        for name, part in (("observe-n", report.observe_n), ("at once", report.location))
        if part is not None and part.exists
    ]
    gathering = f"gain of leaving or defecting when all cooperate in the best casino: {_number(report.gathering_gain)}"
    return [*aligned(list(zip(*rows, strict=True)), names_left=True), "", *prices, gathering, *report.notes]


def _pure(best: str, worst: str, part: PureSummary | None) -> list[list[str]]:
    if part is None:
        return [[best, "-", "-", "-", "-", "-"]]
    if not part.exists:
        return [[f"{best.removesuffix(', best')}: no pure equilibrium", "-", "-", "-", "-", "-"]]
    found = "" if part.exact else " found"
    return [
        [
            best + found,
            _number(part.best_welfare),
            _number(part.best_efficiency),
            "-",
            "-",
            f"{part.exploitability:.1e}",
        ],
        [f"  {worst}{found}", _number(part.worst_welfare), _number(part.worst_efficiency), "-", "-", ""],
    ]


def _mixed(name: str, part: MixedSummary | None) -> list[str]:
    if part is None:
        return [name, "-", "-", "-", "-", "-"]
    numbers = (part.welfare, part.efficiency, part.payoff, part.cooperation_rate)
    return [name, *map(_number, numbers), f"{part.exploitability:.1e}"]


def _thresholds(game: MPGGConfig, thresholds: dict[str, float]) -> list[str]:
    title = (
        f"Full cooperation of all {game.n_players:,} in the best casino is stable there, each mechanism by itself, from"
    )
    return [
        title,
        *(f"  {name + ' ' + PARAMETERS[name]:<40}{_threshold(name, thresholds[name]):>14}" for name in thresholds),
    ]


def _threshold(name: str, value: float) -> str:
    if name == "capacity":
        return {0.0: "never", math.inf: "no limit"}.get(value) or _number(value)
    return "never" if math.isinf(value) else _number(value)


def _several(count: int, name: str) -> str:
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def _number(value: float) -> str:
    return f"{value:.5g}"


def _plain(value: Any) -> Any:
    """JSON has no infinity and no NaN: they become texts and None."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value
