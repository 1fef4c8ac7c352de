"""Nash-DQN against a loop of the structure of the authors' code, in iterations and in episodes per second, on one core.

The loop plays one episode after the other, one step after the other, on tensors of single numbers; it builds what every
trader sees trader by trader and appends every decision to buffers that grow by concatenation. Both sides have the
authors' networks, losses, optimiser and hyper-parameters (preset "authors"), one value step and one advantage step per
iteration. Times are those of the processor.
"""

import math
import time
from itertools import pairwise

import torch
from torch import Tensor, nn

from benchmarks.measure import Figure, in_turn, ratios, require
from mpgg_agents.nash_dqn.config import NashDQNConfig
from mpgg_agents.nash_dqn.features import authors_scales
from mpgg_agents.nash_dqn.presets import PRESETS
from mpgg_agents.nash_dqn.trainer import NashDQNTrainer
from mpgg_agents.threads import limited_threads
from mpgg_env import MarketConfig

GAME = MarketConfig()
AGENT = NashDQNConfig(**PRESETS["authors"].agent)
EPISODES = 10
LARGE = 256
ITERATION_BAR = 12.0
EPISODE_BAR = 60.0


class OneMarket:
    """One market on tensors of single numbers, stepped with a tensor of the traders' rates."""

    def __init__(self) -> None:
        scales = authors_scales(GAME)
        self.location, self.scale = (
            torch.tensor(part, dtype=torch.float32) for part in (scales.location, scales.spread)
        )
        self.reset()

    def reset(self) -> None:
        """A new episode."""
        self.q = torch.randn(GAME.n_agents) * math.sqrt(GAME.init_inv_var)
        self.q0 = self.q.clone()
        self.price = torch.squeeze(GAME.price_level + torch.randn(1) * math.sqrt(GAME.initial_price_variance))
        self.impact = torch.squeeze(torch.randn(1) * math.sqrt(GAME.initial_impact_variance))
        self.time = torch.tensor(0.0)

    def seen(self) -> Tensor:
        """What every trader sees, (N, 5), trader by trader and number by number."""
        return torch.stack([self._row(i) for i in range(GAME.n_agents)])

    def _row(self, i: int) -> Tensor:
        flow = self.q - self.q0
        mean, sd = self.location, self.scale
        return torch.tensor(
            [
                (GAME.horizon - self.time - mean[0]) / sd[0],
                (self.price - self.impact - mean[1]) / sd[1],
                (self.q[i] - mean[2]) / sd[2],
                (self.impact - mean[3]) / sd[3],
                ((torch.sum(flow) - flow[i]) / (len(flow) - 1) - mean[4]) / sd[4],
            ]
        )

    def step(self, rates: Tensor) -> Tensor:
        """Rewards of one decision, (N,)."""
        dt, total = GAME.dt, torch.sum(rates)
        self.q = self.q + rates * dt
        self.time = self.time + dt
        fundamental = GAME.mean_reversion * (GAME.price_level - self.price) * dt
        fundamental = fundamental + GAME.volatility * math.sqrt(dt) * torch.squeeze(torch.randn(1))
        push = torch.sign(total) * torch.sqrt(torch.abs(total))
        decay = torch.exp(torch.tensor(-GAME.transient_decay * dt)) - 1
        transient = self.impact * decay + GAME.transient_impact * push * dt
        change = fundamental + transient + GAME.permanent_impact * total * dt
        rewards = self.q * change - GAME.transaction_cost * rates**2 * dt
        if self.time >= GAME.horizon:
            rewards = rewards - GAME.terminal_penalty * self.q**2
        self.impact = self.impact + transient
        self.price = torch.clip(self.price + change, min=GAME.price_floor)
        return rewards


def network(outputs: int) -> nn.Sequential:
    """Five hidden layers of 32 with SiLU."""
    widths = [5, *AGENT.hidden]
    layers: list[nn.Module] = []
    for inputs, units in pairwise(widths):
        layers += [nn.Linear(inputs, units), nn.SiLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], outputs))


