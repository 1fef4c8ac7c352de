"""Equilibria by trying everything, with `Fraction`s: every profile, every agent, every deviation.

Three games. In the *stage game* n agents are in one casino and choose C or D. In the *location game* every agent
chooses a casino and C or D at once. In the *observe-n game* agents choose casinos, see how many came, and then play the
stage game. Each is solved twice: over strategy profiles, agent by agent, and over counts, which is possible since a
payoff depends only on how many do what; the tests show on tiny games that both give the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import product
from math import comb

from tests.oracles.game_oracle import Board
from tests.oracles.mechanism_oracle import NOTHING, Rules, expected, member, rebate, stake, toll

Counts = tuple[tuple[int, ...], tuple[int, ...]]  # occupancy and cooperators of every casino
FREE = Rules()


def casinos(board: Board) -> int:
    """Number of casinos."""
    return board.rows * board.columns


def counts(board: Board, positions: Sequence[int], contributions: Sequence[int]) -> Counts:
    """The count profile of a strategy profile."""
    occupancy, cooperators = [0] * casinos(board), [0] * casinos(board)
    for casino, gives in zip(positions, contributions, strict=True):
        occupancy[casino] += 1
        cooperators[casino] += gives
    return tuple(occupancy), tuple(cooperators)


def compositions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """All ways to put `total` alike things into `parts` boxes."""
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in compositions(total - first, parts - 1):
            yield first, *rest


# The stage game.


def stage_gain(board: Board, rules: Rules, casino: int, present: int, givers: int) -> Fraction:
    """The most that one of n members gains by switching between C and D, k of them giving; the toll is the same."""
    gains = [NOTHING]
    if givers:
        gains.append(
            member(board, rules, casino, present, givers - 1, gives=False)
            - member(board, rules, casino, present, givers, gives=True)
        )
    if givers < present:
        gains.append(
            member(board, rules, casino, present, givers + 1, gives=True)
            - member(board, rules, casino, present, givers, gives=False)
        )
    return max(gains)


def stage_equilibria(board: Board, rules: Rules, casino: int, present: int) -> list[int]:
    """All k such that k givers and n - k keepers are a pure equilibrium."""
    return [k for k in range(present + 1) if stage_gain(board, rules, casino, present, k) <= 0]


def stage_equilibria_by_profiles(board: Board, rules: Rules, casino: int, present: int) -> set[tuple[int, ...]]:
    """All pure equilibria of the stage game as strategy profiles."""
    found, places = set(), [casino] * present
    for profile in product((0, 1), repeat=present):
        now = expected(board, rules, places, profile)
        switched = [(*profile[:i], 1 - profile[i], *profile[i + 1 :]) for i in range(present)]
        if all(expected(board, rules, places, other)[i] <= now[i] for i, other in enumerate(switched)):
            found.add(profile)
    return found


# The location game.


def deviations(
    board: Board, rules: Rules, occupancy: Sequence[int], cooperators: Sequence[int], *, rebated: bool
) -> Iterator[Fraction]:
    """What any agent gains by another casino, another action or both."""
    for casino, gives in product(range(casinos(board)), (False, True)):
        if (cooperators[casino] if gives else occupancy[casino] - cooperators[casino]) == 0:
            continue
        now = stake(board, rules, occupancy, cooperators, casino, gives=gives, rebated=rebated)
        for other, then_gives in product(range(casinos(board)), (False, True)):
            present, givers = list(occupancy), list(cooperators)
            present[casino], givers[casino] = present[casino] - 1, givers[casino] - gives
            present[other], givers[other] = present[other] + 1, givers[other] + then_gives
            yield stake(board, rules, present, givers, other, gives=then_gives, rebated=rebated) - now


def location_gain(
    board: Board, rules: Rules, occupancy: Sequence[int], cooperators: Sequence[int], *, rebated: bool = True
) -> Fraction:
    """The most that any agent gains by leaving the profile alone."""
    return max((NOTHING, *deviations(board, rules, occupancy, cooperators, rebated=rebated)))


def count_profiles(board: Board, n_agents: int) -> Iterator[Counts]:
    """Every count profile of n agents."""
    for boxes in compositions(n_agents, 2 * casinos(board)):
        givers, keepers = boxes[::2], boxes[1::2]
        yield tuple(a + b for a, b in zip(givers, keepers, strict=True)), givers


def location_equilibria(board: Board, rules: Rules, n_agents: int) -> set[Counts]:
    """All pure equilibria of the location game as count profiles."""
    return {
        profile
        for profile in count_profiles(board, n_agents)
        if all(gain <= 0 for gain in deviations(board, rules, *profile, rebated=True))
    }


def location_equilibria_by_profiles(board: Board, rules: Rules, n_agents: int) -> set[Counts]:
    """The same over all strategy profiles."""
    strategies = list(product(range(casinos(board)), (0, 1)))
    payoffs: dict[tuple[tuple[int, int], ...], list[Fraction]] = {
        profile: expected(board, rules, *zip(*profile, strict=True)) for profile in product(strategies, repeat=n_agents)
    }
    return {
        counts(board, *zip(*profile, strict=True))
        for profile, now in payoffs.items()
        if all(
            payoffs[(*profile[:agent], other, *profile[agent + 1 :])][agent] <= now[agent]
            for agent in range(n_agents)
            for other in strategies
        )
    }


def welfare(board: Board, rules: Rules, occupancy: Sequence[int], cooperators: Sequence[int]) -> Fraction:
    """The sum of everybody's expected payoff."""
    positions, contributions = [], []
    for casino, (present, givers) in enumerate(zip(occupancy, cooperators, strict=True)):
        positions += [casino] * present
        contributions += [1] * givers + [0] * (present - givers)
    total = NOTHING
    for casino, gives in sorted(set(zip(positions, contributions, strict=True))):
        alike = cooperators[casino] if gives else occupancy[casino] - cooperators[casino]
        total += alike * stake(board, rules, occupancy, cooperators, casino, gives=bool(gives))
    return total


