"""Configurations of the mean-field-type games, each with the same game in the words of the slow oracle."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.cyber_security.config import CyberSecurityConfig
from mpgg_env.games.mean_field.distribution_planning.config import DistributionPlanningConfig
from mpgg_env.games.mean_field.four_rooms.config import FourRoomsConfig
from mpgg_env.games.mean_field.mpgg.config import MeanFieldMPGGConfig
from mpgg_env.games.mean_field.population_matching.config import PopulationMatchingConfig
from mpgg_env.games.mean_field.predator_prey.config import PredatorPreyConfig
from tests.oracles.game_oracle import Board
from tests.oracles.mean_field_oracle import (
    CyberSecurity,
    DistributionPlanning,
    FourRooms,
    Game,
    MigratoryGame,
    PopulationMatching,
    PredatorPrey,
    Rows,
)
from tests.random_mean_field import random_row

Pair = tuple[Any, Game]


def migratory_pair(**options: Any) -> Pair:
    """A configuration of the migratory game and the game it should be."""
    rows, columns = options.get("grid_shape", (3, 3))
    board = Board(
        rows,
        columns,
        cell_values=options.get("cell_values", "center"),
        cost_range=options.get("cost_range", (0.0, 1.0)),
        gain_range=options.get("gain_range", (1.2, 3.0)),
        costs=options.get("cost"),
        gains=options.get("gain"),
    )
    costs, gains = ([float(value(m)) for m in range(rows * columns)] for value in (board.cost, board.gain))
    coalitions = options.get("n_coalitions", 2)
    weights = options.get("weights") or [1 / coalitions] * coalitions
    game = MigratoryGame(rows, columns, costs, gains, weights, options.get("boundary", "wall"))
    return MeanFieldMPGGConfig(**options), game


DEFAULT_PAIRS: dict[str, Callable[[], Pair]] = {
    "population_matching": lambda: (PopulationMatchingConfig(), PopulationMatching()),
    "four_rooms": lambda: (FourRoomsConfig(), FourRooms()),
    "predator_prey": lambda: (PredatorPreyConfig(), PredatorPrey()),
    "distribution_planning": lambda: (DistributionPlanningConfig(), DistributionPlanning()),
    "cyber_security": lambda: (CyberSecurityConfig(), CyberSecurity()),
    "mpgg": migratory_pair,
}
NAMES = list(DEFAULT_PAIRS)


def random_pair(rng: random.Random, name: str) -> Pair:
    """Other constants, noise, coalitions, weights, boards and boundaries."""
    return _RANDOM[name](rng)


def _matching(rng: random.Random) -> Pair:
    noise, costs = tuple(random_row(rng, 3)), (rng.uniform(0, 5), rng.uniform(0, 5))
    config = PopulationMatchingConfig(move_cost=costs[0], distance_cost=costs[1], noise=noise)  # type: ignore[arg-type]
    return config, PopulationMatching(*costs, noise)


def _noise(rng: random.Random) -> tuple[float, tuple[float, ...]]:
    """A probability of noise, and what it means for the five moves."""
    noise = rng.choice([0.0, 1.0, rng.random()])
    quarter = noise / 4
    return noise, (quarter, quarter, 1 - noise, quarter, quarter)


def _rooms(rng: random.Random) -> Pair:
    noise, chances = _noise(rng)
    entropy, overlap, outside = (rng.uniform(0, 20) for _ in range(3))
    config = FourRoomsConfig(entropy=entropy, crowd_cost=overlap, away_cost=outside, noise=noise)
    return config, FourRooms(noise=chances, entropy=entropy, overlap_cost=overlap, outside_cost=outside)


def _predators(rng: random.Random) -> Pair:
    noise, chances = _noise(rng)
    hunger, cost = rng.uniform(0, 20), rng.uniform(0, 3)
    return PredatorPreyConfig(catch=hunger, move_cost=cost, noise=noise), PredatorPrey(
        noise=chances, hunger=hunger, move_cost=cost
    )


def _planning(rng: random.Random) -> Pair:
    move, target, overlap = (rng.uniform(0, 9) for _ in range(3))
    config = DistributionPlanningConfig(move_cost=move, target_cost=target, crowd_cost=overlap)
    return config, DistributionPlanning(move_cost=move, target_cost=target, overlap_cost=overlap)


def _cyber(rng: random.Random) -> Pair:
    rates = [rng.random() for _ in range(9)]
    costs = [rng.random() for _ in range(3)]
    dt = rng.uniform(0.05, 1 / 3)  # nobody leaves a state at a rate above 3
    config = CyberSecurityConfig(
        dt=dt,
        recovery_defended=rates[0],
        recovery_undefended=rates[1],
        attack_defended=rates[2],
        attack_undefended=rates[3],
        defended_from_defended=rates[4],
        defended_from_undefended=rates[5],
        undefended_from_defended=rates[6],
        undefended_from_undefended=rates[7],
        switch_rate=rates[8],
        defence_cost=costs[0],
        infection_cost=costs[1],
        attack_cost=costs[2],
    )
    pairs = ((rates[0], rates[1]), (rates[2], rates[3]), (rates[4], rates[5]), (rates[6], rates[7]))
    return config, CyberSecurity(*pairs, (rates[8], rates[8]), *costs, dt)


def _migratory(rng: random.Random) -> Pair:
    rows, columns, coalitions = rng.randint(1, 4), rng.randint(1, 4), rng.randint(1, 5)
    parts = [rng.random() + 0.01 for _ in range(coalitions)]
    options: dict[str, Any] = {
        "grid_shape": (rows, columns),
        "n_coalitions": coalitions,
        "weights": rng.choice([None, tuple(part / sum(parts) for part in parts)]),
        "boundary": rng.choice(["wall", "torus"]),
        "cell_values": rng.choice(["center", "upper", "linspace"]),
        "gain_range": (rng.uniform(0.5, 2), rng.uniform(2, 9)),
        "cost_range": (rng.uniform(0, 0.5), rng.uniform(0.5, 3)),
    }
    if rng.random() < 0.3:
        options["cost"] = tuple(rng.random() for _ in range(rows * columns))
        options["gain"] = tuple(rng.uniform(0.5, 9) for _ in range(rows * columns))
    return migratory_pair(**options)


_RANDOM: dict[str, Callable[[random.Random], Pair]] = dict(
    zip(NAMES, (_matching, _rooms, _predators, _planning, _cyber, _migratory), strict=True)
)


def stacked(games: list[list[Rows]] | list[Rows], batch: MeanFieldBatch) -> tuple[Any, ...]:
    """Lists of several games, game by game, as one array of the batch's library per coalition."""
    return tuple(batch.asarray(np.array(rows, float)) for rows in zip(*games, strict=True))


def contexts(batch: MeanFieldBatch, values: list[int]) -> list[int] | None:
    """The contexts, in a game that has them."""
    return values if batch.rules.n_contexts else None


def plain(array: Any) -> np.ndarray[Any, Any]:
    """An array of numpy, whatever the library was."""
    return np.asarray(array.detach() if isinstance(array, torch.Tensor) else array)
