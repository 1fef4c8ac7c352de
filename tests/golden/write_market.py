"""Writes golden games of the market with its oracle alone. Nothing of the package is used."""

import json
import random
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from tests.oracles.market_game_oracle import decide, n_decisions, opened, rules

MARKETS: dict[str, dict[str, Any]] = {
    "sqrt": {},
    "linear": {"impact": "linear", "n_agents": 4, "horizon": 2.0},
    "none": {"impact": "none", "n_agents": 2, "horizon": 2.0},
    "different_traders": {
        "n_agents": 3,
        "horizon": 2.0,
        "transaction_cost": [0.1, 0.3, 0.2],
        "terminal_penalty": [0.1, 0.0, 0.7],
        "running_penalty": [0.0, 0.2, 0.05],
    },
    "running_penalty": {"running_penalty": 0.25, "impact": "linear", "n_agents": 3, "horizon": 2.0},
    "short_steps": {"dt": 0.125, "horizon": 0.75, "n_agents": 3, "mean_reversion": 1.5, "volatility": 0.4},
    "mean_field": {"impact_scaling": "mean_field", "n_agents": 8, "horizon": 2.0},
}


def written(config: dict[str, Any], rng: random.Random) -> str:
    """One whole episode, every number that is not a result drawn from `rng`."""
    game = rules(config)
    books = opened(drawn(rng, game["n_agents"], 7.0), 10 + drawn(rng, 1, 0.3)[0], drawn(rng, 1, 0.1)[0])
    lines = ["# Written by the oracle: see write_golden.py.", f"config {json.dumps(config)}", "", "start"]
    lines += [row("inventory", books.inventory), row("price", [books.price]), row("impact", [books.impact])]
    for step in range(n_decisions(game)):
        rates, noise = drawn(rng, game["n_agents"], 3.0), drawn(rng, 1, 1.0)[0]
        books, rewards = decide(game, books, rates, noise)
        lines += ["", f"step {step}", row("rates", rates), row("noise", [noise]), row("rewards", rewards)]
        lines += [row("inventory", books.inventory), row("price", [books.price]), row("impact", [books.impact])]
        lines += [row("cash", books.cash)]
    return "\n".join([*lines, ""])


def drawn(rng: random.Random, count: int, spread: float) -> list[float]:
    """Normal numbers with three decimals, so that the file says them exactly."""
    return [round(rng.gauss(0.0, spread), 3) for _ in range(count)]


def row(word: str, values: Sequence[float | Fraction]) -> str:
    """A word and its values in columns."""
    return f"{word:<10}" + " ".join(f"{float(value):<17.12g}" for value in values).rstrip()
