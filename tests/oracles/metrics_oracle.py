"""The measures of a round or a history, agent by agent, from the words of their definitions and not from the package.

A round is given as who is where and who gives, and where needed who is paid what; None stands for "undefined".
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor, log

from tests.oracles.game_oracle import Board, play

Number = Fraction | float


def value(board: Board, casino: int) -> Fraction:
    """What a cooperator among cooperators earns."""
    unit = Fraction(1) if board.payoff == "code" else board.cost(casino)
    return board.gain(casino) * unit - board.cost(casino)


def values(board: Board) -> list[Fraction]:
    """The same for every casino."""
    return [value(board, casino) for casino in range(board.rows * board.columns)]


def ratio(above: Number, below: Number) -> Number | None:
    """A quotient, undefined over 0."""
    return above / below if below else None


def carried(board: Board, n_agents: int) -> Fraction:
    """Everybody gives, the best casinos filled first and none beyond the whole part of its gain."""
    total, left = Fraction(0), n_agents
    for worth, casino in sorted(((v, m) for m, v in enumerate(values(board))), reverse=True):
        seated = min(left, floor(board.gain(casino)))
        total, left = total + seated * worth, left - seated
    return total


def cooperation_where(
    board: Board, positions: Sequence[int], contributions: Sequence[int], *, dilemma: bool
) -> Number | None:
    """Share of givers among the agents whose casino holds at least (or fewer than) r of them."""
    chosen = [
        gives
        for place, gives in zip(positions, contributions, strict=True)
        if (positions.count(place) >= board.gain(place)) == dilemma
    ]
    return ratio(Fraction(sum(chosen)), len(chosen))


def gini(incomes: Sequence[Fraction]) -> Number | None:
    """Half the mean difference of two incomes over the mean income."""
    if min(incomes) < 0 or sum(incomes) <= 0:
        return None
    differences = sum(abs(left - right) for left in incomes for right in incomes)
    return differences / (2 * len(incomes) * sum(incomes))


def seat_use(board: Board, positions: Sequence[int]) -> Number | None:
    """Share of all seats that somebody sits on."""
    room = [floor(board.gain(casino)) for casino in range(board.rows * board.columns)]
    return ratio(Fraction(sum(min(list(positions).count(m), seats) for m, seats in enumerate(room))), sum(room))


def overcrowding(board: Board, positions: Sequence[int]) -> Fraction:
    """Share of agents without a seat."""
    standing = sum(max(0, list(positions).count(m) - floor(board.gain(m))) for m in range(board.rows * board.columns))
    return Fraction(standing, len(positions))


def concentration(casinos: int, positions: Sequence[int]) -> tuple[Fraction, float | None, int]:
    """Chance that two draws with replacement share a casino; entropy in units of its maximum; the largest crowd."""
    crowds = [list(positions).count(casino) for casino in range(casinos)]
    shares = [Fraction(crowd, len(positions)) for crowd in crowds]
    entropy = -sum(float(share) * log(share) for share in shares if share)
    return sum((share**2 for share in shares), Fraction(0)), ratio(entropy, log(casinos)), max(crowds)  # type: ignore[return-value]


def drift(places: Sequence[int], levels: int) -> Number | None:
    """Mean index on an axis, -1 at its low end, 1 at its high end; undefined for one level or nobody."""
    if levels == 1 or not places:
        return None
    middle = Fraction(levels - 1, 2)
    return (Fraction(sum(places), len(places)) - middle) / middle


def value_drift(board: Board, positions: Sequence[int]) -> Number | None:
    """How far the mean value of the places is from that of the board, 1 being the best casino."""
    worth = values(board)
    mean = sum(worth, Fraction(0)) / len(worth)
    if not positions:
        return None
    here = sum((worth[place] for place in positions), Fraction(0)) / len(positions)
    return ratio(here - mean, max(worth) - mean)


def corridor(board: Board, positions: Sequence[int], contributions: Sequence[int]) -> set[int]:
    """Casinos with at least the mean number of agents, half of whom give."""
    found = set()
    casinos = board.rows * board.columns
    for casino in range(casinos):
        members = [gives for place, gives in zip(positions, contributions, strict=True) if place == casino]
        if members and len(members) * casinos >= len(positions) and 2 * sum(members) >= len(members):
            found.add(casino)
    return found


def joined(board: Board, cells: set[int]) -> bool:
    """Whether one can walk over these cells from the lowest to the highest gain, column by column or row by row."""
    reached = [cell for cell in cells if cell % board.columns == 0]
    for cell in reached:  # grows while it is read
        row, column = divmod(cell, board.columns)
        for down, right in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            to = row + down, column + right
            if board.boundary == "torus":
                to = to[0] % board.rows, to[1] % board.columns
            elif not (0 <= to[0] < board.rows and 0 <= to[1] < board.columns):
                continue
            other = to[0] * board.columns + to[1]
            if other in cells and other not in reached:
                reached.append(other)
    return any(cell % board.columns == board.columns - 1 for cell in reached)


def uphill(board: Board, before: Sequence[int], after: Sequence[int]) -> Number | None:
    """Moves to a better casino less moves to a worse one, over all moves to another casino."""
    steps = [value(board, new) - value(board, old) for old, new in zip(before, after, strict=True) if old != new]
    return ratio(Fraction(sum(step > 0 for step in steps) - sum(step < 0 for step in steps)), len(steps))


def assortment(positions: Sequence[int], contributions: Sequence[int]) -> Number | None:
    """Share of givers among the others in one's casino: mean over givers less mean over keepers, none alone."""
    met: dict[int, list[Fraction]] = {0: [], 1: []}
    for agent, (place, gives) in enumerate(zip(positions, contributions, strict=True)):
        others = [contributions[b] for b, there in enumerate(positions) if there == place and b != agent]
        if others:
            met[gives].append(Fraction(sum(others), len(others)))
    if not met[0] or not met[1]:
        return None
    return sum(met[1], Fraction(0)) / len(met[1]) - sum(met[0], Fraction(0)) / len(met[0])


