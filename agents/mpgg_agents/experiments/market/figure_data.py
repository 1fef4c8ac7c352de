"""What the figures of a run in the market draw, read once."""

from dataclasses import dataclass

from mpgg_agents.experiments.market.exact import exact_equilibrium
from mpgg_agents.experiments.market.reader import MarketRun
from mpgg_agents.experiments.storage import Arrays
from mpgg_env.games.market.config import MarketConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketFigureData:
    """What the figures draw, read once.

    Attributes:
        game: Rules of the market.
        metrics: As `MarketRun.metrics` gives them.
        evaluation: As `MarketRun.evaluation`.
        policy_map: As `MarketRun.policy_map`.
        equilibrium_return: A trader's mean return in the exact equilibrium, mean over the traders; None where there is
            none that they could play.
    """

    game: MarketConfig
    metrics: Arrays
    evaluation: Arrays
    policy_map: Arrays
    equilibrium_return: float | None

    @classmethod
    def read(cls, run: MarketRun) -> "MarketFigureData":
        """Reads and checks the result files of a complete run."""
        exact = exact_equilibrium(run.config.game)
        return cls(
            game=run.config.game,
            metrics=run.metrics(),
            evaluation=run.evaluation(),
            policy_map=run.policy_map(),
            equilibrium_return=None if exact is None else float(exact.value.mean()),
        )
