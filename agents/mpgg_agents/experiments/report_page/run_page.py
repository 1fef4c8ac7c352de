"""The page of a run: what its folder says, as plain data."""

import shlex
from typing import Any, Final

import numpy as np

from mpgg_agents.experiments.files import CONFIG, FIGURES, MANIFEST
from mpgg_agents.experiments.measure_table import MeasureTable
from mpgg_agents.experiments.reader import Run
from mpgg_agents.experiments.report import state_lines
from mpgg_agents.experiments.report_page.content import Column, Fact, Page, Picture, Setting, SettingsGroup, Table
from mpgg_agents.experiments.report_page.parts import PageParts
from mpgg_env.core.config import Config
from mpgg_env.core.types import FloatArray

_SECTIONS: Final = {"game": "Game", "agent": "Agent", "run": "Run"}


def run_page(run: Run) -> Page:
    """The page of a run, after all its files have been checked. Missing figures of a complete run are drawn.

    Raises:
        RunFolderError: A file is missing or has been changed.
        FolderInUseError: A figure is missing, and another process writes to the folder.
        MissingExtraError: A library that a figure needs is not installed.
    """
    run.verify()
    config, name = run.config, run.path.resolve().name
    parts: PageParts = config.game_kind.page()
    complete = run.status == "complete"
    return Page(
        name=name,
        title=f"Run {name}",
        subtitle=f"{config.game_kind.title.partition(':')[0]}: {config.game_kind.report().game(run)}",
        description=() if complete else state_lines(run),
        facts=_facts(run),
        board=parts.board({"": [run]}) if complete else None,
        pictures=_pictures(run) if complete else (),
        tables=_tables(run) if complete else (),
        settings=settings_groups(config),
        files=_files(run, parts),
    )


def settings_groups(experiment: Any) -> list[SettingsGroup]:
    """All settings of an experiment."""
    return [settings_group(title, getattr(experiment, name)) for name, title in _SECTIONS.items()]


def settings_group(title: str, config: Config) -> SettingsGroup:
    """The fields of a configuration with their defaults, of which none is made, since that might warn."""
    meanings = config.field_help()
    defaults = {
        name: list(field.default) if isinstance(field.default, tuple) else field.default
        for name, field in config.__dataclass_fields__.items()  # type: ignore[attr-defined]
    }
    settings = [
        Setting(
            name=name,
            value=value,
            default=defaults[name],
            mark="changed" if value != defaults[name] else "",
            help=meanings.get(name, ""),
        )
        for name, value in config.to_dict().items()
    ]
    return SettingsGroup(title=title, settings=settings)


def measure_table(table: MeasureTable, name: str, seeds: int) -> Table:
    """A table of `mpgg info` with means and, of several seeds, standard deviations (n - 1) in columns of their own."""
    columns = [Column(name="measure")]
    for head in table.columns:
        columns.append(Column(name=head))
        if seeds > 1:
            columns.append(Column(name="SD", help=f"standard deviation over the seeds, of {head}"))
    rows = []
    for head, row in table.rows.items():
        numbers = [number for values in row.values for number in _mean_and_deviation(values)[: 2 if seeds > 1 else 1]]
        rows.append([head, *numbers])
    meanings = {head: row.help for head, row in table.rows.items() if row.help}
    return Table(name=name, title=table.title, columns=columns, rows=rows, notes=table.notes, meanings=meanings)


def _facts(run: Run) -> list[Fact]:
    manifest, config = run.manifest, run.config
    libraries = ", ".join(f"{name} {version}" for name, version in manifest["libraries"].items() if version)
    ended = f"{manifest['ended']} ({manifest['seconds']:.1f} s of work)" if manifest["ended"] else "not yet"
    facts = {
        "Status": run.status,
        "Environment": config.run.env,
        "Agent": f"{config.run.agent}, preset {config.run.preset}",
        "Rounds": config.game_kind.report().rounds(run),
        "Seeds": f"{len(run.seeds)}",
        "Command": shlex.join(manifest["command"]) or "from Python",
        "Started": ", ".join(manifest["started"]) or "not yet",
        "Ended": ended,
        "Made with": f"mpgg-env {manifest['version']}, Python {manifest['python']}, {manifest['platform']}",
        "Libraries": libraries,
        "Checksum of the results": manifest["results_checksum"] or "none yet",
    }
    return [Fact(name=name, value=value) for name, value in facts.items()]


def _pictures(run: Run) -> list[Picture]:
    from mpgg_agents.experiments.report_page.pictures import kept_pictures  # loads matplotlib

    return kept_pictures(run.config.game_kind.figure_set(run), run.path)


def _tables(run: Run) -> list[Table]:
    tables = run.config.game_kind.report().tables(run)
    measures = [measure_table(table, f"measures-{number}", len(run.seeds)) for number, table in enumerate(tables, 1)]
    return [*measures, outcome_table(run)]


def outcome_table(run: Run) -> Table:
    """The final numbers of each seed."""
    study = run.config.game_kind.study()
    outcomes = study.outcomes(run)
    columns = [Column(name=name, help=study.meaning(name)) for name in outcomes]
    values = [np.asarray(column).tolist() for column in outcomes.values()]
    rows = [[seed, *numbers] for seed, *numbers in zip(run.seeds, *values, strict=True)]
    return Table(name="outcomes", title="Outcome of each seed", columns=[Column(name="seed"), *columns], rows=rows)


def _mean_and_deviation(values: FloatArray) -> tuple[float | None, float | None]:
    known = values[~np.isnan(values)]
    mean = float(known.mean()) if len(known) else None
    return mean, float(known.std(ddof=1)) if len(known) > 1 and np.isfinite(known).all() else None


def _files(run: Run, parts: PageParts) -> list[Fact]:
    files = {
        CONFIG: "every setting",
        MANIFEST: "versions, command, times, status, checksums",
        **(parts.files if run.status == "complete" else {}),
        f"{FIGURES}/": "the figures as PNG, PDF and SVG",
    }
    return [Fact(name=name, value=text) for name, text in files.items()]
