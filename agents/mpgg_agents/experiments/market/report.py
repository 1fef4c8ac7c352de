"""Runs in the trading market as text for a terminal."""

from functools import partial
from typing import Final

import numpy as np

from mpgg_agents.experiments.market.measures import JUDGEMENTS
from mpgg_agents.experiments.market.reader import MarketRun
from mpgg_agents.experiments.measure_table import Measure, MeasureTable
from mpgg_agents.experiments.report import Report
from mpgg_agents.market_response.exact import equilibrium_value
from mpgg_agents.training_record import SNAPSHOT_ROUNDS
from mpgg_env.core.types import FloatArray

SHOWN: Final = 3  # policies, and parts of the training; with the names they fit into 80 letters

# Row head: judgement, factor, form of the numbers.
_ROWS: Final = {
    "return": ("mean_return", 1, ".3f"),
    "distance %": ("distance", 100, ".2f"),
    "gain": ("gain", 1, ".4f"),
    "gain % of |V|": ("share", 100, ".2f"),
    "lower limit": ("share_low", 100, ".2f"),
    "upper limit": ("share_high", 100, ".2f"),
}
_RETURN: Final = "return: of a trader when all follow the policy, without exploration"
_DISTANCE: Final = "distance: of the rates from the exact equilibrium's, rms, relative to these"
_VALUE: Final = "|V|: {value:.4g}, the size of the return of trader {trader} {source}"
_GAIN: Final = """gain: of that trader by the best response found, a lower bound of the exploitability; limits: of its
95 % interval, as % of |V|, paired over episodes"""
_MEASURES: Final = ("loss", "mean_return")  # what the names of the measures shown end with


def _game(run: MarketRun) -> str:
    game = run.config.game
    return f"{game.n_agents} traders, {game.n_steps} decisions, impact {game.impact}, observation {game.observation}"


def _rounds(run: MarketRun) -> str:
    settings = run.config.run
    response = f"{settings.response_iterations:,} response steps" if settings.response_iterations else "no response"
    return f"{run.config.total_rounds:,}, {settings.snapshots:,} policies judged, {response} each"


def _outcome(run: MarketRun) -> list[str]:
    last = {name: values[:, -1] for name, values in _judged(run).items()}
    words = [f"return {_cell(last['mean_return'], '.3f')}"]
    if not np.isnan(last["distance"]).all():
        words.append(f"distance to the equilibrium {_cell(100 * last['distance'], '.2f')} %")
    if not np.isnan(last["share"]).all():
        words.append(f"exploitability at least {_cell(100 * last['share'], '.2f')} % of |V|")
    return [f"policies at the end: {', '.join(words)}"]


def _tables(run: MarketRun) -> list[MeasureTable]:
    judged, rounds = _judged(run), run.evaluation()[SNAPSHOT_ROUNDS]
    shown = np.unique(np.linspace(0, len(rounds) - 1, SHOWN).round().astype(int)).tolist()
    rows = {}
    for head, (name, factor, form) in _ROWS.items():
        if not np.isnan(judged[name]).all():
            values = [factor * judged[name][:, kept] for kept in shown]
            rows[head] = Measure(values=values, form=partial(_cell, form=form), help=JUDGEMENTS[name])
    policies = MeasureTable(
        title=f"Policies after so many iterations, mean (standard deviation) over {len(run.seeds)} seeds",
        corner="after",
        columns=[f"{rounds[kept]:,}" for kept in shown],
        rows=rows,
        notes=_meanings(run, judged),
    )
    return [_course(run), policies]


def _course(run: MarketRun) -> MeasureTable:
    """Losses and returns, means over equal parts of the training."""
    metrics, rounds = run.metrics(), run.config.total_rounds
    names = [name for name in metrics if name.endswith(_MEASURES)]
    starts = np.unique(np.linspace(0, rounds, SHOWN + 1)[:-1].astype(int)).tolist()
    parts = list(zip(starts, [*starts[1:], rounds], strict=True))
    rows = {
        name.replace("_", " "): Measure(
            values=[metrics[name][:, start:end].mean(axis=1) for start, end in parts], form=partial(_cell, form=".4g")
        )
        for name in names
    }
    return MeasureTable(
        title=f"Training, means of iterations (standard deviation over {len(run.seeds)} seeds)",
        corner="from",
        columns=[f"{start:,}" for start in starts],
        rows=rows,
    )


def _meanings(run: MarketRun, judged: dict[str, FloatArray]) -> list[str]:
    lines = [_RETURN] if np.isnan(judged["distance"]).all() else [_RETURN, _DISTANCE]
    if np.isnan(judged["share"]).all():
        return lines
    trader, value = run.config.run.response_trader, float(judged["value"][:, -1].mean())
    known = equilibrium_value(run.config.game, trader) is not None
    source = "in the exact equilibrium" if known else "under the policy itself, at the end"
    return [*lines, _VALUE.format(trader=trader, value=value, source=source), _GAIN]


def _judged(run: MarketRun) -> dict[str, FloatArray]:
    return {name: values for name, values in run.evaluation().items() if values.ndim == 2}


def _cell(values: FloatArray, form: str) -> str:
    known = values[~np.isnan(values)]
    if not len(known):
        return "-"
    spread = f" ({known.std(ddof=1):{form}})" if len(known) > 1 else ""
    return f"{known.mean():{form}}{spread}"


REPORT: Final = Report(game=_game, rounds=_rounds, outcome=_outcome, tables=_tables)
