"""Markets and ways to play them that several test modules share."""

from typing import Any

import numpy as np

from mpgg_env import MarketParallelEnv, market_v0
from tests.support import Chooser

MARKETS: dict[str, dict[str, Any]] = {
    "default": {},
    "linear, whole state": {"impact": "linear", "observation": "full", "n_agents": 4},
    "none, mean of the others": {"impact": "none", "observation": "full_mean", "n_agents": 3},
    "different traders": {
        "n_agents": 3,
        "observation": "full",
        "transaction_cost": (0.1, 0.3, 0.2),
        "terminal_penalty": (0.1, 0.0, 0.7),
        "running_penalty": (0.0, 0.2, 0.05),
    },
    "short steps": {"dt": 0.1, "horizon": 0.7, "running_penalty": 0.5, "volatility": 0.4, "observation": "full_mean"},
    "many traders": {"n_agents": 12, "impact_scaling": "mean_field"},
    "two traders": {"n_agents": 2, "dt": 0.625, "transient_decay": 3.0, "s0_var": 1.0, "y0_var": 0.5},
}
# Hardly anything but the price's floor: rewards do not know it, prices do.
AT_THE_FLOOR = {"price_level": 1.0, "price_floor": 1.0, "n_agents": 3, "volatility": 0.5}


def market(**arguments: Any) -> MarketParallelEnv:
    return market_v0.parallel_env(**arguments)


def any_rate(rng: np.random.Generator, spread: float = 3.0) -> Chooser:
    """Chooses normal rates, as arrays of the action space."""

    def choose(env: Any, infos: Any) -> dict[str, Any]:
        return {agent: rng.normal(0, spread, 1).astype(np.float32) for agent in env.agents}

    return choose


def everybody(env: Any, rate: Any) -> dict[str, Any]:
    return dict.fromkeys(env.agents, rate)
