"""What studies need of a kind of game: `study_of` of the module `study` of its package."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mpgg_agents.experiments.files import METRICS
from mpgg_agents.experiments.reader import Run
from mpgg_env.core.types import FloatArray

if TYPE_CHECKING:
    from mpgg_agents.experiments.boards import EndBoard

Sections = Mapping[str, Mapping[str, Any]]

_NUMBER: Final = re.compile(r"_\d+$")


def metrics_table(run: Run) -> Any:
    """The metrics of a run as they are: a pyarrow table with a row per seed and recorded round.

    Raises:
        RunFolderError: The run is not complete, or the file has been changed.
    """
    from mpgg_agents.experiments.table import read_metrics  # loads pyarrow

    return read_metrics(run.file(METRICS))


def last_policy(sections: Sections) -> dict[str, dict[str, Any]]:
    """That the cells of a study draw no figures of their own, and judge the policy alone that came out."""
    return {"run": {"figures": False, "snapshots": 1}}


@dataclass(frozen=True, slots=True, kw_only=True)
class GameStudy:
    """What studies need of a kind of game.

    Attributes:
        outcomes: The final numbers of a complete run by name, (B,) of float64 each, NaN where one is not defined. Runs
            of the same settings but for numbers have the same names.
        help: What each outcome means; `_<i>` stands for the number of a coalition.
        main: The outcomes that a reader wants first.
        records: The rows of a run per seed and recorded round, a pyarrow table with the same columns and types for all
            runs of the game.
        columns: The measures among their columns; None where they depend on the agent.
        defaults: What the cells of a study have unless its settings say otherwise, from these, sections of fields.
        theory: Numbers of the analysis for a game by name, NaN where one is not known or not fast to find; None where
            the game has none.
        theory_help: What each of these means.
        boundaries: Equations of the theory that diagrams over numbers of the game show, as `theory` of a figure.
        end_board: Where the agents of a cell are in the end, from its runs; None where the game has no board.
    """

    outcomes: Callable[[Any], dict[str, FloatArray]]
    help: Mapping[str, str]
    main: tuple[str, ...]
    records: Callable[[Any], Any] = metrics_table
    columns: tuple[str, ...] | None = None
    defaults: Callable[[Sections], dict[str, dict[str, Any]]] = last_policy
    theory: Callable[[Any], dict[str, float]] | None = None
    theory_help: Mapping[str, str] = field(default_factory=dict)
    boundaries: tuple[str, ...] = ()
    end_board: "Callable[[Sequence[Any]], EndBoard] | None" = None

    def is_outcome(self, name: str) -> bool:
        """Whether the runs of some setting have this outcome."""
        return name in self.help or _numberless(name) in self.help

    def meaning(self, name: str) -> str:
        """What an outcome or a number of the theory means; "" for what is neither."""
        known = {**self.theory_help, **self.help}
        return known.get(name) or known.get(_numberless(name), "")


def _numberless(name: str) -> str:
    return _NUMBER.sub("_<i>", name)
