"""What is exact: gains over linear rules, and the value by which gains are measured."""

from dataclasses import replace
from typing import TYPE_CHECKING

from mpgg_env.analysis.market_equilibrium import solve_market
from mpgg_env.analysis.market_moments import expected_returns
from mpgg_env.analysis.market_profile import LinearProfile
from mpgg_env.analysis.market_response import best_response
from mpgg_env.games.market.config import MarketConfig

if TYPE_CHECKING:
    from mpgg_agents.market_response.episodes import MarketPolicy  # loads torch, which reading a run does not need


def exact_gain(game: MarketConfig, policy: "MarketPolicy", trader: int) -> tuple[float, float]:
    """What a trader who sees the whole state gains by its best response to linear rules, and what it earns without it.

    Raises:
        TypeError: The policy is no `LinearProfile`.
        ValueError: The impact is sqrt.
        IllPosedMarketError: There is no best response.
    """
    if not isinstance(policy, LinearProfile):
        raise TypeError(f"policy must be a LinearProfile for the exact method, got {type(policy).__name__}")
    profile = replace(policy, config=game)
    return best_response(profile, trader).gain, float(expected_returns(profile)[trader])


def is_exact(game: MarketConfig, policy: "MarketPolicy", trader: int) -> bool:
    """Whether the exact best response exists in closed form and depends on nothing that the trader cannot see."""
    if not isinstance(policy, LinearProfile) or game.impact == "sqrt":
        return False
    # Against one rule for all the mean of the others says as much as all their inventories.
    return game.observation == "full" or (
        game.observation == "full_mean" and policy.is_symmetric and policy.deviator in (None, trader)
    )


def equilibrium_value(game: MarketConfig, trader: int) -> float | None:
    """A trader's expected return in the exact equilibrium; None where there is none in closed form."""
    if game.impact == "sqrt":
        return None
    try:
        return float(solve_market(game).value[trader])
    except ValueError:  # ill-posed, or traders who differ and are too many for the solver
        return None
