"""DDPG ([Lillicrap2016]): the best response of one trader to what the others play, and its exploration."""

import copy
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from mpgg_agents.errors import TrainingError
from mpgg_agents.fp_ddpg.config import FPDDPGConfig
from mpgg_agents.fp_ddpg.network import MeanNet, OneSight, TraderNet
from mpgg_agents.fp_ddpg.replay import Replay, Transitions
from mpgg_agents.fp_ddpg.scales import market_eyes, market_scales
from mpgg_agents.market_response.episodes import draw_episodes, generator
from mpgg_agents.nash_dqn.features import sub_populations
from mpgg_agents.stored import Arrays, section
from mpgg_env.core.types import IntArray
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.state import MarketState
from mpgg_env.games.market.vector import MarketBatch

# What draws are for: no two of these share any, nor with those of `market_response`.
WEIGHTS: Final = 32
EPISODES: Final = 33
EXPLORATION: Final = 34
REPLAY: Final = 35

AUTHORS_SPREAD: Final = 10.0  # standard deviation of the rates that the authors' exploration draws
FIRST_RATES: Final = 0.1  # what the actor's last layer is multiplied by, so that the first policy hardly trades
NETWORKS: Final = ("actor", "critic", "target_actor", "target_critic")

MarketPolicy = Callable[[MarketState], Tensor]


