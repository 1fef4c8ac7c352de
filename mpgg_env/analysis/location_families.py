"""The one-shot game of location and contribution without mechanisms: all pure equilibria in closed form, any size.

With v_m > 0 wherever there is anything to gain, a profile is a pure equilibrium iff it belongs to one of three
families:

* tragedy: every casino with something to gain holds at least r_m agents, all defectors;
* gathering: all agents in one casino with the highest v, all cooperators, N < r; or N = r with enough cooperators k,
  c (k - 1) at least the highest v elsewhere;
* spread: several casinos tied for the highest v, all cooperators, n_m + 1 <= r_m in each that has any.

r_m stands for r_m / c_m with the code payoff. `location_game` finds the same by enumeration where it is small.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from mpgg_env.analysis.payoffs import Equilibrium, best_values, game_of, measured
from mpgg_env.analysis.symmetric import check_plain
from mpgg_env.core.rounding import ROUNDING
from mpgg_env.core.types import BoolArray, FloatArray, IntArray
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.rules import casino_costs, casino_gains

# Beyond these a count has thousands of digits, or takes long.
MOST_AGENTS_COUNTED: Final = 10**4
MOST_STEPS_COUNTED: Final = 10**6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Family:
    """One family of equilibria that the game has.

    Attributes:
        name: tragedy, gathering or spread.
        best: An equilibrium of the family with the highest welfare.
        worst: One with the lowest.
        count: How many profiles of counts belong to the family; None where counting would take long.
    """

    name: Literal["tragedy", "gathering", "spread"]
    best: Equilibrium
    worst: Equilibrium
    count: int | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Characterisation:
    """All pure equilibria of the one-shot game.

    Attributes:
        families: Those that exist, none if the game has no pure equilibrium. They have no profile in common.
        everything: Whether every profile is an equilibrium, since nobody can ever gain anything; the family is then
            the tragedy.
    """

    families: tuple[Family, ...]
    everything: bool

    @property
    def best_welfare(self) -> float:
        """Highest welfare of an equilibrium; NaN if there is none."""
        return max((family.best.welfare for family in self.families), default=math.nan)

    @property
    def worst_welfare(self) -> float:
        """Lowest welfare of an equilibrium; NaN if there is none."""
        return min((family.worst.welfare for family in self.families), default=math.nan)

    @property
    def count(self) -> int | None:
        """How many profiles of counts are equilibria; None where a family does not say."""
        counts = [family.count for family in self.families if family.count is not None]
        return sum(counts) if len(counts) == len(self.families) else None


@dataclass(frozen=True, slots=True)
class _Board:
    """What the conditions of the families need, (M,) each."""

    agents: int
    cost: FloatArray
    values: FloatArray
    critical: FloatArray  # number of members from which a defector gains: r, or r / c; inf without cost
    inert: BoolArray  # nothing can be gained or lost
    tolerance: float  # of the game: values that differ by less are tied

    @property
    def tied(self) -> IntArray:
        """The casinos with the highest value."""
        return np.flatnonzero(self.values >= self.values.max() - self.tolerance)


def characterise(config: MPGGConfig) -> Characterisation:
    """All pure equilibria of the one-shot game, in time proportional to the number of casinos.

    Raises:
        ValueError: The game has a mechanism or `min_players` above 1, or a casino where cooperation among cooperators
            earns nothing though it costs something (r <= 1, or r <= c with the code payoff): the characterisation
            does not hold then; `location_game.pure_equilibria` enumerates.
    """
    board = _board(config)
    everything = bool(board.inert.all())
    families = (_tragedy,) if everything else (_tragedy, _gathering, _spread)
    found = (family(config, board) for family in families)
    return Characterisation(families=tuple(family for family in found if family is not None), everything=everything)


def _board(config: MPGGConfig) -> _Board:
    check_plain(config, "the closed form")
    cost, values = casino_costs(config), best_values(config)
    pool = values + cost
    inert = (cost == 0) & (pool == 0)
    wrong = np.flatnonzero(~inert & (values <= 0))
    if len(wrong):
        m = wrong[0]
        bound = "1" if config.payoff == "text" else f"the cost {cost[m]:g}"
        raise ValueError(
            f"gain must be above {bound} for the closed form, got {casino_gains(config)[m]:g} in casino {m}"
        )
    gain = casino_gains(config)
    ratio = gain if config.payoff == "text" else np.divide(gain, cost, out=np.full(len(gain), np.inf), where=cost > 0)
    return _Board(
        agents=config.n_players,
        cost=cost,
        values=values,
        critical=_whole(ratio),
        inert=inert,
        tolerance=game_of(config).tolerance,
    )


def _whole(ratio: FloatArray) -> FloatArray:
    """The numbers, those that miss an integer by rounding alone made integers: 0.6 / 0.2 is below 3."""
    nearest = np.rint(ratio)
    return np.where(np.isclose(ratio, nearest, rtol=ROUNDING, atol=0), nearest, ratio)


def _tragedy(config: MPGGConfig, board: _Board) -> Family | None:
    needed = np.where(board.inert, 0.0, np.ceil(board.critical))
    if needed.sum() > board.agents:
        return None
    occupancy = needed.astype(np.int64)
    extra = board.agents - int(occupancy.sum())
    each, left = divmod(extra, len(occupancy))
    occupancy += each
    occupancy[:left] += 1
    profile = measured(config, occupancy, np.zeros_like(occupancy))
    # The extra agents go anywhere; in an inert casino they do as they like, which makes it two places.
    places = len(occupancy) + int(board.inert.sum())
    count = math.comb(extra + places - 1, extra) if board.agents <= MOST_AGENTS_COUNTED else None
    return Family(name="tragedy", best=profile, worst=profile, count=count)


def _gathering(config: MPGGConfig, board: _Board) -> Family | None:
    fewest = {int(m): k for m in board.tied for k in _fewest_gathered(board, int(m))}
    if not fewest:
        return None
    most_extra = min(fewest, key=lambda m: (fewest[m], m))
    return Family(
        name="gathering",
        best=_gathered(config, next(iter(fewest)), board.agents),
        worst=_gathered(config, most_extra, fewest[most_extra]),
        count=sum(board.agents - k + 1 for k in fewest.values()),
    )


def _fewest_gathered(board: _Board, m: int) -> Iterator[int]:
    """The fewest cooperators of a gathering in casino m; nothing if it is full or more."""
    if board.agents < board.critical[m]:
        yield board.agents
    elif board.agents == board.critical[m]:
        others = np.delete(board.values, m)
        second = float(others.max(initial=0.0))
        # One at least: without any it is a tragedy, if it is an equilibrium.
        yield max(1, math.ceil((second - board.tolerance) / board.cost[m]) + 1)


def _gathered(config: MPGGConfig, m: int, cooperators: int) -> Equilibrium:
    occupancy, cooperating = np.zeros((2, config.n_casinos), np.int64)
    occupancy[m], cooperating[m] = config.n_players, cooperators
    return measured(config, occupancy, cooperating)


def _spread(config: MPGGConfig, board: _Board) -> Family | None:
    tied = board.tied
    room = np.minimum(np.floor(board.critical[tied]) - 1, board.agents).astype(np.int64)
    tied, room = tied[room > 0], room[room > 0]
    if len(tied) < 2 or room.sum() < board.agents or board.agents < 2:
        return None
    occupancy = np.zeros(config.n_casinos, np.int64)
    # The first casino leaves one agent for the others, so that there are several.
    room_left = room.copy()
    room_left[0] = min(room_left[0], board.agents - 1)
    before = np.cumsum(room_left) - room_left
    occupancy[tied] = np.clip(board.agents - before, 0, room_left)
    profile = measured(config, occupancy, occupancy)
    return Family(name="spread", best=profile, worst=profile, count=_spread_count(board.agents, room))


def _spread_count(agents: int, room: IntArray) -> int | None:
    """Ways to put the agents into casinos with this room each, into several of them."""
    if len(room) * agents > MOST_STEPS_COUNTED:
        return None
    ways = [1] + [0] * agents
    for seats in room.tolist():
        sums, total = [0], 0
        for way in ways:
            total += way
            sums.append(total)
        ways = [sums[n + 1] - sums[max(0, n - seats)] for n in range(agents + 1)]
    return ways[agents] - int((room >= agents).sum())
