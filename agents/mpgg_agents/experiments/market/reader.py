"""Reading runs in the trading market."""

from collections.abc import Sequence
from typing import ClassVar, Final

from mpgg_agents.errors import MissingExtraError
from mpgg_agents.experiments.market.settings import ENV, MarketExperiment
from mpgg_agents.experiments.policy_reader import PolicyRun
from mpgg_agents.experiments.storage import Arrays


class MarketRun(PolicyRun):
    """A run folder of the trading market. Its policies are functions from states of float32 tensors to rates (B, N).

    Attributes:
        config: The experiment: `config.game`, `config.agent`, `config.run`.
    """

    env: ClassVar[str] = ENV
    config: MarketExperiment

    def policy_map(
        self, prices: Sequence[float] | None = None, inventories: Sequence[float] | None = None, trader: int = 0
    ) -> Arrays:
        """The rates of one trader over time to go and own inventory, where nobody else holds or trades anything.

        Args:
            prices: Prices; None for the market's level and two standard deviations of the initial price around it.
            inventories: The trader's inventories; None for 61 within two standard deviations of the initial ones.
            trader: Which trader.

        Returns:
            price (P,), time_to_go (M,), inventory (Q,), rate (B, P, M, Q) of the policies that came out, and where the
            exact equilibrium is known equilibrium (P, M, Q).

        Raises:
            RunFolderError: The run is not complete, or the file has been changed.
            MissingExtraError: A library is not installed.
        """
        try:
            from mpgg_agents.experiments.market.policy_map import policy_map  # loads torch
        except ModuleNotFoundError as error:
            raise MissingExtraError("a map of policies", error) from error
        return policy_map(self, prices, inventories, trader)


RUN: Final = MarketRun
