"""The page of a study: what its folder says, as plain data.

It has no times and no command, so that equal studies have equal pages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from mpgg_agents.experiments.files import FIGURES, MANIFEST
from mpgg_agents.experiments.report_page.content import Board, Column, Fact, Page, Picture, SettingsGroup, Table, Value
from mpgg_agents.experiments.report_page.run_page import settings_groups
from mpgg_agents.experiments.report_page.text import number_text, setting_text
from mpgg_agents.experiments.statistics import differences, summary
from mpgg_agents.experiments.study import folder
from mpgg_agents.experiments.study.tables import CELL
from mpgg_env.core.types import FloatArray

if TYPE_CHECKING:
    from mpgg_agents.experiments.study.reader import StudyRun
    from mpgg_agents.experiments.study.settings import Study

# What more cells than these would make of a page: too large, or too slow to make.
MOST_ROWS: Final = 1000
MOST_BOARDS: Final = 64
MOST_COMPARED: Final = 100
MOST_METRICS: Final = 4
MOST_VALUES: Final = 12
_STATISTICS: Final = {
    "mean": "arithmetic mean over the seeds",
    "mean_low": "lower limit of the 95 % interval of the mean, by Student's t",
    "mean_high": "its upper limit",
    "median": "median over the seeds",
    "median_low": "lower limit of the 95 % BCa bootstrap interval of the median",
    "median_high": "its upper limit",
    "iqm": "interquartile mean over the seeds",
    "iqm_low": "lower limit of the 95 % BCa bootstrap interval of the interquartile mean",
    "iqm_high": "its upper limit",
}
_FILES: Final = {
    folder.STUDY: "the study, in the form of its file",
    MANIFEST: "versions, command, times, status, checksums",
    folder.CELLS: "a row per cell: swept fields, seeds, keys of its runs in the store",
    f"{folder.OUTCOMES}/": "a row per cell and seed: swept fields and final numbers",
    f"{folder.TABLE}/": "a row per cell, seed and recorded round",
    f"{FIGURES}/": "the figures as PNG, PDF and SVG",
}


def study_page(run: "StudyRun") -> Page:
    """The page of a study, after all files of its tables have been checked; of one that is not complete, what there is.

    Raises:
        RunFolderError: A file is missing or has been changed.
    """
    run.verify()
    study = run.study
    seeds = _seeds(run)
    return Page(
        name=study.name,
        title=study.title or study.name,
        subtitle=f"Study of {study.game_kind.title}: {len(study.sweep):,} cells",
        description=[part for part in study.description.split("\n\n") if part.strip()],
        facts=_facts(run, seeds),
        board=_board(run, seeds),
        pictures=_pictures(run, seeds),
        tables=[*_sweep_tables(study), *_result_tables(run, seeds)],
        settings=_settings(study),
        folder="study",
        files=[Fact(name=name, value=text) for name, text in {**_FILES, **_store(run)}.items()],
    )


def _store(run: "StudyRun") -> dict[str, str]:
    return {f"{run.manifest['store']}/": "the run folder of every cell, with its arrays (from the study's folder)"}


def _seeds(run: "StudyRun") -> list[int]:
    """How many seeds each cell has so far."""
    if folder.CELLS not in run.manifest["parts"]:
        return [0] * len(run.study.sweep)
    return [int(number) for number in run.cells()["seeds"].to_pylist()]


def _facts(run: "StudyRun", seeds: Sequence[int]) -> list[Fact]:
    study, manifest = run.study, run.manifest
    played = sum(number > 0 for number in seeds)
    libraries = ", ".join(f"{name} {version}" for name, version in manifest["libraries"].items() if version)
    facts = {
        "Status": run.status,
        "Environment": study.game_kind.env,
        "Cells with results": f"{played:,} of {len(seeds):,}",
        "Seeds of a cell": str(max(seeds)) if len(set(seeds)) == 1 else f"{min(seeds)} to {max(seeds)}",
        "Swept fields": ", ".join(run.fields) or "none",
        "Made with": f"mpgg-env {manifest['version']}, Python {manifest['python']}",
        "Libraries": libraries,
    }
    if study.stop is not None:
        stop = study.stop
        facts["Stopping rule"] = (
            f"{stop.batch} seeds at a time, until the 95 % interval of the mean of {stop.metric} is at most "
            f"{stop.half_width:g} to either side"
        )
    failed = {f"Cell {number} failed": words for number, words in sorted(run.failed.items())[:MOST_VALUES]}
    return [Fact(name=name, value=value) for name, value in {**facts, **failed}.items()]


def _settings(study: "Study") -> list[SettingsGroup]:
    """The settings of the first cell, the swept fields with all their values."""
    swept = {name: _distinct(study, name) for name in study.sweep.parts}
    groups = []
    for section, group in zip(("game", "agent", "run"), settings_groups(study.cells[0].experiment), strict=True):
        settings = [
            replace(setting, value=swept[name], mark="swept")
            if (name := f"{section}.{setting.name}") in swept
            else setting
            for setting in group.settings
        ]
        groups.append(SettingsGroup(title=group.title, settings=settings))
    return groups


def _distinct(study: "Study", name: str) -> list[Any]:
    """The values of a swept field in the order of the cells; of many the first and last, with dots between them."""
    texts = {setting_text(point[name]): point[name] for point in study.points}
    values = list(texts.values())
    return values if len(values) <= MOST_VALUES else [*values[: MOST_VALUES // 2], "...", *values[-MOST_VALUES // 2 :]]


def _sweep_tables(study: "Study") -> list[Table]:
    if not study.sweep.parts:
        return []
    rows: list[list[Value]] = []
    for name, (place, *_) in study.sweep.parts.items():
        count = len({setting_text(point[name]) for point in study.points})
        rows.append([name, str(place), count, "; ".join(map(setting_text, _distinct(study, name)))])
    columns = [Column(name=name) for name in ("field", "varied by", "number of values", "values")]
    return [Table(name="sweep", title="What is varied", columns=columns, rows=rows)]


def _result_tables(run: "StudyRun", seeds: Sequence[int]) -> list[Table]:
    if not any(seeds):
        return []
    names = _metrics(run)
    cells = [number for number, count in enumerate(seeds) if count][:MOST_ROWS]
    outcomes = {name: run.outcome(name) for name in names}
    return [_cell_table(run, cells, seeds, outcomes), *_comparisons(run, cells, outcomes)]


def _metrics(run: "StudyRun") -> list[str]:
    """The outcomes that the page tells: those among the study's metrics, or else the game's main ones."""
    known = run.outcome_names
    wanted = [name for name in run.study.results.metrics or () if name in known]
    return (wanted or [name for name in run.study.game_kind.study().main if name in known])[:MOST_METRICS]


def _cell_table(
    run: "StudyRun", cells: Sequence[int], seeds: Sequence[int], outcomes: Mapping[str, FloatArray]
) -> Table:
    meaning = run.study.game_kind.study().meaning
    columns = [Column(name=CELL), *(Column(name=name) for name in run.fields), Column(name="seeds")]
    for name in outcomes:
        for statistic, words in _STATISTICS.items():
            head = f"{name} {statistic.replace('_', ' ')}"
            columns.append(Column(name=head, help=f"{name}: {meaning(name)}; {words}"))
    rows: list[list[Value]] = []
    for cell in cells:
        fields = [_plain(run.study.points[cell][name]) for name in run.fields]
        numbers = [getattr(found, each) for found in _summaries(cell, outcomes) for each in _STATISTICS]
        rows.append([cell, *fields, seeds[cell], *numbers])
    left = sum(count > 0 for count in seeds) - len(cells)
    notes = [f"To keep the page small, {left:,} more are not shown; the files named below have all."] if left else []
    return Table(name="cells", title="Outcomes of the cells, over their seeds", columns=columns, rows=rows, notes=notes)


def _summaries(cell: int, outcomes: Mapping[str, FloatArray]) -> list[Any]:
    return [summary(values[cell]) for values in outcomes.values()]


def _plain(value: Any) -> Value:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else setting_text(value)


def _comparisons(run: "StudyRun", cells: Sequence[int], outcomes: Mapping[str, FloatArray]) -> list[Table]:
    """Every cell against the first one, in each outcome."""
    if not 1 < len(cells) <= MOST_COMPARED:
        return []
    tables = []
    for name, values in outcomes.items():
        found = differences({str(cell): values[cell] for cell in cells}, str(cells[0]))
        rows = [[int(each.first), *_difference(each)] for each in found]
        columns = [Column(name=CELL), *(Column(name=head, help=text) for head, text in _COMPARED.items())]
        title = f"{name}: every cell less cell {cells[0]}"
        tables.append(Table(name=f"comparison-{name}", title=title, columns=columns, rows=rows))
    return tables


_COMPARED: Final = {
    "difference": "mean over the seeds of the cell less that of the other",
    "low": "lower limit of the 95 % interval of the difference, by Student's t of the pairs, or by Welch's",
    "high": "its upper limit",
    "p": "of the two-sided permutation test, paired by the seeds that both cells have",
    "corrected p": "the same, corrected for the number of comparisons by Holm's method",
    "pairs": "how many seeds were paired; 0 where the cells were compared as if they had nothing in common",
}


def _difference(found: Any) -> list[Value]:
    return [found.difference, found.low, found.high, found.p_value, found.adjusted_p_value, found.pairs]


def _board(run: "StudyRun", seeds: Sequence[int]) -> Board | None:
    played = [number for number, count in enumerate(seeds) if count]
    shown = played[:MOST_BOARDS]
    if not shown:
        return None
    if not run.store.path.is_dir():
        return _board_without_store(run)
    cells = {_label(run, cell): run.runs(cell) for cell in shown}
    board: Board | None = run.study.game_kind.page().board(cells)
    if board is None or len(shown) == len(played):
        return board
    note = f"To keep the page small, the grid has the first {len(shown)} of {len(played):,} cells."
    return replace(board, notes=[*board.notes, note])


def _board_without_store(run: "StudyRun") -> Board:
    """Says why there is no grid: a study's folder can be handed on without its store, and still has its tables."""
    note = f"The store of the runs, {run.manifest['store']}, is not there, so that their grids cannot be shown."
    return Board(title="Grid over time", time="", scenes=[], quantities=[], notes=[note])


def _label(run: "StudyRun", cell: int) -> str:
    values = run.study.points[cell]
    words = ", ".join(f"{name.partition('.')[2]} {number_text(_plain(value))}" for name, value in values.items())
    return f"{cell}: {words}" if words else str(cell)


def _pictures(run: "StudyRun", seeds: Sequence[int]) -> list[Picture]:
    if not any(seeds):
        return []
    from mpgg_agents.experiments.report_page.pictures import kept_pictures, passing_pictures  # loads matplotlib
    from mpgg_agents.experiments.study.figures.draw import study_figure_set

    figures = study_figure_set(run)
    return kept_pictures(figures, run.path) if run.status == "complete" else passing_pictures(figures)
