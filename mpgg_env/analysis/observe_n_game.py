"""The observe-n game: agents choose a casino, see how many are there, and then choose C or D, once.

It is the one-round reduction that matches the game observation (m, n), and so the benchmark for learners who see n
before they play. Stage 2 is solved for every n; stage 1 is then a singleton congestion game. Every agent may go to
every casino: the one-cell moves of the board do not restrict it.

Of several equilibria of stage 2, `stage` names the one that is played: the best or the worst for the members taken
together. Without a mechanism that matters at n = r alone, where the best is C. In an equilibrium in which some members
cooperate and others defect, who does is open when the casino is chosen: an agent then expects the mean over members.

Tolls that are paid back do not spoil the congestion game. What an agent receives from all casinos but its own is the
same wherever it goes, but for the one that it joins: so that only the part of the takings it forgoes there counts.
"""

import dataclasses
from dataclasses import dataclass
from typing import Final

import numpy as np

from mpgg_env.analysis.choices import STAGES, Stage
from mpgg_env.analysis.congestion import (
    best_response_path,
    best_seating,
    extreme_allocation,
    largest_gain,
    never_rises,
    places_of_seats,
    places_of_table,
    worst_seating,
)
from mpgg_env.analysis.counts import MOST_COUNT_VECTORS, compositions, n_compositions
from mpgg_env.analysis.efficiency import social_welfare, sponsor_payments
from mpgg_env.analysis.observe_n_stage import action_gains, cooperative_seats, mean_payoffs, stage_tables, toll_tables
from mpgg_env.analysis.payoffs import Equilibrium, best_values, game_of, measured, tolerance_of
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.core.validation import check_choice
from mpgg_env.games.mpgg.config import MPGGConfig

MOST_STARTS: Final = 40


@dataclass(frozen=True, slots=True)
class ObserveNEquilibria:
    """Pure equilibria of an observe-n game.

    Attributes:
        best: One of highest welfare, less what a sponsor pays.
        worst: One of lowest welfare, likewise.
        exact: Whether no equilibrium has a higher or a lower welfare. False where the payoff of a casino may rise with
            n and the instance is too large to enumerate: then these are the best and the worst that best-response
            paths from several starts have reached.
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
        table: What a member of casino m among n expects, (M, N + 1), less what the toll of its casino would give it
            outside; None with `seats`.
        totals: What a casino with n members adds to the welfare, (M, N + 1); None with `seats`.
        tolerance: Payoffs that differ by no more are ties.

    Raises:
        ValueError: `stage` is unknown; or the game has a mechanism or `min_players > 1`, and more combinations of
            casino, occupancy and cooperators than can be tabulated.
    """

    def __init__(self, config: MPGGConfig, *, stage: Stage = "best") -> None:
        check_choice("stage", stage, STAGES)
        self.config = config
        self.n_agents = config.n_players
        self.seats: IntArray | None = None
        self.table: FloatArray | None = None
        self.totals: FloatArray | None = None
        self.tolerance = game_of(config).tolerance
        if config.mechanism is None and config.min_players == 1:
            self.seats = cooperative_seats(config, stage=stage)
        else:
            self._cooperators, payoffs = stage_tables(config, stage)
            tolls, forgone = toll_tables(config)
            self.table = payoffs - forgone
            self.tolerance = max(self.tolerance, tolerance_of(self.table))
            self.totals = np.arange(self.n_agents + 1) * (payoffs + tolls)

    def cooperators(self, occupancy: IntArray) -> IntArray:
        """Cooperators in each casino at occupancies of at most N, both (..., M)."""
        if self.seats is not None:
            return np.where(occupancy <= self.seats, occupancy, 0)
        found: IntArray = self._cooperators[np.arange(occupancy.shape[-1]), occupancy]
        return found

    def payoffs(self, occupancy: IntArray) -> FloatArray:
        """What a member of each casino expects, as in `table`, (..., M); 0 where nobody is."""
        if self.table is not None:
            expected: FloatArray = self.table[np.arange(occupancy.shape[-1]), occupancy]
            return expected
        return mean_payoffs(self.config, np.arange(occupancy.shape[-1]), occupancy, self.cooperators(occupancy))

    def entries(self, occupancy: IntArray) -> FloatArray:
        """What a member of each casino would expect with one member more, (..., M).

        Nobody can become member N + 1: a casino that holds everybody gets what it has, which no mover looks at.
        """
        return self.payoffs(np.minimum(occupancy + 1, self.n_agents))

    def sponsored(self) -> FloatArray:
        """What a sponsor pays to a casino with n members, (M, N + 1)."""
        groups = np.repeat(np.arange(self.n_agents + 1)[:, None], self.config.n_casinos, axis=1)
        return sponsor_payments(self.config, groups, self.cooperators(groups)).T

    def location_gain(self, occupancy: IntArray) -> FloatArray:
        """Largest gain of a single agent who chooses another casino, (...,), at occupancies (..., M)."""
        return largest_gain(self.payoffs(occupancy), self.entries(occupancy), occupancy)

    def equilibrium(self, occupancy: IntArray) -> Equilibrium:
        """The profile at an occupancy (M,), its welfare and its exploitability in this game, computed anew."""
        cooperators = self.cooperators(occupancy)
        actions = action_gains(self.config, np.arange(occupancy.size), occupancy, cooperators)
        gain = max(float(self.location_gain(occupancy)), float(actions.max()))
        # The one-shot game's exploitability is another one: there a mover must choose its action unseen.
        return dataclasses.replace(measured(self.config, occupancy, cooperators), exploitability=gain)


