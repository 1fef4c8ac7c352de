"""The exact equilibrium, where there is one that the traders can see enough to play."""

from mpgg_env.analysis.market_equilibrium import MarketEquilibrium, solve_market
from mpgg_env.games.market.config import MarketConfig


def exact_equilibrium(game: MarketConfig) -> MarketEquilibrium | None:
    """The equilibrium, or None: the impact is sqrt, traders do not see what it depends on, or the market is ill posed.

    It depends on the mean of the others' inventories where all are alike, else on every inventory.
    """
    enough = game.observation == "full" or (game.observation == "full_mean" and game.has_identical_preferences)
    if game.impact == "sqrt" or not enough:
        return None
    try:
        return solve_market(game)
    except ValueError:  # ill posed, or traders who differ and are too many for the solver
        return None
