"""Random distributions and actions of the mean-field-type games, in the plain form of the slow oracle."""

from __future__ import annotations

import random

from tests.oracles.mean_field_oracle import (
    CyberSecurity,
    DistributionPlanning,
    FourRooms,
    Game,
    MigratoryGame,
    PopulationMatching,
    PredatorPrey,
)

Rows = list[list[float]]


def shapes(game: Game) -> list[tuple[int, int]]:
    """States and columns of an action of every coalition."""
    if isinstance(game, MigratoryGame):
        return [(game.rows * game.columns, 6)] * len(game.weights)
    known: dict[type[Game], list[tuple[int, int]]] = {
        PopulationMatching: [(3, 3)] * 2,
        FourRooms: [(100, 5)] * 2,
        PredatorPrey: [(25, 5)] * 4,
        DistributionPlanning: [(25, 5)] * 2,
        CyberSecurity: [(4, 2), (2, 2)],
    }
    return known[type(game)]


def random_row(rng: random.Random, length: int) -> list[float]:
    """Probabilities; certainty and zeros are frequent."""
    kind = rng.choice(["spread", "few", "one"])
    weights = [rng.random() + 1e-9 for _ in range(length)]
    if kind != "spread":
        kept = rng.sample(range(length), 1 if kind == "one" else rng.randint(1, min(length, 4)))
        weights = [w if place in kept else 0.0 for place, w in enumerate(weights)]
    total = sum(weights)
    return [w / total for w in weights]


def random_distributions(rng: random.Random, game: Game) -> Rows:
    """One distribution for every coalition, with nothing on a forbidden cell."""
    found = [random_row(rng, states) for states, _ in shapes(game)]
    if not isinstance(game, DistributionPlanning):
        return found
    centre = game.forbidden[0] * game.columns + game.forbidden[1]
    for row in found:
        row[centre], row[0] = 0.0, row[0] + row[centre]
    return found


def random_actions(rng: random.Random, game: Game) -> list[Rows]:
    """One action for every coalition; a migratory row is a probability of cooperating and five move weights."""
    factored = isinstance(game, MigratoryGame)
    chances = [0.0, 1.0, rng.random()]
    return [
        [
            [rng.choice(chances), *random_row(rng, columns - 1)] if factored else random_row(rng, columns)
            for _ in range(states)
        ]
        for states, columns in shapes(game)
    ]
