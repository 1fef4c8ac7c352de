"""Hyper-parameters that the tabular learners of mean-field games share."""

from dataclasses import dataclass

from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_integer, check_real


@dataclass(frozen=True, slots=True, kw_only=True)
class TabularConfig(Config):
    """Grids, episodes, rates and exploration of a tabular learner; all numbers are our choice.

    Attributes:
        n_states_grid: Units n_S of the grids of distributions, at least 1: their points are k / n_S.
        n_actions_grid: Units n_A of the grids of an action's rows, at least 1; with 1 they are deterministic.
        episodes: Episodes K, at least 1, each as long as the game's.
        omega: Power of the learning rate N^-omega at the N-th visit of an entry, in [0, 1]. [EvenDar2003] has
            1/2 < omega <= 1. With 0 the rate is 1, which suits as well, since the discretised game is deterministic.
        eps_0: Exploration rate at the beginning, in [0, 1].
        eps_end: Exploration rate at the end, in [0, 1].
        eps_share: Share of the episodes over which it falls from eps_0 to eps_end along a line, in (0, 1].
        initial_value: Every Q value q0 at the start; default: each coalition's lowest reward for ever. With higher
            values entries that were never visited look best, unless rewards are positive.
    """

    n_states_grid: int = 5
    n_actions_grid: int = 1
    episodes: int = 40_000
    omega: float = 1.0
    eps_0: float = 1.0
    eps_end: float = 0.05
    eps_share: float = 0.8
    initial_value: float | None = None

    def __post_init__(self) -> None:
        for name in ("n_states_grid", "n_actions_grid", "episodes"):
            self._set(name, check_integer(name, getattr(self, name), 1))
        for name in ("omega", "eps_0", "eps_end"):
            self._set(name, check_real(name, getattr(self, name), 0, 1))
        self._set("eps_share", check_real("eps_share", self.eps_share, 0, 1, open_minimum=True))
        if self.initial_value is not None:
            self._set("initial_value", check_real("initial_value", self.initial_value))

    @property
    def total_rounds(self) -> int:
        """Rounds of the whole training: episodes."""
        return self.episodes
