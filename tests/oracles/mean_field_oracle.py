"""The six mean-field-type games told path by path, from the words of the games' descriptions and not from the package.

One replica, plain lists, no matrices: the next distribution adds up, over every state, action and outcome of chance,
the mass that goes that way. Numbers may be floats or fractions; with fractions everything but entropy and Euclidean
distance is exact. An action is one row of probabilities per state; in the migratory game one row (probability of
cooperating, five move weights that sum to one) per casino. An outcome is (probability, next state).

The same rules move a finite population: `agents_step` visits one agent after the other and throws the dice for each.
"""

from __future__ import annotations

import math
import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

Number = Any  # a float or a Fraction
Row = Sequence[Number]
Rows = Sequence[Row]
Outcomes = list[tuple[Number, int]]

ROOM_CORNERS = ((0, 0), (0, 5), (5, 0), (5, 5))
DOORS = (((2, 4), (2, 5)), ((7, 4), (7, 5)), ((4, 2), (5, 2)), ((4, 7), (5, 7)))


def tenths(*parts: str) -> tuple[Fraction, ...]:
    """Decimal words as exact numbers."""
    return tuple(Fraction(part) for part in parts)


class Game(ABC):
    """What every game says: how one agent goes on, and what a coalition gets."""

    @abstractmethod
    def outcomes(self, coalition: int, state: int, action: int, distributions: Rows) -> Outcomes:
        """Where an agent of a coalition may be next."""

    @abstractmethod
    def rewards(self, distributions: Rows, actions: Sequence[Rows], context: int | None = None) -> list[Number]:
        """The reward of every coalition for the present distributions and actions."""

    def choices(self, row: Row) -> list[Number]:
        """The probability of each action that matters for where an agent goes."""
        return list(row)


def next_distributions(game: Game, distributions: Rows, actions: Sequence[Rows]) -> list[list[Number]]:
    """Every path's mass, put where the path ends."""
    found = []
    for coalition, distribution in enumerate(distributions):
        following: list[Number] = [0] * len(distribution)
        for state, mass in enumerate(distribution):
            for action, chosen in enumerate(game.choices(actions[coalition][state])):
                for probability, end in game.outcomes(coalition, state, action, distributions):
                    following[end] += mass * chosen * probability
        found.append(following)
    return found


def step(
    game: Game, distributions: Rows, actions: Sequence[Rows], context: int | None = None
) -> tuple[list[list[Number]], list[Number]]:
    """Next distributions, and the rewards of the present ones."""
    return next_distributions(game, distributions, actions), game.rewards(distributions, actions, context)


def overlap(first: Row, second: Row) -> Number:
    """<mu, nu>."""
    return sum(a * b for a, b in zip(first, second, strict=True))


def mass_choosing(distribution: Row, action: Rows, chosen: Sequence[int]) -> Number:
    """The mass whose action is among those named, wherever it ends."""
    return sum(mass * row[a] for mass, row in zip(distribution, action, strict=True) for a in chosen)


@dataclass(frozen=True)
class PopulationMatching(Game):
    """Three places on a ring; 0 stay, 1 left, 2 right. The first dislikes moving, the second being different."""

    move_cost: Number = 2
    distance_cost: Number = 1
    noise: tuple[Number, ...] = tenths("0.96", "0.02", "0.02")  # none, one to the left, one to the right

    def outcomes(self, coalition: int, state: int, action: int, distributions: Rows) -> Outcomes:
        intended = state + (0, -1, 1)[action]
        return [(chance, (intended + e) % 3) for chance, e in zip(self.noise, (0, -1, 1), strict=True)]

    def rewards(self, distributions: Rows, actions: Sequence[Rows], context: int | None = None) -> list[Number]:
        distance = sum(abs(a - b) for a, b in zip(*distributions, strict=True))
        return [-self.move_cost * mass_choosing(distributions[0], actions[0], (1, 2)), -self.distance_cost * distance]


@dataclass(frozen=True)
class GridGame(Game):
    """A board of cells with row 0 on top; 0 left, 1 right, 2 stay, 3 up, 4 down; then noise moves once more."""

    rows: int = 5
    columns: int = 5
    noise: tuple[Number, ...] = tenths("0.025", "0.025", "0.9", "0.025", "0.025")  # in the order of the moves

    def passage(self, start: tuple[int, int], end: tuple[int, int]) -> bool:
        """Whether nothing but the border stands between two neighbouring cells."""
        return True

    def after(self, state: int, move: int) -> int:
        """The cell where a move ends: the same one if it is blocked."""
        row, column = divmod(state, self.columns)
        down, right = ((0, -1), (0, 1), (0, 0), (-1, 0), (1, 0))[move]
        end = (row + down, column + right)
        inside = 0 <= end[0] < self.rows and 0 <= end[1] < self.columns
        return end[0] * self.columns + end[1] if inside and self.passage((row, column), end) else state

    def outcomes(self, coalition: int, state: int, action: int, distributions: Rows) -> Outcomes:
        intended = self.after(state, action)
        return [(chance, self.after(intended, move)) for move, chance in enumerate(self.noise)]


