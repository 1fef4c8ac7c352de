"""One step of `SB3VecEnv` against one step of the array engine below it, and SuperSuit's environment against both.

All are timed in one loop, in turn, on the same game with the same actions. The environments make what
Stable-Baselines3 demands, a list with one dict per agent among it; the engine's step makes arrays.
"""

import statistics
import time

import numpy as np
import supersuit
from sb3_contrib.common.maskable.utils import get_action_masks
from stable_baselines3.common.vec_env import VecEnv

from benchmarks.measure import Figure, in_turn, ratios, require
from mpgg_env import MPGGConfig, MPGGParallelEnv, MPGGVectorEnv
from mpgg_env.sb3 import SB3VecEnv

N_AGENTS = 150
BAR = 3.0


class Stand:
    """The three environments in mid-episode, in the same state, with legal actions ready for both phases."""

    def __init__(self, n_replicas: int) -> None:
        self.config = MPGGConfig(n_agents=N_AGENTS, max_cycles=2**31)
        self.shape = n_replicas, N_AGENTS
        self.engine = MPGGVectorEnv(self.config, n_replicas)
        self.engine.reset(seed=0)
        self.env = SB3VecEnv(self.config, n_replicas)
        self.env.seed(0)
        self.env.reset()
        single = supersuit.pettingzoo_env_to_vec_env_v1(MPGGParallelEnv(self.config))
        self.supersuit = supersuit.concat_vec_envs_v1(single, n_replicas, base_class="stable_baselines3")
        self.supersuit.venv.reset(seed=0)  # replica b gets the seed b, as in the others
        random = np.random.default_rng(0)
        self.plays = random.integers(2, size=n_replicas * N_AGENTS)
        self.moves = random.integers(5, size=n_replicas * N_AGENTS)

    def check(self) -> None:
        """All three give the same observations and rewards over two rounds."""
        for actions in (self.plays, self.moves) * 2:
            observations, rewards, *_ = self.engine.step(actions.reshape(self.shape))
            for env in (self.env, self.supersuit):
                theirs = env.step(actions)
                np.testing.assert_array_equal(theirs[0], observations.reshape(len(actions), -1))
                np.testing.assert_array_equal(theirs[1], rewards.reshape(-1).astype(np.float32))
                require(not theirs[2].any() and len(theirs[3]) == len(actions), "nobody ends, an info for everybody")

    def engine_step(self) -> float:
        """Seconds of one round of the array engine, per step."""
        plays, moves = self.plays.reshape(self.shape), self.moves.reshape(self.shape)
        start = time.perf_counter()
        self.engine.step(plays)
        self.engine.step(moves)
        return (time.perf_counter() - start) / 2

    def env_step(self) -> float:
        """The same of `SB3VecEnv`."""
        return self.round_of(self.env)

    def masked_step(self) -> float:
        """The same with the masks, asked for as `MaskablePPO` does."""
        start = time.perf_counter()
        get_action_masks(self.env)
        self.env.step(self.plays)
        masks = get_action_masks(self.env)
        self.env.step(self.moves)
        elapsed = time.perf_counter() - start
        require(masks.shape == (len(self.moves), 5), "a mask for everybody")
        return elapsed / 2

    def supersuit_step(self) -> float:
        """The same of SuperSuit's environment."""
        return self.round_of(self.supersuit)

    def round_of(self, env: VecEnv) -> float:
        """Seconds of one round, per step."""
        start = time.perf_counter()
        _, paid, _, _ = env.step(self.plays)
        env.step(self.moves)
        elapsed = time.perf_counter() - start
        require(bool(paid.any()), "the game phase pays")
        return elapsed / 2


def run(quick: bool) -> list[Figure]:
    """Times per step, and their ratios."""
    figures = []
    for n_replicas in (1, 16):
        stand = Stand(n_replicas)
        stand.check()
        tasks = {"engine": stand.engine_step, "env": stand.env_step, "masked": stand.masked_step}
        tasks["supersuit"] = stand.supersuit_step
        rounds = (400 if quick else 2000) // n_replicas
        # The times of single rounds scatter; a repetition is the median of many, taken in turn.
        blocks = [in_turn(tasks, rounds) for _ in range(3 if quick else 7)]
        times = {name: tuple(1e6 * statistics.median(block[name]) for block in blocks) for name in tasks}
        label = f"N = {N_AGENTS}, B = {n_replicas}"
        figures += [
            Figure(name=f"{label}: array engine step", values=times["engine"], unit="us"),
            Figure(name=f"{label}: SB3VecEnv.step", values=times["env"], unit="us"),
            Figure(name=f"{label}: step and action masks", values=times["masked"], unit="us"),
            Figure(name=f"{label}: SuperSuit step", values=times["supersuit"], unit="us"),
            Figure(
                name=f"{label}: SB3VecEnv / engine", values=ratios(times["env"], times["engine"]), unit="x", bar=BAR
            ),
            Figure(name=f"{label}: step and masks / engine", values=ratios(times["masked"], times["engine"]), unit="x"),
            Figure(name=f"{label}: SuperSuit / SB3VecEnv", values=ratios(times["supersuit"], times["env"]), unit="x"),
        ]
    return figures
