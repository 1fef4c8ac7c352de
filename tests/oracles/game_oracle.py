"""The migratory public goods game played slowly and exactly, from the words of the rules and not from the package.

Every number is a `Fraction`, every agent and every casino is visited in a plain loop, and nothing of the package is
imported: what agrees with this module was computed twice.

The words: casino m = row * columns + column. The row is the cost index, the column the gain index; "up" is one row
more, "right" one column more. In casino m with n occupants, k of them cooperators, a defector gets r c k / n and a
cooperator r c k / n - c. All contributions are fixed before anybody is paid; all moves happen at once.

Mechanisms come as dicts with their name and parameters, and are told person by person: who hands what to whom. Under
a capacity the caller says who found a seat; who did not is no part of the casino's game, but pays its toll.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

STEPS = {"stay": (0, 0), "up": (1, 0), "down": (-1, 0), "left": (0, -1), "right": (0, 1)}


@dataclass(frozen=True)
class Board:
    """The casinos and the options that decide a round."""

    rows: int
    columns: int
    boundary: str = "torus"
    moves: str = "von_neumann"
    payoff: str = "text"
    min_players: int = 1
    cell_values: str = "upper"
    cost_range: tuple[float, float] = (0.0, 1.0)
    gain_range: tuple[float, float] = (1.5, 6.0)
    costs: tuple[float, ...] | None = None
    gains: tuple[float, ...] | None = None
    mechanism: tuple[dict[str, Any], ...] = ()

    def cost(self, casino: int) -> Fraction:
        """c of a casino, from its row."""
        if self.costs is not None:
            return Fraction(self.costs[casino])
        return scaled(fraction(self.cell_values, casino // self.columns, self.rows), self.cost_range)

    def gain(self, casino: int) -> Fraction:
        """r of a casino, from its column."""
        if self.gains is not None:
            return Fraction(self.gains[casino])
        return scaled(fraction(self.cell_values, casino % self.columns, self.columns), self.gain_range)

    def seats(self, casino: int) -> float:
        """How many can play in a casino."""
        for mechanism in self.mechanism:
            if mechanism["name"] == "capacity":
                given = mechanism.get("seats")
                return int(self.gain(casino)) if given is None else int(number(given, casino))
        return float("inf")


def number(given: Any, casino: int) -> Fraction:
    """A parameter in a casino: the same number everywhere, or one for each casino."""
    return Fraction(given[casino] if isinstance(given, list | tuple) else given)


def fraction(rule: str, index: int, count: int) -> Fraction:
    """The place of cell `index` among `count`: its upper edge, its centre, or evenly from 0 to 1 (one cell: 1)."""
    if rule == "upper":
        return Fraction(index + 1, count)
    if rule == "center":
        return (index + Fraction(1, 2)) / count
    if rule == "linspace":
        return Fraction(index, count - 1) if count > 1 else Fraction(1)
    raise KeyError(rule)


def scaled(place: Fraction, bounds: tuple[float, float]) -> Fraction:
    """A place between 0 and 1 carried to a range."""
    low, high = Fraction(bounds[0]), Fraction(bounds[1])
    return low + place * (high - low)


def occupants(casinos: int, positions: Sequence[int]) -> list[list[int]]:
    """For every casino the agents in it, by index."""
    return [[agent for agent, place in enumerate(positions) if place == casino] for casino in range(casinos)]


def play(
    board: Board, positions: Sequence[int], contributions: Sequence[int], plays: Sequence[bool] | None = None
) -> tuple[list[Fraction], list[int]]:
    """The game phase: every agent's payoff, and the cooperators of every casino.

    `contributions` holds 1 for an agent that cooperates and 0 for one that defects; `plays` says who found a seat.
    """
    payoffs = [Fraction(0)] * len(positions)
    cooperators = []
    for casino, members in enumerate(occupants(board.rows * board.columns, positions)):
        givers = [agent for agent in members if contributions[agent] == 1]
        cooperators.append(len(givers))
        seated = [agent for agent in members if plays is None or plays[agent]]
        assert len(seated) == min(len(members), board.seats(casino))
        givers = [agent for agent in seated if agent in givers]
        if len(seated) < board.min_players:
            continue
        for agent in seated:
            payoffs[agent] = pay(board, casino, len(seated), len(givers), gives=agent in givers)
        for _, received in casino_transfers(board, casino, seated, givers):
            for agent, money in received.items():
                payoffs[agent] += money
    for agent, money in toll_transfers(board, positions).items():
        payoffs[agent] += money
    return payoffs, cooperators


def casino_transfers(
    board: Board, casino: int, seated: list[int], givers: list[int]
) -> Iterator[tuple[str, dict[int, Fraction]]]:
    """For every mechanism but toll and capacity what each player of a casino gets from it, less what it pays."""
    takers = [agent for agent in seated if agent not in givers]
    for mechanism in board.mechanism:
        name = mechanism["name"]
        got = dict.fromkeys(seated, Fraction(0))
        if name == "fine":
            pot = Fraction(0)
            for taker in takers:
                got[taker] -= number(mechanism["amount"], casino)
                pot += number(mechanism["amount"], casino)
            for agent in givers or takers:  # without a giver the fines go back to those who paid
                got[agent] += pot / len(givers or takers)
        elif name == "subsidy":
            for giver in givers:
                got[giver] += number(mechanism["amount"], casino)
        elif name == "subsidy_local":
            for giver in givers:
                got[giver] += number(mechanism["amount"], casino)
                for agent in seated:
                    got[agent] -= number(mechanism["amount"], casino) / len(seated)
        elif name == "pigou":
            # What a giver's contribution brings a taker goes back to the giver.
            unit = board.cost(casino) if board.payoff == "text" else Fraction(1)
            for giver in givers:
                for taker in takers:
                    gift = number(mechanism.get("rate", 1), casino) * board.gain(casino) * unit / len(seated)
                    got[taker] -= gift
                    got[giver] += gift
        elif name == "peer":
            for giver in givers:
                for taker in takers:
                    got[taker] -= number(mechanism["punishment"], casino)
                    got[giver] -= number(mechanism.get("cost", 0), casino)
        else:
            assert name in ("toll", "capacity")
            continue
        yield name, got


def toll_transfers(board: Board, positions: Sequence[int]) -> dict[int, Fraction]:
    """What each agent gets from the tolls, less what it pays: whoever is elsewhere shares what a casino takes.

    With the rebate "none" the sponsor keeps it.
    """
    got = dict.fromkeys(range(len(positions)), Fraction(0))
    for mechanism in board.mechanism:
        if mechanism["name"] != "toll":
            continue
        for casino, members in enumerate(occupants(board.rows * board.columns, positions)):
            given = mechanism.get("seats")
            seats = int(board.gain(casino)) if given is None else number(given, casino)
            due = number(mechanism.get("fee", 0), casino)
            due += number(mechanism.get("surcharge", 0), casino) if len(members) > seats else 0
            others = [agent for agent in got if agent not in members] or members
            if mechanism.get("rebate") == "none":
                others = []
            for payer in members:
                got[payer] -= due
                for other in others:
                    got[other] += due / len(others)
    return got


def pay(board: Board, casino: int, players: int, givers: int, *, gives: bool) -> Fraction:
    """What one member receives: the text's payoff counts the pool in costs, the early code's in units of one."""
    cost, gain = board.cost(casino), board.gain(casino)
    unit = cost if board.payoff == "text" else Fraction(1)
    share = gain * unit * givers / players
    return share - cost if gives else share


def move(board: Board, casino: int, name: str) -> int | None:
    """The casino that a move leads to, None when the board has no such move there.

    `name` is a compass word such as "up" or "up_left", or for `moves="anywhere"` the number of the casino.
    """
    if board.moves == "anywhere":
        return int(name)
    row, column = casino // board.columns, casino % board.columns
    for word in name.split("_"):
        row += STEPS[word][0]
        column += STEPS[word][1]
    if board.boundary == "torus":
        return (row % board.rows) * board.columns + column % board.columns
    if 0 <= row < board.rows and 0 <= column < board.columns:
        return row * board.columns + column
    return casino if board.boundary == "wall" else None


def starting_counts(n_agents: int, casinos: int, remainder: str) -> list[tuple[int, int]]:
    """The least and the greatest number of agents that may start in each casino."""
    each, left = divmod(n_agents, casinos)
    if remainder == "drop" or left == 0:
        return [(each, each)] * casinos
    if remainder == "first":
        return [(each + 1, each + 1) if casino < left else (each, each) for casino in range(casinos)]
    return [(each, each + 1)] * casinos


def observed(
    board: Board, positions: Sequence[int], agent: int, phase: str, what: str, gave: Sequence[int]
) -> list[float]:
    """The eight numbers an agent sees: two phase flags, row, column, cost, gain, n and n_C.

    `gave` holds the contributions known at that moment: those of this round in the migration phase, those of the round
    before in the game phase (all 0 in round 0). `what` is "m", "m_n" or "m_n_nC".
    """
    casino = positions[agent]
    members = occupants(board.rows * board.columns, positions)[casino]
    players = len(members) if what != "m" else 0
    givers = sum(gave[member] for member in members) if what == "m_n_nC" else 0
    flags = [1.0, 0.0] if phase == "game" else [0.0, 1.0]
    place = [float(casino // board.columns), float(casino % board.columns)]
    return [*flags, *place, float(board.cost(casino)), float(board.gain(casino)), float(players), float(givers)]
