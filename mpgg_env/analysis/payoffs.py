"""What the analysis takes payoffs from: the casinos' values, profiles of counts, and what a deviation gains.

The one-shot game: every agent chooses a casino and an action, all at once, and is paid what the rules and mechanisms
of the configuration say, in expectation over the draw of seats under a capacity. Agents are alike, so a profile is a
pair of counts (occupancy, cooperators), both (M,).
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from mpgg_env.core.compiled import compiled
from mpgg_env.core.rounding import ROUNDING
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.expectation import expected_payoff
from mpgg_env.games.mpgg.mechanisms import rules_of
from mpgg_env.games.mpgg.rules import COOPERATE, DEFECT, casino_costs, casino_gains
from mpgg_env.games.mpgg.transfers import Rules, fill_rebates, rebate_elsewhere, toll_at


class Game(NamedTuple):
    """A configuration in the form of the compiled functions."""

    agents: int
    rules: Rules
    tolerance: float  # gains up to it count as none


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Equilibrium:
    """A profile of counts with what it yields and how far it is from an equilibrium.

    Attributes:
        occupancy: Agents in each casino, (M,), read-only.
        cooperators: Those of them who cooperate, (M,), read-only.
        welfare: Sum of the agents' payoffs, transfers included: money of a sponsor counts, burnt money does not.
        gross: Sum of the agents' payoffs before all transfers: sum of v_m k_m without a capacity.
        exploitability: Largest gain of any agent from any other casino and action, at least 0; 0, up to rounding, in
            an equilibrium.
    """

    occupancy: IntArray
    cooperators: IntArray
    welfare: float
    gross: float
    exploitability: float


def best_values(config: MPGGConfig) -> FloatArray:
    """What a cooperator among cooperators earns in each casino, (M,): v = c (r - 1), or r - c with the code payoff."""
    cost, gain = casino_costs(config), casino_gains(config)
    return cost * (gain - 1) if config.payoff == "text" else gain - cost


def game_of(config: MPGGConfig) -> Game:
    """The configuration in the form of the compiled functions."""
    rules = rules_of(config)
    return Game(agents=config.n_players, rules=rules, tolerance=tolerance_of(magnitudes(rules)))


def tolerance_of(*numbers: Any) -> float:
    """The gain that counts as none: `ROUNDING` times the largest of the numbers and arrays that payoffs are made of.

    Where agents are indifferent rounding makes a gain of about 1e-15 times those numbers. It has the unit of the
    payoffs, so that equilibria do not depend on what money is counted in.
    """
    return ROUNDING * max(float(np.abs(values).max(initial=0.0)) for values in map(np.asarray, numbers))


def magnitudes(rules: Rules) -> FloatArray:
    """The largest number that payoffs in each casino are made of, (M,): cost, pool, and what one agent pays another.

    Payoffs themselves would not do: they are small where two large numbers cancel. Nor would the sum of what one agent
    gets from all others by fines, tolls or punishment: among millions its rounding is more than what decides where
    there are many on both sides, and numbers of cooperators would count as equilibria by the hundred.
    """
    terms = rules.terms
    pool = rules.gain * rules.cost if rules.pays_cost else rules.gain
    money = [terms.fine, terms.subsidy, terms.local_subsidy, terms.fee + terms.surcharge, terms.rate * pool]
    largest: FloatArray = np.maximum.reduce([rules.cost, pool, *money, terms.punishment, terms.punishment_cost])
    return largest


def check_profile(config: MPGGConfig, occupancy: Any, cooperators: Any) -> tuple[IntArray, IntArray]:
    """The profile as two new arrays of integers, (M,).

    Raises:
        ValueError: A shape or number is wrong, or the occupancies do not add up to the agents of the game.
        TypeError: An array does not hold integers.
    """
    n, k = _counts("occupancy", occupancy, config.n_casinos), _counts("cooperators", cooperators, config.n_casinos)
    if n.sum() != config.n_players:
        raise ValueError(f"occupancy must add up to the {config.n_players} agents of the game, got {n.sum()}")
    if (n < 0).any():
        raise ValueError(f"occupancy must be at least 0, got {n[n < 0][0]}")
    if ((k < 0) | (k > n)).any():
        m = np.flatnonzero((k < 0) | (k > n))[0]
        raise ValueError(f"cooperators of casino {m} must be in [0, {n[m]}], got {k[m]}")
    return n, k


def resident_payoffs(config: MPGGConfig, occupancy: Any, cooperators: Any) -> FloatArray:
    """Payoff of a defector and of a cooperator in each casino, (M, 2), tolls and their rebates included.

    NaN for a role that nobody has. Raises as `check_profile` does.
    """
    n, k = check_profile(config, occupancy, cooperators)
    return _resident_payoffs(n, k, game_of(config))


def entrant_payoffs(config: MPGGConfig, occupancy: Any, cooperators: Any) -> FloatArray:
    """What one more agent would get in each casino as a defector and as a cooperator, (M, 2).

    Its toll is included, rebates are not: they depend on where it comes from (`exploitability` has them).
    Raises as `check_profile` does.
    """
    n, k = check_profile(config, occupancy, cooperators)
    payoffs = np.empty((config.n_casinos, 2))
    _fill_entrants(n, k, game_of(config), payoffs)
    return payoffs


def exploitability(config: MPGGConfig, occupancy: Any, cooperators: Any) -> float:
    """Largest gain that any one agent could make in the one-shot game by another casino, another action, or both.

    Exact, the others' choices given, in time proportional to the number of casinos. A mover changes the takings of
    the tolls of two casinos, and with them its own rebate; that counts.

    Returns:
        The gain, at least 0, in the unit of the payoffs. Raises as `check_profile` does.
    """
    n, k = check_profile(config, occupancy, cooperators)
    return float(unilateral_gain(n, k, game_of(config)))


def measured(config: MPGGConfig, occupancy: Any, cooperators: Any) -> Equilibrium:
    """The profile with its welfare and exploitability, all computed from the payoffs. Raises as `check_profile`."""
    n, k = check_profile(config, occupancy, cooperators)
    game = game_of(config)
    return measured_profile(n, k, game, without_transfers(game))


def measured_profile(occupancy: IntArray, cooperators: IntArray, game: Game, plain: Game) -> Equilibrium:
    """As `measured`, of checked counts and prepared games, for callers with many profiles of one game.

    The arrays become those of the result, and read-only.
    """
    profile = Equilibrium(
        occupancy=occupancy,
        cooperators=cooperators,
        welfare=_total(occupancy, cooperators, game),
        gross=_total(occupancy, cooperators, plain),
        exploitability=float(unilateral_gain(occupancy, cooperators, game)),
    )
    # Only now: numba would compile everything a second time for read-only arrays.
    occupancy.flags.writeable = cooperators.flags.writeable = False
    return profile


def without_transfers(game: Game) -> Game:
    """The game without its transfers; a capacity, which is none, stays."""
    nothing = np.zeros_like(game.rules.cost)
    terms = game.rules.terms._replace(
        levies=False,
        rebates=False,
        fine=nothing,
        subsidy=nothing,
        local_subsidy=nothing,
        rate=nothing,
        punishment=nothing,
        punishment_cost=nothing,
        fee=nothing,
        surcharge=nothing,
    )
    return game._replace(rules=game.rules._replace(terms=terms))


@compiled
def role_payoff(cooperates: int, m: int, members: int, cooperators: int, game: Game) -> float:
    """Expected payoff of a member of casino m, toll included and rebates not; NaN for a role that nobody has."""
    return expected_payoff(cooperates, m, members, cooperators, game.rules)


@compiled
def best_entry(m: int, members: int, cooperators: int, game: Game) -> float:
    """The most that one more agent can get in casino m, with what its coming does to its own rebates.

    It no longer has a part in the takings of m, unless nobody is left outside.
    """
    defecting = role_payoff(DEFECT, m, members + 1, cooperators, game)
    cooperating = role_payoff(COOPERATE, m, members + 1, cooperators + 1, game)
    value = max(defecting, cooperating)
    if game.rules.terms.rebates:
        value -= rebate_elsewhere(m, members, game.agents, game.rules.terms)
        if members + 1 == game.agents:
            value += toll_at(m, game.agents, game.rules.terms)
    return value


@compiled
def leaving_bonus(m: int, members: int, game: Game) -> float:
    """What leaving casino m does to the rebates of the agent that leaves."""
    if not game.rules.terms.rebates:
        return 0.0
    if members == game.agents:
        return rebate_elsewhere(m, members - 1, game.agents, game.rules.terms) - toll_at(m, members, game.rules.terms)
    return rebate_elsewhere(m, members - 1, game.agents, game.rules.terms)


@compiled
def unilateral_gain(occupancy: IntArray, cooperators: IntArray, game: Game) -> float:
    """Largest gain of a deviation by one agent, at least 0: `exploitability` of checked counts (M,)."""
    best, second, where = -np.inf, -np.inf, -1
    for m in range(len(occupancy)):
        if occupancy[m] < game.agents:
            value = best_entry(m, occupancy[m], cooperators[m], game)
            if value > best:
                best, second, where = value, best, m
            elif value > second:
                second = value
    largest = 0.0
    for m in range(len(occupancy)):
        n, k = occupancy[m], cooperators[m]
        elsewhere = second if m == where else best
        for action in range(2):
            if (k if action == COOPERATE else n - k) > 0:
                own = role_payoff(action, m, n, k, game)
                switching = role_payoff(1 - action, m, n, k + 1 - 2 * action, game)
                moving = elsewhere + leaving_bonus(m, n, game)
                largest = max(largest, switching - own, moving - own)
    return largest


@compiled
def _fill_entrants(occupancy: IntArray, cooperators: IntArray, game: Game, payoffs: FloatArray) -> None:
    for m in range(len(occupancy)):
        payoffs[m, DEFECT] = role_payoff(DEFECT, m, occupancy[m] + 1, cooperators[m], game)
        payoffs[m, COOPERATE] = role_payoff(COOPERATE, m, occupancy[m] + 1, cooperators[m] + 1, game)


@compiled
def _fill_residents(
    occupancy: IntArray, cooperators: IntArray, game: Game, rebates: FloatArray, payoffs: FloatArray
) -> None:
    fill_rebates(occupancy, game.rules.terms, rebates)
    for m in range(len(occupancy)):
        for action in range(2):
            payoffs[m, action] = role_payoff(action, m, occupancy[m], cooperators[m], game) + rebates[m]


def _resident_payoffs(occupancy: IntArray, cooperators: IntArray, game: Game) -> FloatArray:
    payoffs = np.empty((len(occupancy), 2))
    _fill_residents(occupancy, cooperators, game, np.empty(len(occupancy)), payoffs)
    return payoffs


def _total(occupancy: IntArray, cooperators: IntArray, game: Game) -> float:
    members = np.stack([occupancy - cooperators, cooperators], axis=-1)
    payoffs = _resident_payoffs(occupancy, cooperators, game)
    return float((members * np.where(members > 0, payoffs, 0.0)).sum())


def _counts(name: str, values: Any, n_casinos: int) -> IntArray:
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers, got an array of {array.dtype}")
    if array.shape != (n_casinos,):
        raise ValueError(f"{name} must have shape ({n_casinos},), got {array.shape}")
    return array.astype(np.int64)
