"""What studies need of the migratory public goods game."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from mpgg_agents.experiments.game_study import GameStudy, Sections, metrics_table
from mpgg_agents.experiments.mpgg import theory
from mpgg_agents.experiments.mpgg.agents import AGENTS
from mpgg_agents.experiments.mpgg.measures import MEASURES, whole_windows
from mpgg_agents.experiments.mpgg.reader import MPGGRun
from mpgg_agents.experiments.mpgg.settings import MPGGRunConfig
from mpgg_agents.experiments.mpgg.structure import ROWS, last_means, structure_of
from mpgg_env.core.types import FloatArray
from mpgg_env.core.validation import check_integer

if TYPE_CHECKING:
    from mpgg_agents.experiments.boards import EndBoard

ROWS_PER_SEED: Final = 40
TRAINED: Final = ("cooperation_rate", "mean_payoff", "efficiency")
_PREFIX: Final = "train_"
_LAST: Final = "in the last 1,000 rounds of the training and what is left of their first window"

# Of what is also a measure of every round the mean over the rounds is the same.
HELP: Final[Mapping[str, str]] = {
    **MEASURES,
    **{name: text for name, text in ROWS.items() if name not in MEASURES},
    **{f"{_PREFIX}{name}": f"{MEASURES[name]}, {_LAST}" for name in TRAINED},
}


def outcomes(run: MPGGRun) -> dict[str, FloatArray]:
    """Means over the greedy rounds, or where there are none over the last rounds of the training, (B,) each.

    They are those of `MEASURES` and of `mpgg_agents.experiments.mpgg.structure.ROWS`, of which those of single agents
    are NaN without a panel; and `train_<name>`, which always are of the last rounds of the training.
    """
    data = run.phase_data("train", "greedy")
    last = data["greedy" if data["greedy"].rounds else "train"]
    size = whole_windows(run.config.run.window)
    means = last_means(last, size)
    trained = means if last.phase == "train" else last_means(data["train"], size)
    found = {name: means[name] for name in MEASURES}
    found |= {name: values for name, values in structure_of(run, last, means).items() if name not in found}
    return found | {f"{_PREFIX}{name}": trained[name] for name in TRAINED}


def records(run: MPGGRun) -> Any:
    """The metrics of a run, with `largest` as float32: it has fractions in runs whose rows stand for several rounds."""
    import pyarrow as pa  # which the defaults do not need

    table = metrics_table(run)
    place = table.column_names.index("largest")
    return table.set_column(place, "largest", table["largest"].cast(pa.float32()))


def end_board(runs: Sequence[MPGGRun]) -> "EndBoard":
    """Where the agents of a cell are in the end; see `mpgg_agents.experiments.mpgg.boards.end_board`."""
    from mpgg_agents.experiments.mpgg import boards  # loads matplotlib

    return boards.end_board(runs)


def defaults(sections: Sections) -> dict[str, dict[str, Any]]:
    """No figures, no panel, and windows and rows of which each seed has about 40.

    Where the study sets one of `window` and `record_every` the other one fits it.

    Raises:
        ValueError: A number that says how long the training is is out of range, or the agent or preset is unknown.
        TypeError: One has the wrong type.
    """
    given = sections.get("run", {})
    rounds = -(-_total_rounds(sections) // ROWS_PER_SEED)
    return {"run": {"figures": False, "panel_rounds": 0, **_rows(rounds, given)}}


def _total_rounds(sections: Sections) -> int:
    """Rounds of the training of a seed."""
    given = sections.get("run", {})
    run = MPGGRunConfig.from_dict({name: given[name] for name in ("agent", "preset", "rounds") if name in given})
    kind = AGENTS[run.agent]
    fields = {**kind.presets[run.preset].agent, **sections.get("agent", {})}
    return kind.total_rounds(kind.config_class.from_dict(fields), run.rounds)


def _rows(rounds: int, given: Mapping[str, Any]) -> dict[str, int]:
    """Rounds of a window and of a row, about so many, but for those that are given."""
    if "window" in given and "record_every" in given:
        return {}
    if "window" in given:
        window = check_integer("window", given["window"], 1)
        return {"record_every": max(step for step in range(1, min(window, rounds) + 1) if window % step == 0)}
    if "record_every" in given:
        return {"window": whole_windows(check_integer("record_every", given["record_every"], 1), rounds)}
    return {"window": rounds, "record_every": rounds}


STUDY: Final = GameStudy(
    outcomes=outcomes,
    help=HELP,
    main=("cooperation_rate", "efficiency", "mean_payoff"),
    records=records,
    columns=("epsilon", *MEASURES),
    defaults=defaults,
    theory=theory.theory,
    theory_help=theory.HELP,
    boundaries=("crowding = 1",),
    end_board=end_board,
)


def study_of(env: str) -> GameStudy:
    """The same for every run in this game."""
    return STUDY
