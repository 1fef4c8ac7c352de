"""One replica of the model-gradient solver: actors, their gradients and their steps."""

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from mpgg_agents.draws import generator
from mpgg_agents.errors import TrainingError
from mpgg_agents.mean_field.model_gradient.config import ModelGradientConfig
from mpgg_agents.mean_field.model_gradient.play import Play, moves_are_own, play
from mpgg_agents.mean_field.networks import Actor
from mpgg_agents.mean_field.policy import NetPolicy, new_actor, profile_weights
from mpgg_agents.seed_trainer import Replica
from mpgg_agents.stored import Arrays
from mpgg_agents.tensors import moments_of, set_tensors, start_moments
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.config import Episodic
from mpgg_env.games.mean_field.registry import game_of

# What the draws are for; no other purpose has these numbers.
WEIGHTS: Final = 49
STARTS: Final = 50


class ModelGradient(Replica):
    """One replica of the training.

    Args:
        game: Parameters of the game.
        config: Hyper-parameters.
        seed: Seed, in [0, 2**64).

    Raises:
        ValueError: Opponents cannot be replayed in this game.
    """

    def __init__(self, game: Episodic, config: ModelGradientConfig, seed: int) -> None:
        self.game, self.config, self.seed = game, config, seed
        self.batch = MeanFieldBatch(game, torch, dtype=torch.float32)
        if config.opponents == "replay" and not moves_are_own(self.batch):
            raise ValueError(
                f"opponents must be 'react' in {game_of(game)}, where coalitions change how others move, got 'replay'"
            )
        draws = generator(seed, WEIGHTS)
        self.actors = [new_actor(self.batch, i, config, draws) for i in range(self.batch.n_coalitions)]
        self.kept = [copy.deepcopy(actor).requires_grad_(False) for actor in self.actors]
        self.optimizer = torch.optim.Adam(_parameters(self.actors), config.learning_rate, fused=True)
        start_moments(self.optimizer)
        self.rounds_done = 0

    @property
    def progress(self) -> float:
        """Where the schedules are, in [0, 1]."""
        return self.rounds_done / self.config.iterations

    @property
    def exploration(self) -> float:
        """Weight of the entropy of actions in the next round."""
        return self.config.entropy_bonus + (self.config.final_entropy_bonus - self.config.entropy_bonus) * self.progress

    @property
    def learning_rate(self) -> float:
        """Step size in the next round."""
        c, cosine = self.config, 0.5 * (1 + math.cos(math.pi * self.progress))
        warm = min(1.0, (self.rounds_done + 1) / max(c.warm_up, 1))
        return c.learning_rate * warm * (c.final_learning_rate + (1 - c.final_learning_rate) * cosine)

    @property
    def policy(self) -> tuple[NetPolicy, ...]:
        """The profile that comes out: the averages of the weights."""
        return self._profile(self.kept)

    @property
    def policy_in_training(self) -> tuple[NetPolicy, ...]:
        """The profile of the weights as they are now, which gradients go through."""
        return self._profile(self.actors)

    def _profile(self, actors: Sequence[Actor]) -> tuple[NetPolicy, ...]:
        return tuple(NetPolicy(self.batch, i, actor, self.config.sight) for i, actor in enumerate(actors))

    def iterate(self) -> dict[str, float]:
        """One gradient step of all players; the mean return of each, and what is maximised with the sign changed.

        Raises:
            TrainingError: A return is not finite.
        """
        start = self.batch.drawn_state(generator(self.seed, STARTS, self.rounds_done), self.config.episodes)
        weight = self.exploration
        with torch.enable_grad():
            played = play(
                self.batch,
                start,
                self.policy_in_training,
                replay=self.config.opponents == "replay",
                entropy=weight > 0,
            )
            objectives = self._objectives(played, weight)
            self._step(objectives)
        self.rounds_done += 1
        self._average()
        returns = played.returns.detach().mean(0).tolist()
        measures = {
            "objective": float(objectives.detach().sum()),
            "mean_return": sum(returns) / len(returns),
            **{f"return_{i}": own for i, own in enumerate(returns)},
        }
        if not all(map(math.isfinite, measures.values())):
            raise TrainingError(f"the returns of round {self.rounds_done - 1} are not finite")
        return measures

    def _objectives(self, played: Play, weight: float) -> Tensor:
        """What each player maximises, (m,)."""
        objectives = played.returns.mean(0)
        return objectives + weight * played.entropy.mean(0) if weight else objectives

    def _step(self, objectives: Tensor) -> None:
        """A step of each player up the gradient of its own objective."""
        for parameter, gradient in zip(_parameters(self.actors), self.gradients(-objectives), strict=True):
            parameter.grad = gradient
        for actor in self.actors:
            nn.utils.clip_grad_norm_(actor.parameters(), self.config.max_gradient_norm)
        self.optimizer.param_groups[0]["lr"] = self.learning_rate
        self.optimizer.step()

    def gradients(self, values: Tensor) -> list[Tensor]:
        """The gradient of each player's value by its own weights, all weights of the first player's actor first.

        Args:
            values: One per player, (m,), of an episode that was played as the settings say.
        """
        if self.config.opponents == "replay":
            return list(torch.autograd.grad(values.sum(), _parameters(self.actors)))
        last = len(self.actors) - 1
        return [
            gradient
            for i, actor in enumerate(self.actors)
            for gradient in torch.autograd.grad(values[i], list(actor.parameters()), retain_graph=i < last)
        ]

    @torch.no_grad()
    def _average(self) -> None:
        """Updates the weights that come out; the first ones, which know nothing yet, are soon forgotten."""
        past = min(self.config.averaging, self.rounds_done / (self.rounds_done + 10))
        torch._foreach_lerp_(_parameters(self.kept), _parameters(self.actors), 1 - past)

    def learned(self) -> Arrays:
        """The weights of the actors that come out, by name, copied."""
        return {name: array.copy() for name, array in profile_weights(self.kept).items()}

    def arrays(self) -> Arrays:
        """Everything that the rest of the training depends on, by name."""
        return {
            "round": np.array(self.rounds_done, np.int64),
            **{name: tensor.numpy() for name, tensor in self._tensors().items()},
        }

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """The inverse of `arrays`; names, types and shapes have been checked.

        Raises:
            ValueError: A number is not finite or out of range.
        """
        set_tensors(self._tensors(), arrays)
        self.rounds_done = int(arrays["round"])

    def _tensors(self) -> dict[str, Tensor]:
        """All that gradient steps change, by name."""
        parts = {"actors": self.actors, "kept": self.kept}
        weights = {
            f"{part}.{i}.{name}": parameter.detach()
            for part, actors in parts.items()
            for i, actor in enumerate(actors)
            for name, parameter in actor.named_parameters()
        }
        return weights | {f"adam.{name}": tensor for name, tensor in moments_of(self.optimizer).items()}


def _parameters(actors: Sequence[Actor]) -> list[Tensor]:
    """The weights of all actors, one after the other."""
    return [parameter for actor in actors for parameter in actor.parameters()]
