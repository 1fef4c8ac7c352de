"""What a trader of the market gains by leaving a profile: exact, or a lower bound by a learned best response."""

from typing import TYPE_CHECKING

from mpgg_agents.extras import lazy_names_of_extra

if TYPE_CHECKING:
    from mpgg_agents.market_response.config import PathwiseConfig
    from mpgg_agents.market_response.ddpg import ddpg_response
    from mpgg_agents.market_response.episodes import returns_under
    from mpgg_agents.market_response.measure import MarketExploitability, exploitability
    from mpgg_agents.market_response.paired import PairedDifference, paired_difference
    from mpgg_agents.market_response.pathwise import learned_response

__all__ = [
    "MarketExploitability",
    "PairedDifference",
    "PathwiseConfig",
    "ddpg_response",
    "exploitability",
    "learned_response",
    "paired_difference",
    "returns_under",
]

__getattr__ = lazy_names_of_extra(
    __name__,
    {
        "PathwiseConfig": "mpgg_agents.market_response.config",
        "ddpg_response": "mpgg_agents.market_response.ddpg",
        "returns_under": "mpgg_agents.market_response.episodes",
        "MarketExploitability": "mpgg_agents.market_response.measure",
        "exploitability": "mpgg_agents.market_response.measure",
        "PairedDifference": "mpgg_agents.market_response.paired",
        "paired_difference": "mpgg_agents.market_response.paired",
        "learned_response": "mpgg_agents.market_response.pathwise",
    },
)