def advantage(board: Board, positions: Sequence[int], contributions: Sequence[int]) -> Number | None:
    """Mean payoff of the givers less that of the keepers: what the two parts of the Price split add up to."""
    payoffs, _ = play(board, positions, contributions)
    givers = [pay for pay, gives in zip(payoffs, contributions, strict=True) if gives]
    keepers = [pay for pay, gives in zip(payoffs, contributions, strict=True) if not gives]
    if not givers or not keepers:
        return None
    return sum(givers, Fraction(0)) / len(givers) - sum(keepers, Fraction(0)) / len(keepers)


def within(board: Board, positions: Sequence[int], contributions: Sequence[int]) -> Number | None:
    """Mean cost of the givers: what they lose to the keepers of their own casino."""
    costs = [board.cost(place) for place, gives in zip(positions, contributions, strict=True) if gives]
    return ratio(sum(costs, Fraction(0)), len(costs)) if len(costs) < len(positions) else None


def survival(
    board: Board, rounds: Sequence[tuple[Sequence[int], Sequence[int]]], threshold: Fraction, *, residents: bool
) -> tuple[Number | None, Number | None]:
    """Synergy survival between two successive rounds (places, contributions).

    Looked at are the givers of the first round whose casino has a share of keepers above the threshold. First the
    share of them who in the second round earn more than "the keepers of that casino" do on average; then the mean
    change of payoff of those who moved less that of those who stayed. The keepers are those who are there in the second
    round (residents), or those who kept there in the first, wherever they now are. Without any nobody is looked at.
    """
    (places, gave), (after, gives) = rounds
    first, second = play(board, places, gave)[0], play(board, after, gives)[0]
    won, moved, stayed = [], [], []
    for agent, place in enumerate(places):
        members = [gave[b] for b, there in enumerate(places) if there == place]
        if not gave[agent] or Fraction(members.count(0), len(members)) <= threshold:
            continue
        where, chose = (after, gives) if residents else (places, gave)
        keepers = [second[b] for b, there in enumerate(where) if there == place and not chose[b]]
        if not keepers:
            continue
        won.append(second[agent] > sum(keepers, Fraction(0)) / len(keepers))
        (moved if after[agent] != place else stayed).append(second[agent] - first[agent])
    gain = None
    if moved and stayed:
        gain = sum(moved, Fraction(0)) / len(moved) - sum(stayed, Fraction(0)) / len(stayed)
    return ratio(Fraction(sum(won)), len(won)), gain


def median_run(histories: Sequence[Sequence[int]]) -> int | None:
    """Kaplan-Meier median of the runs of consecutive C; a run that reaches the last round is censored there."""
    runs = []
    for history in histories:
        length = 0
        for gives in (*history, None):
            if gives:
                length += 1
            elif length:
                runs.append((length, gives is not None))  # ended by a D, or by the end of the record
                length = 0
    surviving = Fraction(1)
    for length in sorted({length for length, ended in runs if ended}):
        at_risk = sum(other >= length for other, _ in runs)
        surviving *= 1 - Fraction(sum(run == (length, True) for run in runs), at_risk)
        if surviving <= Fraction(1, 2):
            return length
    return None
