"""Runs in the trading market as text for a terminal."""

from typing import Final

import numpy as np

from mpgg_agents.experiments.columns import aligned
from mpgg_agents.experiments.market.reader import MarketRun
from mpgg_agents.experiments.report import Report
from mpgg_agents.market_record import SNAPSHOT_ROUNDS
from mpgg_env.core.types import FloatArray

SHOWN: Final = 5  # policies of the course of the training; with the names they fit into 80 letters

# Row head: judgement, factor, decimals.
_ROWS: Final = {
    "return": ("mean_return", 1, 3),
    "distance %": ("distance", 100, 2),
    "gain": ("gain", 1, 4),
    "gain % of |V|": ("share", 100, 2),
    "lower limit": ("share_low", 100, 2),
    "upper limit": ("share_high", 100, 2),
}
_MEANINGS: Final = """return, of a trader when all follow the policy; distance, of the rates from the exact
equilibrium's, rms relative to these; gain, by the best response found: a lower
bound of the exploitability, with a paired 95 % interval over episodes"""


def _game(run: MarketRun) -> str:
    game = run.config.game
    return f"{game.n_agents} traders, {game.n_steps} decisions, impact {game.impact}, observation {game.observation}"


def _rounds(run: MarketRun) -> str:
    settings = run.config.run
    response = f"{settings.response_iterations:,} response steps" if settings.response_iterations else "no response"
    return f"{run.config.total_rounds:,}, {settings.snapshots:,} policies judged, {response} each"


def _outcome(run: MarketRun) -> list[str]:
    last = {name: values[:, -1] for name, values in _judged(run).items()}
    words = [f"return {_cell(last['mean_return'], 3)}"]
    if not np.isnan(last["distance"]).all():
        words.append(f"distance to the equilibrium {_cell(100 * last['distance'], 2)} %")
    if not np.isnan(last["share"]).all():
        words.append(f"exploitability at least {_cell(100 * last['share'], 2)} % of |V|")
    return [f"policies at the end: {', '.join(words)}"]


def _tables(run: MarketRun) -> list[str]:
    judged, rounds = _judged(run), run.evaluation()[SNAPSHOT_ROUNDS]
    shown = np.unique(np.linspace(0, len(rounds) - 1, SHOWN).round().astype(int)).tolist()
    rows = {head: row for head, row in _ROWS.items() if not np.isnan(judged[row[0]]).all()}
    columns = [["after", *rows]]
    for kept in shown:
        cells = [_cell(factor * judged[name][:, kept], decimals) for name, factor, decimals in rows.values()]
        columns.append([f"{rounds[kept]:,}", *cells])
    title = f"Policies after so many iterations, mean (standard deviation) over {len(run.seeds)} seeds:"
    return ["", title, *aligned(columns), "", *_MEANINGS.splitlines()]


def _judged(run: MarketRun) -> dict[str, FloatArray]:
    return {name: values for name, values in run.evaluation().items() if values.ndim == 2}


def _cell(values: FloatArray, decimals: int) -> str:
    known = values[~np.isnan(values)]
    if not len(known):
        return "-"
    spread = f" ({known.std(ddof=1):.{decimals}f})" if len(known) > 1 else ""
    return f"{known.mean():.{decimals}f}{spread}"


REPORT: Final = Report(game=_game, rounds=_rounds, outcome=_outcome, tables=_tables)
