"""Writes golden games of the mean-field-type games with their oracle alone. Nothing of the package is used."""

import json
import random
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from tests.oracles.mean_field_oracle import (
    CyberSecurity,
    DistributionPlanning,
    FourRooms,
    Game,
    MigratoryGame,
    PopulationMatching,
    PredatorPrey,
    Rows,
    step,
)

STEPS = 3
MOST_RULES = 8  # states of a coalition for which an action is told
# Configuration of the package, the same game in the words of the oracle, states and columns of each coalition's action.
GAMES: dict[str, tuple[dict[str, Any], Game, list[tuple[int, int]]]] = {
    "population_matching": ({}, PopulationMatching(), [(3, 3)] * 2),
    "four_rooms": ({}, FourRooms(), [(100, 5)] * 2),
    "predator_prey": ({}, PredatorPrey(), [(25, 5)] * 4),
    "distribution_planning": ({}, DistributionPlanning(), [(25, 5)] * 2),
    "cyber_security": ({}, CyberSecurity(), [(4, 2), (2, 2)]),
    "mpgg": (
        {
            "grid_shape": [2, 2],
            "n_coalitions": 2,
            "weights": [0.25, 0.75],
            "cost": [0.25, 0.25, 0.75, 0.75],
            "gain": [1.5, 2.5, 1.5, 2.5],
        },
        MigratoryGame(
            2,
            2,
            [Fraction(1, 4)] * 2 + [Fraction(3, 4)] * 2,
            [Fraction(3, 2), Fraction(5, 2)] * 2,
            [Fraction(1, 4), Fraction(3, 4)],
        ),
        [(4, 6)] * 2,
    ),
}


def written(name: str, rng: random.Random) -> str:
    """Some steps of an episode, the start and every action drawn from `rng`."""
    config, game, shapes = GAMES[name]
    home = rng.randrange(4) if isinstance(game, FourRooms) else None
    mu: Rows = [start(rng, states, game) for states, _ in shapes]
    lines = ["# Written by the oracle: see write_golden.py.", f"config {json.dumps(config)}", "", "start"]
    lines += [f"home      {home}"] * (home is not None) + [masses(i, values) for i, values in enumerate(mu)]
    for t in range(STEPS):
        lines += ["", f"step {t}"]
        actions = []
        for i, (mass, (states, columns)) in enumerate(zip(mu, shapes, strict=True)):
            told = weights(rng, mass, columns)
            lines.append(f"{f'rule_{i}':<10}" + " ".join(f"{s}:{','.join(map(short, w))}" for s, w in told.items()))
            actions.append([shares(told.get(s, [Fraction(0)] * columns), game) for s in range(states)])
        mu, rewards = step(game, mu, actions, home)
        lines += [masses(i, values) for i, values in enumerate(mu)]
        lines.append(f"{'rewards':<10}" + " ".join(map(short, rewards)))
    return "\n".join([*lines, ""])


def start(rng: random.Random, states: int, game: Game) -> list[Fraction]:
    """Quarters of the mass on one to three states."""
    allowed = [s for s in range(states) if not (isinstance(game, DistributionPlanning) and s == 12)]
    parts = rng.choice([[4], [3, 1], [2, 2], [1, 1, 2]])
    places = rng.sample(allowed, min(len(parts), len(allowed)))
    found = [Fraction(0)] * states
    for place, part in zip(places, parts, strict=False):
        found[place] += Fraction(part, 4)
    found[places[0]] += 1 - sum(found)
    return found


def weights(rng: random.Random, mass: Sequence[Any], columns: int) -> dict[int, list[Fraction]]:
    """Points of the box for some of the states where agents are; nobody is told what to do elsewhere."""
    occupied = [s for s, share in enumerate(mass) if share > 0]
    told = sorted(rng.sample(occupied, min(len(occupied), MOST_RULES)))
    return {s: [Fraction(rng.choice([0, 0, 1, 2, 4]), 4) for _ in range(columns)] for s in told}


def shares(weight: list[Fraction], game: Game) -> list[Fraction]:
    """A row of the box as probabilities; of the migratory game's only the moves are divided by their sum."""
    head = 1 if isinstance(game, MigratoryGame) else 0
    total = sum(weight[head:])
    moves = [w / total if total else Fraction(1, len(weight) - head) for w in weight[head:]]
    return [*weight[:head], *moves]


def masses(coalition: int, values: Sequence[Any]) -> str:
    """The states where agents are, with their shares."""
    return f"{f'mu_{coalition}':<10}" + " ".join(f"{s}:{short(share)}" for s, share in enumerate(values) if share)


def short(value: Any) -> str:
    """A number with twelve digits."""
    return f"{float(value):.12g}"
