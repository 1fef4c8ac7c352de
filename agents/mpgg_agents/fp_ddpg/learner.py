"""DDPG ([Lillicrap2016]): the best response of one trader to what the others play, and its exploration."""

import copy
import math
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from mpgg_agents.errors import TrainingError
from mpgg_agents.fp_ddpg.config import FPDDPGConfig
from mpgg_agents.fp_ddpg.explorer import Explorer
from mpgg_agents.fp_ddpg.network import OneSight, TraderNet
from mpgg_agents.fp_ddpg.policy import limited, new_networks
from mpgg_agents.fp_ddpg.replay import Replay, Transitions
from mpgg_agents.market_response.episodes import MarketPolicy, generator
from mpgg_agents.stored import Arrays, section
from mpgg_agents.tensors import moments_of, set_tensors, start_moments
from mpgg_env.core.types import IntArray
from mpgg_env.games.market.config import MarketConfig

REPLAY: Final = 35  # what these draws are for; no other purpose has this number
NETWORKS: Final = ("actor", "critic", "target_actor", "target_critic")


class DDPG:
    """Actor, critic, their targets and the buffer of one replica.

    Traders with the same costs and penalties are alike: one of each sub-population explores, in episodes of its own,
    and the network, which is told the sub-population, learns all their best responses.

    Args:
        game: Rules of the market.
        config: Hyper-parameters.
        seed: Seed of all random numbers, in [0, 2**64).
        traders: Who explores; None for the first of each sub-population.

    Raises:
        ValueError: There are more of them than episodes in a round.
    """

    def __init__(self, game: MarketConfig, config: FPDDPGConfig, seed: int, traders: IntArray | None = None) -> None:
        self.game, self.config, self.seed = game, config, seed
        self.explorer = Explorer(game, config, seed, traders)
        self.actor, self.critic = new_networks(game, config, seed)
        self.target_actor, self.target_critic = copy.deepcopy(self.actor), copy.deepcopy(self.critic)
        self.optimizers = {"actor": self._optimizer(self.actor), "critic": self._optimizer(self.critic)}
        self.replay = Replay(config.capacity, self.explorer.eyes.own, game.n_agents)

    def iterate(self, others: MarketPolicy, round_: int, progress: float) -> dict[str, float]:
        """One round: episodes, then gradient steps.

        Args:
            others: What the others play, (B, N) rates.
            round_: Number of the round, of which its draws are a function.
            progress: Where the schedules are, in [0, 1).

        Returns:
            critic_loss and actor_value, mean over the gradient steps in units of the scales; mean_return of the
            exploring traders; exploration.

        Raises:
            TrainingError: A number is not finite.
        """
        level = self.exploration(progress)
        seen, mean_return = self.explorer.play(others, partial(self.rates_of, self.actor), round_, level)
        for transitions in seen:
            self.replay.add(transitions)
        critic_loss, actor_value = self._learn(round_, progress)
        measures = {
            "critic_loss": critic_loss,
            "actor_value": actor_value,
            "mean_return": mean_return,
            "exploration": level,
        }
        if not all(map(math.isfinite, measures.values())):
            raise TrainingError(f"the losses or returns of round {round_} are not finite")
        return measures

    def exploration(self, progress: float) -> float:
        """Standard deviation of the noise, or the authors' epsilon."""
        c = self.config
        first, last = (c.noise, c.final_noise) if c.exploration == "gaussian" else (c.epsilon, c.final_epsilon)
        return first + (last - first) * progress

    def learning_rate(self, progress: float) -> float:
        """Step size."""
        c, share = self.config, 0.5 * (1 + math.cos(math.pi * progress))
        return c.learning_rate * (c.final_learning_rate + (1 - c.final_learning_rate) * share)

    def rates_of(self, actor: TraderNet, sight: OneSight) -> Tensor:
        """Rates (T,) of an actor."""
        return limited(self.config, actor.of(sight)[:, 0] * self.explorer.scales.rate)

    def _learn(self, round_: int, progress: float) -> tuple[float, float]:
        """The gradient steps of a round; mean critic loss and mean value that the critic gives to the actor's rates."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = self.learning_rate(progress)
        draws, found = generator(self.seed, REPLAY, round_), torch.zeros(2)
        for _ in range(self.config.gradient_steps):
            found += torch.stack(self._step(self.replay.draw(self.config.batch_size, draws)))
        critic_loss, actor_value = (found / self.config.gradient_steps).tolist()
        return critic_loss, actor_value

    def _step(self, batch: Transitions) -> tuple[Tensor, Tensor]:
        """One step of the critic, one of the actor, and one of their targets."""
        with torch.no_grad():
            to_come = self.target_critic.of(batch.next_sight, self._actions(self.target_actor, batch.next_sight))
            earned = batch.reward + self.config.gamma * batch.goes_on * to_come
        critic_loss = (self.critic.of(batch.sight, batch.action) - earned).square().mean()
        self._descend("critic", self.critic, critic_loss)
        value = self.critic.of(batch.sight, self._actions(self.actor, batch.sight)).mean()
        self._descend("actor", self.actor, -value)
        with torch.no_grad():
            for target, network in ((self.target_actor, self.actor), (self.target_critic, self.critic)):
                torch._foreach_lerp_(list(target.parameters()), list(network.parameters()), self.config.tau)
        return critic_loss.detach(), value.detach()

    def _actions(self, actor: TraderNet, sight: OneSight) -> Tensor:
        """An actor's rates in their unit, (T, 1)."""
        return self.rates_of(actor, sight)[:, None] / self.explorer.scales.rate

    def _descend(self, name: str, network: nn.Module, loss: Tensor) -> None:
        parameters = list(network.parameters())
        # Not `backward`: the actor's loss goes through the critic, whose gradients it must not touch.
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            parameter.grad = gradient
        nn.utils.clip_grad_norm_(parameters, self.config.max_gradient_norm)
        self.optimizers[name].step()

    def _optimizer(self, network: nn.Module) -> torch.optim.AdamW:
        optimizer = torch.optim.AdamW(
            network.parameters(), self.config.learning_rate, weight_decay=self.config.weight_decay, fused=True
        )
        start_moments(optimizer)
        return optimizer

    def start_again(self) -> None:
        """Back to the initial networks; the buffer stays."""
        actor, critic = new_networks(self.game, self.config, self.seed)
        for name, source in zip(NETWORKS, (actor, critic, actor, critic), strict=True):
            getattr(self, name).load_state_dict(source.state_dict())
        self.optimizers = {"actor": self._optimizer(self.actor), "critic": self._optimizer(self.critic)}

    def arrays(self) -> Arrays:
        """Everything that later rounds depend on, by name, not copied."""
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
        """All that gradient steps change, by name."""
        weights = {
            f"{network}.{name}": weight.detach()
            for network in NETWORKS
            for name, weight in getattr(self, network).named_parameters()
        }
        return weights | {
            f"{name}.adam.{key}": tensor
            for name, optimizer in self.optimizers.items()
            for key, tensor in moments_of(optimizer).items()
        }
