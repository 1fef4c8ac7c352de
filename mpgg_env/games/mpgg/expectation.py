"""Expected payoffs over the draw of those who play under a capacity."""

import numpy as np

from mpgg_env.core.compiled import compiled
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.games.mpgg.rules import payoff
from mpgg_env.games.mpgg.transfers import Rules, game_transfer, toll_at


@compiled
def fill_expected(
    casinos: IntArray, occupancy: IntArray, cooperators: IntArray, rules: Rules, payoffs: FloatArray
) -> None:
    """Expected payoffs `payoffs` (n, 2) of a defector and a cooperator in n situations, (n,) each."""
    for i in range(len(casinos)):
        for cooperates in range(2):
            payoffs[i, cooperates] = expected_payoff(cooperates, casinos[i], occupancy[i], cooperators[i], rules)


@compiled
def expected_payoff(cooperates: int, m: int, members: int, cooperators: int, rules: Rules) -> float:
    """Expected payoff of a member of casino m, toll included and rebates not.

    NaN for a role that none of the `members` has.
    """
    if members - cooperators < 1 - cooperates or cooperators < cooperates:
        return np.nan
    seats = rules.terms.seats[m]
    paid = toll_at(m, members, rules.terms)
    if members <= seats:
        return float(_player_payoff(cooperates, m, members, cooperators, rules) - paid)
    if seats == 0:
        return float(-paid)
    return float(_seated_payoff(cooperates, m, members, cooperators, rules) * seats / members - paid)


@compiled
def _seated_payoff(cooperates: int, m: int, members: int, cooperators: int, rules: Rules) -> float:
    """Expected payoff of a member who found a seat.

    How many of the other seats go to cooperators is hypergeometric. Its weights come from their ratios, from the mode
    on, where they can neither overflow nor all vanish.
    """
    seats = rules.terms.seats[m]
    drawn, others_c = seats - 1, cooperators - cooperates
    others_d = members - 1 - others_c
    lowest, highest = max(0, drawn - others_d), min(others_c, drawn)
    mode = min(max((drawn + 1) * (others_c + 1) // (members + 1), lowest), highest)
    total, mean, weight = 0.0, 0.0, 1.0
    for x in range(mode, highest + 1):
        total += weight
        mean += weight * _player_payoff(cooperates, m, seats, x + cooperates, rules)
        weight *= (others_c - x) * (drawn - x) / ((x + 1.0) * (others_d - drawn + x + 1.0))
    weight = 1.0
    for x in range(mode, lowest, -1):
        weight *= x * (others_d - drawn + x) / ((others_c - x + 1.0) * (drawn - x + 1.0))
        total += weight
        mean += weight * _player_payoff(cooperates, m, seats, x - 1 + cooperates, rules)
    return float(mean / total)


@compiled
def _player_payoff(cooperates: int, m: int, n: int, k: int, rules: Rules) -> float:
    if n < rules.min_players:
        return 0.0
    earned = payoff(cooperates, rules.cost[m], rules.gain[m], n, k, rules.pays_cost, rules.min_players)
    return earned + game_transfer(cooperates, m, n, k, rules)
