"""Hyper-parameters of independent Q-learning: every ambiguity of the source text is a named option here."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_choice, check_flag, check_integer, check_real

UPDATES = ("end_of_step", "before_act")
TARGETS = ("max", "sarsa")
TIES = ("random", "first", "last")
TABLES = ("per_agent", "shared")
MOVE_REWARDS = ("next_payoff", "past_mean")
DTYPES = ("float64", "float32")


@dataclass(frozen=True, slots=True, kw_only=True)
class IQLConfig(Config):
    """Independent tabular Q-learning with dual replay buffers ([MPGG2025] section 2.2).

    Attributes:
        eta: Learning rate, in (0, 1].
        gamma: Discount per round, in [0, 1].
        eps_0: Exploration rate of the first round, in [0, 1].
        decay: Factor on the exploration rate per round, in (0, 1]: eps(t) = max(eps_min, eps_0 decay^t). The
            lambda of the source is -ln(decay).
        eps_min: Lowest exploration rate, in [0, 1].
        update: end_of_step applies the transition of round t-1 after all actions of round t; before_act applies
            it as soon as it is complete, before the agent's next choice from the same table.
        target: max bootstraps with the best next action, sarsa with the one that was taken.
        tie: Among the best actions take a random one, the first, or the last in the action order. A fixed order has
            large effects that depend on the path: with tables of zeros it steers every agent the same way.
        game_order: Order of the game actions (0 = D, 1 = C) for ties first and last; default 0, 1.
        move_order: Order of the moves for ties first and last; default 0, 1, 2, ...
        table: One pair of tables per agent, or one pair shared by all, which the agents update in the order of
            their index.
        initial_value: Value of every entry at the start.
        move_reward: A move earns the next payoff, or the mean of the agent's last payoffs before it (past_mean).
        move_reward_window: Number of payoffs in that mean.
        capacity: Transitions that each buffer keeps per agent; 1 is online Q-learning.
        batch_size: Transitions drawn, with replacement, from each buffer and applied per round.
        flush_last: At the end of an episode apply the last game transition too, whose next observation is
            known; the last move's reward is never paid, so that it is dropped in any case.
        episodes: Episodes, each as long as the run's rounds. Positions are reset between them, tables and
            exploration go on.
        count_bins: Counts up to this limit are exact, larger ones fall into geometric bins; default all exact.
        bin_ratio: Ratio of successive bin edges above the limit, > 1.
        dtype: Precision of the tables, float64 or float32; the arithmetic is float64.
    """

    eta: float = 0.1
    gamma: float = 0.95
    eps_0: float = 1.0
    decay: float = 0.99995
    eps_min: float = 0.05
    update: Literal["end_of_step", "before_act"] = "end_of_step"
    target: Literal["max", "sarsa"] = "max"
    tie: Literal["random", "first", "last"] = "random"
    game_order: tuple[int, ...] | None = None
    move_order: tuple[int, ...] | None = None
    table: Literal["per_agent", "shared"] = "per_agent"
    initial_value: float = 0.0
    move_reward: Literal["next_payoff", "past_mean"] = "next_payoff"
    move_reward_window: int = 10
    capacity: int = 1
    batch_size: int = 1
    flush_last: bool = False
    episodes: int = 1
    count_bins: int | None = None
    bin_ratio: float = 1.25
    dtype: Literal["float64", "float32"] = "float64"

    def __post_init__(self) -> None:
        self._set("eta", check_real("eta", self.eta, 0, 1, open_minimum=True))
        self._set("gamma", check_real("gamma", self.gamma, 0, 1))
        self._set("eps_0", check_real("eps_0", self.eps_0, 0, 1))
        self._set("decay", check_real("decay", self.decay, 0, 1, open_minimum=True))
        self._set("eps_min", check_real("eps_min", self.eps_min, 0, 1))
        check_choice("update", self.update, UPDATES)
        check_choice("target", self.target, TARGETS)
        check_choice("tie", self.tie, TIES)
        self._set("game_order", _order("game_order", self.game_order))
        self._set("move_order", _order("move_order", self.move_order))
        if self.game_order is not None and len(self.game_order) != 2:
            raise ValueError(f"game_order must order the game actions 0 and 1, got {self.game_order}")
        check_choice("table", self.table, TABLES)
        self._set("initial_value", check_real("initial_value", self.initial_value))
        check_choice("move_reward", self.move_reward, MOVE_REWARDS)
        self._set("move_reward_window", check_integer("move_reward_window", self.move_reward_window, 1))
        self._set("capacity", check_integer("capacity", self.capacity, 1))
        self._set("batch_size", check_integer("batch_size", self.batch_size, 1))
        check_flag("flush_last", self.flush_last)
        self._set("episodes", check_integer("episodes", self.episodes, 1))
        if self.count_bins is not None:
            self._set("count_bins", check_integer("count_bins", self.count_bins, 0))
        self._set("bin_ratio", check_real("bin_ratio", self.bin_ratio, 1, open_minimum=True))
        check_choice("dtype", self.dtype, DTYPES)
        if self.target == "sarsa" and self.update == "before_act":
            raise ValueError("target 'sarsa' needs the next action, which update 'before_act' has not chosen yet")
        if self.target == "sarsa" and self.flush_last:
            raise ValueError("target 'sarsa' needs the next action, which flush_last never sees")

    @property
    def decay_rate(self) -> float:
        """lambda of eps(t) = eps_0 exp(-lambda t)."""
        return -math.log(self.decay)

    @property
    def learns_online(self) -> bool:
        """Whether each buffer hands every transition on once, so that nothing is replayed."""
        return self.capacity == 1 and self.batch_size == 1


def _order(name: str, value: Any) -> tuple[int, ...] | None:
    if value is None:
        return None
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"{name} must be a sequence of action indices, got {value!r}")
    order = tuple(check_integer(f"{name}[{j}]", action, 0) for j, action in enumerate(value))
    if sorted(order) != list(range(len(order))):
        raise ValueError(f"{name} must contain every action index once, got {order}")
    return order
