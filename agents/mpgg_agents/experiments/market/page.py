"""What the page of a run in the trading market has of its own: there is no grid to show."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from mpgg_agents.experiments.files import EVALUATION, FINAL_STATE, METRICS, SNAPSHOTS
from mpgg_agents.experiments.report_page.parts import PageParts

_FILES: Final = {
    METRICS: "losses and returns, a row per seed and iteration",
    SNAPSHOTS: "the policies that were kept on the way",
    EVALUATION: "how they were judged",
    FINAL_STATE: "the policies that came out",
}


def _no_board(cells: Mapping[str, Sequence[Any]]) -> None:
    return None


PAGE: Final = PageParts(board=_no_board, files=_FILES)
