"""Runs and presets as text for a terminal."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from mpgg_agents.experiments.checkpoint import read_checkpoint
from mpgg_agents.experiments.columns import aligned
from mpgg_agents.experiments.folder import CHECKPOINT, CONFIG, FIGURES
from mpgg_agents.experiments.measures import last_start
from mpgg_agents.experiments.reader import Run, load_run
from mpgg_agents.experiments.registry import AGENTS
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mpgg.config import MPGGConfig

WINDOW: Final = 1000
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


def preset_list() -> str:
    """Every preset of every kind of agent: its source and what it changes."""
    lines = []
    for agent, kind in AGENTS.items():
        for name, preset in kind.presets.items():
            lines.append(f"{name}  (agent {agent})")
            lines.append(f"    source: {preset.source}")
            changes = {**preset.game, **preset.agent}
            lines.append(f"    changes: {_settings(changes) if changes else 'nothing'}")
    return "\n".join(lines)


def summary(path: Path) -> str:
    """The end of a run in a few lines: outcome, checksum, where the figures are."""
    run = load_run(path)
    last = _last_values(run, "train")
    rounds = f"{len(run.seeds)} seeds x {run.config.total_rounds:,} rounds"
    lines = [
        f"complete: {path} ({rounds}, {run.manifest['seconds']:.1f} s)",
        f"  last {_last_count(run):,} rounds: {last}",
    ]
    if run.config.run.evaluation_rounds:
        lines.append(f"  {run.config.run.evaluation_rounds:,} greedy rounds: {_last_values(run, 'greedy')}")
    lines.append(f"  results checksum: {run.manifest['results_checksum']}")
    figures = sorted((path / FIGURES).glob("*")) if (path / FIGURES).is_dir() else []
    lines.extend(f"  figure: {figure}" for figure in figures)
    return "\n".join(lines)


def info(path: Path) -> str:
    """A run folder in text, after all its files have been checked.

    Raises:
        RunFolderError: A file is missing or has been changed.
    """
    run = load_run(path)
    run.verify()
    return "\n".join([*_head(run), *(_tables(run) if run.status == "complete" else _state(run))])


def _head(run: Run) -> list[str]:
    manifest, config = run.manifest, run.config
    kind = config.kind
    agent_changes = _changes(config.agent.to_dict(), kind.config_class().to_dict())
    game_changes = _changes(config.game.to_dict(), {name: field.default for name, field in _game_fields().items()})
    seeds = run.seeds
    return [
        f"run        {run.path}",
        f"status     {run.status}",
        f"made with  mpgg-env {manifest['version']}, Python {manifest['python']}, {manifest['platform']}",
        f"command    {shlex.join(manifest['command']) or '(from Python)'}",
        f"started    {', '.join(manifest['started'])}",
        f"ended      {manifest['ended'] or '-'} ({manifest['seconds']:.1f} s)",
        f"agent      {config.run.agent}, preset {config.run.preset}",
        f"           {_settings(agent_changes) or 'all defaults'}",
        f"game       {config.game.n_players} agents, {config.game.grid_shape[0]} x {config.game.grid_shape[1]} casinos",
        f"           {_settings(game_changes) or 'all defaults'}",
        f"rounds     {config.total_rounds:,}, then {config.run.evaluation_rounds:,} greedy",
        f"seeds      {len(seeds)}: {' '.join(map(str, seeds[:10]))}{' ...' if len(seeds) > 10 else ''}",
        f"checksum   {manifest['results_checksum'] or '-'}",
    ]


def _state(run: Run) -> list[str]:
    checkpoint, rounds = run.path / CHECKPOINT, 0
    if checkpoint.exists():
        rounds, _, _ = read_checkpoint(checkpoint, run.manifest["files"][CONFIG])
    kept = f"kept       {rounds:,} of {run.config.total_rounds:,} rounds"
    again = f"mpgg train --resume {run.path}"
    if run.status == "failed":
        return [
            f"error      {run.error}",
            kept,
            f"The training failed, and will fail again unless the machine was at fault; go on with: {again}",
        ]
    return [kept, f"The run is not complete; go on with: {again}"]


def _tables(run: Run) -> list[str]:
    rounds = run.config.total_rounds
    title = f"Windows of {min(_window(run), rounds):,} rounds, mean (standard deviation) over {len(run.seeds)} seeds:"
    trained = run.window_means(_window(run))
    whole = max(1, rounds // _window(run))  # what is left at the end may be a single round
    shown = np.unique(np.linspace(0, whole - 1, WINDOWS_SHOWN).astype(int)).tolist()
    rows = _rows(run)
    columns = [[f"from {trained['round'][w]:,}", *_cells(trained, rows, w)] for w in shown]
    if run.config.run.evaluation_rounds:
        columns.append(["greedy", *_cells(_greedy_means(run), rows, 0)])
    return ["", title, *aligned([["round", *rows], *columns]), *_structure(run)]


def _rows(run: Run) -> dict[str, str]:
    rows = list(_ROWS.items())
    after = list(_ROWS).index("payoff") + 1
    return dict([*rows[:after], *_MONEY_ROWS.items(), *rows[after:]] if run.config.game.mechanisms else rows)


def _structure(run: Run) -> list[str]:
    """Efficiency and structure at the end of the training and in the greedy rounds."""
    from mpgg_agents.experiments.structure import OF_ALL_ROUNDS, OF_PANEL  # loads numba

    tables = {f"last {_last_count(run):,}": run.efficiency_table("train", _window(run))}
    if run.config.run.evaluation_rounds:
        tables["greedy"] = run.efficiency_table("greedy")
    names = [name for name in OF_ALL_ROUNDS if name not in _SHOWN_ABOVE]
    if run.config.game.boundary != "torus":
        names.remove("uphill_flux_on_board")
    lines = ["", "Efficiency and structure:", *_measure_table(tables, names)]
    if not run.config.panel_rounds:
        return lines
    title = f"Of single agents, in the last {run.config.panel_rounds:,} greedy rounds:"
    kinds = {mechanism.name for mechanism in run.config.game.mechanisms}
    hidden = {"price_transfers": not kinds, "excluded": "capacity" not in kinds}
    names = [name for name in OF_PANEL if not hidden.get(name)]
    return [*lines, "", title, *_measure_table({"greedy": tables["greedy"]}, names)]


def _measure_table(tables: Mapping[str, Mapping[str, FloatArray]], names: list[str]) -> list[str]:
    columns = [[head, *(mean_and_deviation(table[name]) for name in names)] for head, table in tables.items()]
    return aligned([["rounds", *names], *columns])


def _greedy_means(run: Run) -> dict[str, FloatArray]:
    return run.last_rounds(run.config.run.evaluation_rounds, "greedy")


def _window(run: Run) -> int:
    """The smallest multiple of the run's window that has at least 1,000 rounds."""
    window = run.config.run.window
    return -(-WINDOW // window) * window


def _last_count(run: Run) -> int:
    """How many rounds the last 1,000 are: more where the training does not end with a whole window."""
    rounds = run.config.total_rounds
    return rounds - last_start(rounds, run.config.run.window, _window(run))


def _cells(means: Mapping[str, FloatArray], rows: Mapping[str, str], window: int) -> list[str]:
    return [mean_and_deviation(means[measure][:, window]) for measure in rows.values()]


def mean_and_deviation(values: FloatArray) -> str:
    """Mean and standard deviation (n - 1) over the seeds for which the measure is defined."""
    known = values[~np.isnan(values)]
    if not len(known):
        return "-"
    if np.isinf(known).any():
        return "inf"
    mean = f"{known.mean():.3f}" if abs(known.mean()) < 100 else f"{known.mean():.1f}"
    return f"{mean} ({known.std(ddof=1):.3f})" if len(known) > 1 else mean


def _last_values(run: Run, phase: Any) -> str:
    means = _greedy_means(run) if phase == "greedy" else run.last_rounds(_window(run))
    names = ("cooperation_rate", "mean_payoff", "efficiency")
    return ", ".join(f"{name.replace('_', ' ')} {mean_and_deviation(means[name][:, -1])}" for name in names)


def _game_fields() -> dict[str, Any]:
    return MPGGConfig.__dataclass_fields__


def _changes(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: list(default) if isinstance(default, tuple) else default for name, default in defaults.items()}
    return {name: value for name, value in values.items() if value != plain[name]}


def _settings(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())
