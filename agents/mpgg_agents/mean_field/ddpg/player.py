"""One central player: actor, critic, their targets and its buffer."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mpgg_agents.mean_field.ddpg.backprop import Pass
from mpgg_agents.mean_field.ddpg.config import DDPGConfig
from mpgg_agents.mean_field.ddpg.descent import Descent
from mpgg_agents.mean_field.policy import NetPolicy, new_actor, new_critic, sight_parts
from mpgg_agents.replay.ring import Ring
from mpgg_agents.stored import Arrays, section
from mpgg_agents.tensors import set_tensors
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch


class Transition(NamedTuple):
    """What one player saw, did and got in R steps.

    Attributes:
        sight: What it saw, (R, W).
        action: What its coalition did, (R, S A).
        reward: What that earned, (R,).
        next_sight: What it saw then, (R, W).
    """

    sight: Tensor
    action: Tensor
    reward: Tensor
    next_sight: Tensor


class Player:
    """The player of one coalition.

    Args:
        batch: The dynamics, in torch with float32.
        coalition: Number of the coalition.
        config: Hyper-parameters.
        draws: Source of the initial weights.

    Attributes:
        actor: Actor, its target and its optimiser.
        critic: The same of the critic.
        replay: The transitions that it keeps.
    """

    def __init__(self, batch: MeanFieldBatch, coalition: int, config: DDPGConfig, draws: np.random.Generator) -> None:
        self.coalition, self.config, self.discount = coalition, config, batch.config.discount
        self.actor = Descent(new_actor(batch, coalition, config, draws))
        self.critic = Descent(new_critic(batch, coalition, config, draws))
        self._actor_pass = Pass(self.actor.network.net, self.actor.gradient)
        self._critic_pass = Pass(self.critic.network.net, self.critic.gradient)
        self._actor_target, self._critic_target = Pass(self.actor.target.net), Pass(self.critic.target.net)
        self.policy = NetPolicy(batch, coalition, self.actor.network, config.sight)
        n_states, n_columns = batch.shapes[coalition]
        self._parts = sight_parts(batch, coalition, config.sight)
        rows, width = config.capacity, sum(self._parts)
        widths = (width, n_states * n_columns, None, width)
        self.replay = Ring(Transition(*(torch.zeros(rows) if w is None else torch.zeros(rows, w) for w in widths)))

    def update(self, seen: Transition, rate_factor: float) -> Tensor:
        """One step of the critic, one of the actor, and one of their targets ([Shao2024] algorithm 2).

        Args:
            seen: A minibatch.
            rate_factor: What both step sizes are multiplied by.

        Returns:
            The critic's loss, and the mean value that it gives to the actor's actions, before their steps; (2,).
        """
        loss = self._improve_critic(seen, self.config.critic_learning_rate * rate_factor)
        value = self._improve_actor(seen, self.config.actor_learning_rate * rate_factor)
        for part in (self.actor, self.critic):
            part.follow(self.config.tau)
        return torch.stack([loss, value])

    @torch.no_grad()
    def _improve_critic(self, seen: Transition, learning_rate: float) -> Tensor:
        """A step down the mean of (Q(s, a) - y)^2, which is returned."""
        error = self._critic_pass.forward(*self._split(seen.sight), seen.action) - self.earned(seen)[:, None]
        self._critic_pass.backward(error * (2 / len(error)))
        self.critic.step(learning_rate)
        return error.square().mean()

    def _improve_actor(self, seen: Transition, learning_rate: float) -> Tensor:
        """A step up the mean of Q(s, pi(s)), which is returned."""
        parts = self._split(seen.sight)
        raw = self._actor_pass.forward(*parts).requires_grad_()
        action = self.actor.network.action_from(raw).flatten(1)
        value = self._critic_pass.forward(*parts, action.detach())
        by_action = self._critic_pass.slope_by_last_part(torch.full_like(value, -1 / len(value)))
        (by_raw,) = torch.autograd.grad(action, raw, by_action)
        self._actor_pass.backward(by_raw)
        self.actor.step(learning_rate)
        return value.mean()

    def _split(self, sight: Tensor) -> list[Tensor]:
        return list(torch.split(sight, self._parts, 1))

    @torch.no_grad()
    def earned(self, seen: Transition) -> Tensor:
        """The critic's aims r + gamma Q'(s', pi'(s')), (R,); also at the horizon, which only truncates the game."""
        parts = self._split(seen.next_sight)
        action = self.actor.target.action_from(self._actor_target.forward(*parts))
        to_come = self._critic_target.forward(*parts, action.flatten(1))[:, 0]
        return self.config.reward_scale * seen.reward + self.discount * to_come

    def arrays(self) -> Arrays:
        """Everything that later updates depend on, by name, not copied."""
        stored = {name: tensor.numpy() for name, tensor in self._tensors().items()}
        return stored | {f"replay.{name}": array for name, array in self.replay.arrays().items()}

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """The inverse of `arrays`; names, types and shapes have been checked.

        Raises:
            ValueError: A number is out of range, or the buffer's parts do not fit each other.
        """
        set_tensors(self._tensors(), arrays)
        self.replay.restore(section(arrays, "replay"))

    def _tensors(self) -> dict[str, Tensor]:
        parts = {"actor": self.actor.tensors(), "critic": self.critic.tensors()}
        return {f"{name}.{key}": tensor for name, part in parts.items() for key, tensor in part.items()}
