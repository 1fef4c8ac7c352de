"""The migratory public goods game in the limit of many agents: coalitions choose where to cooperate and to move."""

from collections.abc import Callable
from typing import Any

import numpy as np

from mpgg_env.core.simplex import simplex_grid
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mean_field.common.moves import MovesRules
from mpgg_env.games.mean_field.common.picture import Board, Picture
from mpgg_env.games.mean_field.common.rules import Start, normalised_rows
from mpgg_env.games.mean_field.common.starts import mixed_distributions
from mpgg_env.games.mean_field.common.state import Array, Arrays
from mpgg_env.games.mean_field.mpgg.config import MeanFieldMPGGConfig
from mpgg_env.games.mpgg.rules import casino_costs, casino_gains, destinations

COOPERATION = 0  # the column of an action with the probability of cooperating; behind it those of the moves


class MeanFieldMPGG(MovesRules[MeanFieldMPGGConfig]):
    """The limit of [MPGG2025] section 2.1 for coalitions. Column 0 of an action is P(C), the others are the moves."""

    measures = ("cooperation", "welfare")

    def __init__(self, config: MeanFieldMPGGConfig, xp: Any = np, asarray: Callable[[Any], Array] = np.asarray) -> None:
        super().__init__(config, destinations(config)[0], xp, asarray)
        self.shapes = ((config.n_casinos, 1 + config.n_moves),) * config.n_coalitions
        self.cost, self.gain = casino_costs(config), casino_gains(config)
        self._cost, self._gain, self._weights = asarray(self.cost), asarray(self.gain), asarray(config.shares)

    def movement(self, flow: Array) -> Array:
        """The moves alone: whether an agent cooperates changes nothing about where it goes."""
        return flow[:, :, 1:]

    def normalised(self, action: Array) -> Array:
        """P(C) clipped to [0, 1]; the weights of the moves clipped at 0 and divided by their sum, zeros uniform."""
        xp = self.xp
        moves = normalised_rows(action[:, :, 1:], xp)
        return xp.concatenate([xp.clip(action[:, :, :1], 0, 1), moves], -1)

    def action_rows(self, coalition: int, n: int) -> tuple[FloatArray, ...]:
        """P(C) in {0, 1 / n, ..., 1} with all points k / n of the moves that lead to different casinos, P(C) first."""
        return tuple(self._rows_of(casino, n) for casino in range(self.config.n_casinos))

    def _rows_of(self, casino: int, n: int) -> FloatArray:
        # A blocked move is a stay: of the moves that lead to one casino the first stands for all.
        moves = np.unique(self.table[casino], return_index=True)[1]
        moves.sort()
        weights = simplex_grid(len(moves), n) / n
        rows = np.zeros((n + 1, len(weights), self.shapes[0][1]))
        rows[:, :, COOPERATION] = np.arange(n + 1)[:, None] / n
        rows[:, :, 1 + moves] = weights
        return rows.reshape(-1, rows.shape[-1])

    def rewards(self, distributions: Arrays, flows: Arrays, context: Array | None) -> Array:
        """sum over m of c_m (mu_k(m) r_m x_m - mu_k(m) p_k(m)), x_m the share of cooperators in casino m."""
        mu, cooperating = self.xp.stack(list(distributions), 1), self.xp.stack([f[:, :, COOPERATION] for f in flows], 1)
        present, contributing = self.crowd(mu), self.crowd(cooperating)
        some = present > 0
        share = self.xp.where(some, contributing / self.xp.where(some, present, self.xp.ones_like(present)), 0.0)
        return (mu * (self._gain * share)[:, None, :] - cooperating) @ self._cost

    def measured(self, distributions: Arrays, actions: Arrays, rewards: Array) -> Arrays:
        """Share of each coalition's agents that cooperate; mean payoff of all agents, the same for all coalitions."""
        cooperating = [(mu * a[:, :, COOPERATION]).sum(-1) for mu, a in zip(distributions, actions, strict=True)]
        welfare = rewards @ self._weights
        return self.xp.stack(cooperating, 1), self.xp.stack([welfare] * len(distributions), 1)

    def crowd(self, densities: Array) -> Array:
        """Of densities of the coalitions (B, K_c, M) the density of all agents, sum over k of w_k mu_k, (B, M)."""
        return self._weights @ densities

    def picture(self) -> Picture:
        """The casinos with their costs and gains; the best one is that of the largest c (r - 1).

        The highest cost is on top, as in pictures of the finite game: moving up is moving towards it.
        """
        cost, gain = (values.reshape(self.config.grid_shape)[::-1] for values in (self.cost, self.gain))
        best = divmod(int(np.argmax(cost * (gain - 1))), self.config.grid_shape[1])
        board = Board(
            shape=self.config.grid_shape,
            rows=("cost", _labels(cost)),
            columns=("gain", _labels(gain.T)),
            best=(best,),
            upward=True,
        )
        roles = tuple(f"{100 * share:.3g} % of all agents" for share in self.config.shares)
        return Picture(title="Migratory public goods", roles=roles, board=board)

    def training_law(self, generator: np.random.Generator, size: int) -> Start:
        """Each coalition by half on 1 to 4 casinos, by half with entries uniform in (0, 1), normalised."""
        casinos = self.config.n_casinos
        coalitions = range(self.config.n_coalitions)
        return Start(tuple(mixed_distributions(generator, generator.random(size) < 0.5, casinos) for _ in coalitions))

    def testing_set(self) -> Start:
        """All coalitions uniform; all in the first casino; each in a casino of its own; nested halves of the board."""
        casinos, coalitions = self.config.n_casinos, self.config.n_coalitions
        uniform = np.full((coalitions, casinos), 1 / casinos)
        first = np.eye(casinos)[np.zeros(coalitions, int)]
        apart = np.eye(casinos)[np.arange(coalitions) * max(1, casinos // coalitions) % casinos]
        nested = np.array([np.arange(casinos) < -(-casinos // (k + 1)) for k in range(coalitions)], float)
        tests = np.array([uniform, first, apart, nested / nested.sum(1, keepdims=True)])
        return Start(tuple(tests.swapaxes(0, 1)))


def _labels(values: FloatArray) -> tuple[str, ...]:
    """The value of each row if it is the same in the whole row, everywhere; otherwise nothing."""
    return tuple(f"{row[0]:.3g}" for row in values) if (values == values[:, :1]).all() else ()
