"""Reading runs in the migratory public goods game."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from mpgg_agents.experiments import storage
from mpgg_agents.experiments.files import METRICS
from mpgg_agents.experiments.mpgg.columns import phase_columns
from mpgg_agents.experiments.mpgg.files import CASINOS, PANEL
from mpgg_agents.experiments.mpgg.measures import Phase
from mpgg_agents.experiments.mpgg.phase_data import PhaseData
from mpgg_agents.experiments.mpgg.settings import ENV, MPGGExperiment
from mpgg_agents.experiments.reader import Run
from mpgg_agents.experiments.storage import Arrays
from mpgg_env.core.types import FloatArray


class MPGGRun(Run):
    """A run folder of the migratory public goods game.

    Attributes:
        config: The experiment: `config.game`, `config.agent`, `config.run`.
    """

    env: ClassVar[str] = ENV
    config: MPGGExperiment

    @property
    def cost(self) -> FloatArray:
        """Cost of each casino, (M,)."""
        from mpgg_env.games.mpgg.rules import casino_costs  # loads numba

        return casino_costs(self.config.game)

    @property
    def gain(self) -> FloatArray:
        """Gain factor of each casino, (M,)."""
        from mpgg_env.games.mpgg.rules import casino_gains  # loads numba

        return casino_gains(self.config.game)

    @property
    def best_values(self) -> FloatArray:
        """What a cooperator among cooperators earns in each casino, (M,)."""
        from mpgg_env.analysis.payoffs import best_values  # loads numba

        return best_values(self.config.game)

    def phase_rounds(self, phase: Phase) -> int:
        """Rounds of a phase."""
        return self.config.phase_rounds(phase)

    def metrics(self, phase: Phase = "train") -> Arrays:
        """The measures of every round: seed (B,), round and epsilon (rounds,), the others (B, rounds).

        Where the run records a row for every `config.run.record_every` rounds these are its rows: means over so many
        rounds, and `round` is the first of them. The last row may be of fewer rounds.

        The measures are those of `mpgg_agents.experiments.mpgg.measures.MEASURES`. Phase "greedy" is the rounds
        without exploration and learning after the training.

        Raises:
            RunFolderError: The run is not complete, or the file has been changed.
        """
        return phase_columns(self._table(), self.config, phase)

    def casinos(self, phase: Phase = "train") -> Arrays:
        """The casinos' time series, means per round over windows of `config.run.window` rounds.

        Returns:
            round (windows,), occupancy and cooperators (B, windows, M), moves (B, windows, M, n_moves), and the
            casinos' cost and gain (M,).

        Raises:
            RunFolderError: The run is not complete, or the file has been changed.
        """
        return _series(storage.read_arrays(self.file(CASINOS)), phase)

    def final_state(self) -> Arrays:
        """Positions (B, N) after the last training round, seeds (B,), and what was learned, `seed_<s>_<name>`.

        The names are those of `IQLTrainer.tables`, `DQNTrainer.networks` or `NashQTrainer.learned`.

        Raises:
            RunFolderError: The run is not complete, or the file has been changed.
        """
        return super().final_state()

    def window_means(self, size: int = 1000, phase: Phase = "train") -> dict[str, FloatArray]:
        """What the figures and `mpgg info` show: means over windows of `size` rounds.

        Args:
            size: Rounds per window, a multiple of `config.run.window` or at least the whole phase.
            phase: "train" or "greedy".

        Returns:
            round (windows,), the first round of each window; for every measure (B, windows); and I_alpha, I_c,
            I_v, with `_cooperators` for cooperators alone: where on the board the agents were, (B, windows).

        Raises:
            RunFolderError: The run is not complete, or a file has been changed.
            ValueError: The size does not fit.
        """
        return self.phase_data(phase)[phase].window_means(size)

    def last_rounds(self, size: int = 1000, phase: Phase = "train") -> dict[str, FloatArray]:
        """As `window_means`, but over one window that ends with the phase: its `size` last rounds.

        Where the phase does not end with a whole window of the run, these are the fewest whole windows before its end
        that make at least `size` rounds with what comes after them. A phase of fewer rounds is taken whole.

        Returns:
            round (1,), the first of these rounds, and the measures and indices of `window_means`, (B, 1).

        Raises:
            RunFolderError: The run is not complete, or a file has been changed.
            ValueError: The phase has no rounds, or the size does not fit.
        """
        return self.phase_data(phase)[phase].last_rounds(size)

    def phase_data(self, *phases: Phase) -> dict[Phase, PhaseData]:
        """What was recorded of some phases, each file read once.

        Raises:
            RunFolderError: The run is not complete, or a file has been changed.
        """
        table, arrays, best = self._table(), storage.read_arrays(self.file(CASINOS)), self.best_values
        return {
            phase: PhaseData(
                config=self.config,
                phase=phase,
                best_values=best,
                columns=phase_columns(table, self.config, phase),
                casinos=_series(arrays, phase),
            )
            for phase in phases
        }

    def _table(self) -> Any:
        from mpgg_agents.experiments.table import read_metrics  # loads pyarrow

        return read_metrics(self.file(METRICS))

    def panel(self) -> Arrays:
        """What every agent did in the last greedy rounds, `config.panel_rounds` of them.

        Returns:
            round (T,), counted from the first greedy round; positions, the casinos in which the games are played,
            actions (0 = D, 1 = C) and payoffs, (B, T, N) each. `mpgg_env.analysis.metrics_panel` measures them.

        Raises:
            RunFolderError: The run is not complete, or the file has been changed.
        """
        return storage.read_arrays(self.file(PANEL))

    def efficiency_table(self, phase: Phase = "greedy", size: int = 1000) -> dict[str, FloatArray]:
        """The measures of efficiency and structure that `mpgg info` shows, one value per seed, (B,).

        They are those of `mpgg_agents.experiments.mpgg.structure.ROWS`. Those of single agents come from the panel, so
        that they are NaN for "train".

        Args:
            phase: "greedy", all greedy rounds and the panel; or "train", the last rounds of the training.
            size: How many of these, as for `last_rounds`.

        Raises:
            RunFolderError: The run is not complete, or a file has been changed.
            ValueError: The phase has no rounds, or the size does not fit.
        """
        from mpgg_agents.experiments.mpgg.structure import efficiency_table  # loads numba

        return efficiency_table(self, self.phase_data(phase)[phase], size)

    def synergy(self, thresholds: Sequence[float] | None = None) -> dict[str, FloatArray]:
        """Strategy-space synergy in the panel: whether endangered cooperators keep ahead of defectors.

        Args:
            thresholds: Local shares of defectors in [0, 1]; None for 0, 0.05, ..., 0.95.

        Returns:
            threshold (thresholds,); survival and migration_gain (B, thresholds) as in
            `mpgg_env.analysis.metrics_panel.SynergySurvival`.

        Raises:
            RunFolderError: The run is not complete, or the file has been changed.
            ValueError: A threshold is out of range.
        """
        from mpgg_agents.experiments.mpgg.structure import synergy  # loads numba

        return synergy(self, thresholds)


def _series(arrays: Arrays, phase: Phase) -> Arrays:
    series = {name: arrays[f"{phase}_{name}"] for name in ("round", "occupancy", "cooperators", "moves")}
    return {**series, "cost": arrays["cost"], "gain": arrays["gain"]}


RUN: Final = MPGGRun
