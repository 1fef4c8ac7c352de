"""Hyper-parameters of fictitious play with DDPG."""

from dataclasses import dataclass
from typing import Literal

from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_choice, check_flag, check_integer, check_layers, check_real

READINGS = ("average", "last")
EXPLORATIONS = ("gaussian", "authors")
SCHEDULES = ("training", "response")
SCALES = ("measured", "authors")


@dataclass(frozen=True, slots=True, kw_only=True)
class FPDDPGConfig(Config):
    """Fictitious play ([Brown1951]) with best responses by DDPG ([Casgrain2022], [Lillicrap2016]). Nets are float32.

    A round is a batch of episodes in which one trader explores against the others' fixed policy, and the gradient steps
    that follow it.

    Attributes:
        reading: What the others play: average, the mean rate of all best responses so far, as in the paper; last, the
            last one, which is iterated best response, as in the authors' code. It is also the policy that comes out.
        responses: Best responses, one after the other.
        first_rounds: Rounds of the first one.
        next_rounds: Rounds of each of the others.
        episodes: Episodes per round; sub-populations, whose traders explore in episodes of their own, share them.
        gradient_steps: Gradient steps of the critic, and of the actor, per round.
        batch_size: Transitions per gradient step, drawn with replacement; all of them as long as there are no more.
        capacity: Transitions that the buffer keeps.
        keep_transitions: The buffer keeps what was seen against former policies of the others; else it is emptied when
            they change.
        keep_networks: A best response starts from the networks of the one before; else from the initial ones.
        hidden: Units of each hidden layer (SiLU) of actor and critic.
        phi: Units of each layer (SiLU) of the label-invariant network of each other's inventory, of which the mean is
            taken ([Casgrain2022] eq. 16); 0 for the mean of the inventories alone.
        learning_rate: Step size of AdamW at first, > 0.
        final_learning_rate: Its share at last, in [0, 1], to which it falls along a half cosine.
        weight_decay: Weight decay of AdamW, >= 0.
        max_gradient_norm: The gradient of each network is scaled down to this norm, > 0.
        gamma: Discount per step, in [0, 1]; nothing is earned after the horizon.
        tau: Weight of the networks in an update of their targets after each gradient step, in (0, 1].
        exploration: gaussian, normal noise on every rate; authors, with probability epsilon a rate is drawn from
            N(0, 100) less the trader's initial inventory, else there is no noise.
        noise: Standard deviation of the normal noise at first, > 0, in units of the rate.
        final_noise: The same at last, > 0; it changes linearly.
        epsilon: Probability of the authors' exploration at first, in [0, 1].
        final_epsilon: The same at last, in [0, 1]; it changes linearly.
        schedule: What "at first" and "at last" refer to: training, all of it; response, each best response anew.
        rate_limit: Rates of all policies are cut to this magnitude, > 0; None for no limit.
        scales: Units of features, rates and values: measured in simulated episodes, or those of the authors.
    """

    reading: Literal["average", "last"] = "average"
    responses: int = 37
    first_rounds: int = 300
    next_rounds: int = 75
    episodes: int = 64
    gradient_steps: int = 4
    batch_size: int = 512
    capacity: int = 50_000
    keep_transitions: bool = True
    keep_networks: bool = True
    hidden: tuple[int, ...] = (32, 32, 32, 32)
    phi: tuple[int, ...] = (20, 20, 20)
    learning_rate: float = 6e-3
    final_learning_rate: float = 0.0
    weight_decay: float = 1e-3
    max_gradient_norm: float = 1.0
    gamma: float = 1.0
    tau: float = 0.05
    exploration: Literal["gaussian", "authors"] = "gaussian"
    noise: float = 2.5
    final_noise: float = 1.0
    epsilon: float = 0.5
    final_epsilon: float = 0.05
    schedule: Literal["training", "response"] = "training"
    rate_limit: float | None = None
    scales: Literal["measured", "authors"] = "measured"

    def __post_init__(self) -> None:
        check_choice("reading", self.reading, READINGS)
        for name in (
            *("responses", "first_rounds", "next_rounds", "episodes", "gradient_steps", "batch_size"),
            "capacity",
        ):
            self._set(name, check_integer(name, getattr(self, name), 1))
        for name in ("keep_transitions", "keep_networks"):
            check_flag(name, getattr(self, name))
        self._set("hidden", check_layers("hidden", self.hidden))
        self._set("phi", check_layers("phi", self.phi, may_be_none=True))
        for name in ("learning_rate", "max_gradient_norm", "noise", "final_noise"):
            self._set(name, check_real(name, getattr(self, name), 0, open_minimum=True))
        for name in ("final_learning_rate", "gamma", "epsilon", "final_epsilon"):
            self._set(name, check_real(name, getattr(self, name), 0, 1))
        self._set("weight_decay", check_real("weight_decay", self.weight_decay, 0))
        self._set("tau", check_real("tau", self.tau, 0, 1, open_minimum=True))
        check_choice("exploration", self.exploration, EXPLORATIONS)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_choice("scales", self.scales, SCALES)
        if self.rate_limit is not None:
            self._set("rate_limit", check_real("rate_limit", self.rate_limit, 0, open_minimum=True))

    @property
    def total_rounds(self) -> int:
        """Rounds of the whole training."""
        return self.first_rounds + (self.responses - 1) * self.next_rounds

    def responses_done(self, rounds_done: int) -> int:
        """Best responses that are finished after this many rounds."""
        return 0 if rounds_done < self.first_rounds else 1 + (rounds_done - self.first_rounds) // self.next_rounds

    def progress(self, rounds_done: int) -> float:
        """Where the schedules are, in [0, 1)."""
        if self.schedule == "training":
            return rounds_done / self.total_rounds
        if rounds_done < self.first_rounds:
            return rounds_done / self.first_rounds
        return (rounds_done - self.first_rounds) % self.next_rounds / self.next_rounds
