"""Runs and presets as text for a terminal."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mpgg_agents.experiments.checkpoint import read_checkpoint
from mpgg_agents.experiments.files import CHECKPOINT, CONFIG, FIGURES
from mpgg_agents.experiments.measure_table import MeasureTable
from mpgg_agents.experiments.reader import Run, load_run
from mpgg_agents.experiments.registry import DEFAULT_ENV, GAMES
from mpgg_env.core.types import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How the runs of one kind of game are told.

    Attributes:
        game: The game in a few words.
        rounds: How long the run is, in a few words.
        outcome: The results in a few lines.
        tables: The results in tables, of a complete run.
    """

    game: Callable[[Any], str]
    rounds: Callable[[Any], str]
    outcome: Callable[[Any], list[str]]
    tables: Callable[[Any], list[MeasureTable]]


def preset_list() -> str:
    """Every preset of every kind of agent: its source and what it changes."""
    lines = []
    for game in GAMES.values():
        home = "" if game.env == DEFAULT_ENV else f", env {game.env}"
        for agent, kind in game.agents.items():
            for name, preset in kind.presets.items():
                lines.append(f"{name}  (agent {agent}{home})")
                lines.append(f"    source: {preset.source}")
                changes = {**preset.game, **preset.agent}
                lines.append(f"    changes: {_settings(changes) if changes else 'nothing'}")
    return "\n".join(lines)


def summary(path: Path) -> str:
    """The end of a run in a few lines: outcome, checksum, where the figures are."""
    run = load_run(path)
    rounds = f"{len(run.seeds)} seeds x {run.config.total_rounds:,} rounds"
    lines = [
        f"complete: {path} ({rounds}, {run.manifest['seconds']:.1f} s)",
        *(f"  {line}" for line in run.config.game_kind.report().outcome(run)),
        f"  results checksum: {run.manifest['results_checksum']}",
    ]
    figures = sorted((path / FIGURES).glob("*")) if (path / FIGURES).is_dir() else []
    lines.extend(f"  figure: {figure}" for figure in figures)
    return "\n".join(lines)


def info(path: Path) -> str:
    """A run folder in text, after all its files have been checked.

    Raises:
        RunFolderError: A file is missing or has been changed.
    """
    run: Run = load_run(path)
    run.verify()
    return "\n".join([*_head(run), *(_results(run) if run.status == "complete" else state_lines(run))])


def _results(run: Run) -> list[str]:
    return [line for table in run.config.game_kind.report().tables(run) for line in table.lines()]


def _head(run: Run) -> list[str]:
    manifest, config = run.manifest, run.config
    report = config.game_kind.report()
    agent_changes = _changes(config.agent.to_dict(), config.kind.config_class)
    game_changes = _changes(config.game.to_dict(), config.game_kind.game_class)
    seeds = run.seeds
    return [
        f"run        {run.path}",
        f"status     {run.status}",
        f"made with  mpgg-env {manifest['version']}, Python {manifest['python']}, {manifest['platform']}",
        f"command    {shlex.join(manifest['command']) or '(from Python)'}",
        f"started    {', '.join(manifest['started'])}",
        f"ended      {manifest['ended'] or '-'} ({manifest['seconds']:.1f} s)",
        f"env        {config.run.env}",
        f"agent      {config.run.agent}, preset {config.run.preset}",
        f"           {_settings(agent_changes) or 'all defaults'}",
        f"game       {report.game(run)}",
        f"           {_settings(game_changes) or 'all defaults'}",
        f"rounds     {report.rounds(run)}",
        f"seeds      {len(seeds)}: {' '.join(map(str, seeds[:10]))}{' ...' if len(seeds) > 10 else ''}",
        f"checksum   {manifest['results_checksum'] or '-'}",
    ]


def state_lines(run: Run) -> list[str]:
    """How far a run is that is not complete, and what to do."""
    checkpoint, rounds = run.path / CHECKPOINT, 0
    if checkpoint.exists():
        rounds = read_checkpoint(checkpoint, run.manifest["files"][CONFIG]).rounds_done
    kept = f"kept       {rounds:,} of {run.config.total_rounds:,} rounds"
    again = f"mpgg train --resume {run.path}"
    if run.status == "failed":
        return [
            f"error      {run.error}",
            kept,
            f"The training failed, and will fail again unless the machine was at fault; go on with: {again}",
        ]
    return [kept, f"The run is not complete; go on with: {again}"]


def mean_and_deviation(values: FloatArray) -> str:
    """Mean and standard deviation (n - 1) over the seeds for which the measure is defined."""
    known = values[~np.isnan(values)]
    if not len(known):
        return "-"
    if np.isinf(known).any():
        return "inf"
    mean = f"{known.mean():.3f}" if abs(known.mean()) < 100 else f"{known.mean():.1f}"
    return f"{mean} ({known.std(ddof=1):.3f})" if len(known) > 1 else mean


def _changes(values: Mapping[str, Any], config: Any) -> dict[str, Any]:
    """The values that differ from the defaults of a configuration, without making one, which might warn."""
    defaults = {name: field.default for name, field in config.__dataclass_fields__.items()}
    plain = {name: list(default) if isinstance(default, tuple) else default for name, default in defaults.items()}
    return {name: value for name, value in values.items() if value != plain[name]}


def _settings(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())
