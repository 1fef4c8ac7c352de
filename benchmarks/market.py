"""Episodes of the trading market per minute: arrays of torch in single precision, one thread, and the dictionaries.

Times are those of the processor, not of the clock, so that other programs on the machine do not count.
"""

import time
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.measure import Figure, require
from mpgg_env import MarketBatch, MarketConfig, market_v0

CONFIG = MarketConfig()
SIZES = (256, 4096, 65_536)
BAR = 1.0  # millions of episodes per minute


def played(core: MarketBatch, n_replicas: int, generator: torch.Generator) -> torch.Tensor:
    """Returns (B, N) of whole episodes, all random numbers drawn; everybody sells a third of its inventory per hour."""

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator)

    state = core.drawn_state(draw(n_replicas, CONFIG.n_agents), draw(n_replicas), draw(n_replicas))
    noise, returns = draw(CONFIG.n_steps, n_replicas), torch.zeros(n_replicas, CONFIG.n_agents)
    for step in range(CONFIG.n_steps):
        state, rewards = core.step(state, state.inventory / -3, noise[step])
        returns += rewards
    return returns


def backward(core: MarketBatch, n_replicas: int, generator: torch.Generator) -> torch.Tensor:
    """The same with the gradient of the returns by the rate at which everybody sells."""
    share = torch.tensor(-1 / 3, requires_grad=True)
    state = core.drawn_state(
        *(torch.randn(s, generator=generator) for s in ((n_replicas, 5), (n_replicas,), (n_replicas,)))
    )
    returns = torch.zeros(n_replicas, CONFIG.n_agents)
    for _ in range(CONFIG.n_steps):
        state, rewards = core.step(state, state.inventory * share, torch.randn(n_replicas, generator=generator))
        returns = returns + rewards
    returns.mean().backward()
    require(share.grad is not None and bool(torch.isfinite(share.grad)), "the gradient is finite")
    return returns.detach()


def facade() -> float:
    """Mean return of one episode through the dictionaries."""
    env = market_v0.parallel_env()
    _, infos = env.reset(seed=0)
    total = 0.0
    while env.agents:
        _, rewards, _, _, infos = env.step({agent: info["inventory"] / -3 for agent, info in infos.items()})
        total += sum(rewards.values())
    return total / CONFIG.n_agents


def per_minute(work: Callable[[], object], episodes: int, seconds: float) -> float:
    """Millions of episodes per minute of the processor's time."""
    work()  # warm up
    start, calls = time.process_time(), 0
    while time.process_time() - start < seconds:
        work()
        calls += 1
    return 60e-6 * calls * episodes / (time.process_time() - start)


def run(quick: bool) -> list[Figure]:
    """Millions of episodes per minute, by the number of replicas."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    core, generator = MarketBatch(CONFIG, torch, dtype=torch.float32), torch.Generator().manual_seed(0)
    # An independent estimate of the same mean: the double-precision arrays of numpy.
    require(abs(float(played(core, 65_536, generator).mean()) - _reference()) < 0.05, "the mean return is right")
    repetitions, seconds = (3, 0.5) if quick else (7, 2.0)
    figures = []
    for name, work in (("episodes", played), ("with gradient", backward)):
        for size in SIZES:
            values = tuple(
                per_minute(lambda work=work, size=size: work(core, size, generator), size, seconds)
                for _ in range(repetitions)
            )
            bar = BAR if work is played and size == SIZES[-1] else None
            figures.append(
                Figure(name=f"{name}, B = {size:,}", values=values, unit="M/min", bar=bar, higher_is_better=True)
            )
    values = tuple(per_minute(facade, 1, seconds) for _ in range(repetitions))
    figures.append(Figure(name="dictionaries", values=values, unit="M/min", higher_is_better=True))
    torch.set_num_threads(threads)
    return figures


def _reference() -> float:
    core, rng = MarketBatch(CONFIG), np.random.default_rng(1)
    state = core.drawn_state(rng.normal(size=(100_000, 5)), rng.normal(size=100_000), rng.normal(size=100_000))
    total = np.zeros((100_000, 5))
    for _ in range(CONFIG.n_steps):
        state, rewards = core.step(state, state.inventory / -3, rng.normal(size=100_000))
        total += rewards
    return float(total.mean())
