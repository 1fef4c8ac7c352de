"""The mean-field-type games through their doors, and ways to play them that several test modules share."""

from importlib import import_module
from typing import Any

import numpy as np

from mpgg_env import CoalitionParallelEnv
from mpgg_env.registration import GAMES
from tests.support import Chooser

DOORS = {game: import_module(module) for game, module in GAMES.items() if game.startswith("mftg/")}
# Name of the door without version, and arguments: every game as it is by default, and some variants.
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "matching": ("population_matching", {}),
    "rooms": ("four_rooms", {"max_cycles": 6}),
    "rooms, own sight": ("four_rooms", {"max_cycles": 5, "sight": "own"}),
    "chase": ("predator_prey", {"max_cycles": 7}),
    "chase, own sight": ("predator_prey", {"max_cycles": 4, "sight": "own", "noise": 0.0}),
    "planning": ("distribution_planning", {}),
    "cyber": ("cyber_security", {"max_cycles": 9}),
    "cyber, own sight": ("cyber_security", {"max_cycles": 5, "sight": "own"}),
    "casinos": ("mpgg", {"max_cycles": 8}),
    "three coalitions on a torus": (
        "mpgg",
        {"max_cycles": 5, "n_coalitions": 3, "weights": (0.2, 0.3, 0.5), "boundary": "torus", "gain_range": (1.5, 4.0)},
    ),
}


def door(name: str) -> Any:
    """The module of a game."""
    return DOORS[f"mftg/{name}-v0"]


def made(variant: str, **options: Any) -> CoalitionParallelEnv:
    """A new environment of one of the variants."""
    name, arguments = VARIANTS[variant]
    env: CoalitionParallelEnv = door(name).parallel_env(**arguments, **options)
    return env


def begun(variant: str, **options: Any) -> CoalitionParallelEnv:
    env = made(variant, **options)
    env.reset(seed=0)
    return env


def any_point(rng: np.random.Generator) -> Chooser:
    """Chooses points of the boxes, as arrays of the action space; some rows are zeros."""

    def choose(env: Any, infos: Any) -> dict[str, Any]:
        return {agent: point(rng, env.action_space(agent).shape) for agent in env.agents}

    return choose


def point(rng: np.random.Generator, shape: tuple[int, int]) -> Any:
    weights = rng.random(shape) * (rng.random((shape[0], 1)) < 0.8)
    return weights.astype(np.float32)


def still(env: Any) -> dict[str, Any]:
    """Zeros for everybody: uniform moves."""
    return {agent: np.zeros(env.action_space(agent).shape) for agent in env.possible_agents}
