"""The trading market as a person would keep its books, in rational numbers; only roots and exponentials are rounded.

Written from the words of the game's README: traders pay in cash, and their wealth is cash plus inventory at the market
price. One market at a time, lists of traders, no arrays.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

DEFAULTS: dict[str, Any] = {
    "n_agents": 5,
    "horizon": 5.0,
    "dt": 0.5,
    "mean_reversion": 0.5,
    "price_level": 10.0,
    "volatility": 0.1,
    "permanent_impact": 0.05,
    "transient_impact": 0.02,
    "transient_decay": 0.5,
    "impact": "sqrt",
    "impact_scaling": "sum",
    "transaction_cost": 0.1,
    "terminal_penalty": 0.1,
    "running_penalty": 0.0,
    "price_floor": 0.01,
    "observation": "paper",
}


@dataclass
class Books:
    """What is written down of one market: exact numbers, one per trader where it is a list."""

    step: int
    price: Fraction
    impact: Fraction
    inventory: list[Fraction]
    first_inventory: list[Fraction]
    cash: list[Fraction]
    running_cost: list[Fraction]
    terminal_cost: list[Fraction]


def rules(options: Mapping[str, Any]) -> dict[str, Any]:
    """All options, with the costs and penalties of every trader."""
    found = {**DEFAULTS, **options}
    for name in ("transaction_cost", "terminal_penalty", "running_penalty"):
        value = found[name]
        found[name] = list(value) if isinstance(value, Sequence) else [value] * found["n_agents"]
    return found


def opened(inventory: Sequence[float], price: float, impact: float) -> Books:
    """The books before the first decision."""
    held = [Fraction(q) for q in inventory]
    zeros = [Fraction(0)] * len(held)
    return Books(0, Fraction(price), Fraction(impact), held, list(held), list(zeros), list(zeros), list(zeros))


def n_decisions(game: Mapping[str, Any]) -> int:
    return round(game["horizon"] / game["dt"])


def push(shape: str, total: Fraction) -> Fraction:
    """What the total rate does to the transient impact, per hour and unit."""
    if shape == "none" or total == 0:
        return Fraction(0)
    if shape == "linear":
        return total
    root = Fraction(math.sqrt(abs(total)))
    return root if total > 0 else -root


def decide(game: Mapping[str, Any], books: Books, rates: Sequence[float], noise: float) -> tuple[Books, list[Fraction]]:
    """The books after one decision, and what each trader's wealth grew by, less what its inventory costs."""
    dt, rate = Fraction(game["dt"]), [Fraction(v) for v in rates]
    total = sum(rate)
    scale = Fraction(5, game["n_agents"]) if game["impact_scaling"] == "mean_field" else Fraction(1)
    left = Fraction(math.exp(-game["transient_decay"] * game["dt"]))
    pushed = scale * Fraction(game["transient_impact"]) * push(game["impact"], total) * dt
    impact = left * books.impact + pushed
    drift = Fraction(game["mean_reversion"]) * (Fraction(game["price_level"]) - books.price) * dt
    shock = Fraction(game["volatility"]) * Fraction(math.sqrt(game["dt"])) * Fraction(noise)
    permanent = scale * Fraction(game["permanent_impact"]) * total * dt
    marked = books.price + drift + shock + (impact - books.impact) + permanent
    last = books.step + 1 == n_decisions(game)
    after = Books(books.step + 1, marked, impact, [], books.first_inventory, [], [], [])
    rewards = []
    for i, v in enumerate(rate):
        b1, b2, b3 = (Fraction(game[name][i]) for name in ("transaction_cost", "terminal_penalty", "running_penalty"))
        paid = v * dt * (books.price + b1 * v)
        held = books.inventory[i] + v * dt
        holding, ending = b3 * dt * held**2, b2 * held**2 if last else Fraction(0)
        rewards.append((held * marked - paid) - books.inventory[i] * books.price - holding - ending)
        after.inventory.append(held)
        after.cash.append(books.cash[i] - paid)
        after.running_cost.append(books.running_cost[i] + holding)
        after.terminal_cost.append(ending)
    after.price = max(marked, Fraction(game["price_floor"]))
    return after, rewards


def total_reward(books: Books, trader: int) -> Fraction:
    """Equation 22: cash, the inventory at the final price, and what inventory has cost on the way and at the end."""
    worth = books.cash[trader] + books.inventory[trader] * books.price
    return worth - books.terminal_cost[trader] - books.running_cost[trader]


def seen(game: Mapping[str, Any], books: Books, trader: int) -> list[Fraction]:
    """What a trader observes, in natural units."""
    to_go = Fraction(game["horizon"]) * Fraction(n_decisions(game) - books.step, n_decisions(game))
    held, others = books.inventory[trader], [j for j in range(game["n_agents"]) if j != trader]
    if game["observation"] == "paper":
        bought = [books.inventory[j] - books.first_inventory[j] for j in others]
        return [to_go, books.price - books.impact, held, books.impact, sum(bought) / len(others)]
    own = [to_go, books.price - Fraction(game["price_level"]), books.impact, held]
    theirs = [books.inventory[j] for j in others]
    return own + (theirs if game["observation"] == "full" else [sum(theirs) / len(others)])
