"""What the page of a kind of game has of its own: `PAGE` of the module `page` of its package."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mpgg_agents.experiments.report_page.content import Board


@dataclass(frozen=True, slots=True, kw_only=True)
class PageParts:
    """What the page of a kind of game has of its own.

    Attributes:
        board: The grid over time of the runs of each cell, by its label, of which a run's page has one without a label
            and with all its seeds; None where the game has no grid.
        files: What is in each result file, by its name.
    """

    board: Callable[[Mapping[str, Sequence[Any]]], Board | None]
    files: Mapping[str, str]
