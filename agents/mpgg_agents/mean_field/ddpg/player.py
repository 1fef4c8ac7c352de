"""One central player: actor, critic, their targets and its buffer."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

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
        self.policy = NetPolicy(batch, coalition, self.actor.network, config.sight)
        n_states, n_columns = batch.shapes[coalition]
        rows, width = config.capacity, sum(sight_parts(batch, coalition, config.sight))
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
        c, actor, critic = self.config, self.actor, self.critic
        error = critic.network(seen.sight, seen.action) - self.earned(seen)
        loss = error.square().mean()
        critic.descend(loss, c.critic_learning_rate * rate_factor)
        value = critic.network(seen.sight, actor.network(seen.sight)).mean()
        actor.descend(-value, c.actor_learning_rate * rate_factor)
        for part in (actor, critic):
            part.follow(c.tau)
        return torch.stack([loss.detach(), value.detach()])

    @torch.no_grad()
    def earned(self, seen: Transition) -> Tensor:
        """The critic's aims r + gamma Q'(s', pi'(s')), (R,); also at the horizon, which only truncates the game."""
        to_come: Tensor = self.critic.target(seen.next_sight, self.actor.target(seen.next_sight))
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
