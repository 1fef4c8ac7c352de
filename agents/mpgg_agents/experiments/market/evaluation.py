"""Judging the policies that a training kept: distance to the equilibrium, mean return, exploitability."""

from functools import cached_property
from typing import Any, Final

import numpy as np

from mpgg_agents.experiments.life import Evaluation, Tell
from mpgg_agents.experiments.market.distance import relative_distance, visited_states
from mpgg_agents.experiments.market.exact import exact_equilibrium
from mpgg_agents.experiments.market.measures import JUDGEMENTS
from mpgg_agents.experiments.market.settings import MarketExperiment
from mpgg_agents.market_response import PathwiseConfig, exploitability, returns_under
from mpgg_agents.market_response.episodes import MarketPolicy
from mpgg_agents.stored import Arrays
from mpgg_agents.threads import limited_threads
from mpgg_agents.training_record import SNAPSHOT_ROUNDS
from mpgg_env.core.validation import check_integer
from mpgg_env.games.market.state import MarketState

_DONE: Final = "tasks_done"


class PolicyJudgement(Evaluation):
    """One task per seed and kept policy.

    Args:
        experiment: What is run.
        snapshots: The policies kept, as in `TrainingRecord.snapshots`.
        arrays: `state_arrays` of an evaluation that was stopped; empty for none.

    Attributes:
        values: The numbers of `JUDGEMENTS`, (B, kept) each.

    Raises:
        ValueError: The arrays do not fit.
    """

    def __init__(self, experiment: MarketExperiment, snapshots: Arrays, arrays: Arrays) -> None:
        self._experiment, self._snapshots = experiment, snapshots
        shape = snapshots[SNAPSHOT_ROUNDS].shape
        self.tasks, self.steps = int(np.prod(shape)), max(1, experiment.run.response_iterations)
        self.values: Arrays = {name: np.full(shape, np.nan) for name in JUDGEMENTS}
        if arrays:
            self._restore(arrays)

    def advance(self, tell: Tell) -> None:
        """Judges the next policy."""
        with limited_threads():
            replica, kept = divmod(self.tasks_done, int(self.values["gain"].shape[1]))
            found = self._judge(replica, kept, tell)
        for name, number in found.items():
            self.values[name].reshape(-1)[self.tasks_done] = number
        self.tasks_done += 1

    def state_arrays(self) -> Arrays:
        """The numbers so far."""
        return {_DONE: np.array(self.tasks_done, np.int64), **self.values}

    def _restore(self, arrays: Arrays) -> None:
        own = self.state_arrays()
        if {name: (a.dtype, a.shape) for name, a in arrays.items()} != {
            name: (a.dtype, a.shape) for name, a in own.items()
        }:
            raise ValueError("its evaluation is of another run")
        self.tasks_done = check_integer(_DONE, int(arrays[_DONE]), 0, self.tasks)
        self.values = {name: np.array(arrays[name]) for name in JUDGEMENTS}

    def _judge(self, replica: int, kept: int, tell: Tell) -> dict[str, float]:
        game, run, seed = self._experiment.game, self._experiment.run, self._experiment.run.seeds[replica]
        weights = {name: array[replica, kept] for name, array in self._snapshots.items() if name != SNAPSHOT_ROUNDS}
        policy = self._experiment.kind.load_policy(game, self._experiment.agent, weights)
        words = f"seed {seed}, the policy after {self._snapshots[SNAPSHOT_ROUNDS][replica, kept]:,} rounds"
        returns = returns_under(game, policy, run.evaluation_episodes, seed).mean(1)
        found = {
            "distance": self._distance(policy),
            "mean_return": float(returns.mean()),
            "mean_return_error": float(returns.std(ddof=1) / len(returns) ** 0.5),
        }
        if not run.response_iterations:
            tell(1, words)
            return found
        return {**found, **self._gain(policy, seed, lambda step: tell(1, words))}

    def _gain(self, policy: MarketPolicy, seed: int, progress: Any) -> dict[str, float]:
        run = self._experiment.run
        judged = exploitability(
            self._experiment.game,
            policy,
            "pathwise",
            trader=run.response_trader,
            episodes=run.evaluation_episodes,
            seed=seed,
            pathwise=PathwiseConfig(iterations=run.response_iterations),
            progress=progress,
        )
        low, high = judged.interval
        return {
            "gain": judged.gain,
            "gain_low": low,
            "gain_high": high,
            "share": judged.share,
            "share_low": low / judged.value,
            "share_high": high / judged.value,
            "value": judged.value,
        }

    def _distance(self, policy: MarketPolicy) -> float:
        if self._exact is None:
            return float("nan")
        exact, states = self._exact
        return relative_distance(policy, exact, states)

    @cached_property
    def _exact(self) -> tuple[MarketPolicy, list[MarketState]] | None:
        """The equilibrium's policy and states that it visits, the same ones for all policies."""
        game, found = self._experiment.game, exact_equilibrium(self._experiment.game)
        if found is None:
            return None
        return found.profile, visited_states(game, found.profile, self._experiment.run.evaluation_episodes, 0)