def optimum(board: Board, rules: Rules, n_agents: int) -> Fraction:
    """The greatest welfare of any count profile."""
    return max(welfare(board, rules, *profile) for profile in count_profiles(board, n_agents))


# The observe-n game.

Worth = Callable[[int, int], Fraction]  # casino, occupants -> payoff of each of them


def plain_worth(board: Board) -> Worth:
    """Without a mechanism: all give as long as that is no loss to the giver, nobody otherwise."""

    def worth(casino: int, present: int) -> Fraction:
        alone = member(board, FREE, casino, present, 1, gives=True)  # what a single giver gets
        return member(board, FREE, casino, present, present, gives=True) if alone >= 0 else NOTHING

    return worth


def stage_worth(board: Board, rules: Rules, *, best: bool) -> Worth:
    """With a mechanism: the mean payoff in the best or the worst pure equilibrium of the stage game."""

    def mean(casino: int, present: int, givers: int) -> Fraction:
        total = NOTHING
        if givers:
            total += givers * member(board, rules, casino, present, givers, gives=True)
        if givers < present:
            total += (present - givers) * member(board, rules, casino, present, givers, gives=False)
        return total / present

    def worth(casino: int, present: int) -> Fraction:
        means = [mean(casino, present, k) for k in stage_equilibria(board, rules, casino, present)]
        return max(means) if best else min(means)

    return worth


def congestion_gain(worth: Worth, occupancy: Sequence[int]) -> Fraction:
    """The most that anybody gains by going to another casino."""
    crowds = range(len(occupancy))
    return max(
        (
            worth(other, occupancy[other] + 1) - worth(casino, occupancy[casino])
            for casino in crowds
            for other in crowds
            if occupancy[casino] and other != casino
        ),
        default=NOTHING,
    )


def tolled_equilibria(board: Board, rules: Rules, worth: Worth, n_agents: int) -> set[tuple[int, ...]]:
    """The equilibria of the places where also tolls are paid, which are no matter of the actions, and rebated."""

    def gets(crowd: Sequence[int], casino: int) -> Fraction:
        return worth(casino, crowd[casino]) - toll(rules, casino, crowd[casino]) + rebate(rules, crowd, casino)

    def stands(crowd: tuple[int, ...]) -> bool:
        places = range(len(crowd))
        return all(
            gets([n - (m == casino) + (m == other) for m, n in enumerate(crowd)], other) <= gets(crowd, casino)
            for casino in places
            for other in places
            if crowd[casino]
        )

    return {crowd for crowd in compositions(n_agents, casinos(board)) if stands(crowd)}


