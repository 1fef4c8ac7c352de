"""Whether a market has an equilibrium that means anything, in milliseconds, for any market."""

from typing import Final

import numpy as np

from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.linear_full import solve_full
from mpgg_env.games.market.linear_symmetric import solve_symmetric
from mpgg_env.games.market.stage import IllPosedMarketError

# The recursion on the whole state takes about 1 ms for 10 steps of 6 traders, 10 ms of 20, and a second of 100. It
# keeps a form per trader and step, which for 20 traders and more than 10,000 steps do not fit into memory.
MOST_DIFFERENT: Final = 20
MOST_STEPS: Final = 1000


def check_well_posed(config: MarketConfig) -> str | None:
    """Why the market is ill posed, or None where nothing was found.

    The judgement is exact where the impact is linear or none, and all traders are alike or at most 20 for at most 1,000
    steps. Elsewhere the nearest such market is judged, and the text says which: without transient impact in the place
    of a root, whose slope at 0 is infinite, so that no statement on curvatures holds; traders of mean costs and
    penalties in the place of many different ones.
    """
    judged, substitutes = config, []
    if config.impact == "sqrt":
        judged = judged.replace(impact="none")
        substitutes.append("without transient impact, since nothing exact can be said with impact='sqrt',")
    large = config.n_agents > MOST_DIFFERENT or config.n_steps > MOST_STEPS
    if large and not config.has_identical_preferences:
        judged = _of_equals(judged)
        substitutes.append(f"of traders with the mean costs and penalties of these {config.n_agents}")
    try:
        solve_symmetric(judged) if judged.has_identical_preferences else solve_full(judged)
    except IllPosedMarketError as error:
        subject = " ".join(["the same market", *substitutes, "is"] if substitutes else ["the market is"])
        return f"{subject} ill posed: {error}"
    return None


def _of_equals(config: MarketConfig) -> MarketConfig:
    cost, terminal, running = map(float, np.mean(config.preferences, axis=0))
    return config.replace(transaction_cost=cost, terminal_penalty=terminal, running_penalty=running)
