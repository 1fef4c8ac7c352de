"""Hyper-parameters of Nash-DQN."""

from dataclasses import dataclass
from typing import Literal

from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_choice, check_integer, check_layers, check_real

PENALTIES = ("l2", "l1")
DATA = ("fresh", "replay")
RETURNED = ("average", "best", "last")
SCALES = ("measured", "authors")
REDUCTIONS = ("mean", "sum")
CLOCKS = ("scalar", "one_hot")


@dataclass(frozen=True, slots=True, kw_only=True)
class NashDQNConfig(Config):
    """Nash-DQN ([Casgrain2022] section 5): actor-critic with a locally linear-quadratic advantage; float32.

    A training whose smoothed loss is twenty times its lowest goes back to where it was low, with smaller steps;
    `rescues` among its measures counts how often.

    Attributes:
        iterations: Training iterations, each of one batch of episodes, one value step and one advantage step.
        episodes: Episodes per iteration; default: 320 / N, at least 8, so that batches are alike for all
            N.
        hidden: Units of each hidden layer (SiLU) of the value and of the advantage network.
        phi: Units of each layer (SiLU) of the label-invariant network of each other's inventory, of which the mean is
            taken ([Casgrain2022] eq. 16); 0 for the mean of the inventories alone.
        clock: How networks see the time: scalar, the time to go; one_hot, also the number of the decision.
        learning_rate: Step size of AdamW in the first iteration, > 0.
        final_learning_rate: Its share at the end, in [0, 1], to which it falls along a half cosine.
        warm_up: Iterations in the beginning over which the step size rises linearly to its value; 0 for none.
        weight_decay: Weight decay of AdamW, >= 0.
        max_gradient_norm: The gradient of each network is scaled down to this norm, > 0.
        beta_2: Weight of the past in AdamW's mean of squared gradients, in [0, 1).
        gamma: Discount per step, in [0, 1]; nothing is earned after the horizon.
        trace: Weight lambda in [0, 1] of what followed in the episode against what the value network expects, in what a
            decision is said to have earned, in the first iteration: 0 is one-step learning as in the paper, 1
            bootstraps nothing. default: 1 under observation paper, where expectations mislead, and 0.9 elsewhere;
            0 with replayed data.
        final_trace: The same at the end, towards which it changes linearly. default: 1 under observation paper, else 0.
        noise: Standard deviation of the exploration noise of every trader in the first iteration, > 0, in units of its
            rate.
        final_noise: The same at the end, > 0, towards which it changes linearly.
        exploring: Share of decisions, in (0, 1], that explore, drawn at random for each trader. Where a trader has to
            guess what others hold from what they do, it must see them mostly as they are; default: 0.1 under
            observation paper, else 1.
        target_every: Iterations between copies of the value network into its target.
        psi_penalty: Weight beta >= 0 of the penalty on psi ([Casgrain2022] eq. 23); default: 50 under observation
            paper, else 0.
        penalty: The penalty is the mean of psi^2 (l2, as in the authors' code) or of |psi| (l1, as in the paper).
        reduction: The loss is the mean over samples, or their sum as in the authors' code.
        data: fresh, every iteration learns from its own episodes; replay, from as many transitions drawn from a buffer.
        capacity: Joint decisions of all traders that the buffer keeps.
        returned: Policy that comes out: average, the running average of the weights; best, the weights with the lowest
            smoothed loss; last.
        averaging: Weight of the past in the running averages of weights and loss, in [0, 1).
        scales: Units of features, rates and values: measured in simulated episodes, or those of the authors' networks.
    """

    iterations: int = 8000
    episodes: int | None = None
    hidden: tuple[int, ...] = (32, 32, 32, 32)
    phi: tuple[int, ...] = (20, 20, 20)
    clock: Literal["scalar", "one_hot"] = "one_hot"
    learning_rate: float = 7e-3
    final_learning_rate: float = 0.0
    warm_up: int = 1000
    weight_decay: float = 1e-3
    max_gradient_norm: float = 1.0
    beta_2: float = 0.99
    gamma: float = 1.0
    trace: float | None = None
    final_trace: float | None = None
    noise: float = 4.0
    final_noise: float = 4.0
    exploring: float | None = None
    target_every: int = 10
    psi_penalty: float | None = None
    penalty: Literal["l2", "l1"] = "l2"
    reduction: Literal["mean", "sum"] = "mean"
    data: Literal["fresh", "replay"] = "fresh"
    capacity: int = 100_000
    returned: Literal["average", "best", "last"] = "average"
    averaging: float = 0.99
    scales: Literal["measured", "authors"] = "measured"

    def __post_init__(self) -> None:
        for name in ("iterations", "target_every", "capacity"):
            self._set(name, check_integer(name, getattr(self, name), 1))
        if self.episodes is not None:
            self._set("episodes", check_integer("episodes", self.episodes, 1))
        self._set("hidden", check_layers("hidden", self.hidden))
        self._set("phi", check_layers("phi", self.phi, may_be_none=True))
        for name in ("learning_rate", "max_gradient_norm", "noise", "final_noise"):
            self._set(name, check_real(name, getattr(self, name), 0, open_minimum=True))
        self._set("final_learning_rate", check_real("final_learning_rate", self.final_learning_rate, 0, 1))
        self._set("weight_decay", check_real("weight_decay", self.weight_decay, 0))
        self._set("gamma", check_real("gamma", self.gamma, 0, 1))
        self._set("beta_2", check_real("beta_2", self.beta_2, 0, 1, open_maximum=True))
        if self.exploring is not None:
            self._set("exploring", check_real("exploring", self.exploring, 0, 1, open_minimum=True))
        for name in ("trace", "final_trace"):
            value = getattr(self, name)
            if value is not None:
                self._set(name, check_real(name, value, 0, 1))
                if value and self.data == "replay":
                    raise ValueError(
                        f"{name} must be 0 with data='replay', whose decisions are single ones, got {value:g}"
                    )
        self._set("averaging", check_real("averaging", self.averaging, 0, 1, open_maximum=True))
        self._set("warm_up", check_integer("warm_up", self.warm_up, 0))
        if self.psi_penalty is not None:
            self._set("psi_penalty", check_real("psi_penalty", self.psi_penalty, 0))
        check_choice("penalty", self.penalty, PENALTIES)
        check_choice("reduction", self.reduction, REDUCTIONS)
        check_choice("data", self.data, DATA)
        check_choice("returned", self.returned, RETURNED)
        check_choice("clock", self.clock, CLOCKS)
        check_choice("scales", self.scales, SCALES)