def observe_n_equilibria(board: Board, worth: Worth, n_agents: int) -> set[tuple[int, ...]]:
    """All occupancies from which nobody wants to go elsewhere."""
    return {crowd for crowd in compositions(n_agents, casinos(board)) if congestion_gain(worth, crowd) <= 0}


def observe_n_equilibria_by_profiles(board: Board, worth: Worth, n_agents: int) -> set[tuple[int, ...]]:
    """The same over all choices of a casino by every agent."""
    found = set()
    for positions in product(range(casinos(board)), repeat=n_agents):
        stable = True
        for agent, other in product(range(n_agents), range(casinos(board))):
            moved = (*positions[:agent], other, *positions[agent + 1 :])
            here = worth(positions[agent], positions.count(positions[agent]))
            stable = stable and worth(other, moved.count(other)) <= here
        if stable:
            found.add(tuple(positions.count(casino) for casino in range(casinos(board))))
    return found


def congestion_welfare(worth: Worth, occupancy: Sequence[int]) -> Fraction:
    """The sum of everybody's payoff."""
    return sum((n * worth(casino, n) for casino, n in enumerate(occupancy) if n), NOTHING)


# Symmetric mixed equilibria: everybody draws a casino with probabilities x, and there gives with probability q.


def binomial(trials: int, chance: Fraction) -> list[Fraction]:
    """The probabilities of 0, 1, .. successes."""
    return [comb(trials, hits) * chance**hits * (1 - chance) ** (trials - hits) for hits in range(trials + 1)]


def mixed_payoffs(
    board: Board, n_agents: int, x: Sequence[float], q: Sequence[float]
) -> list[tuple[Fraction, Fraction]]:
    """What keeping and giving in each casino earn against n - 1 agents who draw from (x, q)."""
    payoffs = []
    for casino in range(casinos(board)):
        keep = give = NOTHING
        for others, chance in enumerate(binomial(n_agents - 1, Fraction(x[casino]))):
            for givers, among in enumerate(binomial(others, Fraction(q[casino]))):
                weight = chance * among
                keep += weight * member(board, FREE, casino, others + 1, givers, gives=False)
                give += weight * member(board, FREE, casino, others + 1, givers + 1, gives=True)
        payoffs.append((keep, give))
    return payoffs


def mixed_gain(board: Board, n_agents: int, x: Sequence[float], q: Sequence[float]) -> tuple[Fraction, Fraction]:
    """The most that one agent gains by leaving the symmetric profile, and what everybody earns in it."""
    payoffs = mixed_payoffs(board, n_agents, x, q)
    own = sum(
        (
            Fraction(p) * ((1 - Fraction(c)) * keep + Fraction(c) * give)
            for p, c, (keep, give) in zip(x, q, payoffs, strict=True)
        ),
        NOTHING,
    )
    return max(max(pair) for pair in payoffs) - own, own


def mixed_congestion_gain(worth: Worth, n_agents: int, x: Sequence[float]) -> tuple[Fraction, Fraction]:
    """The same in the observe-n game, where only the casino is drawn."""
    payoffs = [
        sum((p * worth(casino, j + 1) for j, p in enumerate(binomial(n_agents - 1, Fraction(chance)))), NOTHING)
        for casino, chance in enumerate(x)
    ]
    own = sum((Fraction(p) * payoff for p, payoff in zip(x, payoffs, strict=True)), NOTHING)
    return max(payoffs) - own, own


def stage_advantage(board: Board, rules: Rules, casino: int, present: int, q: float) -> Fraction:
    """What giving earns more than keeping when each of the others gives with probability q."""
    return sum(
        (
            chance
            * (
                member(board, rules, casino, present, others + 1, gives=True)
                - member(board, rules, casino, present, others, gives=False)
            )
            for others, chance in enumerate(binomial(present - 1, Fraction(q)))
        ),
        NOTHING,
    )


# Thresholds.


def cooperation_stands(board: Board, rules: Rules, casino: int, present: int) -> bool:
    """Whether everybody giving is an equilibrium of the stage game."""
    return stage_gain(board, rules, casino, present, present) <= 0


def threshold(stands: Callable[[Fraction], bool], high: Fraction, steps: int = 60) -> Fraction | None:
    """The least parameter in [0, high] at which something stands that stands from there on; None: not even at high."""
    if not stands(high):
        return None
    if stands(NOTHING):
        return NOTHING
    low = NOTHING
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (low, middle) if stands(middle) else (middle, high)
    return high
