"""One `env.step` of the dictionary interface against building the five dictionaries alone.

Both are timed in one loop, in turn, on the same environment, so that they see the same state, the same memory and
the same moments of the machine.
"""

import statistics
import time
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from benchmarks.measure import Figure, in_turn, ratios, require
from mpgg_env import MPGGConfig, MPGGParallelEnv, MPGGVectorEnv

SIZES = {150: (5, 5), 10_000: (40, 40)}
BAR = 2.0


class Row(Protocol):
    """One replica's arrays after a step."""

    def tolist(self) -> list[Any]:
        """The values as Python objects."""


def build(agents: Sequence[str], observations: Any, rewards: Row, ended: bool, masks: Any, illegal: Row) -> Any:
    """The five dictionaries of a step from ready arrays, and nothing else."""
    return (
        dict(zip(agents, observations, strict=True)),
        dict(zip(agents, rewards.tolist(), strict=True)),
        dict.fromkeys(agents, False),
        dict.fromkeys(agents, ended),
        {
            agent: {"action_mask": mask, "illegal": count}
            for agent, mask, count in zip(agents, masks, illegal.tolist(), strict=True)
        },
    )


class Stand:
    """An environment in mid-episode, with legal actions ready for both phases and the arrays of its last step."""

    def __init__(self, n_agents: int) -> None:
        self.config = MPGGConfig(n_agents=n_agents, grid_shape=SIZES[n_agents], remainder="first", max_cycles=2**31)
        self.env = MPGGParallelEnv(self.config)
        self.env.reset(seed=0)
        self.engine = MPGGVectorEnv(self.config)
        self.engine.reset(seed=0)
        random = np.random.default_rng(0)
        self.rows = {"game": random.integers(2, size=n_agents), "migration": random.integers(5, size=n_agents)}
        self.actions = {
            phase: dict(zip(self.env.possible_agents, row.tolist(), strict=True)) for phase, row in self.rows.items()
        }
        # What a learner that knows no mask sends: in the game phase 60 % of it is illegal.
        self.unmasked = dict(zip(self.env.possible_agents, random.integers(5, size=n_agents).tolist(), strict=True))
        self.masks = self.engine.action_masks()[0]
        self.ready = self.engine.reset(seed=0)[0][0], np.zeros(n_agents), self.masks, np.zeros(n_agents, np.int64)

    def check(self) -> None:
        """Facade and built dictionaries say the same, in both phases."""
        for _ in range(4):
            phase = self.env.phase
            stepped = self.env.step(self.actions[phase])
            observations, rewards, _, truncated, infos = self.engine.step(self.rows[phase][None])
            built = build(
                self.env.possible_agents,
                observations[0],
                rewards[0],
                bool(truncated[0]),
                infos["action_mask"][0],
                infos["illegal"][0],
            )
            np.testing.assert_equal(stepped, built)
            require(any(stepped[1].values()) == (phase == "game"), "the game phase pays, the migration phase does not")

    def step(self) -> float:
        """Seconds of one round of the dictionary interface, per step."""
        return self.round_of(self.actions["game"], self.actions["migration"])

    def unmasked_step(self) -> float:
        """The same with illegal actions among the others."""
        return self.round_of(self.unmasked, self.unmasked)

    def round_of(self, plays: dict[str, int], moves: dict[str, int]) -> float:
        """Seconds of one round, per step."""
        round_before = self.env.round
        start = time.perf_counter()
        self.env.step(plays)
        self.env.step(moves)
        elapsed = time.perf_counter() - start
        require(self.env.round == round_before + 1, "two steps are a round")
        return elapsed / 2

    def build(self) -> float:
        """Seconds of building the dictionaries twice, per time."""
        agents = self.env.possible_agents
        observations, rewards, masks, illegal = self.ready
        start = time.perf_counter()
        build(agents, observations, rewards, False, masks, illegal)
        built = build(agents, observations, rewards, False, masks, illegal)
        elapsed = time.perf_counter() - start
        require(len(built[4]) == self.config.n_agents, "one info per agent")
        return elapsed / 2

    def engine_step(self) -> float:
        """Seconds of one round of the array interface, per step."""
        start = time.perf_counter()
        self.engine.step(self.rows["game"][None])
        self.engine.step(self.rows["migration"][None])
        return (time.perf_counter() - start) / 2


def run(quick: bool) -> list[Figure]:
    """Times per step, and the ratio of the step to the dictionaries alone."""
    figures = []
    for n_agents in SIZES:
        stand = Stand(n_agents)
        stand.check()
        rounds = (60_000 if quick else 300_000) // n_agents
        tasks = {"step": stand.step, "unmasked": stand.unmasked_step, "build": stand.build, "engine": stand.engine_step}

        # The times of single rounds scatter; a repetition is the median of many, taken in turn.
        blocks = [in_turn(tasks, rounds) for _ in range(3 if quick else 7)]
        per_block = {name: tuple(statistics.median(block[name]) for block in blocks) for name in tasks}
        micro = {name: tuple(1e6 * value for value in values) for name, values in per_block.items()}
        label = f"N = {n_agents:,}"
        figures += [
            Figure(name=f"{label}: env.step", values=micro["step"], unit="us"),
            Figure(name=f"{label}: five dicts alone", values=micro["build"], unit="us"),
            Figure(name=f"{label}: env.step, illegal actions", values=micro["unmasked"], unit="us"),
            Figure(name=f"{label}: array engine step", values=micro["engine"], unit="us"),
            Figure(name=f"{label}: env.step / dicts", values=ratios(micro["step"], micro["build"]), unit="x", bar=BAR),
            Figure(
                name=f"{label}: illegal actions / dicts",
                values=ratios(micro["unmasked"], micro["build"]),
                unit="x",
                bar=BAR,
            ),
        ]
    return figures
