"""A design study as text, and as numbers for a JSON file."""

import math
from collections.abc import Sequence
from typing import Any, Final

from mpgg_agents.design.settings import DesignConfig
from mpgg_agents.design.study import Study, Trial
from mpgg_agents.experiments.columns import aligned
from mpgg_agents.experiments.statistics import mean_interval
from mpgg_env.analysis.efficiency import social_optimum
from mpgg_env.analysis.outcomes import Outcome
from mpgg_env.core.rounding import ROUNDING
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mpgg.config import MPGGConfig

WHY_NOT: Final = """Learners do not settle on the equilibrium: a move is valued by what the agent saw when it made it,
which says little about where to go, so that learners who cooperate still spread over the board. Judge cooperation and
efficiency together. With --obs-migration m, tables over casinos alone, far more of them gather in the best casino."""


def text(studies: Sequence[Study], settings: DesignConfig, game: MPGGConfig) -> str:
    """The table of a study, one column per family."""
    lines = [
        f"Target: {settings.goal:.0%} of the social optimum of {social_optimum(game):,.4g} per round, at the "
        f"{settings.equilibrium} equilibrium of the observe-n game; {game.n_players} agents.",
        "",
        *_table(studies),
        "",
        f"Learners: seeds {' '.join(map(str, settings.seeds))}; {settings.rounds:,} rounds, then "
        f"{settings.evaluation_rounds:,} greedy ones; mean and 95 % confidence interval over the seeds.",
    ]
    if any(agrees(study.after) is False for study in studies):
        lines += ["", WHY_NOT]
    return "\n".join(lines)


def agrees(trial: Trial) -> bool | None:
    """Whether the equilibrium's efficiency lies in the 95 % confidence interval of the learners'; None without one."""
    _, low, high = mean_interval(trial.efficiency)
    if math.isnan(low):
        return None
    return bool(low - ROUNDING <= trial.predicted <= high + ROUNDING)


def numbers(studies: Sequence[Study]) -> list[dict[str, Any]]:
    """Everything that the table and the figures show, as plain JSON values; what is undefined is None."""
    return [_study(study) for study in studies]


def _table(studies: Sequence[Study]) -> list[str]:
    heads = [
        "mechanism",
        "strength",
        "goal reached",
        "welfare before (worst)",
        "welfare after (worst)",
        "efficiency after",
        "cooperation after",
        "sponsor pays",
        "agents pay agents",
        "burnt",
        "learners at",
        "efficiency before",
        "efficiency after",
        "cooperation after",
        "in the best casinos",
        "sponsor pays",
        "efficiency predicted",
        "  in the interval",
    ]
    rows = aligned([heads, *(_column(study) for study in studies)], names_left=True)
    return ["By analysis:", *rows[:10], "", "With learners:", *rows[10:]]


def _column(study: Study) -> list[str]:
    found, trial = study.design, study.after
    after = found.after
    return [
        found.family,
        f"{found.strength:.6g} ({found.parameter})",
        "yes" if found.reached else "no, this is the closest",
        f"{found.before.welfare:.4g} ({found.worst_before.welfare:.4g})",
        f"{after.welfare:.4g} ({found.worst_after.welfare:.4g})",
        f"{after.efficiency:.4f}",
        f"{after.cooperation:.4f}",
        f"{after.sponsor:.4g}",
        "-" if math.isnan(after.exchanged) else f"{after.exchanged:.4g}",
        f"{after.burnt:.4g}",
        f"{study.chosen:.6g}",
        _interval(study.before.efficiency),
        _interval(trial.efficiency),
        _interval(trial.cooperation),
        _interval(trial.best_casino),
        _interval(trial.sponsor),
        f"{trial.predicted:.4f}",
        {True: "yes", False: "no", None: "-"}[agrees(trial)],
    ]


def _interval(values: FloatArray) -> str:
    mean, low, high = mean_interval(values)
    return f"{mean:.4g}" if math.isnan(low) else f"{mean:.4g} [{low:.4g}, {high:.4g}]"


def _study(study: Study) -> dict[str, Any]:
    found = study.design
    return {
        "family": found.family,
        "parameter": found.parameter,
        "strength": found.strength,
        "reached": found.reached,
        "mechanism": found.mechanism.to_dict(),
        "before": _outcome(found.before),
        "after": _outcome(found.after),
        "worst_before": _outcome(found.worst_before),
        "worst_after": _outcome(found.worst_after),
        "predicted": study.predicted.tolist(),
        "chosen": study.chosen,
        "trials": [_trial(trial) for trial in study.trials],
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    profile = outcome.equilibrium
    return {
        "welfare": outcome.welfare,
        "efficiency": outcome.efficiency,
        "cooperation": outcome.cooperation,
        "sponsor": outcome.sponsor,
        "burnt": outcome.burnt,
        "exchanged": None if math.isnan(outcome.exchanged) else outcome.exchanged,
        "occupancy": profile.occupancy.tolist(),
        "cooperators": profile.cooperators.tolist(),
        "exploitability": profile.exploitability,
    }


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "strength": trial.strength,
        "mechanism": None if trial.mechanism is None else trial.mechanism.to_dict(),
        "predicted": trial.predicted,
        **{name: getattr(trial, name).tolist() for name in ("efficiency", "cooperation", "best_casino", "sponsor")},
    }
