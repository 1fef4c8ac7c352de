"""Population matching: coalition 0 stays where it is, coalition 1 matches it, on a ring of three states."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.games.mean_field.common.grid import moving_weights
from mpgg_env.games.mean_field.common.picture import Picture
from mpgg_env.games.mean_field.common.rules import MeanFieldRules, Start
from mpgg_env.games.mean_field.common.starts import dense_distributions
from mpgg_env.games.mean_field.common.state import Array, Arrays
from mpgg_env.games.mean_field.population_matching.config import PopulationMatchingConfig

N_STATES: Final = 3
STAY: Final = 0
SHIFTS: Final = (0, -1, 1)  # of the actions stay, left, right, and of the noise
TESTS: Final = (
    ((1, 0, 0), (0, 0, 1)),
    ((0, 1, 0), (0.2, 0.6, 0.2)),
    ((0.4, 0.6, 0), (0, 0.4, 0.6)),
    ((0.2, 0.2, 0.6), (0.6, 0.2, 0.2)),
    ((0, 0.2, 0.8), (1, 0, 0)),
)


class PopulationMatching(MeanFieldRules[PopulationMatchingConfig]):
    """[Shao2024] section F.1. The actions are stay, left, right."""

    shapes = ((N_STATES, 3), (N_STATES, 3))

    def __init__(
        self, config: PopulationMatchingConfig, xp: Any = np, asarray: Callable[[Any], Array] = np.asarray
    ) -> None:
        super().__init__(config, xp, asarray)
        self._kernel = self.asarray(kernel(config))
        self._moving = self.asarray(moving_weights(N_STATES, STAY, len(SHIFTS)))

    def kernels(self, distributions: Arrays) -> Arrays:
        """The same for both coalitions, whatever the distributions."""
        return self._kernel, self._kernel

    def rewards(self, distributions: Arrays, flows: Arrays, context: Array | None) -> Array:
        """-c1 (mass of coalition 0 that moves), -c2 ||mu_0 - mu_1||_1."""
        moved = flows[0].reshape(len(flows[0]), -1) @ self._moving
        distance = abs(distributions[0] - distributions[1]).sum(-1)
        return self.xp.stack([-self.config.move_cost * moved, -self.config.distance_cost * distance], 1)

    def picture(self) -> Picture:
        """The states of the ring."""
        names = (tuple(map(str, range(N_STATES))),) * 2
        return Picture(title="Population matching", roles=("pays for moving", "pays for the distance"), names=names)

    def training_law(self, generator: np.random.Generator, size: int) -> Start:
        """Entries uniform in (0, 1), normalised."""
        return Start((dense_distributions(generator, size, N_STATES), dense_distributions(generator, size, N_STATES)))

    def testing_set(self) -> Start:
        """Five pairs of our own choice."""
        pairs = np.array(TESTS, float)
        return Start((pairs[:, 0], pairs[:, 1]))

    def agent_next(
        self,
        coalition: int,
        place: IntArray,
        action: IntArray,
        uniform: FloatArray,
        distributions: Sequence[FloatArray],
    ) -> IntArray:
        """x' = (x + move + noise) mod 3."""
        keep, left, _ = self.config.noise
        shifts = np.array(SHIFTS)
        noise = shifts[(uniform >= keep).astype(int) + (uniform >= keep + left)]
        return np.asarray((place + shifts[action] + noise) % N_STATES)


def kernel(config: PopulationMatchingConfig) -> FloatArray:
    """p(j | i, a) = P(noise = j - i - move(a)), (9, 3)."""
    table = np.zeros((N_STATES, len(SHIFTS), N_STATES))
    for place, action, noise in np.ndindex(table.shape):
        table[place, action, (place + SHIFTS[action] + SHIFTS[noise]) % N_STATES] += config.noise[noise]
    return table.reshape(-1, N_STATES)