class Loop:
    """Iterations of the authors' structure."""

    def __init__(self) -> None:
        self.market = OneMarket()
        self.action, self.value, self.slow = network(5), network(1), network(1)
        settings = {"lr": AGENT.learning_rate, "weight_decay": AGENT.weight_decay}
        self.action_optimizer = torch.optim.AdamW(self.action.parameters(), **settings)
        self.value_optimizer = torch.optim.AdamW(self.value.parameters(), **settings)

    def iterate(self) -> float:
        """One iteration; the value loss."""
        buffers = [torch.empty(0) for _ in range(5)]
        for _ in range(EPISODES):
            self.market.reset()
            for step in range(GAME.n_steps):
                rates = self.coefficients(self.market.seen())[:, 4].detach()
                rates = rates + torch.randn(GAME.n_agents) * AGENT.noise
                seen = self.market.seen()  # once more, as the authors do, for the buffers
                rewards = self.market.step(rates)
                following = self.market.seen()
                goes_on = torch.full((GAME.n_agents,), float(step + 1 < GAME.n_steps))
                for k, part in enumerate((seen, following, goes_on[None], rewards[None], rates[None])):
                    buffers[k] = torch.cat([buffers[k], part.detach()], dim=0)
        value_loss = self._step(self.value_optimizer, self.value, buffers, of_value=True)
        self._step(self.action_optimizer, self.action, buffers, of_value=False)
        return value_loss

    def coefficients(self, seen: Tensor) -> Tensor:
        """c1 > 0, c2, c3, psi and mu of every row."""
        raw = self.action(seen)
        return torch.hstack([torch.abs(raw[:, 0]).view(-1, 1), raw[:, 1:]])

    def _step(
        self, optimizer: torch.optim.Optimizer, net: nn.Module, buffers: list[Tensor], *, of_value: bool
    ) -> float:
        seen, following, goes_on, rewards, rates = buffers
        c1, c2, c3, psi, mu = self.coefficients(seen).unbind(1)
        z = rates.view(-1) - mu
        others = self._others(rates) - self._others(mu.view(-1, GAME.n_agents))
        advantage = (
            -c1 * z**2 - c2 * z * torch.sum(others, 1) - c3 * torch.sum(others**2, 1) + psi * torch.sum(others, 1)
        )
        value = self.value(seen).view(-1)
        advantage, value = (advantage.detach(), value) if of_value else (advantage, value.detach())
        earned = goes_on.view(-1) * self.slow(following).detach().view(-1) + rewards.view(-1)
        loss = torch.sum((earned - value - advantage) ** 2) + (AGENT.psi_penalty or 0.0) * torch.sum(psi**2)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), AGENT.max_gradient_norm)
        optimizer.step()
        return float(loss.detach())

    @staticmethod
    def _others(rows: Tensor) -> Tensor:
        """For every trader of every row the entries of the others, (rows N, N - 1)."""
        repeated = rows.repeat_interleave(GAME.n_agents, dim=0)
        own = torch.arange(GAME.n_agents).tile(len(rows))
        mask = torch.ones_like(repeated).scatter_(1, own.unsqueeze(1), 0.0)
        return repeated[mask.bool()].view(-1, GAME.n_agents - 1)


def loop_rate(iterations: int) -> float:
    """Iterations per second of the authors' structure."""
    torch.manual_seed(0)
    loop = Loop()
    loop.iterate()
    start = time.process_time()
    losses = [loop.iterate() for _ in range(iterations)]
    elapsed = time.process_time() - start
    require(all(map(math.isfinite, losses)), "the losses are finite")
    return iterations / elapsed


def trainer_rate(episodes: int, iterations: int) -> float:
    """Iterations per second of our trainer."""
    trainer = NashDQNTrainer(GAME, AGENT.replace(episodes=episodes), [0], snapshots=0)
    trainer.advance(20)
    start = time.process_time()
    record = trainer.advance(iterations)
    elapsed = time.process_time() - start
    require(record.rounds == iterations, "every iteration is recorded")
    return iterations / elapsed


def run(quick: bool) -> list[Figure]:
    """Both sides in turn."""
    repetitions = 3 if quick else 7
    with limited_threads():
        loop, small, large = in_turn(
            {
                "loop": lambda: loop_rate(10 if quick else 40),
                "small": lambda: trainer_rate(EPISODES, 200 if quick else 600),
                "large": lambda: trainer_rate(LARGE, 30 if quick else 100),
            },
            repetitions,
        ).values()
    loop_episodes = tuple(EPISODES * rate for rate in loop)
    large_episodes = tuple(LARGE * rate for rate in large)
    return [
        Figure(name="authors' structure, 10 episodes", values=loop, unit="iterations/s"),
        Figure(name="trainer, 10 episodes", values=small, unit="iterations/s"),
        Figure(
            name="ratio of iterations", values=ratios(small, loop), unit="x", bar=ITERATION_BAR, higher_is_better=True
        ),
        Figure(name="trainer, 256 episodes", values=large_episodes, unit="episodes/s"),
        Figure(
            name="ratio of episodes",
            values=ratios(large_episodes, loop_episodes),
            unit="x",
            bar=EPISODE_BAR,
            higher_is_better=True,
        ),
    ]