@dataclass(frozen=True)
class FourRooms(GridGame):
    """Four rooms of 5 x 5, walls on the edges between them, one door in each wall; context: coalition 1's home."""

    rows: int = 10
    columns: int = 10
    entropy: Number = 1
    overlap_cost: Number = 100
    outside_cost: Number = 5

    def room(self, cell: tuple[int, int]) -> int:
        return 2 * (cell[0] // 5) + cell[1] // 5

    def passage(self, start: tuple[int, int], end: tuple[int, int]) -> bool:
        return self.room(start) == self.room(end) or (start, end) in DOORS or (end, start) in DOORS

    def rewards(self, distributions: Rows, actions: Sequence[Rows], context: int | None = None) -> list[Number]:
        first, second = distributions
        spread = [-sum(float(m) * math.log(m) for m in mu if m > 0) for mu in distributions]
        shared = self.overlap_cost * overlap(first, second)
        outside = sum(mass for s, mass in enumerate(second) if self.room(divmod(s, 10)) != context)
        return [
            self.entropy * spread[0] - shared,
            self.entropy * spread[1] - shared - self.outside_cost * outside,
        ]


@dataclass(frozen=True)
class PredatorPrey(GridGame):
    """Each of four coalitions hunts the next one and pays for every choice to move."""

    hunger: Number = 100
    move_cost: Number = 1

    def rewards(self, distributions: Rows, actions: Sequence[Rows], context: int | None = None) -> list[Number]:
        found = []
        for i, mu in enumerate(distributions):
            caught = overlap(mu, distributions[i + 1]) if i + 1 < len(distributions) else 0
            lost = overlap(mu, distributions[i - 1]) if i > 0 else 0
            moved = mass_choosing(mu, actions[i], (0, 1, 3, 4))
            found.append(self.hunger * (caught - lost) - self.move_cost * moved)
        return found


@dataclass(frozen=True)
class DistributionPlanning(GridGame):
    """Two coalitions each want a shape in their corner, without noise, around a forbidden centre."""

    noise: tuple[Number, ...] = (0, 0, 1, 0, 0)
    move_cost: Number = 1
    target_cost: Number = 10
    overlap_cost: Number = 10
    forbidden: tuple[int, int] = (2, 2)
    targets: tuple[tuple[tuple[int, int], ...], ...] = (((0, 0), (0, 1), (1, 0)), ((4, 4), (4, 3), (3, 4)))

    def passage(self, start: tuple[int, int], end: tuple[int, int]) -> bool:
        return end != self.forbidden

    def rewards(self, distributions: Rows, actions: Sequence[Rows], context: int | None = None) -> list[Number]:
        found = []
        for mu, action, cells in zip(distributions, actions, self.targets, strict=True):
            wanted = [Fraction(divmod(s, self.columns) in cells, len(cells)) for s in range(len(mu))]
            distance = math.sqrt(sum((m - w) ** 2 for m, w in zip(mu, wanted, strict=True)))
            own = self.move_cost * mass_choosing(mu, action, (0, 1, 3, 4)) + self.target_cost * distance
            found.append(-own - self.overlap_cost * overlap(*distributions))
        return found


@dataclass(frozen=True)
class CyberSecurity(Game):
    """Defenders DI, DS, UI, US (defended or not, infected or susceptible); attackers active, inactive.

    0 keeps, 1 asks to switch the level (D and U, active and inactive), which happens at rate `switch`. A susceptible
    computer is infected directly by active attackers and by the infected ones, D and U, at rates of its own level.
    """

    recovery: tuple[Number, Number] = tenths("0.5", "0.4")  # of DI and of UI
    attack: tuple[Number, Number] = tenths("0.4", "0.3")  # on DS and on US, times the fraction of active attackers
    spread_to_defended: tuple[Number, Number] = tenths("0.4", "0.4")  # times the fractions of DI and of UI
    spread_to_undefended: tuple[Number, Number] = tenths("0.3", "0.3")  # times the fractions of DI and of UI
    switch: tuple[Number, Number] = tenths("0.8", "0.8")  # of a defender, of an attacker
    defence_cost: Number = Fraction("0.3")
    infection_cost: Number = Fraction("0.5")
    attack_cost: Number = Fraction("0.15")
    dt: Number = Fraction("0.2")

    def outcomes(self, coalition: int, state: int, action: int, distributions: Rows) -> Outcomes:
        if coalition == 1:
            leaves = [(self.dt * self.switch[1] * action, 1 - state)]
        else:
            infected_d, infected_u, active = distributions[0][0], distributions[0][2], distributions[1][0]
            level = state // 2
            spread = (self.spread_to_defended, self.spread_to_undefended)[level]
            caught = active * self.attack[level] + spread[0] * infected_d + spread[1] * infected_u
            other_health, other_level = (state + 1, state + 2) if state % 2 == 0 else (state - 1, state + 2)
            rate = self.recovery[level] if state % 2 == 0 else caught
            leaves = [(self.dt * rate, other_health), (self.dt * self.switch[0] * action, other_level % 4)]
        return [(1 - sum(chance for chance, _ in leaves), state), *leaves]

    def rewards(self, distributions: Rows, actions: Sequence[Rows], context: int | None = None) -> list[Number]:
        (di, ds, ui, _), (active, _) = distributions
        pain = self.defence_cost * (di + ds) + self.infection_cost * (di + ui)
        return [-self.dt * pain, self.dt * (self.infection_cost * (di + ui) - self.attack_cost * active)]


@dataclass(frozen=True)
class MigratoryGame(Game):
    """Casinos in rows of equal cost and columns of equal gain; moves stay, up (one row more), down, left, right."""

    rows: int
    columns: int
    costs: Row
    gains: Row
    weights: Row  # the share of each coalition among all agents
    boundary: str = "wall"

    def choices(self, row: Row) -> list[Number]:
        return list(row[1:])

    def outcomes(self, coalition: int, state: int, action: int, distributions: Rows) -> Outcomes:
        row, column = divmod(state, self.columns)
        up, right = ((0, 0), (1, 0), (-1, 0), (0, -1), (0, 1))[action]
        row, column = row + up, column + right
        if self.boundary == "torus":
            row, column = row % self.rows, column % self.columns
        inside = 0 <= row < self.rows and 0 <= column < self.columns
        return [(1, row * self.columns + column if inside else state)]

    def rewards(self, distributions: Rows, actions: Sequence[Rows], context: int | None = None) -> list[Number]:
        found: list[Number] = [0] * len(distributions)
        for m, (cost, gain) in enumerate(zip(self.costs, self.gains, strict=True)):
            crowd = sum(w * mu[m] for w, mu in zip(self.weights, distributions, strict=True))
            givers = sum(w * mu[m] * a[m][0] for w, mu, a in zip(self.weights, distributions, actions, strict=True))
            for k, (mu, action) in enumerate(zip(distributions, actions, strict=True)):
                if crowd > 0:  # nobody gets anything in an empty casino
                    found[k] += mu[m] * (gain * cost * givers / crowd - cost * action[m][0])
        return found


def thrown(rng: random.Random, outcomes: Sequence[tuple[Number, int]]) -> int:
    """One of the outcomes, by its probability; the last one that is possible takes what rounding leaves."""
    left = rng.random()
    for probability, end in outcomes:
        left -= float(probability)
        if left < 0:
            return end
    return [end for probability, end in outcomes if probability > 0][-1]


def empirical(states: Sequence[int], count: int) -> list[Fraction]:
    """The fraction of agents in every state."""
    return [Fraction(sum(s == state for s in states), len(states)) for state in range(count)]


def agents_step(
    game: Game,
    agents: Sequence[Sequence[int]],
    actions: Sequence[Rows],
    rng: random.Random,
    context: int | None = None,
) -> tuple[list[list[int]], list[Number]]:
    """One round of a finite population: everybody sees where all are now, chooses alone, and goes.

    Rewards are those of the frequencies of what was done: in the migratory game the mean of the agents' payoffs.
    """
    distributions = [empirical(states, len(rows)) for states, rows in zip(agents, actions, strict=True)]
    ends: list[list[int]] = []
    done: list[list[list[Number]]] = []
    for coalition, states in enumerate(agents):
        played, reached = [], []
        for state in states:
            row = actions[coalition][state]
            action = thrown(rng, [(chance, a) for a, chance in enumerate(game.choices(row))])
            gives = len(row) > len(game.choices(row)) and rng.random() < row[0]
            played.append((state, action, gives))
            reached.append(thrown(rng, game.outcomes(coalition, state, action, distributions)))
        ends.append(reached)
        done.append(frequencies(game, played, actions[coalition]))
    return ends, game.rewards(distributions, done, context)


def frequencies(game: Game, played: Sequence[tuple[int, int, bool]], action: Rows) -> list[list[Number]]:
    """How often each action was taken in each state, in the form of an action; as asked for where nobody was."""
    found: list[list[Number]] = []
    for state, row in enumerate(action):
        here = [(a, gives) for s, a, gives in played if s == state]
        moves = [Fraction(sum(a == b for b, _ in here), len(here) or 1) for a in range(len(game.choices(row)))]
        giving = [Fraction(sum(gives for _, gives in here), len(here) or 1)] * (len(row) - len(moves))
        found.append([*giving, *moves] if here else list(row))
    return found
