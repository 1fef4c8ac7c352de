"""What the mechanisms pay and charge: each formula once, as a short compiled function, and the settling of a casino.

n and k are the members and cooperators of a casino who play, which under a capacity are fewer than are there.
"""

from typing import Final, NamedTuple

import numpy as np

from mpgg_env.core.compiled import compiled, inlined
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.games.mpgg.rules import COOPERATE, DEFECT, payoff, share

EXCLUDED: Final = 2  # the role of a member who found no seat; DEFECT and COOPERATE are the others
N_ROLES: Final = 3


class Terms(NamedTuple):
    """The mechanisms' parameters in each casino, (M,) each, 0 for a mechanism that is not in force."""

    active: bool  # any mechanism is in force; otherwise nothing of this is looked at
    levies: bool  # tolls are
    limits: bool  # a capacity is
    fine: FloatArray
    subsidy: FloatArray
    local_subsidy: FloatArray
    rate: FloatArray
    punishment: FloatArray
    punishment_cost: FloatArray
    fee: FloatArray
    surcharge: FloatArray
    toll_seats: IntArray
    seats: IntArray  # of the capacity; more than any number of members without one


@compiled
def fine_transfer(cooperates: int, amount: float, n: int, k: int) -> float:
    """Fine: a defector pays it and the cooperators share it; without any it is returned."""
    if k == 0:
        return 0.0
    if cooperates:
        return amount * (n - k) / k
    return -amount


@compiled
def subsidy_transfer(cooperates: int, amount: float) -> float:
    """Subsidy: a cooperator gets it from outside."""
    return amount if cooperates else 0.0


@compiled
def local_subsidy_transfer(cooperates: int, amount: float, n: int, k: int) -> float:
    """Local subsidy: a cooperator gets it, and every member pays an equal part of all of them."""
    return subsidy_transfer(cooperates, amount) - amount * k / n


@compiled
def pigou_transfer(cooperates: int, rate: float, cost: float, gain: float, n: int, k: int, pays_cost: bool) -> float:
    """Marginal contribution: a defector pays what its share takes from the pool, a cooperator gets what it gives."""
    if cooperates:
        return rate * share(cost, gain, n, n - k, pays_cost)
    return -rate * share(cost, gain, n, k, pays_cost)


@compiled
def punishment_transfer(cooperates: int, punishment: float, cost: float, n: int, k: int) -> float:
    """Peer punishment: a defector loses to each cooperator, a cooperator spends on each defector."""
    if cooperates:
        return -cost * (n - k)
    return -punishment * k


@compiled
def toll(fee: float, surcharge: float, seats: int, members: int) -> float:
    """What every member of a casino with `members` members pays for being there."""
    if members > seats:
        return fee + surcharge
    return fee


@compiled
def toll_at(m: int, members: int, terms: Terms) -> float:
    """The toll in casino m."""
    return toll(terms.fee[m], terms.surcharge[m], terms.toll_seats[m], members)


@compiled
def game_transfer(
    cooperates: int, m: int, n: int, k: int, cost: float, gain: float, pays_cost: bool, terms: Terms
) -> float:
    """What a player of casino m gets, less what it pays, from all mechanisms but the toll."""
    received = fine_transfer(cooperates, terms.fine[m], n, k)
    received += subsidy_transfer(cooperates, terms.subsidy[m])
    received += local_subsidy_transfer(cooperates, terms.local_subsidy[m], n, k)
    received += pigou_transfer(cooperates, terms.rate[m], cost, gain, n, k, pays_cost)
    received += punishment_transfer(cooperates, terms.punishment[m], terms.punishment_cost[m], n, k)
    return received


@inlined
def settle_casino(
    m: int,
    n: int,
    k: int,
    cost: float,
    gain: float,
    pays_cost: bool,
    min_players: int,
    terms: Terms,
    payoffs: FloatArray,
) -> float:
    """Fills the three entries of casino m in `payoffs` (3 M,), by role, tolls excepted.

    Returns:
        The welfare that the n players of whom k cooperate produce: their payoffs before any transfer.
    """
    defector = payoff(DEFECT, cost, gain, n, k, pays_cost, min_players) if n > 0 else 0.0
    cooperator = payoff(COOPERATE, cost, gain, n, k, pays_cost, min_players) if n > 0 else 0.0
    produced = (n - k) * defector + k * cooperator
    if terms.active and n > 0 and n >= min_players:
        defector += game_transfer(DEFECT, m, n, k, cost, gain, pays_cost, terms)
        cooperator += game_transfer(COOPERATE, m, n, k, cost, gain, pays_cost, terms)
    payoffs[N_ROLES * m + DEFECT] = defector
    payoffs[N_ROLES * m + COOPERATE] = cooperator
    payoffs[N_ROLES * m + EXCLUDED] = 0.0
    return produced


