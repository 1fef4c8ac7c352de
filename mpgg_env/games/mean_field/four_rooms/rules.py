"""Four rooms: two coalitions spread as evenly as they can, avoid each other, and one of them should stay at home."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from mpgg_env.core.types import IntArray
from mpgg_env.games.mean_field.common.grid import Cell, cells_of, destinations
from mpgg_env.games.mean_field.common.moves import MovesRules
from mpgg_env.games.mean_field.common.picture import Board, Picture
from mpgg_env.games.mean_field.common.rules import Start
from mpgg_env.games.mean_field.common.starts import concentrated_distributions, uniform_on
from mpgg_env.games.mean_field.common.state import Array, Arrays
from mpgg_env.games.mean_field.four_rooms.config import FourRoomsConfig

SIDE: Final = 10
HALF: Final = SIDE // 2
N_STATES: Final = SIDE * SIDE
N_ROOMS: Final = 4
DOORS: Final = frozenset(
    frozenset(pair) for pair in (((2, 4), (2, 5)), ((7, 4), (7, 5)), ((4, 2), (5, 2)), ((4, 7), (5, 7)))
)
# Cells of coalition 0, cells of coalition 1, home room of coalition 1.
TESTS: Final[tuple[tuple[tuple[Cell, ...], tuple[Cell, ...], int], ...]] = (
    (((0, 0), (0, 4), (4, 0), (4, 4)), ((6, 6), (6, 8), (8, 6), (8, 8)), 3),
    (((7, 2), (8, 2)), ((1, 8), (2, 8), (2, 7)), 1),
    (((2, 2), (2, 7), (7, 2), (7, 7)), ((1, 1), (1, 3), (3, 1), (3, 3)), 0),
)


def walls() -> frozenset[frozenset[Cell]]:
    """The edges between the rooms, without the doors."""
    across = {frozenset(((k, HALF - 1), (k, HALF))) for k in range(SIDE)}
    along = {frozenset(((HALF - 1, k), (HALF, k))) for k in range(SIDE)}
    return frozenset((across | along) - DOORS)


def rooms() -> IntArray:
    """The room of each cell, (100,): 0 and 1 above 2 and 3."""
    row, column = np.divmod(np.arange(N_STATES), SIDE)
    return np.asarray((row >= HALF) * 2 + (column >= HALF), np.int64)


class FourRooms(MovesRules[FourRoomsConfig]):
    """[Shao2024] section F.2. The context is the home room of coalition 1."""

    shapes = ((N_STATES, 5), (N_STATES, 5))
    n_contexts = N_ROOMS
    own_context = (False, True)

    def __init__(self, config: FourRoomsConfig, xp: Any = np, asarray: Callable[[Any], Array] = np.asarray) -> None:
        super().__init__(config, destinations((SIDE, SIDE), walls()), xp, asarray, noise=config.noise)
        self._homes = self.asarray(np.eye(N_ROOMS))
        self._outside = self.asarray(rooms()[:, None] != np.arange(N_ROOMS))

    def rewards(self, distributions: Arrays, flows: Arrays, context: Array | None) -> Array:
        """c1 H(mu_i) - c2 <mu_0, mu_1>, and for coalition 1 -c3 (its mass outside the home room)."""
        first, second = distributions
        crowd = self.config.crowd_cost * ((first * second) @ self._ones)
        away = self.config.away_cost * ((second @ self._outside) * self._homes[context]).sum(-1)
        c1 = self.config.entropy
        return self.xp.stack([c1 * self._entropy(first) - crowd, c1 * self._entropy(second) - crowd - away], 1)

    def picture(self) -> Picture:
        """The rooms, with walls and doors, and the home of coalition 1."""
        cells = tuple(tuple(divmod(int(s), SIDE) for s in np.flatnonzero(rooms() == room)) for room in range(N_ROOMS))
        board = Board(shape=(SIDE, SIDE), walls=walls(), doors=DOORS, homes=((), cells))
        return Picture(title="Four rooms", roles=("spreads", "spreads, has a home"), board=board)

    def training_law(self, generator: np.random.Generator, size: int) -> Start:
        """1 to 4 random cells with Dirichlet weights; those of coalition 1 in a random home room."""
        home = generator.integers(N_ROOMS, size=size)
        anywhere = np.tile(np.arange(N_STATES), (size, 1))
        inside = np.array([np.flatnonzero(rooms() == room) for room in range(N_ROOMS)])[home]
        starts = (concentrated_distributions(generator, size, cells, N_STATES) for cells in (anywhere, inside))
        return Start(tuple(starts), home)

    def testing_set(self) -> Start:
        """Three pairs, uniform on selected cells of our own choice."""
        first = np.array([uniform_on(cells_of(cells, SIDE), N_STATES) for cells, _, _ in TESTS])
        second = np.array([uniform_on(cells_of(cells, SIDE), N_STATES) for _, cells, _ in TESTS])
        return Start((first, second), np.array([home for *_, home in TESTS]))

    def _entropy(self, mu: Array) -> Array:
        # 0 log 0 = 0; the logarithm of 1 in the place of that of 0 keeps gradients finite.
        return -((mu * self.xp.log(self.xp.where(mu > 0, mu, self.xp.ones_like(mu)))) @ self._ones)