class DDPG:
    """Actor, critic, their targets and the buffer of one replica.

    Traders with the same costs and penalties are alike: one of each sub-population explores, in episodes of its own,
    and the network, which is told the sub-population, learns all their best responses.

    Args:
        game: Rules of the market.
        config: Hyper-parameters.
        seed: Seed of all random numbers, in [0, 2**64).
        traders: Who explores; None for the first of each sub-population.
    """

    def __init__(self, game: MarketConfig, config: FPDDPGConfig, seed: int, traders: IntArray | None = None) -> None:
        self.game, self.config, self.seed = game, config, seed
        self.scales = market_scales(game, config)
        self.eyes = market_eyes(game, self.scales)
        self.actor, self.critic = new_networks(game, config, seed)
        self.target_actor, self.target_critic = copy.deepcopy(self.actor), copy.deepcopy(self.critic)
        self.optimizers = {"actor": self._optimizer(self.actor), "critic": self._optimizer(self.critic)}
        self.replay = Replay(config.capacity, self.eyes.own, game.n_agents)
        self._batch = MarketBatch(game, torch, dtype=torch.float32)
        first = np.unique(sub_populations(game), return_index=True)[1] if traders is None else traders
        self._traders = torch.from_numpy(np.resize(np.asarray(first, np.int64), config.episodes))

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
        mean_return = self._play(others, round_, progress)
        critic_loss, actor_value = self._learn(round_, progress)
        measures = {
            "critic_loss": critic_loss,
            "actor_value": actor_value,
            "mean_return": mean_return,
            "exploration": self.exploration(progress),
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

    @torch.no_grad()
    def _play(self, others: MarketPolicy, round_: int, progress: float) -> float:
        """Episodes in which one trader explores; they go into the buffer. The mean return of the explorers."""
        game, traders, rows = self.game, self._traders, torch.arange(self.config.episodes)
        draws = draw_episodes(game, self.config.episodes, generator(self.seed, EPISODES, round_))
        noise = self._noise(round_, progress, draws.inventory[rows, traders] * game.init_inv_var**0.5)
        state = self._batch.drawn_state(draws.inventory, draws.price, draws.impact)
        sight, total = self._sight(state), torch.zeros(len(rows))
        for step, shocks in enumerate(draws.shocks):
            rates = others(state).clone()
            rates[rows, traders] = action = self._explored(self.rates_of(self.actor, sight), noise, step)
            state, rewards = self._batch.step(state, rates, shocks)
            reward, following = rewards[rows, traders], self._sight(state)
            self.replay.add(self._transitions(sight, action, reward, following, step + 1 < game.n_steps))
            sight, total = following, total + reward
        return float(total.mean())

    def rates_of(self, actor: TraderNet, sight: OneSight) -> Tensor:
        """Rates (T,) of an actor."""
        return limited(self.config, actor.of(sight)[:, 0] * self.scales.rate)

    def _noise(self, round_: int, progress: float, initial: Tensor) -> tuple[Tensor, Tensor]:
        """Whether a rate is replaced, and by what, or else what is added to it, each (M, B)."""
        draws, shape = generator(self.seed, EXPLORATION, round_), (self.game.n_steps, self.config.episodes)
        normal, level = torch.from_numpy(draws.standard_normal(shape, np.float32)), self.exploration(progress)
        if self.config.exploration == "gaussian":
            return torch.zeros(shape, dtype=torch.bool), level * normal
        replaced = torch.from_numpy(draws.random(shape) < level)
        return replaced, torch.where(replaced, AUTHORS_SPREAD * normal - initial, 0.0)

    def _explored(self, rates: Tensor, noise: tuple[Tensor, Tensor], step: int) -> Tensor:
        replaced, numbers = noise
        return limited(self.config, torch.where(replaced[step], numbers[step], rates + numbers[step]))

    def _sight(self, state: MarketState) -> OneSight:
        own, others = self.eyes.see(state)
        return OneSight(own[torch.arange(len(own)), self._traders], others, self._traders)

    def _transitions(
        self, sight: OneSight, action: Tensor, reward: Tensor, following: OneSight, goes_on: bool
    ) -> Transitions:
        return Transitions(
            *sight,
            action=action[:, None] / self.scales.rate,
            reward=reward[:, None] / self.scales.value,
            next_own=following.own,
            next_others=following.others,
            goes_on=torch.full((len(action), 1), float(goes_on)),
        )

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
        return self.rates_of(actor, sight)[:, None] / self.scales.rate

    def _descend(self, name: str, network: nn.Module, loss: Tensor) -> None:
        parameters = list(network.parameters())
        # Not `backward`: the actor's loss goes through the critic, whose gradients it must not touch.
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            parameter.grad = gradient
        nn.utils.clip_grad_norm_(parameters, self.config.max_gradient_norm)
        self.optimizers[name].step()

    def _optimizer(self, network: nn.Module) -> torch.optim.AdamW:
        return torch.optim.AdamW(
            network.parameters(), self.config.learning_rate, weight_decay=self.config.weight_decay, fused=True
        )

    def start_again(self) -> None:
        """Back to the initial networks; the buffer stays."""
        actor, critic = new_networks(self.game, self.config, self.seed)
        for name, source in zip(NETWORKS, (actor, critic, actor, critic), strict=True):
            getattr(self, name).load_state_dict(source.state_dict())
        self.optimizers = {"actor": self._optimizer(self.actor), "critic": self._optimizer(self.critic)}

    def arrays(self) -> Arrays:
        """Everything that later rounds depend on, by name, not copied."""
        arrays = {f"replay.{name}": array for name, array in self.replay.arrays().items()}
        for network in NETWORKS:
            arrays |= {
                f"{network}.{name}": _numpy(weight) for name, weight in getattr(self, network).named_parameters()
            }
        for name, optimizer in self.optimizers.items():
            arrays |= {f"{name}.adam.{key}": _numpy(tensor) for key, tensor in self._moments(name, optimizer).items()}
        return arrays

    @torch.no_grad()
    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """The inverse of `arrays`; names, types and shapes have been checked.

        Raises:
            ValueError: The buffer's parts do not fit each other.
        """
        self.replay.restore(section(arrays, "replay"))
        for network in NETWORKS:
            for name, weight in getattr(self, network).named_parameters():
                weight.copy_(torch.from_numpy(np.asarray(arrays[f"{network}.{name}"])))
        for name, optimizer in self.optimizers.items():
            for key, tensor in self._moments(name, optimizer).items():
                tensor.copy_(torch.from_numpy(np.asarray(arrays[f"{name}.adam.{key}"])))

    def _moments(self, name: str, optimizer: torch.optim.AdamW) -> dict[str, Tensor]:
        """The state of the optimiser by name, made where there is none yet."""
        moments: dict[str, Tensor] = {}
        for parameter_name, parameter in getattr(self, name).named_parameters():
            state = optimizer.state[parameter]
            if not state:
                state |= {
                    "step": torch.zeros((), dtype=torch.float32),
                    "exp_avg": torch.zeros_like(parameter),
                    "exp_avg_sq": torch.zeros_like(parameter),
                }
            moments |= {f"{part}.{parameter_name}": state[part] for part in ("step", "exp_avg", "exp_avg_sq")}
        return moments


def new_networks(game: MarketConfig, config: FPDDPGConfig, seed: int) -> tuple[TraderNet, TraderNet]:
    """Actor and critic with the initial weights of a seed; the critic's last own feature is the action."""
    draws, group, own = (
        generator(seed, WEIGHTS),
        sub_populations(game),
        market_eyes(game, market_scales(game, config)).own,
    )
    actor, critic = (
        TraderNet(
            group,
            own + actions,
            sees_others=game.observation == "full",
            outputs=1,
            hidden=config.hidden,
            phi=config.phi,
            generator=draws,
        )
        for actions in (0, 1)
    )
    with torch.no_grad():
        for parameter in actor.main.layers[-1].parameters():
            parameter.mul_(FIRST_RATES)
    return actor, critic


def limited(config: FPDDPGConfig, rates: Tensor) -> Tensor:
    """Rates within the limit."""
    return rates if config.rate_limit is None else rates.clamp(-config.rate_limit, config.rate_limit)


class NetPolicy:
    """The policy of all traders that a mean of actors stands for.

    Args:
        game: Rules of the market.
        config: Hyper-parameters.
        mean: The actors.
    """

    def __init__(self, game: MarketConfig, config: FPDDPGConfig, mean: MeanNet) -> None:
        self.config, self.mean, self.scales = config, mean, market_scales(game, config)
        self._eyes = market_eyes(game, self.scales)

    def __call__(self, state: MarketState) -> Tensor:
        """Rates (B, N)."""
        return limited(self.config, self.mean(self._eyes.see(state))[..., 0] * self.scales.rate)


def _numpy(tensor: Tensor) -> np.ndarray[Any, Any]:
    array: np.ndarray[Any, Any] = tensor.detach().numpy()
    return array
