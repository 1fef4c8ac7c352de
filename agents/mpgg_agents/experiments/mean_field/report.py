"""Runs in mean-field-type games as text for a terminal."""

from typing import Final

import numpy as np

from mpgg_agents.experiments.columns import aligned
from mpgg_agents.experiments.mean_field.measures import MPGG_JUDGEMENTS
from mpgg_agents.experiments.mean_field.reader import MeanFieldRun
from mpgg_agents.experiments.report import Report
from mpgg_agents.training_record import SNAPSHOT_ROUNDS
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mean_field.registry import game_of

SHOWN: Final = 3  # profiles; with the names they fit into 80 letters
_BOUNDS: Final = {"gain_low": "gain, at least", "gain_high": "gain, at most"}
_MEANINGS: Final = """return: discounted, mean over the testing set, without exploration
gain: what the coalition could still gain by a best response, mean over the
testing set: at least what the best one found gains, at most the bound that is known"""


def _game(run: MeanFieldRun) -> str:
    game = run.config.game
    return f"{game_of(game).replace('_', ' ')}, {game.max_cycles} steps, discount {game.discount:g}"


def _rounds(run: MeanFieldRun) -> str:
    settings = run.config.run
    response = f"{settings.response_iterations:,} response steps" if settings.response_iterations else "no response"
    return f"{run.config.total_rounds:,}, {settings.snapshots:,} profiles judged, {response} each"


def _outcome(run: MeanFieldRun) -> list[str]:
    found = run.evaluation()
    returns = np.nanmean(found["returns"][:, -1], axis=-1)
    lines = [f"test returns at the end: {', '.join(_cell(returns[:, i]) for i in range(returns.shape[1]))}"]
    low, high = (_mean(found[name][:, -1]) for name in _BOUNDS)
    if not np.isnan(low).all():
        upper = "" if np.isnan(high).all() else f", at most {_cell(high)}"
        lines.append(f"exploitability at the end: at least {_cell(low)}{upper}")
    return lines


def _tables(run: MeanFieldRun) -> list[str]:
    found = run.evaluation()
    rounds = found[SNAPSHOT_ROUNDS]
    shown = np.unique(np.linspace(0, len(rounds) - 1, SHOWN).round().astype(int)).tolist()
    columns = [["after", *_rows(found)]]
    for kept in shown:
        columns.append([f"{rounds[kept]:,}", *(_cell(values[:, kept]) for values in _rows(found).values())])
    title = f"Profiles after so many rounds, mean (standard deviation) over {len(run.seeds)} seeds:"
    return ["", title, *aligned(columns), "", *_MEANINGS.splitlines()]


def _rows(found: dict[str, FloatArray]) -> dict[str, FloatArray]:
    """Values (B, kept) by the head of their row."""
    returns = np.nanmean(found["returns"], axis=-1)
    rows = {f"return {i}": returns[:, :, i] for i in range(returns.shape[-1])}
    for name, head in _BOUNDS.items():
        if not np.isnan(found[name]).all():
            rows.update({f"{head} ({i})": found[name][:, :, i].mean(-1) for i in range(returns.shape[-1])})
    rows.update({name.replace("_", " "): found[name].mean(-1) for name in MPGG_JUDGEMENTS if name in found})
    return rows


def _mean(gains: FloatArray) -> FloatArray:
    return np.asarray(gains.mean(axis=(1, 2)))


def _cell(values: FloatArray) -> str:
    known = values[~np.isnan(values)]
    if not len(known):
        return "-"
    spread = f" ({known.std(ddof=1):.3g})" if len(known) > 1 else ""
    return f"{known.mean():.4g}{spread}"


REPORT: Final = Report(game=_game, rounds=_rounds, outcome=_outcome, tables=_tables)
