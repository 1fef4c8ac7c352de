"""The observe-n game: agents choose a casino, see how many are there, and then choose C or D, once.

It is the one-round reduction that matches the game observation (m, n), and so the benchmark for learners who see n
before they play. Stage 2 is solved for every n; stage 1 is then a singleton congestion game. Every agent may go to
every casino: the one-cell moves of the board do not restrict it.

Of several equilibria of stage 2, `stage` names the one that is played: the best or the worst for the members taken
together. Without a mechanism that matters at n = r alone, where the best is C. In an equilibrium in which some members
cooperate and others defect, who does is open when the casino is chosen: an agent then expects the mean over members.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from mpgg_env.analysis.congestion import (
    RELATIVE_TOLERANCE,
    best_allocation,
    best_response_path,
    largest_gain,
    never_rises,
    places_of_seats,
    places_of_table,
    table_tolerance,
    worst_allocation,
)
from mpgg_env.analysis.counts import MOST_COUNT_VECTORS, compositions, n_compositions
from mpgg_env.analysis.observe_n_stage import STAGES, Stage, action_gains, cooperative_seats, mean_payoffs, stage_tables
from mpgg_env.analysis.payoffs import Equilibrium, best_values
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.core.validation import check_choice
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.mechanisms import Toll, rebates

MOST_REBATE_CELLS: Final = 2_000_000
MOST_STARTS: Final = 40


@dataclass(frozen=True, slots=True)
class ObserveNEquilibria:
    """Pure equilibria of an observe-n game.

    Attributes:
        best: One of highest welfare.
        worst: One of lowest welfare.
        exact: Whether no equilibrium has a higher or a lower welfare. False where the payoff of a casino may rise with
            n, or tolls are paid back to others, and the instance is too large to enumerate: then these are the best
            and the worst that best-response paths from several starts have reached.
    """

    best: Equilibrium
    worst: Equilibrium
    exact: bool


class ObserveNGame:
    """Stage 2 solved: cooperators and payoffs in every casino as functions of its occupancy.

    Attributes:
        config: The game.
        n_agents: Number of agents N.
        seats: Largest occupancy at which members cooperate, (M,); None with a mechanism or `min_players > 1`.
        table: What a member of casino m among n expects, (M, N + 1), tolls paid but none received; None with `seats`.
        pays_rebates: Whether tolls are paid, which all others receive.

    Raises:
        ValueError: `stage` is unknown; or the game has a mechanism or `min_players > 1`, and more combinations of
            casino, occupancy and cooperators than can be tabulated.
    """

    def __init__(self, config: MPGGConfig, *, stage: Stage = "best") -> None:
        check_choice("stage", stage, STAGES)
        self.config = config
        self.n_agents = config.n_players
        self.pays_rebates = any(isinstance(mechanism, Toll) for mechanism in config.mechanism or ())
        self.seats: IntArray | None = None
        self.table: FloatArray | None = None
        if config.mechanism is None and config.min_players == 1:
            self.seats = cooperative_seats(config, stage=stage)
        else:
            self._cooperators, self.table = stage_tables(config, stage)

    def cooperators(self, occupancy: IntArray) -> IntArray:
        """Cooperators in each casino at occupancies of at most N, both (..., M)."""
        if self.seats is not None:
            return np.where(occupancy <= self.seats, occupancy, 0)
        found: IntArray = self._cooperators[np.arange(occupancy.shape[-1]), occupancy]
        return found

    def payoffs(self, occupancy: IntArray) -> FloatArray:
        """What a member of each casino expects before rebates, (..., M); 0 where nobody is."""
        if self.table is not None:
            expected: FloatArray = self.table[np.arange(occupancy.shape[-1]), occupancy]
            return expected
        return mean_payoffs(self.config, np.arange(occupancy.shape[-1]), occupancy, self.cooperators(occupancy))

    def location_gain(self, occupancy: IntArray) -> FloatArray:
        """Largest gain of a single agent who chooses another casino, (...,), at occupancies (..., M)."""
        if self.pays_rebates:
            gains = [self.gains(each).max(initial=0.0) for each in occupancy.reshape(-1, occupancy.shape[-1])]
            return np.array(gains).reshape(occupancy.shape[:-1])
        # Nobody can become member N + 1; the entry of a casino that holds everybody is never used.
        entries = self.payoffs(np.minimum(occupancy + 1, self.n_agents))
        return largest_gain(self.payoffs(occupancy), entries, occupancy)

    def gains(self, occupancy: IntArray) -> FloatArray:
        """Gain of moving from casino a (row) to casino b (column) at one occupancy (M,), (M, M); -inf if a is empty."""
        here = np.arange(occupancy.size)
        if not self.pays_rebates:
            entries = self.payoffs(np.minimum(occupancy + 1, self.n_agents))
            gains = entries - self.payoffs(occupancy)[:, None]
        else:
            occupied = np.flatnonzero(occupancy)
            step = np.eye(occupancy.size, dtype=np.int64)
            after = occupancy - step[occupied, None] + step
            received = self.payoffs(after) + rebates(self.config, after)
            gains = np.zeros((occupancy.size, occupancy.size))
            before = self.payoffs(occupancy) + rebates(self.config, occupancy)
            gains[occupied] = received[:, here, here] - before[occupied, None]
        gains[here, here] = 0.0
        gains[occupancy == 0] = -np.inf
        return gains

    def equilibrium(self, occupancy: IntArray) -> Equilibrium:
        """The profile at an occupancy (M,), with its welfare and its exploitability, both computed anew."""
        cooperators = self.cooperators(occupancy)
        actions = action_gains(self.config, np.arange(occupancy.size), occupancy, cooperators)
        gain = max(float(self.location_gain(occupancy)), float(actions.max()))
        return Equilibrium.of(self.config, occupancy, cooperators, exploitability=gain)

    @property
    def tolerance(self) -> float:
        """The difference below which two payoffs are ties."""
        if self.table is not None:
            return table_tolerance(self.table)
        return RELATIVE_TOLERANCE * max(1.0, float(best_values(self.config).max()))


def pure_equilibria(config: MPGGConfig, *, stage: Stage = "best") -> ObserveNEquilibria:
    """The best and the worst pure equilibrium of the observe-n game.

    Where no payoff rises with n they follow from the equilibria's characterisation (see `congestion`), in
    O(M log M) without a mechanism; else from an enumeration of small instances, and from best-response paths of others.

    Raises:
        ValueError: `stage` is unknown, the game is too large for its mechanism, or, where tolls are rebated, no path
            of best responses came to an end.
    """
    game = ObserveNGame(config, stage=stage)
    if not game.pays_rebates and (game.table is None or never_rises(game.table)):
        if game.seats is not None:
            places = places_of_seats(best_values(config), game.seats, game.n_agents)
        else:
            places = places_of_table(game.table, game.n_agents)
        best, worst = best_allocation(places, game.n_agents), worst_allocation(places, game.n_agents)
        return ObserveNEquilibria(game.equilibrium(best), game.equilibrium(worst), True)
    exact = n_compositions(game.n_agents, config.n_casinos) <= _most_vectors(game)
    found = _enumerated(game) if exact else _reached(game)
    if not len(found):
        raise ValueError(f"no pure equilibrium of the observe-n game was found for n_agents={config.n_agents}")
    equilibria = [game.equilibrium(occupancy) for occupancy in found]
    best_one = max(equilibria, key=lambda equilibrium: equilibrium.welfare)
    worst_one = min(equilibria, key=lambda equilibrium: equilibrium.welfare)
    return ObserveNEquilibria(best_one, worst_one, exact)


def enumerate_equilibria(config: MPGGConfig, *, stage: Stage = "best") -> list[Equilibrium]:
    """All pure equilibria of the observe-n game, by trying every occupancy.

    Raises:
        ValueError: There are more occupancies than can be tried.
    """
    game = ObserveNGame(config, stage=stage)
    return [game.equilibrium(occupancy) for occupancy in _enumerated(game)]


def rosenthal_potential(config: MPGGConfig, occupancy: IntArray, *, stage: Stage = "best") -> float:
    """Potential of an occupancy (M,): the sum over casinos of what their 1st, 2nd, ... member got on arrival.

    A move of one agent changes it by exactly that agent's gain [Rosenthal1973].

    Raises:
        ValueError: Tolls are rebated, so that a casino's payoff does not depend on its occupancy alone.
    """
    game = ObserveNGame(config, stage=stage)
    if game.pays_rebates:
        raise ValueError(f"mechanism must have no toll, whose rebate destroys the potential, got {config.mechanism!r}")
    if game.seats is not None:
        return float((best_values(config) * np.minimum(occupancy, game.seats)).sum())
    arrivals = np.arange(game.n_agents + 1)
    return float(game.table[(arrivals >= 1) & (arrivals <= np.asarray(occupancy)[:, None])].sum())


def _most_vectors(game: ObserveNGame) -> int:
    n_casinos = game.config.n_casinos
    return MOST_REBATE_CELLS // n_casinos**3 if game.pays_rebates else MOST_COUNT_VECTORS


def _enumerated(game: ObserveNGame) -> IntArray:
    occupancies = compositions(game.n_agents, game.config.n_casinos, limit=_most_vectors(game))
    return occupancies[game.location_gain(occupancies) <= game.tolerance]


def _reached(game: ObserveNGame) -> list[IntArray]:
    """Where best-response paths end that start with everybody spread evenly, or together in one of the casinos."""
    agents, n_casinos = game.n_agents, game.config.n_casinos
    even = np.full(n_casinos, agents // n_casinos, dtype=np.int64)
    even[: agents % n_casinos] += 1
    together = agents * np.eye(n_casinos, dtype=np.int64)[:MOST_STARTS]
    ends = [best_response_path(game.gains, start, tolerance=game.tolerance) for start in (even, *together)]
    return [end for end in ends if end is not None]
