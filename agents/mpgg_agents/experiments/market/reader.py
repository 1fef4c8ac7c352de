"""Reading runs in the trading market."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from mpgg_agents.errors import MissingExtraError
from mpgg_agents.experiments import storage
from mpgg_agents.experiments.files import FINAL_STATE, METRICS
from mpgg_agents.experiments.folder import RunFolderError
from mpgg_agents.experiments.market.files import EVALUATION, SNAPSHOTS
from mpgg_agents.experiments.market.settings import ENV, MarketExperiment
from mpgg_agents.experiments.reader import Run
from mpgg_agents.experiments.storage import Arrays
from mpgg_agents.training_record import SNAPSHOT_ROUNDS
from mpgg_env.core.validation import check_choice

if TYPE_CHECKING:
    from mpgg_agents.market_response.episodes import MarketPolicy

_KEYS: Final = ("seed", "round")


class MarketRun(Run):
    """A run folder of the trading market.

    Attributes:
        config: The experiment: `config.game`, `config.agent`, `config.run`.
    """

    env: ClassVar[str] = ENV
    config: MarketExperiment

    def metrics(self) -> Arrays:
        """What the trainer measured: seed (B,), round (rounds,), and each measure (B, rounds).

        Raises:
            RunFolderError: The run is not complete, or the file has been changed.
        """
        from mpgg_agents.experiments.table import read_metrics  # loads pyarrow

        table, shape = read_metrics(self.file(METRICS)), (len(self.seeds), self.config.total_rounds)
        names = [name for name in table.column_names if name not in _KEYS]
        measures = {name: table[name].to_numpy().reshape(shape) for name in names}
        return {"seed": np.array(self.seeds), "round": np.arange(shape[1]), **measures}

    def snapshots(self) -> Arrays:
        """The policies that were kept: seeds (B,), snapshot_rounds (B, kept), and weights by name (B, kept, ...).

        Raises:
            RunFolderError: The run is not complete, or the file has been changed.
        """
        return storage.read_arrays(self.file(SNAPSHOTS))

    def evaluation(self) -> Arrays:
        """How the kept policies were judged: seeds (B,), snapshot_rounds (kept,), and per judgement (B, kept).

        The judgements are those of `mpgg_agents.experiments.market.measures.JUDGEMENTS`.

        Raises:
            RunFolderError: The run is not complete, or the file has been changed.
        """
        return storage.read_arrays(self.file(EVALUATION))

    def policy(self, seed: int, rounds: int | None = None) -> "MarketPolicy":
        """The policy that a replica learned, as a function from states of float32 tensors to rates (B, N).

        Args:
            seed: Seed of the replica.
            rounds: Of the policy that was kept after so many iterations; None for the one that came out.

        Raises:
            RunFolderError: The run is not complete, its file has been changed, or its weights do not fit.
            ValueError: The run does not have the seed, or kept no policy then.
            MissingExtraError: A library is not installed.
        """
        weights = self.learned(seed) if rounds is None else self._kept(seed, rounds)
        try:
            return self.config.kind.load_policy(self.config.game, self.config.agent, weights)
        except (KeyError, ValueError) as error:
            name = FINAL_STATE if rounds is None else SNAPSHOTS
            raise RunFolderError(f"{self.path / name} does not fit the run: {error}") from error

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

    def _kept(self, seed: int, rounds: int) -> Arrays:
        replica, arrays = self.replica(seed), self.snapshots()
        kept = arrays[SNAPSHOT_ROUNDS][replica].tolist()
        check_choice("rounds", str(rounds), [str(number) for number in kept])
        at = kept.index(rounds)
        return {name: array[replica, at] for name, array in arrays.items() if name not in ("seeds", SNAPSHOT_ROUNDS)}


RUN: Final = MarketRun
