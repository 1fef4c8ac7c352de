"""Runs in the migratory public goods game as text for a terminal."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from mpgg_agents.experiments.measure_table import Measure, MeasureTable
from mpgg_agents.experiments.mpgg.measures import MEASURES, last_start, whole_windows
from mpgg_agents.experiments.mpgg.reader import MPGGRun
from mpgg_agents.experiments.report import Report, mean_and_deviation
from mpgg_env.core.types import FloatArray

WINDOWS_SHOWN: Final = 3  # with the names, the greedy rounds and the deviations they fit into 80 letters

# Row head: measure. Means over windows of 1,000 rounds and standard deviations over seeds.
_ROWS: Final = {
    "coop": "cooperation_rate",
    "coop n<r": "cooperation_free",
    "coop n>=r": "cooperation_dilemma",
    "payoff": "mean_payoff",
    "efficiency": "efficiency",
    "n<r share": "free_share",
    "n_max": "largest",
    "empty": "empty_share",
    "I_alpha": "I_alpha",
    "I_c": "I_c",
    "I_v": "I_v",
}
# Shown below the payoff where there are mechanisms.
_MONEY_ROWS: Final = {"gross": "gross_payoff", "sponsor": "sponsor_payment"}
_SHOWN_ABOVE: Final = ("I_alpha", "I_c", "I_v")
_NO_PANEL: Final = "Measures of single agents need a panel of greedy rounds, which this run did not keep."


def _game(run: MPGGRun) -> str:
    game = run.config.game
    return f"{game.n_players} agents, {game.grid_shape[0]} x {game.grid_shape[1]} casinos"


def _rounds(run: MPGGRun) -> str:
    settings = run.config.run
    greedy = f"then {settings.evaluation_rounds:,} greedy" if settings.evaluation_rounds else "none greedy"
    rows = f"; metrics are means over {settings.record_every:,}" if settings.record_every > 1 else ""
    return f"{run.config.total_rounds:,}, {greedy}{rows}"


def _outcome(run: MPGGRun) -> list[str]:
    lines = [f"last {_last_count(run):,} rounds: {_last_values(run, 'train')}"]
    if run.config.run.evaluation_rounds:
        lines.append(f"{run.config.run.evaluation_rounds:,} greedy rounds: {_last_values(run, 'greedy')}")
    return lines


def _tables(run: MPGGRun) -> list[MeasureTable]:
    return [_windows(run), *_structure(run)]


def _windows(run: MPGGRun) -> MeasureTable:
    rounds = run.config.total_rounds
    trained = run.window_means(_window(run))
    whole = max(1, rounds // _window(run))  # what is left at the end may be a single round
    shown = np.unique(np.linspace(0, whole - 1, WINDOWS_SHOWN).astype(int)).tolist()
    means, columns = [(trained, window) for window in shown], [f"from {trained['round'][w]:,}" for w in shown]
    if run.config.run.evaluation_rounds:
        means, columns = [*means, (_greedy_means(run), 0)], [*columns, "greedy"]
    return MeasureTable(
        title=f"Windows of {min(_window(run), rounds):,} rounds, mean (standard deviation) over {len(run.seeds)} seeds",
        corner="round",
        columns=columns,
        rows={
            head: _measure(name, [table[name][:, window] for table, window in means])
            for head, name in _rows(run).items()
        },
    )


def _rows(run: MPGGRun) -> dict[str, str]:
    rows = list(_ROWS.items())
    after = list(_ROWS).index("payoff") + 1
    return dict([*rows[:after], *_MONEY_ROWS.items(), *rows[after:]] if run.config.game.mechanisms else rows)


def _structure(run: MPGGRun) -> list[MeasureTable]:
    """Efficiency and structure at the end of the training and in the greedy rounds."""
    from mpgg_agents.experiments.mpgg.structure import OF_ALL_ROUNDS, OF_PANEL  # loads numba

    tables = {f"last {_last_count(run):,}": run.efficiency_table("train", _window(run))}
    if run.config.run.evaluation_rounds:
        tables["greedy"] = run.efficiency_table("greedy")
    names = [name for name in OF_ALL_ROUNDS if name not in _SHOWN_ABOVE]
    if run.config.game.boundary != "torus":
        names.remove("uphill_flux_on_board")
    structure = _measure_table("Efficiency and structure", tables, names)
    if not run.config.panel_rounds:
        return [replace(structure, notes=[_NO_PANEL])]
    title = f"Of single agents, in the last {run.config.panel_rounds:,} greedy rounds"
    kinds = {mechanism.name for mechanism in run.config.game.mechanisms}
    hidden = {"price_transfers": not kinds, "excluded": "capacity" not in kinds}
    names = [name for name in OF_PANEL if not hidden.get(name)]
    return [structure, _measure_table(title, {"greedy": tables["greedy"]}, names)]


def _measure_table(title: str, tables: Mapping[str, Mapping[str, FloatArray]], names: list[str]) -> MeasureTable:
    rows = {name: _measure(name, [table[name] for table in tables.values()]) for name in names}
    return MeasureTable(title=title, corner="rounds", columns=list(tables), rows=rows)


def _measure(name: str, values: list[FloatArray]) -> Measure:
    from mpgg_agents.experiments.mpgg.structure import ROWS  # loads numba

    return Measure(values=values, form=mean_and_deviation, help={**MEASURES, **ROWS}[name])


def _greedy_means(run: MPGGRun) -> dict[str, FloatArray]:
    return run.last_rounds(run.config.run.evaluation_rounds, "greedy")


def _window(run: MPGGRun) -> int:
    """Rounds of the windows that are shown."""
    return whole_windows(run.config.run.window)


def _last_count(run: MPGGRun) -> int:
    """How many rounds the last 1,000 are: more where the training does not end with a whole window."""
    rounds = run.config.total_rounds
    return rounds - last_start(rounds, run.config.run.window, _window(run))


def _last_values(run: MPGGRun, phase: Any) -> str:
    means = _greedy_means(run) if phase == "greedy" else run.last_rounds(_window(run))
    names = ("cooperation_rate", "mean_payoff", "efficiency")
    return ", ".join(f"{name.replace('_', ' ')} {mean_and_deviation(means[name][:, -1])}" for name in names)


REPORT: Final = Report(game=_game, rounds=_rounds, outcome=_outcome, tables=_tables)
