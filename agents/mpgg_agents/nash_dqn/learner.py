"""One learner: its losses and its steps ([Casgrain2022] section 5)."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mpgg_agents.market_response.episodes import draw_episodes, generator
from mpgg_agents.nash_dqn import advantage as lq
from mpgg_agents.nash_dqn.config import NashDQNConfig
from mpgg_agents.nash_dqn.episodes import EPISODES, REPLAY, Player, Transitions, draw_exploration
from mpgg_agents.nash_dqn.policy import NashPolicy, Networks, eyes_of, scales_of
from mpgg_agents.nash_dqn.replay import Replay
from mpgg_agents.nash_dqn.rescue import Rescue
from mpgg_agents.seed_trainer import Replica
from mpgg_agents.stored import Arrays, section
from mpgg_agents.tensors import moments_of, set_tensors, set_weights, start_moments, weights_of
from mpgg_env.games.market.config import MarketConfig


class Learner(Replica):
    """One replica of Nash-DQN.

    Args:
        game: Rules of the market.
        config: Hyper-parameters.
        seed: Seed, in [0, 2**64).
    """

    def __init__(self, game: MarketConfig, config: NashDQNConfig, seed: int) -> None:
        self.game, self.config, self.seed = game, config, seed
        self.scales = scales_of(game, config)
        self.eyes = eyes_of(game, config, self.scales)
        self.player = Player(game, self.eyes)
        self.networks = Networks(game, config, self.eyes, seed)
        copies = Networks(game, config, self.eyes, seed).requires_grad_(False)
        self.target, self.kept = copies.value, copies.advantage
        self.value_optimizer = self._optimizer(self.networks.value)
        self.advantage_optimizer = self._optimizer(self.networks.advantage)
        self.replay = None
        if config.data == "replay":
            self.replay = Replay(config.capacity, self.eyes.width, game.n_agents)
        self.exploring = exploring(game, config)
        self.beta = psi_penalty(game, config)
        self.episodes = episodes_per_iteration(game, config)
        self.rounds_done, self.smoothed_loss, self.lowest_loss = 0, math.inf, math.inf
        self.rescue = Rescue(self._tensors())

    def _optimizer(self, network: nn.Module) -> torch.optim.AdamW:
        c = self.config
        optimizer = torch.optim.AdamW(
            network.parameters(), c.learning_rate, (0.9, c.beta_2), weight_decay=c.weight_decay, fused=True
        )
        start_moments(optimizer)
        return optimizer

    @property
    def exploration(self) -> float:
        """Standard deviation of the exploration noise in the next round, in units of the rate."""
        return self._between(self.config.noise, self.config.final_noise)

    @property
    def trace(self) -> float:
        """Weight lambda of what followed against what was expected, in the next round."""
        return self._between(*traces(self.game, self.config))

    def _between(self, first: float, last: float) -> float:
        return first + (last - first) * self.rounds_done / self.config.iterations

    @property
    def learning_rate(self) -> float:
        """Step size in the next round."""
        c = self.config
        cosine = 0.5 * (1 + math.cos(math.pi * self.rounds_done / c.iterations))
        warm = min(1.0, (self.rounds_done + 1) / max(c.warm_up, 1))
        return (
            c.learning_rate
            * warm
            * self.rescue.step_share
            * (c.final_learning_rate + (1 - c.final_learning_rate) * cosine)
        )

    @property
    def policy(self) -> NashPolicy:
        """The policy that comes out: rates (B, N) from a state of torch's tensors."""
        return NashPolicy(self.kept, self.eyes, self.scales.rate)

    def iterate(self) -> dict[str, float]:
        """One round: episodes, a value step, an advantage step. Losses, exploration and mean return.

        Raises:
            TrainingError: The training ran away, from wherever it went on.
        """
        draws = generator(self.seed, EPISODES, self.rounds_done)
        exploration = self.exploration
        episodes = draw_episodes(self.game, self.episodes, draws)
        noise = exploration * draw_exploration(self.game, self.episodes, self.exploring, draws)
        greedy = NashPolicy(self.networks.advantage, self.eyes, self.scales.rate)
        seen, mean_return = self.player.play(greedy.of_sight, episodes, noise)
        losses = self._learn(self._data(seen))
        self.rounds_done += 1
        if self.rounds_done % self.config.target_every == 0:
            set_weights(self.target, weights_of(self.networks.value))
        self._keep(sum(losses.values()))
        self.rescue.watch(self.smoothed_loss, self.lowest_loss, self.rounds_done)
        if self.rescue.is_lost(self.smoothed_loss, self.lowest_loss):
            self._go_back()
        return {**losses, "mean_return": mean_return, "exploration": exploration, "rescues": self.rescue.count}

    def _go_back(self) -> None:
        self.rescue.go_back(self.rounds_done)
        self.smoothed_loss = self.rescue.smoothed_loss
        if self.replay is not None:
            self.replay.clear()  # what was seen on the way out is far out

    def _data(self, seen: Transitions) -> Transitions:
        """What this round learns from."""
        if self.replay is None:
            return seen
        self.replay.add(seen)
        return self.replay.draw(len(seen.actions), generator(self.seed, REPLAY, self.rounds_done))

    def _learn(self, data: Transitions) -> dict[str, float]:
        for optimizer in (self.value_optimizer, self.advantage_optimizer):
            optimizer.param_groups[0]["lr"] = self.learning_rate
        advantage, slope = self._advantage(data)
        earned = self._earned(data, advantage.detach())
        value_loss = self._reduced((self.networks.value(data.sight)[..., 0] + advantage.detach() - earned) ** 2)
        self._step(self.value_optimizer, self.networks.value, value_loss)
        with torch.no_grad():
            value = self.networks.value(data.sight)[..., 0]
        advantage_loss = self._reduced((value + advantage - earned) ** 2)
        self._step(self.advantage_optimizer, self.networks.advantage, advantage_loss + self._penalty(slope))
        return {"value_loss": float(value_loss.detach()), "advantage_loss": float(advantage_loss.detach())}

    @torch.no_grad()
    def _earned(self, data: Transitions, advantage: Tensor) -> Tensor:
        """What was earned and is expected from then on, (T, N): the target y of the regression.

        y = r + gamma ((1 - lambda) V' + lambda (y' - A')), where V' is the target network's value of what comes next.
        Exploration costs A' in the next step, so that y' - A' estimates V' by what followed.
        """
        rewards, trace = data.rewards / self.scales.value, self.trace
        to_come: Tensor = self.target(data.next_sight)[..., 0] * data.goes_on
        if not trace:
            return rewards + self.config.gamma * to_come
        steps = (self.game.n_steps, -1, self.game.n_agents)
        rewards, to_come, cost = rewards.view(steps), to_come.view(steps), advantage.view(steps)
        earned = [rewards[-1]]
        for step in range(self.game.n_steps - 2, -1, -1):
            following = (1 - trace) * to_come[step] + trace * (earned[0] - cost[step + 1])
            earned.insert(0, rewards[step] + self.config.gamma * following)
        return torch.cat(earned)

    def _advantage(self, data: Transitions) -> tuple[Tensor, Tensor]:
        """The advantage of what was done, (T, N), and its coefficients psi."""
        coefficients = self.networks.coefficients(data.sight)
        # Deviations are of the size of the noise: in this unit curvatures are of order one.
        unit = self.config.noise
        coefficients = coefficients._replace(action=coefficients.action * (self.scales.rate / unit))
        return lq.value(coefficients, (data.actions / unit)[..., None], self.networks.membership), coefficients.slope

    def _penalty(self, slope: Tensor) -> Tensor:
        """The penalty on psi in the units of the loss ([Casgrain2022] eq. 23); it acts on the advantage alone."""
        unit = self.config.noise
        if self.config.penalty == "l2":
            return self._reduced(slope**2) * (self.beta / unit**2)
        return self._reduced(slope.abs()) * (self.beta / (unit * self.scales.value))

    def _reduced(self, values: Tensor) -> Tensor:
        return values.mean() if self.config.reduction == "mean" else values.sum()

    def _step(self, optimizer: torch.optim.Optimizer, network: nn.Module, loss: Tensor) -> None:
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), self.config.max_gradient_norm)
        optimizer.step()

    @torch.no_grad()
    def _keep(self, loss: float) -> None:
        """Updates the weights that come out."""
        past = self.config.averaging if self.rounds_done > 1 else 0.0
        self.smoothed_loss = loss if self.rounds_done == 1 else past * self.smoothed_loss + (1 - past) * loss
        online: list[Tensor] = list(self.networks.advantage.parameters())
        kept: list[Tensor] = list(self.kept.parameters())
        if self.config.returned == "average":
            torch._foreach_lerp_(kept, online, 1 - past)
        elif self.config.returned == "last" or self.smoothed_loss <= self.lowest_loss:
            torch._foreach_copy_(kept, online)
        self.lowest_loss = min(self.lowest_loss, self.smoothed_loss)

    def learned(self) -> Arrays:
        """The weights of the advantage network that comes out, by name, copied."""
        return {name: array.copy() for name, array in weights_of(self.kept).items()}

    def arrays(self) -> Arrays:
        """Everything that the rest of the training depends on, by name."""
        arrays: Arrays = {
            "round": np.array(self.rounds_done, np.int64),
            "losses": np.array([self.smoothed_loss, self.lowest_loss]),
            **{name: tensor.numpy() for name, tensor in self._tensors().items()},
            **{f"rescue.{name}": array for name, array in self.rescue.arrays().items()},
        }
        if self.replay is not None:
            arrays |= {f"replay.{name}": array for name, array in self.replay.arrays().items()}
        return arrays

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """The inverse of `arrays`; names, types and shapes have been checked.

        Raises:
            ValueError: A number is out of range.
        """
        smoothed, lowest = map(float, arrays["losses"])
        if not 0 <= lowest <= smoothed:
            raise ValueError(f"losses must be a smoothed one and its lowest so far, >= 0, got {smoothed} and {lowest}")
        set_tensors(self._tensors(), arrays)
        self.rescue.restore(section(arrays, "rescue"))
        if self.replay is not None:
            self.replay.restore(section(arrays, "replay"))
        self.rounds_done, self.smoothed_loss, self.lowest_loss = int(arrays["round"]), smoothed, lowest

    def _tensors(self) -> dict[str, Tensor]:
        """All that learning changes, by name."""
        networks = {
            "value": self.networks.value,
            "advantage": self.networks.advantage,
            "target": self.target,
            "kept": self.kept,
        }
        optimizers = {"value": self.value_optimizer, "advantage": self.advantage_optimizer}
        weights = {
            f"{part}.{name}": parameter.detach()
            for part, network in networks.items()
            for name, parameter in network.named_parameters()
        }
        return weights | {
            f"{part}_moments.{name}": tensor
            for part, optimizer in optimizers.items()
            for name, tensor in moments_of(optimizer).items()
        }


