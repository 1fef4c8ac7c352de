"""Predator and prey: each of four coalitions chases the next one and flees from the one before, on a grid."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from mpgg_env.games.mean_field.common.grid import Cell, cells_of, destinations, moving_weights
from mpgg_env.games.mean_field.common.moves import MovesRules
from mpgg_env.games.mean_field.common.picture import Board, Picture
from mpgg_env.games.mean_field.common.rules import Start
from mpgg_env.games.mean_field.common.starts import mixed_distributions, uniform_on
from mpgg_env.games.mean_field.common.state import Array, Arrays
from mpgg_env.games.mean_field.predator_prey.config import PredatorPreyConfig

SIDE: Final = 5
N_STATES: Final = SIDE * SIDE
N_COALITIONS: Final = 4
# Element [i, j] is what coalition i gains by each agent of coalition j that it meets.
CHASE: Final = ((0, 1, 0, 0), (-1, 0, 1, 0), (0, -1, 0, 1), (0, 0, -1, 0))
EVERYWHERE: Final = tuple((row, column) for row in range(SIDE) for column in range(SIDE))
TESTS: Final[tuple[tuple[tuple[Cell, ...], ...], ...]] = (
    (((0, 0),), ((0, 4),), ((4, 0),), ((4, 4),)),
    (((0, 0), (0, 1), (1, 0)), ((2, 2),), ((4, 4), (4, 3), (3, 4)), ((0, 4),)),
    (((4, 2),), ((2, 0), (2, 1)), ((0, 2),), ((2, 3), (2, 4))),
    (EVERYWHERE, ((1, 1), (3, 3)), EVERYWHERE, ((1, 3), (3, 1))),
    (((2, 2),), ((1, 2), (2, 1)), ((2, 3), (3, 2)), ((0, 0), (4, 4))),
)


class PredatorPrey(MovesRules[PredatorPreyConfig]):
    """[Shao2024] section F.3."""

    shapes = ((N_STATES, 5),) * N_COALITIONS

    def __init__(self, config: PredatorPreyConfig, xp: Any = np, asarray: Callable[[Any], Array] = np.asarray) -> None:
        super().__init__(config, destinations((SIDE, SIDE)), xp, asarray, noise=config.noise)
        self._moving = self.asarray(moving_weights(N_STATES))
        self._weights = self.asarray(config.catch * np.array(CHASE, float))

    def rewards(self, distributions: Arrays, flows: Arrays, context: Array | None) -> Array:
        """c sum_j W_ij <mu_i, mu_j> - c_m (mass of coalition i that moves)."""
        mu = self.xp.stack(list(distributions), 1)
        met = mu @ self.xp.swapaxes(mu, 1, 2)
        moved = self.xp.stack([flow.reshape(len(flow), -1) @ self._moving for flow in flows], 1)
        return (self._weights * met).sum(-1) - self.config.move_cost * moved

    def picture(self) -> Picture:
        """The board, and who chases whom."""
        roles = ("chases 1", "chases 2, flees 0", "chases 3, flees 1", "flees 2")
        return Picture(title="Predator and prey", roles=roles, board=Board(shape=(SIDE, SIDE)))

    def training_law(self, generator: np.random.Generator, size: int) -> Start:
        """Entries uniform in (0, 1), normalised; in a share of the episodes mass on 1 to 4 cells instead."""
        concentrated = generator.random(size) < self.config.concentrated
        return Start(tuple(mixed_distributions(generator, concentrated, N_STATES) for _ in range(N_COALITIONS)))

    def testing_set(self) -> Start:
        """Five starts of our own choice."""
        tests = [[uniform_on(cells_of(cells, SIDE), N_STATES) for cells in test] for test in TESTS]
        return Start(tuple(np.array(tests).swapaxes(0, 1)))