def pure_equilibria(config: MPGGConfig, *, stage: Stage = "best") -> ObserveNEquilibria:
    """The best and the worst pure equilibrium of the observe-n game.

    Where no payoff rises with n they follow from the equilibria's characterisation (see `congestion`), in
    O(M log M) without a mechanism; else from an enumeration of small instances, and from best-response paths of others.
    There always is one, since the game has a potential [Rosenthal1973].

    Raises:
        ValueError: `stage` is unknown, or the game is too large for its mechanism.
    """
    game = ObserveNGame(config, stage=stage)
    exact = True
    occupancies = _characterised(game)
    if not occupancies:
        exact = n_compositions(game.n_agents, config.n_casinos) <= MOST_COUNT_VECTORS
        occupancies = _enumerated(game) if exact else _reached(game)
    equilibria = [game.equilibrium(occupancy) for occupancy in occupancies]
    return ObserveNEquilibria(
        best=max(equilibria, key=lambda equilibrium: social_welfare(config, equilibrium)),
        worst=min(equilibria, key=lambda equilibrium: social_welfare(config, equilibrium)),
        exact=exact,
    )


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
    """
    game = ObserveNGame(config, stage=stage)
    if game.seats is not None:
        return float((best_values(config) * np.minimum(occupancy, game.seats)).sum())
    arrivals = np.arange(game.n_agents + 1)
    arrived = (arrivals >= 1) & (arrivals <= np.asarray(occupancy)[:, None])
    return float(game.payoffs(arrivals[:, None] * np.ones_like(occupancy)).T[arrived].sum())


def _characterised(game: ObserveNGame) -> list[IntArray]:
    """Occupancies of a best and of a worst equilibrium; none where a payoff rises with n, or ties are too many."""
    if game.seats is not None:
        places = places_of_seats(best_values(game.config), game.seats, game.n_agents, tolerance=game.tolerance)
        return [best_seating(places, game.n_agents), worst_seating(places, game.n_agents)]
    if game.table is None or game.totals is None or not never_rises(game.table, tolerance=game.tolerance):
        return []
    places = places_of_table(game.table, game.n_agents, tolerance=game.tolerance)
    totals = game.totals - game.sponsored()
    found = [extreme_allocation(places, totals, game.n_agents, best=best) for best in (True, False)]
    return [occupancy for occupancy in found if occupancy is not None]


def _enumerated(game: ObserveNGame) -> list[IntArray]:
    occupancies = compositions(game.n_agents, game.config.n_casinos)
    return list(occupancies[game.location_gain(occupancies) <= game.tolerance])


def _reached(game: ObserveNGame) -> list[IntArray]:
    """Where best-response paths end that start with everybody spread evenly, or together in one of the casinos."""
    agents, n_casinos = game.n_agents, game.config.n_casinos
    even = np.full(n_casinos, agents // n_casinos, dtype=np.int64)
    even[: agents % n_casinos] += 1
    together = agents * np.eye(n_casinos, dtype=np.int64)[:MOST_STARTS]
    return [
        best_response_path(game.payoffs, game.entries, start, tolerance=game.tolerance) for start in (even, *together)
    ]