def psi_penalty(game: MarketConfig, config: NashDQNConfig) -> float:
    """Weight of the penalty on psi: as asked for, or 50 where a trader does not see the whole state, else 0."""
    if config.psi_penalty is not None:
        return config.psi_penalty
    return 50.0 if game.observation == "paper" else 0.0


def traces(game: MarketConfig, config: NashDQNConfig) -> tuple[float, float]:
    """Weight lambda in the first and in the last iteration: as asked for, or by what traders see.

    Where they see everything, one-step learning would do, but for the beginning: as long as nobody expects the costs at
    the horizon, buying what one holds seems to pay, since it moves the price, and all drive each other to ever larger
    inventories.
    """
    default = (1.0, 1.0) if game.observation == "paper" else (0.9, 0.0)
    if config.data == "replay":
        default = (0.0, 0.0)
    first = default[0] if config.trace is None else config.trace
    return first, default[1] if config.final_trace is None else config.final_trace


def exploring(game: MarketConfig, config: NashDQNConfig) -> float:
    """Share of decisions that explore: as asked for; else 0.1 under observation paper, else 1."""
    if config.exploring is not None:
        return config.exploring
    return 0.1 if game.observation == "paper" else 1.0


def episodes_per_iteration(game: MarketConfig, config: NashDQNConfig) -> int:
    """Episodes per iteration: as asked for, or 320 / N, so that a batch has as many decisions for every N."""
    return max(8, round(320 / game.n_agents)) if config.episodes is None else config.episodes
