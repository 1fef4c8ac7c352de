"""Runs in mean-field-type games as text for a terminal."""

from typing import Final

import numpy as np

from mpgg_agents.experiments.mean_field.measures import MPGG_JUDGEMENTS
from mpgg_agents.experiments.mean_field.reader import MeanFieldRun
from mpgg_agents.experiments.measure_table import Measure, MeasureTable
from mpgg_agents.experiments.report import Report
from mpgg_agents.stored import Arrays
from mpgg_agents.training_record import SNAPSHOT_ROUNDS
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mean_field.registry import game_of

SHOWN: Final = 3  # profiles; with the names they fit into 80 letters
# Head of the rows of each kind of gain, short for the table, and its words at the end of a run.
_HEADS: Final = {
    "lower_bound": "gain >=",
    "exact": "gain =",
    "upper_bound": "gain <=",
    "replayed_lower": "replay >=",
    "replayed_upper": "replay <=",
}
_GAINS: Final = {
    "lower_bound": "at least",
    "exact": "exactly",
    "upper_bound": "at most",
    "replayed_lower": "from replayed opponents at least",
    "replayed_upper": "from them at most",
}
_MEANINGS: Final = {
    "returns": "return: discounted, mean over the testing set, without exploration",
    "lower_bound": "gain >=: by the best response found; the exploitability of the coalition is at least this",
    "exact": "gain =: the exploitability, by a formula",
    "upper_bound": "gain <=: the exploitability is at most this",
    "replayed_lower": "replay: bounds of what the coalition gains if the others do again what they did, whatever "
    "happens; where they react these are no bounds of the exploitability",
}


def _game(run: MeanFieldRun) -> str:
    game = run.config.game
    return f"{game_of(game).replace('_', ' ')}, {game.max_cycles} steps, discount {game.discount:g}"


def _rounds(run: MeanFieldRun) -> str:
    settings = run.config.run
    response = f"{settings.response_iterations:,} response steps" if settings.response_iterations else "no response"
    return f"{run.config.total_rounds:,}, {settings.snapshots:,} profiles judged, {response} each"


def _outcome(run: MeanFieldRun) -> list[str]:
    found = run.evaluation()
    returns = found["returns"][:, -1].mean(axis=-1)
    lines = [f"test returns at the end: {', '.join(_cell(returns[:, i]) for i in range(returns.shape[1]))}"]
    gains = {head: found[name][:, -1].mean(axis=(1, 2)) for name, head in _GAINS.items() if _is_known(found[name])}
    if gains:
        words = ", ".join(f"{head} {_cell(values)}" for head, values in gains.items())
        lines.append(f"gain by deviating at the end, mean over coalitions: {words}")
    return lines


def _tables(run: MeanFieldRun) -> list[MeasureTable]:
    found = run.evaluation()
    rounds = found[SNAPSHOT_ROUNDS]
    shown = np.unique(np.linspace(0, len(rounds) - 1, SHOWN).round().astype(int)).tolist()
    profiles = MeasureTable(
        title=f"Profiles after so many rounds, mean (standard deviation) over {len(run.seeds)} seeds",
        corner="after",
        columns=[f"{rounds[kept]:,}" for kept in shown],
        rows={
            head: Measure(values=[values[:, kept] for kept in shown], form=_cell)
            for head, values in rows_of(found).items()
        },
        notes=[text for name, text in _MEANINGS.items() if _is_known(found[name])],
    )
    return [profiles]


def rows_of(found: Arrays) -> dict[str, FloatArray]:
    """Values (B, kept) by the head of their row."""
    returns = found["returns"].mean(axis=-1)
    coalitions = range(returns.shape[-1])
    rows = {f"return {i}": returns[:, :, i] for i in coalitions}
    for name, head in _HEADS.items():
        if _is_known(found[name]):
            rows.update({f"{head} ({i})": found[name][:, :, i].mean(-1) for i in coalitions})
    rows.update({name.replace("_", " "): found[name].mean(-1) for name in MPGG_JUDGEMENTS if name in found})
    return rows


def _is_known(gains: FloatArray) -> bool:
    return not np.isnan(gains).any()


def _cell(values: FloatArray) -> str:
    known = values[~np.isnan(values)]
    if not len(known):
        return "-"
    spread = f" ({known.std(ddof=1):.3g})" if len(known) > 1 else ""
    return f"{known.mean():.4g}{spread}"


REPORT: Final = Report(game=_game, rounds=_rounds, outcome=_outcome, tables=_tables)
