"""Distribution planning: two coalitions move towards opposite corners of a grid and keep out of each other's way."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from mpgg_env.core.types import BoolArray
from mpgg_env.games.mean_field.common.grid import Cell, cell_number, cells_of, destinations, moving_weights
from mpgg_env.games.mean_field.common.moves import MovesRules
from mpgg_env.games.mean_field.common.picture import Board, Picture
from mpgg_env.games.mean_field.common.rules import Start
from mpgg_env.games.mean_field.common.starts import uniform_on
from mpgg_env.games.mean_field.common.state import Array, Arrays
from mpgg_env.games.mean_field.distribution_planning.config import DistributionPlanningConfig

SIDE: Final = 5
N_STATES: Final = SIDE * SIDE
FORBIDDEN: Final[Cell] = (2, 2)
TARGETS: Final[tuple[tuple[Cell, ...], ...]] = (((0, 0), (0, 1), (1, 0)), ((4, 4), (4, 3), (3, 4)))
TESTS: Final[tuple[tuple[Cell, Cell], ...]] = (((4, 4), (0, 0)), ((0, 4), (4, 0)), ((2, 1), (2, 3)), ((3, 3), (3, 1)))


class DistributionPlanning(MovesRules[DistributionPlanningConfig]):
    """[Shao2024] section F.4."""

    shapes = ((N_STATES, 5), (N_STATES, 5))

    def __init__(
        self, config: DistributionPlanningConfig, xp: Any = np, asarray: Callable[[Any], Array] = np.asarray
    ) -> None:
        table = destinations((SIDE, SIDE), forbidden=(FORBIDDEN,))
        super().__init__(config, table, xp, asarray, empty=(cell_number(FORBIDDEN, SIDE),))
        self.targets = np.array([uniform_on(cells_of(cells, SIDE), N_STATES) for cells in TARGETS])
        self._moving = self.asarray(moving_weights(N_STATES))
        self._target = [self.asarray(target) for target in self.targets]

    def rewards(self, distributions: Arrays, flows: Arrays, context: Array | None) -> Array:
        """-c1 (mass that moves) - c2 ||mu_i - target_i||_2 - c3 <mu_0, mu_1>."""
        c = self.config
        crowd = c.crowd_cost * ((distributions[0] * distributions[1]) @ self._ones)
        own = [
            c.move_cost * (flow.reshape(len(flow), -1) @ self._moving) + c.target_cost * self._norm(mu - target)
            for mu, flow, target in zip(distributions, flows, self._target, strict=True)
        ]
        return -self.xp.stack([cost + crowd for cost in own], 1)

    def picture(self) -> Picture:
        """The board with its forbidden cell and the targets."""
        board = Board(shape=(SIDE, SIDE), forbidden=(FORBIDDEN,), targets=TARGETS)
        return Picture(title="Distribution planning", roles=("to the upper left", "to the lower right"), board=board)

    def training_law(self, generator: np.random.Generator, size: int) -> Start:
        """Each coalition in one random free cell."""
        cells = np.flatnonzero(self.support(0))[generator.integers(N_STATES - 1, size=(2, size))]
        return Start(tuple(np.eye(N_STATES)[cells]))

    def testing_set(self) -> Start:
        """Four pairs of single cells of our own choice."""
        cells = np.array([cells_of(test, SIDE) for test in TESTS])
        return Start(tuple(np.eye(N_STATES)[cells.T]))

    def support(self, coalition: int) -> BoolArray:
        """All cells but the one in the centre."""
        return np.asarray(np.arange(N_STATES) != cell_number(FORBIDDEN, SIDE))

    def _norm(self, difference: Array) -> Array:
        # At 0 the root has no derivative; its subgradient 0 keeps gradients finite where the target is reached.
        square = (difference * difference) @ self._ones
        return self.xp.where(
            square > 0, self.xp.sqrt(self.xp.where(square > 0, square, self.xp.ones_like(square))), 0.0
        )
