"""The small game that the tests of the dictionary interface play."""

from typing import Any

import numpy as np

from mpgg_env import MPGGParallelEnv, parallel_env
from tests.support import same

# 7 agents on 2 x 3 casinos with edges: a random start, corners, empty casinos, illegal moves.
SMALL: dict[str, Any] = {"n_agents": 7, "grid_shape": (2, 3), "boundary": "mask", "max_cycles": 20}
MODES = ["masked", "joint"]


def small(**changes: Any) -> MPGGParallelEnv:
    return parallel_env(**{**SMALL, **changes})


def everybody(env: MPGGParallelEnv, action: Any) -> dict[str, Any]:
    return dict.fromkeys(env.possible_agents, action)


def placed(casino: int, **changes: Any) -> MPGGParallelEnv:
    """A small game in which everybody is in one casino."""
    env = small(**changes)
    env.reset(seed=0, options={"positions": [casino] * env.max_num_agents})
    return env


def seeded(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def same_snapshot(left: dict[str, Any], right: dict[str, Any]) -> bool:
    arrays = [
        [s["state"].positions, s["state"].last_actions, s["state"].occupancy, s["state"].cooperators]
        for s in (left, right)
    ]
    rest = [
        {**{key: value for key, value in s.items() if key != "state"}, "at": (s["state"].phase, s["state"].round)}
        for s in (left, right)
    ]
    return same(*arrays) and same(*rest)