@compiled
def fill_rebates(occupancy: IntArray, terms: Terms, rebates: FloatArray) -> None:
    """Fills `rebates` (M,): what each member of a casino gets from the tolls that all casinos (M,) take.

    A casino's takings are shared by all agents outside it, and returned to its members if nobody is outside.
    """
    agents = 0
    for m in range(len(occupancy)):
        agents += occupancy[m]
    # Forth and back, so that a casino's own part is never added: subtracted again, it would leave a rounding error.
    others = 0.0
    for m in range(len(occupancy)):
        rebates[m] = others
        others += _rebate_elsewhere(m, occupancy[m], agents, terms)
    others = 0.0
    for m in range(len(occupancy) - 1, -1, -1):
        rebates[m] += others
        others += _rebate_elsewhere(m, occupancy[m], agents, terms)
        if occupancy[m] == agents and agents > 0:
            rebates[m] += toll_at(m, agents, terms)


@compiled
def _rebate_elsewhere(m: int, members: int, agents: int, terms: Terms) -> float:
    """What each agent outside casino m gets from its takings."""
    if members == 0 or members == agents:
        return 0.0
    return toll_at(m, members, terms) * members / (agents - members)


@compiled
def levy_tolls(occupancy: IntArray, terms: Terms, rebates: FloatArray, payoffs: FloatArray) -> None:
    """Charges the tolls and pays the rebates to all roles: `payoffs` (3 M,) is modified, `rebates` (M,) filled."""
    fill_rebates(occupancy, terms, rebates)
    for m in range(len(occupancy)):
        if occupancy[m] > 0:
            received = rebates[m] - toll_at(m, occupancy[m], terms)
            for role in range(N_ROLES):
                payoffs[N_ROLES * m + role] += received


@compiled
def expected_payoff(
    cooperates: int,
    m: int,
    members: int,
    cooperators: int,
    cost: float,
    gain: float,
    pays_cost: bool,
    min_players: int,
    terms: Terms,
) -> float:
    """Expected payoff of a member of casino m over the draw of those who play, toll included and rebates not.

    NaN for a role that none of the `members` has.
    """
    if members - cooperators < 1 - cooperates or cooperators < cooperates:
        return np.nan
    seats = terms.seats[m]
    paid = toll_at(m, members, terms)
    if members <= seats:
        return _player_payoff(cooperates, m, members, cooperators, cost, gain, pays_cost, min_players, terms) - paid
    if seats == 0:
        return -paid
    # How many of the other seats go to cooperators is hypergeometric. Weights by their ratios from the mode on: they
    # never overflow, and need no factorials.
    others, others_c, drawn = members - 1, cooperators - cooperates, seats - 1
    lowest, highest = max(0, drawn - (others - others_c)), min(others_c, drawn)
    mode = min(max((drawn + 1) * (others_c + 1) // (others + 2), lowest), highest)
    total, mean, weight = 0.0, 0.0, 1.0
    for x in range(mode, highest + 1):
        total += weight
        mean += weight * _player_payoff(cooperates, m, seats, x + cooperates, cost, gain, pays_cost, min_players, terms)
        weight *= (others_c - x) * (drawn - x) / ((x + 1.0) * (others - others_c - drawn + x + 1.0))
    weight = 1.0
    for x in range(mode, lowest, -1):
        weight *= x * (others - others_c - drawn + x) / ((others_c - x + 1.0) * (drawn - x + 1))
        total += weight
        mean += weight * _player_payoff(
            cooperates, m, seats, x - 1 + cooperates, cost, gain, pays_cost, min_players, terms
        )
    return float(mean / total * seats / members - paid)


@compiled
def _player_payoff(
    cooperates: int,
    m: int,
    n: int,
    k: int,
    cost: float,
    gain: float,
    pays_cost: bool,
    min_players: int,
    terms: Terms,
) -> float:
    if n < min_players:
        return 0.0
    earned = payoff(cooperates, cost, gain, n, k, pays_cost, min_players)
    return earned + game_transfer(cooperates, m, n, k, cost, gain, pays_cost, terms)
