"""What studies need of the mean-field-type games."""

from collections.abc import Mapping
from functools import cache
from typing import Final

import numpy as np

from mpgg_agents.experiments.game_study import GameStudy
from mpgg_agents.experiments.mean_field.measures import GAINS, JUDGEMENTS, MPGG_JUDGEMENTS
from mpgg_agents.experiments.mean_field.reader import MeanFieldRun
from mpgg_agents.experiments.mean_field.settings import ENVS
from mpgg_agents.experiments.policy_reader import LAST_SHARE, last_measured
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mean_field.mpgg.config import MeanFieldMPGGConfig

_OF: Final = "of the profile that came out, mean over the testing set"
HELP: Final[Mapping[str, str]] = {
    "mean_return": f"discounted return without exploration {_OF} and the coalitions",
    "return_<i>": f"the same of coalition i alone, {_OF}",
    **{name: f"{JUDGEMENTS[name]}; {_OF} and the coalitions" for name in GAINS},
    **{f"{name}_<i>": f"{JUDGEMENTS[name]}; of coalition i, {_OF}" for name in GAINS},
    "train_mean_return": f"mean return of a coalition with exploration, {LAST_SHARE}",
}
MPGG_HELP: Final = {name: f"{text}; {_OF}" for name, text in MPGG_JUDGEMENTS.items()}
MPGG_THEORY_HELP: Final = {
    "best_gain": "gain factor of the best casino, that with the largest c (r - 1)",
    "gain_per_coalition": "best_gain over the number of coalitions: above 1 coalitions of equal size all cooperate in "
    "the best casino though all are there, below 1 none does",
    "smallest_return": "best_gain times the share of the smallest coalition: above 1 each coalition cooperates there",
    "optimum_payoff": "payoff per agent and round if all cooperate in the best casino",
}


def outcomes(run: MeanFieldRun) -> dict[str, FloatArray]:
    """Returns and gains by coalition and in the mean, for the MPGG its measures, of the final profiles, (B,) each."""
    judged = {name: values[:, -1] for name, values in run.evaluation().items() if name in {**JUDGEMENTS, **MPGG_HELP}}
    found = {"mean_return": judged["returns"].mean(axis=(1, 2)), **_of_coalitions("return", judged["returns"])}
    for name in GAINS:
        found |= {name: judged[name].mean(axis=(1, 2)), **_of_coalitions(name, judged[name])}
    found |= {name: judged[name].mean(axis=1) for name in MPGG_JUDGEMENTS if name in judged}
    return found | last_measured(run, "mean_return")


def mpgg_theory(game: MeanFieldMPGGConfig) -> dict[str, float]:
    """The numbers of `MPGG_THEORY_HELP` for a game."""
    from mpgg_env.analysis.mean_field.mpgg_measures import casino_values, optimal_welfare  # loads numba
    from mpgg_env.games.mpgg.rules import casino_gains

    gain = float(casino_gains(game)[np.argmax(casino_values(game))])
    return {
        "best_gain": gain,
        "gain_per_coalition": gain / game.n_coalitions,
        "smallest_return": gain * min(game.shares),
        "optimum_payoff": optimal_welfare(game),
    }


@cache
def study_of(env: str) -> GameStudy:
    """What studies need of the game with this environment; the MPGG has measures and theory of its own."""
    if ENVS[env] != "mpgg":
        return GameStudy(outcomes=outcomes, help=HELP, main=("mean_return", "exact", "lower_bound"))
    return GameStudy(
        outcomes=outcomes,
        help={**HELP, **MPGG_HELP},
        main=("cooperation", "welfare", "mean_return"),
        theory=mpgg_theory,
        theory_help=MPGG_THEORY_HELP,
        boundaries=("best_gain = game.n_coalitions",),
    )


def _of_coalitions(name: str, values: FloatArray) -> dict[str, FloatArray]:
    """Means over the tests of each coalition, from (B, m, tests)."""
    return {f"{name}_{i}": values[:, i].mean(axis=-1) for i in range(values.shape[1])}
