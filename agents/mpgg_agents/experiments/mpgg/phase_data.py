"""What was recorded of one phase of a run, read once, and its means over windows and over the last rounds."""

from dataclasses import dataclass
from typing import Final

from mpgg_agents.experiments.mpgg import measures
from mpgg_agents.experiments.mpgg.measures import MEASURES, Phase
from mpgg_agents.experiments.mpgg.settings import MPGGExperiment
from mpgg_agents.experiments.storage import Arrays
from mpgg_env.core.types import FloatArray, IntArray

_COUNTS: Final = {"occupancy": "", "cooperators": "_cooperators"}  # with what the names of their indices end


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseData:
    """What was recorded of one phase of a run.

    Attributes:
        config: The experiment.
        phase: Which phase.
        best_values: What a cooperator among cooperators earns in each casino, (M,).
        columns: As `MPGGRun.metrics` gives them.
        casinos: As `MPGGRun.casinos` gives them.
    """

    config: MPGGExperiment
    phase: Phase
    best_values: FloatArray
    columns: Arrays
    casinos: Arrays

    @property
    def rounds(self) -> int:
        """Rounds of the phase."""
        return self.config.phase_rounds(self.phase)

    def window_means(self, size: int) -> dict[str, FloatArray]:
        """As `MPGGRun.window_means`."""
        self._check_size(size)
        return self._means(0, size)

    def last_rounds(self, size: int) -> dict[str, FloatArray]:
        """As `MPGGRun.last_rounds`."""
        if not self.rounds:
            raise ValueError(f"phase must be one with rounds, got {self.phase!r}, of which this run has none")
        self._check_size(size)
        first = measures.last_start(self.rounds, self.config.run.window, size)
        return self._means(first, self.rounds - first)

    def casino_means(self, first: int) -> Arrays:
        """Means of occupancy and cooperators (B, M) and moves (B, M, n_moves).

        They are of the rounds from `first` on, with which a window of the run begins.
        """
        start = first // self.config.run.window
        lengths = self._lengths[start:]
        parts = {name: self.casinos[name][:, start:].astype(float) for name in (*_COUNTS, "moves")}
        return {name: measures.group_windows(part, lengths, len(lengths))[:, 0] for name, part in parts.items()}

    @property
    def _lengths(self) -> IntArray:
        """Rounds of each window of the casino series, (windows,)."""
        return measures.window_lengths(self.casinos["round"], self.rounds)

    def _check_size(self, size: int) -> None:
        window = self.config.run.window
        if size < 1 or (size % window and size < self.rounds):
            raise ValueError(f"size must be a positive multiple of the window of {window} rounds, got {size}")

    def _means(self, first: int, size: int) -> dict[str, FloatArray]:
        """Means over windows of `size` rounds from round `first` on, with which a window of the run begins."""
        from mpgg_env.analysis.metrics_structure import corridor_indices  # loads numba

        row, start = first // self.config.run.record_every, first // self.config.run.window
        rest = {name: self.columns[name][..., row:] for name in ("round", *MEASURES)}
        means = measures.window_means(rest, size, self.rounds)
        lengths, group = self._lengths[start:], -(-size // self.config.run.window)
        for name, suffix in _COUNTS.items():
            weights = measures.group_windows(self.casinos[name][:, start:], lengths, group)
            indices = corridor_indices(weights, self.config.game.grid_shape, self.best_values)
            means.update({f"{index}{suffix}": values for index, values in indices.items()})
        return means
