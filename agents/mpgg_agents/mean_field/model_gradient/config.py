"""Hyper-parameters of the model-gradient solver."""

from dataclasses import dataclass
from typing import Literal

from mpgg_agents.mean_field.architecture import ArchitectureConfig
from mpgg_env.core.validation import check_choice, check_integer, check_real

OPPONENTS = ("replay", "react")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelGradientConfig(ArchitectureConfig):
    """Simultaneous gradient ascent of all coalitions' returns through the differentiable model, by Adam ([Kingma2015]).

    It uses the rules of the game, which the learners of [Shao2024] do not: it is a reference, not one of them. A round
    is one gradient step of all players on fresh episodes of the training law. Nets are float32.

    Attributes:
        opponents: What a player's gradient assumes of the others: replay, they go where they went in this episode
            whatever the player does, which is what an open-loop equilibrium assumes; react, they act on what they see,
            and the player's gradient goes through their policies as well. Where coalitions change how others move, as
            in cyber security, only react is allowed.
        iterations: Gradient steps.
        episodes: Fresh episodes per gradient step.
        learning_rate: Step size of Adam at first, > 0.
        final_learning_rate: Its share at last, in [0, 1], to which it falls along a half cosine.
        warm_up: Rounds over which the step size grows linearly from 0 at the beginning.
        max_gradient_norm: The gradient of each actor is scaled down to this norm, > 0.
        entropy_bonus: Bonus per step and nat of entropy of what a coalition's agents do, >= 0, at first. Where players
            chase each other the plain gradient runs in circles; the bonus damps that.
        final_entropy_bonus: The same at last; it changes linearly.
        averaging: Weight in [0, 1) of the past in the average of the weights of all rounds, which is the policy that
            comes out; 0 for the last weights.
    """

    opponents: Literal["replay", "react"] = "replay"
    iterations: int = 2000
    episodes: int = 64
    learning_rate: float = 1e-3
    final_learning_rate: float = 0.01
    warm_up: int = 20
    max_gradient_norm: float = 1.0
    entropy_bonus: float = 0.0
    final_entropy_bonus: float = 0.0
    averaging: float = 0.99

    def __post_init__(self) -> None:
        ArchitectureConfig.__post_init__(self)
        check_choice("opponents", self.opponents, OPPONENTS)
        for name, minimum in (("iterations", 1), ("episodes", 1), ("warm_up", 0)):
            self._set(name, check_integer(name, getattr(self, name), minimum))
        for name in ("learning_rate", "max_gradient_norm"):
            self._set(name, check_real(name, getattr(self, name), 0, open_minimum=True))
        self._set("final_learning_rate", check_real("final_learning_rate", self.final_learning_rate, 0, 1))
        for name in ("entropy_bonus", "final_entropy_bonus"):
            self._set(name, check_real(name, getattr(self, name), 0))
        self._set("averaging", check_real("averaging", self.averaging, 0, 1, open_maximum=True))

    @property
    def total_rounds(self) -> int:
        """Rounds of the whole training: gradient steps."""
        return self.iterations
