"""What the mechanisms pay and charge: each formula once, as a short compiled function, and the settling of a casino.

n and k are the members and cooperators of a casino who play, which under a capacity are fewer than are there.
"""

from typing import Final, NamedTuple

from mpgg_env.core.compiled import compiled, inlined
from mpgg_env.core.types import FloatArray, Int8Array, IntArray
from mpgg_env.games.mpgg.rules import COOPERATE, DEFECT, payoff, share

EXCLUDED: Final = 2  # the role of a member who found no seat; DEFECT and COOPERATE are the others
N_ROLES: Final = 3


MONEY: Final = ("fine", "subsidy", "subsidy_local", "toll", "pigou", "peer")  # the mechanisms that move money


class Terms(NamedTuple):
    """The mechanisms' parameters in each casino, (M,) each, 0 for a mechanism that is not in force."""

    active: bool  # any mechanism is in force; otherwise nothing of this is looked at
    levies: bool  # tolls are
    rebates: bool  # and the agents get them back
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


class Rules(NamedTuple):
    """What decides payoffs."""

    cost: FloatArray  # (M,)
    gain: FloatArray  # (M,)
    pays_cost: bool  # the "text" payoff
    min_players: int
    terms: Terms


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


@inlined
def game_transfers(cooperates: int, m: int, n: int, k: int, rules: Rules) -> tuple[float, float, float, float, float]:
    """What a player of casino m gets, less what it pays: fine, subsidy, local subsidy, Pigou and peer punishment."""
    terms = rules.terms
    return (
        fine_transfer(cooperates, terms.fine[m], n, k),
        subsidy_transfer(cooperates, terms.subsidy[m]),
        local_subsidy_transfer(cooperates, terms.local_subsidy[m], n, k),
        pigou_transfer(cooperates, terms.rate[m], rules.cost[m], rules.gain[m], n, k, rules.pays_cost),
        punishment_transfer(cooperates, terms.punishment[m], terms.punishment_cost[m], n, k),
    )


@compiled
def game_transfer(cooperates: int, m: int, n: int, k: int, rules: Rules) -> float:
    """What a player of casino m gets, less what it pays, from all mechanisms but the toll."""
    fine, subsidy, local_subsidy, pigou, punishment = game_transfers(cooperates, m, n, k, rules)
    return fine + subsidy + local_subsidy + pigou + punishment


@inlined
def settle_casino(m: int, n: int, k: int, rules: Rules, payoffs: FloatArray) -> float:
    """Fills the three entries of casino m in `payoffs` (3 M,), by role, tolls excepted.

    Returns:
        The welfare that the n players of whom k cooperate produce: their payoffs before any transfer.
    """
    cost, gain, pays_cost, min_players = rules.cost[m], rules.gain[m], rules.pays_cost, rules.min_players
    defector, cooperator = 0.0, 0.0
    if n > 0:  # nobody plays where a capacity has no seats
        defector = payoff(DEFECT, cost, gain, n, k, pays_cost, min_players)
        cooperator = payoff(COOPERATE, cost, gain, n, k, pays_cost, min_players)
    produced = (n - k) * defector + k * cooperator
    if rules.terms.active and n >= max(min_players, 1):
        defector += game_transfer(DEFECT, m, n, k, rules)
        cooperator += game_transfer(COOPERATE, m, n, k, rules)
    payoffs[N_ROLES * m + DEFECT] = defector
    payoffs[N_ROLES * m + COOPERATE] = cooperator
    payoffs[N_ROLES * m + EXCLUDED] = 0.0
    return produced


@compiled
def sponsor_payment(occupancy: IntArray, players: IntArray, cooperators: IntArray, rules: Rules) -> float:
    """What the sponsor pays in one game: subsidies, less the tolls that it keeps.

    Args:
        occupancy: Agents in each casino, (M,).
        players: Those of them who play, (M,).
        cooperators: Those of the players who cooperate, (M,).
        rules: The rules.
    """
    paid, terms = 0.0, rules.terms
    for m in range(len(players)):
        if players[m] >= rules.min_players:
            paid += subsidy_transfer(COOPERATE, terms.subsidy[m]) * cooperators[m]
        if terms.levies and not terms.rebates:
            paid -= toll_at(m, occupancy[m], terms) * occupancy[m]
    return paid


@compiled
def fill_rebates(occupancy: IntArray, terms: Terms, rebates: FloatArray) -> None:
    """Fills `rebates` (M,): what each member of a casino gets from the tolls that all casinos (M,) take.

    A casino's takings are shared by all agents outside it, and returned to its members if nobody is outside; unless
    the sponsor keeps them.
    """
    rebates[:] = 0.0
    if not terms.rebates:
        return
    agents = 0
    for m in range(len(occupancy)):
        agents += occupancy[m]
    # Forth and back, so that a casino's own part is never added: subtracted again, it would leave a rounding error.
    others = 0.0
    for m in range(len(occupancy)):
        rebates[m] = others
        others += rebate_elsewhere(m, occupancy[m], agents, terms)
    others = 0.0
    for m in range(len(occupancy) - 1, -1, -1):
        rebates[m] += others
        others += rebate_elsewhere(m, occupancy[m], agents, terms)
        if occupancy[m] == agents and agents > 0:
            rebates[m] += toll_at(m, agents, terms)


@compiled
def rebate_elsewhere(m: int, members: int, agents: int, terms: Terms) -> float:
    """What each agent outside casino m gets from its takings."""
    if members == 0 or members == agents or not terms.rebates:
        return 0.0
    return toll_at(m, members, terms) * members / (agents - members)


@compiled
def fill_tolls(occupancy: IntArray, terms: Terms, tolls: FloatArray) -> None:
    """Fills `tolls`, what each member pays, for occupancies; both (..., M) as rows."""
    for row in range(len(occupancy)):
        for m in range(occupancy.shape[1]):
            tolls[row, m] = toll_at(m, occupancy[row, m], terms)


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
def fill_transfers(
    positions: IntArray,
    roles: Int8Array,
    occupancy: IntArray,
    players: IntArray,
    cooperators: IntArray,
    rebates: FloatArray,
    rules: Rules,
    received: FloatArray,
) -> None:
    """Who paid what in one game: fills `received` (kinds, N) in the order of `MONEY`.

    Args:
        positions: Casino of each agent, (N,).
        roles: DEFECT, COOPERATE or EXCLUDED of each agent, (N,).
        occupancy: Agents in each casino, (M,).
        players: Those of them who play, (M,).
        cooperators: Those of the players who cooperate, (M,).
        rebates: As `fill_rebates` fills them, (M,).
        rules: The rules.
        received: What each agent gets, less what it pays.
    """
    terms = rules.terms
    for i in range(len(positions)):
        m, role = positions[i], roles[i]
        n, k = players[m], cooperators[m]
        received[:, i] = 0.0
        received[3, i] = rebates[m] - toll_at(m, occupancy[m], terms)
        if role != EXCLUDED and n >= rules.min_players:
            fine, subsidy, local_subsidy, pigou, punishment = game_transfers(role, m, n, k, rules)
            received[0, i] = fine
            received[1, i] = subsidy
            received[2, i] = local_subsidy
            received[4, i] = pigou
            received[5, i] = punishment
