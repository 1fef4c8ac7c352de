"""Efficiency and structure of a run: one value per seed, from its metrics, its casino series and its panel."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from mpgg_agents.experiments.mpgg.phase_data import PhaseData
from mpgg_agents.experiments.storage import Arrays
from mpgg_env.analysis import metrics, metrics_panel, metrics_structure
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mpgg.mechanisms import terms_of

if TYPE_CHECKING:
    from mpgg_agents.experiments.mpgg.reader import MPGGRun

THRESHOLDS: Final = tuple(step / 20 for step in range(20))
MANY_DEFECTORS: Final = 0.5

# Means over the rounds of a phase, from what is recorded of every round.
OF_ALL_ROUNDS: Final = {
    "efficiency": "payoffs, less a sponsor's payments, relative to everybody cooperating in the best casino",
    "carrying_capacity_efficiency": "the same relative to cooperators filling the seats, best casino first",
    "relative_to_random": "of the same: 0 for random play, 1 for the social optimum",
    "seat_use": "share of the floor(r) seats of all casinos that are taken",
    "overcrowding": "share of the agents above floor(r) in their casinos",
    "concentration": "sum of the squared shares of the agents in the casinos, 1/M to 1",
    "high_cell_use": "share of the agents in the quarter of the best casinos, divided by 1/4",
    "high_cell_use_cooperators": "the same of the cooperators",
    "I_alpha": "mean column of the agents: 0 uniform, 1 all at the highest gain",
    "I_c": "mean row of the agents: 0 uniform, 1 all at the highest cost",
    "I_v": "mean value of the agents' casinos: 0 uniform, 1 all in the best casino",
    "I_alpha_cooperators": "I_alpha of the cooperators",
    "I_c_cooperators": "I_c of the cooperators",
    "I_v_cooperators": "I_v of the cooperators",
    "corridor_size": "casinos with at least N/M agents on average of whom at least half cooperate",
    "corridor_spans": "1 if these join the lowest to the highest gain, else 0",
    "uphill_flux": "moves to better casinos less moves to worse ones, per move to another casino",
    "uphill_flux_on_board": "the same without moves around the edge of the torus",
}
# From the panel, which is of the last greedy rounds alone.
OF_PANEL: Final = {
    "entropy": "entropy of the agents' distribution over the casinos, 0 to 1",
    "price_between": "what cooperators gain on defectors by being in better casinos, mechanisms apart, in payoff",
    "price_within": "what cooperating costs them; C is ahead by price_between - price_within + price_transfers",
    "price_transfers": "what mechanisms add to that: transfers, and the seats of a capacity; 0 without mechanisms",
    "excluded": "share of the agents whom a capacity leaves without a seat; 0 without one",
    "assortment": "share of C among co-players of cooperators less that of defectors",
    "gini": "Gini coefficient of the mean payoffs; NaN if one is negative",
    "gini_above_lowest": "the same of what each agent earns more than the poorest",
    "payoff_deviation": "standard deviation of the mean payoffs over the agents",
    "persistence": "median length of runs of consecutive C in rounds (Kaplan-Meier)",
    "cooperation_after_move": "P(C in the next round | C, moved)",
    "cooperation_after_stay": "P(C in the next round | C, stayed)",
    "flight_cooperators": "P(moves | C, most of the others here defect) less the same where they do not",
    "flight_defectors": "the same of agents who have just defected",
    "synergy_survival": "share of cooperators among more than half defectors who earn more than these next round",
    "migration_gain": "what those of them who move gain in payoff until then, less what those who stay gain",
}
ROWS: Final = {**OF_ALL_ROUNDS, **OF_PANEL}


def efficiency_table(run: "MPGGRun", data: PhaseData, size: int) -> dict[str, FloatArray]:
    """The measures of `ROWS`, (B,) each; see `MPGGRun.efficiency_table`."""
    return structure_of(run, data, last_means(data, size))


def last_means(data: PhaseData, size: int) -> dict[str, FloatArray]:
    """Means over all greedy rounds or the last `size` of the training, (B,); round is the first of these, ()."""
    means = data.last_rounds(size if data.phase == "train" else max(1, data.rounds))
    return {name: values[..., -1] for name, values in means.items()}


def structure_of(run: "MPGGRun", data: PhaseData, means: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """The measures of `ROWS` from `last_means`, (B,) each; NaN for those of single agents where there is no panel."""
    table = {name: means[name].astype(np.float64) for name in ROWS if name in means}
    table |= _welfare_measures(run, (means["mean_payoff"] - means["sponsor_payment"]) * run.config.game.n_players)
    table |= _board_measures(run, data.casino_means(int(means["round"])))
    table |= _panel_measures(run) if data.phase == "greedy" and run.config.panel_rounds else {}
    return {name: table.get(name, np.full(len(run.seeds), np.nan)) for name in ROWS}


def synergy(run: "MPGGRun", thresholds: Sequence[float] | None) -> dict[str, FloatArray]:
    """Survival of endangered cooperators, (B, thresholds); see `MPGGRun.synergy`."""
    theta = np.array(THRESHOLDS if thresholds is None else thresholds, np.float64)
    panel, casinos = run.panel(), run.config.game.n_casinos
    seeds = [
        metrics_panel.synergy_survival(positions, actions, payoffs, theta, casinos)
        for positions, actions, payoffs in zip(panel["positions"], panel["actions"], panel["payoffs"], strict=True)
    ]
    return {
        "threshold": theta,
        "survival": np.stack([seed.survival for seed in seeds]),
        "migration_gain": np.stack([seed.migration_gain for seed in seeds]),
    }


def _welfare_measures(run: "MPGGRun", welfare: FloatArray) -> dict[str, FloatArray]:
    game, values = run.config.game, run.best_values
    return {
        "carrying_capacity_efficiency": metrics.carrying_capacity_efficiency(welfare, game.n_players, run.gain, values),
        "relative_to_random": metrics.relative_to_random(welfare, game, values),
    }


def _board_measures(run: "MPGGRun", means: Arrays) -> dict[str, FloatArray]:
    game, values = run.config.game, run.best_values
    corridor = metrics_structure.corridor_set(means["occupancy"], means["cooperators"])
    return {
        "high_cell_use": metrics_structure.high_cell_use(means["occupancy"], values),
        "high_cell_use_cooperators": metrics_structure.high_cell_use(means["cooperators"], values),
        "corridor_size": corridor.sum(axis=-1).astype(np.float64),
        "corridor_spans": metrics_structure.corridor_spans(game, corridor).astype(np.float64),
        "uphill_flux": metrics_structure.uphill_flux(game, means["moves"], values),
        "uphill_flux_on_board": metrics_structure.uphill_flux(game, means["moves"], values, wrap=False),
    }


def _panel_measures(run: "MPGGRun") -> dict[str, FloatArray]:
    panel = run.panel()
    seeds = [
        _seed_measures(run, positions, actions, payoffs)
        for positions, actions, payoffs in zip(panel["positions"], panel["actions"], panel["payoffs"], strict=True)
    ]
    return {name: np.array([seed[name] for seed in seeds]) for name in OF_PANEL}


def _seed_measures(run: "MPGGRun", positions: FloatArray, actions: FloatArray, payoffs: FloatArray) -> dict[str, float]:
    """The measures of `OF_PANEL` of one replica's panel, (T, N) each."""
    game, casinos = run.config.game, run.config.game.n_casinos
    counts = metrics_panel.panel_counts(positions, actions, casinos)
    price = metrics_structure.price_split(game, *counts)
    lead = metrics_panel.payoff_lead(actions, payoffs) if game.mechanisms else price.difference
    spread = metrics_panel.payoff_inequality(payoffs)
    lasting, flight = metrics_panel.persistence(positions, actions), metrics_panel.flight(positions, actions, casinos)
    synergy = metrics_panel.synergy_survival(positions, actions, payoffs, [MANY_DEFECTORS], casinos)
    return {
        "entropy": _mean(metrics.occupancy_entropy(counts[0])),
        "price_between": _mean(price.between),
        "price_within": _mean(price.within),
        "price_transfers": _mean(lead - price.difference),
        "excluded": _mean(metrics.excluded(counts[0], terms_of(game).seats)),
        "assortment": _mean(metrics_structure.assortment(*counts)),
        "gini": spread.gini,
        "gini_above_lowest": spread.gini_above_lowest,
        "payoff_deviation": spread.deviation,
        "persistence": lasting.median,
        "cooperation_after_move": lasting.after_move,
        "cooperation_after_stay": lasting.after_stay,
        "flight_cooperators": flight.cooperators,
        "flight_defectors": flight.defectors,
        "synergy_survival": float(synergy.survival[0]),
        "migration_gain": float(synergy.migration_gain[0]),
    }


def _mean(values: FloatArray) -> float:
    """Mean over the rounds in which the measure is defined, NaN if there are none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan
