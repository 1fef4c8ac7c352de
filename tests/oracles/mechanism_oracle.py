"""The seven mechanisms played slowly and exactly, agent by agent, from the words of the rules and not from the package.

Every number is a `Fraction`. A round is settled for named agents: who is where, who gives, who was drawn to play. The
result is a ledger, one column per mechanism, of what every agent receives (what it pays is negative).

The words, for a casino with n players of which k give:

* fine: who keeps pays f; the fines go to the givers in equal parts, or back to who paid them if nobody gives;
* subsidy: who gives receives s from a sponsor;
* subsidy_local: who gives receives s, all players bear the total s k in equal parts;
* pigou: who keeps pays theta times the share r c k / n it enjoys, who gives receives theta r c (n - k) / n;
* peer: every giver fines every keeper by phi, at a cost of kappa_p each time;
* toll: everybody present pays the fee, and the surcharge while more are present than there are seats. All agents
  outside the casino share its revenue; if nobody is outside, the payers get it back;
* capacity: of more than kappa present, kappa are drawn to play, all sets being equally likely. The others get nothing
  from the game and take no part in any transfer but the toll.

Below `min_players` players there is no game and no transfer but the toll.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from itertools import combinations, product
from math import floor

from tests.oracles.game_oracle import Board, occupants, pay

NOTHING = Fraction(0)


@dataclass(frozen=True)
class Rules:
    """The parameters of every mechanism, one per casino; an empty tuple where there is no such mechanism."""

    fine: tuple[Fraction, ...] = ()
    subsidy: tuple[Fraction, ...] = ()
    subsidy_local: tuple[Fraction, ...] = ()
    pigou: tuple[Fraction, ...] = ()
    fee: tuple[Fraction, ...] = ()
    surcharge: tuple[Fraction, ...] = ()
    toll_seats: tuple[int, ...] = ()
    capacity: tuple[int, ...] = ()
    punishment: tuple[Fraction, ...] = ()
    punishment_cost: tuple[Fraction, ...] = ()

    def untolled(self) -> Rules:
        """The same without the toll."""
        return replace(self, fee=(), surcharge=(), toll_seats=())


def seats(board: Board) -> tuple[int, ...]:
    """The whole part of every casino's gain: how many can play there without a dilemma."""
    return tuple(floor(board.gain(casino)) for casino in range(board.rows * board.columns))


def lotteries(board: Board, rules: Rules, positions: Sequence[int]) -> list[frozenset[int]]:
    """Every set of agents that may be drawn to play; all are equally likely."""
    drawn = []
    for casino, present in enumerate(occupants(board.rows * board.columns, positions)):
        size = min(len(present), rules.capacity[casino]) if rules.capacity else len(present)
        drawn.append(list(combinations(present, size)))
    return [frozenset(agent for group in groups for agent in group) for groups in product(*drawn)]


def settle(
    board: Board, rules: Rules, positions: Sequence[int], contributions: Sequence[int], players: frozenset[int]
) -> dict[str, list[Fraction]]:
    """The ledger of one round: what every agent receives from the game and from each mechanism."""
    names = ("game", "fine", "subsidy", "subsidy_local", "pigou", "peer", "toll")
    ledger = {name: [NOTHING] * len(positions) for name in names}
    for casino, present in enumerate(occupants(board.rows * board.columns, positions)):
        seated = [agent for agent in present if agent in players]
        if len(seated) >= board.min_players:
            givers = [agent for agent in seated if contributions[agent] == 1]
            keepers = [agent for agent in seated if contributions[agent] == 0]
            for agent in seated:
                ledger["game"][agent] = pay(board, casino, len(seated), len(givers), gives=agent in givers)
            for name, agent, amount in transfers(board, rules, casino, givers, keepers):
                ledger[name][agent] += amount
    for agent, amount in tolls(rules, positions):
        ledger["toll"][agent] += amount
    return ledger


def transfers(
    board: Board, rules: Rules, casino: int, givers: list[int], keepers: list[int]
) -> Iterator[tuple[str, int, Fraction]]:
    """Every single payment among the players of one casino: mechanism, agent, amount received."""
    seated = givers + keepers
    if rules.fine and givers:
        for keeper in keepers:
            yield "fine", keeper, -rules.fine[casino]
            for giver in givers:
                yield "fine", giver, rules.fine[casino] / len(givers)
    for giver in givers:
        if rules.subsidy:
            yield "subsidy", giver, rules.subsidy[casino]
        if rules.subsidy_local:
            yield "subsidy_local", giver, rules.subsidy_local[casino]
            for member in seated:
                yield "subsidy_local", member, -rules.subsidy_local[casino] / len(seated)
        for keeper in keepers:
            if rules.pigou:
                # One giver's share in the hands of one keeper.
                unit = Fraction(1) if board.payoff == "code" else board.cost(casino)
                taken = rules.pigou[casino] * board.gain(casino) * unit / len(seated)
                yield "pigou", keeper, -taken
                yield "pigou", giver, taken
            if rules.punishment:
                yield "peer", keeper, -rules.punishment[casino]
                yield "peer", giver, -rules.punishment_cost[casino]


def toll(rules: Rules, casino: int, present: int) -> Fraction:
    """What everybody in a casino pays."""
    if not rules.fee:
        return NOTHING
    crowded = present > rules.toll_seats[casino]
    return rules.fee[casino] + (rules.surcharge[casino] if crowded else NOTHING)


def tolls(rules: Rules, positions: Sequence[int]) -> Iterator[tuple[int, Fraction]]:
    """Every payment of a toll and every share in its revenue."""
    for casino in sorted(set(positions)):
        inside = [agent for agent, place in enumerate(positions) if place == casino]
        outside = [agent for agent, place in enumerate(positions) if place != casino]
        receivers = outside or inside
        for payer in inside:
            price = toll(rules, casino, len(inside))
            yield payer, -price
            for receiver in receivers:
                yield receiver, price / len(receivers)


def paid(ledger: dict[str, list[Fraction]]) -> list[Fraction]:
    """Every agent's payoff: the sum over the ledger's columns."""
    return [sum(column, NOTHING) for column in zip(*ledger.values(), strict=True)]


def expected(board: Board, rules: Rules, positions: Sequence[int], contributions: Sequence[int]) -> list[Fraction]:
    """Every agent's payoff, averaged over all draws of the players."""
    draws = lotteries(board, rules, positions)
    rounds = [paid(settle(board, rules, positions, contributions, players)) for players in draws]
    return [sum(agent, NOTHING) / len(draws) for agent in zip(*rounds, strict=True)]


@cache
def member(board: Board, rules: Rules, casino: int, present: int, givers: int, *, gives: bool) -> Fraction:
    """Expected payoff of one who gives or keeps among `present`, of whom `givers` give; without the toll."""
    places, contributions = [casino] * present, [1] * givers + [0] * (present - givers)
    return expected(board, rules.untolled(), places, contributions)[0 if gives else -1]


def rebate(rules: Rules, occupancy: Sequence[int], casino: int) -> Fraction:
    """What a member of a casino receives from the tolls of the others (from its own where all are inside)."""
    everybody, total = sum(occupancy), NOTHING
    for other, present in enumerate(occupancy):
        revenue = present * toll(rules, other, present)
        if other == casino and present == everybody:
            total += revenue / everybody
        elif other != casino:
            total += revenue / (everybody - present)
    return total


def stake(
    board: Board,
    rules: Rules,
    occupancy: Sequence[int],
    cooperators: Sequence[int],
    casino: int,
    *,
    gives: bool,
    rebated: bool = True,
) -> Fraction:
    """Expected payoff of a present giver or keeper, from the counts alone.

    `rebated=False` leaves out the shares in the tolls of others: what counts for one who takes them for a lump sum
    that does not depend on where it goes.
    """
    present, givers = occupancy[casino], cooperators[casino]
    game = member(board, rules.untolled(), casino, present, givers, gives=gives)
    back = rebate(rules, occupancy, casino) if rebated else NOTHING
    return game - toll(rules, casino, present) + back
