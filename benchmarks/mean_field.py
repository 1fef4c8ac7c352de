"""Steps of the mean-field-type games: many at once against one by one, arrays of numpy, one thread.

Times are those of the processor, not of the clock, so that other programs on the machine do not count. Actions are the
same in every step: nothing is measured but the games.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.measure import Figure, in_turn, ratios, require
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.env import CoalitionParallelEnv
from mpgg_env.games.mean_field.common.state import Arrays
from mpgg_env.games.mean_field.registry import GAMES, config_class

MANY = 1024
# Least ratio of steps per second to those of a loop over the environment.
BARS = {"population_matching": 100.0, "distribution_planning": 100.0, "four_rooms": 15.0}


def points(shapes: Any, size: int) -> Arrays:
    """Points of the boxes, (B, S_i, A_i) for each coalition."""
    rng = np.random.default_rng(1)
    return tuple(rng.random((size, *shape)) for shape in shapes)


def steps_at_once(batch: MeanFieldBatch, size: int, seconds: float) -> float:
    """Steps per second of `size` games at once."""
    state = batch.drawn_state(np.random.default_rng(0), size)
    actions = batch.normalised(points(batch.shapes, size))
    played = [state]

    def step() -> None:
        played[0] = batch.step(played[0], actions)[0]

    rate = per_second(step, seconds) * size
    require(all(abs(mu.sum(1) - 1).max() < 1e-12 for mu in played[0].distributions), "distributions sum to 1")
    return rate


def steps_of_environment(batch: MeanFieldBatch, seconds: float) -> float:
    """Steps per second through the dictionaries."""
    env = CoalitionParallelEnv(batch.config)
    env.max_cycles = 10**9
    env.reset(seed=0)
    actions = dict(zip(env.agents, (action[0] for action in points(batch.shapes, 1)), strict=True))
    return per_second(lambda: env.step(actions), seconds)


def check_agreement(batch: MeanFieldBatch) -> None:
    """Many games at once are as many games one by one."""
    state, actions = batch.drawn_state(np.random.default_rng(2), 40), points(batch.shapes, 40)
    following, rewards = batch.step(state, batch.normalised(actions))
    env = CoalitionParallelEnv(batch.config)
    for k in range(40):
        home = {} if state.context is None else {"home": int(state.context[k])}
        env.reset(options={"mu0": [mu[k] for mu in state.distributions], **home})
        earned = env.step({agent: action[k] for agent, action in zip(env.agents, actions, strict=True)})[1]
        found = [np.abs(mu[k] - nu).max() for mu, nu in zip(following.distributions, env.distributions, strict=True)]
        require(max(found) < 1e-12, "the distributions are the environment's")
        require(np.abs(rewards[k] - list(earned.values())).max() < 1e-10, "the rewards are the environment's")


def per_second(work: Callable[[], object], seconds: float) -> float:
    """Calls per second of the processor's time."""
    for _ in range(3):
        work()
    start, calls = time.process_time(), 0
    while time.process_time() - start < seconds:
        work()
        calls += 1
    return calls / (time.process_time() - start)


def run(quick: bool) -> list[Figure]:
    """Thousands of steps per second, and how many times those of the loops many games at once make."""
    repetitions, seconds = (3, 0.2) if quick else (7, 0.5)
    figures = []
    for game in GAMES:
        batch = MeanFieldBatch(config_class(game)())
        check_agreement(batch)
        measured = in_turn(
            {
                "environment": lambda batch=batch: steps_of_environment(batch, seconds),
                "B = 1": lambda batch=batch: steps_at_once(batch, 1, seconds),
                f"B = {MANY}": lambda batch=batch: steps_at_once(batch, MANY, seconds),
            },
            repetitions,
        )
        for name, rates in measured.items():
            thousands = tuple(rate / 1000 for rate in rates)
            figures.append(Figure(name=f"{game}, {name}", values=thousands, unit="k/s", higher_is_better=True))
        many = measured[f"B = {MANY}"]
        for loop, bar in (("environment", BARS.get(game)), ("B = 1", None)):
            times = ratios(many, measured[loop])
            name = f"{game}, B = {MANY} to {loop}"
            figures.append(Figure(name=name, values=times, unit="x", bar=bar, higher_is_better=True))
    return figures
